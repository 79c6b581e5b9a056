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
    Section,
    Steps,
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


def block_markdown(block: Block) -> Md:
    """Return one block, for a longer document; a section in it has a heading of the third level."""
    return Md("\n\n".join(_parts(block, "###")))


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
        case Steps(steps=steps):
            yield Md("\n".join(_steps(steps)))
        case Section(title=title, blocks=blocks):
            if title:
                yield Md(f"{heading} {inline(title)}")
            for inner in blocks:
                yield from _parts(inner, f"{heading}#")


def _table(table: Table) -> Md:
    rows = [[*map(inline, row)] for row in table.rows]
    return markdown.table([*map(inline, table.header)], rows, table.align)


def _steps(steps: tuple[tuple[Inline, tuple[Inline, ...]], ...]) -> Iterator[str]:
    for number, (step, done) in enumerate(steps, start=1):
        yield f"{number}. {inline(step)}"
        for line in done:
            yield f"   - {inline(line)}"


def inline(text: Inline) -> Md:
    """Return a text with its styles."""
    if isinstance(text, str):
        return markdown.prose(text.replace(NO_BREAK, " "))
    return Md("".join(_run(run.text.replace(NO_BREAK, " "), run.style) for run in runs(text)))


def _run(text: str, style: str) -> str:
    match style:
        case "code":
            return markdown.code(text)
        case "strong":
            return f"**{markdown.escape(text)}**"
        case _:
            return markdown.spaced(text)
