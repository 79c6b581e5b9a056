"""A document as reStructuredText, as the kernel's `Documentation/` has it."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    Table,
    as_table,
    runs,
)
from matrix.render.markdown import plain, visible

# The kernel's order of underlines: Documentation/doc-guide/sphinx.rst.
_UNDERLINES = "=-~^"
# What opens inline markup, and what makes a line a list, a directive or a section.
_MARKUP = re.compile(r"[\\`*|]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_")
_LINE_START = re.compile(r"^(?=[-+•=~^#.:>]|\w{1,3}[.)] )")


def write(document: Document) -> str:
    """Return a document as reStructuredText."""
    parts = [*map(_paragraph, document.lead)]
    parts.append(_titled(document.title, _UNDERLINES[0]))
    parts += [part for block in document.blocks for part in _parts(block, 1)]
    return "\n\n".join(parts) + "\n"


def _parts(block: Block, level: int) -> Iterator[str]:
    match block:
        case Paragraph(text=text):
            yield _paragraph(text)
        case Code(text=text, language=language, quoted=quoted):
            mark = "   > " if quoted else "   "
            lines = [f"{mark}{visible(line)}".rstrip() for line in text.rstrip("\n").split("\n")]
            yield "\n".join([f".. code-block:: {language or 'none'}", "", *lines])
        case Table():
            yield _table(block)
        case List(items=items):
            yield "\n".join(f"- {inline(item)}" for item in items)
        case Definitions():
            yield _table(as_table(block))
        case Section(title=title, blocks=blocks):
            if title:
                yield _titled(title, _UNDERLINES[min(level, len(_UNDERLINES) - 1)])
            for item in blocks:
                yield from _parts(item, level + 1)


def _table(table: Table) -> str:
    """Return a list of rows: unlike a drawn table it needs no widths, and a change is one line."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (table.header, *table.rows):
        for number, cell in enumerate(row):
            lines.append(f"   {'* -' if number == 0 else '  -'} {inline(cell)}".rstrip())
    return "\n".join(lines)


def _titled(title: Inline, underline: str) -> str:
    shown = _paragraph(title)
    return f"{shown}\n{underline * len(shown)}"


def _paragraph(text: Inline) -> str:
    shown = inline(text)
    return f"\\{shown}" if _LINE_START.match(shown) else shown


def inline(text: Inline) -> str:
    """Return a text with its styles; markup stands between characters that let it begin and end."""
    shown = ""
    styled = False
    for run in runs(text):
        part = re.sub(r"\s+", " ", _visible(run.text.replace(NO_BREAK, " ")))
        is_styled = run.style == "code" and bool(part.strip())
        part = f"``{part.strip()}``" if is_styled else _escaped(part)
        # An escaped space is none, and lets markup begin or end there.
        glue = "\\ " if shown and (styled or is_styled) and not _is_apart(shown, part) else ""
        shown += glue + part
        styled = is_styled
    return shown.strip()


def _is_apart(before: str, after: str) -> bool:
    return before[-1:].isspace() or after[:1].isspace()


def _visible(text: str) -> str:
    inner = plain(text)
    before = " " if text[:1].isspace() else ""
    return f"{before}{inner}{' ' if text[-1:].isspace() and inner else ''}"


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda match: f"\\{match[0]}", text)
