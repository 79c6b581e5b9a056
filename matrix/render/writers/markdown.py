"""A document as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrix.render import markdown
from matrix.render.document import (
    NO_BREAK,
    Block,
    Code,
    Definitions,
    Document,
    Inline,
    List,
    Paragraph,
    Run,
    Section,
    Table,
    as_table,
    runs,
)
from matrix.render.markdown import Md


def write(document: Document) -> str:
    """Return a document as Markdown; its title is a heading of the second level."""
    parts = [*map(inline, document.lead), Md(f"## {inline(document.title)}")]
    parts += [part for block in document.blocks for part in _parts(block, "###")]
    return "\n\n".join(parts) + "\n"


def _parts(block: Block, heading: str) -> Iterator[Md]:
    match block:
        case Paragraph(text=text):
            yield inline(text)
        case Code(text=text, language=language, quoted=quoted):
            lines = markdown.fenced(text.rstrip("\n"), language)
            yield Md(re.sub("^", "> ", lines, flags=re.MULTILINE)) if quoted else lines
        case Table():
            yield _table(block)
        case List(items=items):
            yield Md("\n".join(f"- {inline(item)}" for item in items))
        case Definitions():
            yield _table(as_table(block))
        case Section(title=title, blocks=blocks):
            if title:
                yield Md(f"{heading} {inline(title)}")
            for inner in blocks:
                yield from _parts(inner, f"{heading}#")


def _table(table: Table) -> Md:
    rows = [[*map(inline, row)] for row in table.rows]
    return markdown.table([*map(inline, table.header)], rows, table.align)


def inline(text: Inline) -> Md:
    """Return a text with its styles."""
    if isinstance(text, str):
        return markdown.prose(text.replace(NO_BREAK, " "))
    return Md("".join(map(_run, runs(text))))


def _run(run: Run) -> str:
    text = run.text.replace(NO_BREAK, " ")
    return markdown.code(text) if run.style == "code" else markdown.spaced(text)
