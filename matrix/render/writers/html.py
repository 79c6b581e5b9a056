"""A document as HTML: blocks for a page, or a page of its own without scripts or links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from matrix.render.badge import badge_of
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
from matrix.render.markdown import plain, visible

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{border:1px solid;padding:.2rem .5rem;text-align:left}"
    "th.number,td.number{text-align:right}pre{overflow-x:auto}"
)


def write(document: Document) -> str:
    """Return a document as a page."""
    title = inline(document.title)
    body = [
        *(f"<p>{inline(text)}</p>" for text in document.lead),
        f"<h1>{title}</h1>",
        fragment(document.blocks),
    ]
    words = plain("".join(run.text for run in runs(document.title)))
    head = f'<meta charset="utf-8">\n<title>{escape(words)}</title>\n<style>{_STYLE}</style>'
    begin = f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>'
    return "\n".join([begin, *body, "</body>\n</html>\n"])


def fragment(blocks: Iterable[Block]) -> str:
    """Return blocks as they stand in a page."""
    return "\n".join(line for block in blocks for line in _lines(block, 2))


def _lines(block: Block, level: int) -> Iterator[str]:
    match block:
        case Paragraph(badge=Badge() as badge):
            yield f"<p>{badge_of(badge).strip()}</p>"
        case Paragraph(text=text):
            yield f"<p>{inline(text)}</p>"
        case Code(text=text, quoted=quoted):
            lines = "\n".join(map(visible, text.split("\n")))
            shown = f"<pre><code>{escape(lines)}</code></pre>"
            yield f"<blockquote>{shown}</blockquote>" if quoted else shown
        case Table():
            yield from _table(block)
        case List(items=items, ordered=ordered):
            yield from _items(items, "ol" if ordered else "ul")
        case Definitions():
            yield from _lines(as_table(block), level)
        case Section(title=title, blocks=blocks):
            if title:
                yield f"<h{level}>{inline(title)}</h{level}>"
            for item in blocks:
                yield from _lines(item, level + 1)


def _items(items: Iterable[Inline | Item], element: str) -> Iterator[str]:
    yield f"<{element}>"
    for item in items:
        text, beneath = item_parts(item)
        yield f"<li>{inline(text)}{'' if beneath else '</li>'}"
        if beneath:
            yield from (*_items(beneath, "ul"), "</li>")
    yield f"</{element}>"


def _table(table: Table) -> Iterator[str]:
    heads = _cells(table.header, "th", ' scope="col"', table.align)
    yield f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>"
    yield from (f"<tr>{_cells(row, 'td', '', table.align)}</tr>" for row in table.rows)
    yield "</tbody>\n</table>"


def _cells(cells: tuple[Inline, ...], element: str, attributes: str, align: str) -> str:
    return "".join(
        f"<{element}{attributes}{_number(align, index)}>{inline(cell)}</{element}>"
        for index, cell in enumerate(cells)
    )


def _number(align: str, index: int) -> str:
    return ' class="number"' if align[index : index + 1] == "r" else ""


def inline(text: Inline) -> str:
    """Return a text with its styles."""
    return "".join(
        f"<{element}>{shown}</{element}>" if (element := _ELEMENTS[run.style]) else shown
        for run in runs(text)
        for shown in (_shown(run),)
    )


def _shown(run: Run) -> str:
    """Return a run without control characters; a line of a page may break anywhere."""
    if run.style in ("small", "strong"):
        return inline(run.text)
    return escape(visible(re.sub(r"[\r\n\v\f]+", " ", run.text.replace(NO_BREAK, " "))))


_ELEMENTS = {"plain": "", "verdict": "", "code": "code", "strong": "strong", "small": "small"}
