"""A document as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote

from matrix.render import markdown
from matrix.render.badge import badge_of, label_of
from matrix.render.document import (
    NO_BREAK,
    Badge,
    Block,
    Code,
    Definitions,
    Document,
    Inline,
    Item,
    List,
    Paragraph,
    Run,
    Section,
    Table,
    as_table,
    item_parts,
    runs,
)
from matrix.render.markdown import Md


def write(document: Document) -> str:
    """Return a document as Markdown; its title is a heading of the second level."""
    parts = [*map(inline, document.lead), Md(f"## {inline(document.title)}")]
    return "\n\n".join([*parts, fragment(document.blocks)]) + "\n"


def fragment(blocks: Iterable[Block]) -> Md:
    """Return blocks as they stand in a document."""
    return Md("\n\n".join(part for block in blocks for part in _parts(block, "###")))


def _parts(block: Block, heading: str) -> Iterator[Md]:
    match block:
        case Paragraph(badge=Badge() as badge):
            # A reader that drops pictures inside of a document shows the text in its place.
            picture = quote(badge_of(badge).strip(), safe=" /:=")
            label = escape(label_of(badge))
            yield Md(f'<img alt="{label}" src="data:image/svg+xml,{picture}">')
        case Paragraph(text=text):
            yield inline(text)
        case Code(text=text, language=language, quoted=quoted):
            lines = markdown.fenced(text.rstrip("\n"), language)
            yield Md(re.sub("^", "> ", lines, flags=re.MULTILINE)) if quoted else lines
        case Table():
            yield _table(block)
        case List(items=items, ordered=ordered):
            yield Md("\n".join(_items(items, "", ordered=ordered)))
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


def _items(items: Iterable[Inline | Item], indent: str, *, ordered: bool = False) -> Iterator[str]:
    """Yield the lines of a list; four spaces further in is beneath an item for every reader."""
    for number, item in enumerate(items, start=1):
        text, beneath = item_parts(item)
        yield f"{indent}{f'{number}.' if ordered else '-'} {inline(text)}"
        yield from _items(beneath, f"{indent}    ")


def inline(text: Inline) -> Md:
    """Return a text with its styles."""
    if isinstance(text, str):
        return markdown.prose(text.replace(NO_BREAK, " "))
    return Md("".join(map(_run, runs(text))))


def _run(run: Run) -> str:
    text = run.text.replace(NO_BREAK, " ")
    match run.style:
        case "code":
            return markdown.code(text)
        case "strong":
            return f"**{markdown.prose(text)}**"
        case "small":
            return f"<sub>{markdown.prose(text)}</sub>"
        case _:
            return markdown.spaced(text)
