"""A document as reStructuredText, as the kernel's `Documentation/` has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from matrix.render.document import (
    CODE_IN_PROSE,
    NO_BREAK,
    Block,
    Code,
    Definitions,
    Document,
    Inline,
    Item,
    List,
    Paragraph,
    Section,
    Table,
    as_table,
    item_parts,
    runs,
)
from matrix.render.markdown import plain, visible

# The kernel's order of underlines: Documentation/doc-guide/sphinx.rst.
_UNDERLINES = "=-~^"
# What opens inline markup, and what makes a line a list, a directive or a section.
_MARKUP = re.compile(r"[\\`*|]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_")
_LINE_START = re.compile(r"(?![\\`]|\*\*)(?:[!-/:-@\[-^{-~•\u2023\u2043]|\w+[.)](?=\s|$))")
# What makes a literal block of what follows.
_LINE_END = re.compile(r"(?<=:):$")


def write(document: Document) -> str:
    """Return a document as reStructuredText."""
    parts = [*map(_paragraph, document.lead), _titled(document.title, _UNDERLINES[0])]
    return "\n\n".join([*parts, fragment(document.blocks)]) + "\n"


def fragment(blocks: Iterable[Block]) -> str:
    """Return blocks as they stand in a document."""
    return "\n\n".join(part for block in blocks for part in _parts(block, 1))


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
        case List(items=items, ordered=ordered):
            yield "\n".join(_items(items, "", ordered=ordered))
        case Definitions():
            yield _table(as_table(block))
        case Section(title=title, blocks=blocks):
            if title:
                yield _titled(title, _UNDERLINES[min(level, len(_UNDERLINES) - 1)])
            for item in blocks:
                yield from _parts(item, level + 1)


def _items(items: Iterable[Inline | Item], indent: str, *, ordered: bool = False) -> Iterator[str]:
    """Yield the lines of a list; one of its own stands between blank lines."""
    for number, item in enumerate(items, start=1):
        text, beneath = item_parts(item)
        mark = f"{number}." if ordered else "-"
        yield f"{indent}{mark} {_paragraph(text)}"
        if beneath:
            yield ""
            yield from _items(beneath, indent + " " * (len(mark) + 1))
            yield ""


def _table(table: Table) -> str:
    """Return a list of rows: unlike a drawn table it needs no widths, and a change is one line."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (table.header, *table.rows):
        for number, cell in enumerate(row):
            lines.append(f"   {'* -' if number == 0 else '  -'} {_paragraph(cell)}".rstrip())
    return "\n".join(lines)


def _titled(title: Inline, underline: str) -> str:
    shown = _paragraph(title)
    return f"{shown}\n{underline * len(shown)}"


def _paragraph(text: Inline) -> str:
    shown = _LINE_END.sub(r"\:", inline(text))
    if set(shown) == {"\\"}:  # a line of one mark is the rule beneath a title
        return f"\\ {shown}"
    return f"\\{shown}" if _LINE_START.match(shown) else shown


def inline(text: Inline) -> str:
    """Return a text with its styles; markup stands between characters that let it begin and end."""
    shown = ""
    styled = False
    for run in runs(text):
        part = re.sub(r"\s+", " ", _visible(run.text.replace(NO_BREAK, " ")))
        if run.style == "code":
            # No literal begins with a backtick, or holds two: there is no escaping in one.
            is_styled = bool(re.match(r"\s*[^\s`](?!.*``)", part))
            part = f"``{part.strip()}``" if is_styled else _escaped(part)
        else:
            is_styled = run.style == "strong" and bool(part.strip())
            # Inside of other markup there is none.
            inner = _escaped(CODE_IN_PROSE.sub(r"\1", part.strip()))
            part = f"**{inner}**" if is_styled else _escaped(part)
        # An escaped space is none, and lets markup begin or end there.
        glue = (
            "\\ "
            if shown
            and (styled or is_styled)
            and not _is_apart(shown, part, closing=styled and not is_styled)
            else ""
        )
        shown += glue + part
        styled = is_styled
    return shown.strip()


def _is_apart(before: str, after: str, *, closing: bool) -> bool:
    """Tell whether markup may end (`closing`) or begin between two texts.

    https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html#inline-markup-recognition-rules
    """
    if before[-1:].isspace() or after[:1].isspace():
        return True
    return closing and after[:1] in _AFTER_MARKUP


_AFTER_MARKUP = frozenset("'\")]}>-/:.,;!?")


def _visible(text: str) -> str:
    inner = plain(text)
    before = " " if text[:1].isspace() else ""
    return f"{before}{inner}{' ' if text[-1:].isspace() and inner else ''}"


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda match: f"\\{match[0]}", text)
