"""A document as plain text for the terminal, wrapped to its width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics.width import terminal_width
from matrix.render.columns import align, fitted
from matrix.render.document import (
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
    item_parts,
    runs,
)
from matrix.render.markdown import plain, visible
from matrix.render.text import COLOURED, PLAIN, Palette, hanging

_VERDICTS = {str(word): word for word in Verdict}
# While lines are laid out, the letters of a verdict stand in a plane of private use: there they
# have the width of letters, and are told from the same word elsewhere.
_PLANE = 0xF0000
_MARKED = re.compile("[\U000f0020-\U000f007e]+")

# What a text file is wrapped to.
FILE_WIDTH = 80
# However far in it stands, a text has lines that can be read.
_NARROWEST = 40


def write(document: Document, *, colour: bool = False) -> str:
    """Return a document as text: what leads, the title, and the blocks a blank line apart."""
    palette = COLOURED if colour else PLAIN
    page = Page(palette=palette)
    lines = [line for text in document.lead for line in page.wrapped(text, "", "  ")]
    lines += [*map(palette.title, page.wrapped(document.title, "", "  ")), ""]
    return "\n".join([*lines, page.fragment(document.blocks)]) + "\n"


def fragment(blocks: Iterable[Block], indent: int = 0) -> str:
    """Return blocks as they stand `indent` columns in in a file, which has no terminal's width."""
    return _File(max(FILE_WIDTH - indent, _NARROWEST)).fragment(blocks)


class Page:
    """Blocks as lines of a width, None for the terminal's; `bullet` begins the items of a list.

    Not `tabular`, no answers are laid out in columns.
    """

    bullet = ""
    tabular = True

    def __init__(self, width: int | None = None, palette: Palette = PLAIN) -> None:
        self._width = width
        self._palette = palette

    def fragment(self, blocks: Iterable[Block]) -> str:
        """Return blocks, a blank line apart."""
        return "\n\n".join("\n".join(self.lines(block)) for block in blocks)

    def lines(self, block: Block) -> Iterator[str]:
        """Yield the lines of a block."""
        match block:
            case Paragraph(text=text, indent=indent):
                yield from self.wrapped(text, " " * indent, " " * indent)
            case Code():
                yield from _code(block)
            case Table():
                yield from self._table(block)
            case List(items=items, indent=indent, ordered=ordered):
                yield from self._items(items, indent, ordered=ordered)
            case Definitions():
                yield from self._definitions(block)
            case Section(title=title, blocks=blocks):
                yield from map(self._palette.title, self.wrapped(title, "", "") if title else ())
                for inner in blocks:
                    yield from self.lines(inner)

    def _items(
        self, items: Iterable[Inline | Item], indent: int, *, ordered: bool = False
    ) -> Iterator[str]:
        for number, item in enumerate(items, start=1):
            text, beneath = item_parts(item)
            mark = f"{number}. " if ordered else self.bullet
            rest = " " * (indent + (len(mark) if ordered else 2))
            yield from self.wrapped(text, " " * indent + mark, rest)
            yield from self._items(beneath, indent + 2)

    def _definitions(self, block: Definitions) -> Iterator[str]:
        width = max([block.width, *(len(item.term) for item in block.items)])
        for item in block.items:
            term = item.term.rjust(width) if block.align == "r" else item.term.ljust(width)
            head = f"{' ' * block.indent}{term}  "
            beneath = " " * len(head)
            yield from self.wrapped(item.text, head, beneath)
            for note in item.notes:
                yield from self.wrapped(note, beneath, beneath)

    def _table(self, table: Table) -> Iterator[str]:
        """Yield a table in columns, those of numbers flush right."""
        header, *rows = (
            [plain(_marked(cell)) for cell in row] for row in (table.header, *table.rows)
        )
        room = self._width or terminal_width()
        if table.answers and not (self.tabular and fitted([header, *rows], room)):
            laid = "\n".join(line for row in rows for line in _answers(header, row, room))
        else:
            laid = align(header, rows, right=table.align, width=room)
        yield from _MARKED.sub(self._coloured, laid).splitlines()

    def _coloured(self, match: re.Match[str]) -> str:
        word = "".join(chr(ord(letter) - _PLANE) for letter in match[0])
        return self._palette.verdict(_VERDICTS[word]) if word in _VERDICTS else match[0]

    def wrapped(self, text: Inline, first: str, rest: str) -> list[str]:
        """Return a text cut at its spaces, with what stands before its first and other lines."""
        lines = hanging(self.inline(text), first, rest, width=self._width)
        return [line.replace(NO_BREAK, " ") for line in lines]

    def inline(self, text: Inline) -> str:
        """Return a text without its styles; a sentence keeps its backticks."""
        return inline_text(text)


class _File(Page):
    bullet = "- "

    def inline(self, text: Inline) -> str:
        return "".join(run.text for run in runs(text))


def _answers(header: Sequence[str], row: Sequence[str], room: int) -> Iterator[str]:
    """Yield a row for which no table has room: each answer once, with its columns."""
    yield from hanging(row[0], "", "  ", width=room)
    columns: dict[str, list[str]] = {}
    for title, answer in zip(header[1:], row[1:], strict=True):
        columns.setdefault(answer, []).append(title)
    for answer, titles in columns.items():
        where = "; ".join(titles) if len(columns) > 1 else "all columns"
        yield from hanging(f"{answer}: {where}", "  ", "    ", width=room)


def _code(block: Code) -> Iterator[str]:
    mark = "> " if block.quoted else " " * block.indent
    for line in block.text.rstrip("\n").split("\n"):
        # An empty line has no mark's space; a blank one may be the context of a diff.
        yield f"{mark}{visible(line)}" if line else mark.rstrip()


def _marked(text: Inline) -> str:
    """Return a text in which the verdicts are marked."""
    if isinstance(text, str):
        return text
    return "".join(
        "".join(chr(ord(letter) + _PLANE) for letter in run.text)
        if run.style == "verdict" and run.text in _VERDICTS
        else run.text
        for run in text
    )


def inline_text(text: Inline) -> str:
    """Return a text without its styles; a sentence keeps its backticks."""
    return text if isinstance(text, str) else "".join(run.text for run in text)
