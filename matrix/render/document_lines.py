"""The lines of a Markdown document, told apart: prose, fenced code, indented code.

Takes text, gives `Line` values in order. Lists and quotations are followed as far as it takes to
know where code begins and ends. CommonMark 0.31, sections 2.1 (lines), 4.4 and 4.5 (code), 5.1 and
5.2 (quotations, list items); simpler than these in one thing: within a paragraph, a line that only
goes on with it may be taken to leave its list, or to begin one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, field

from matrix.diagnostics import Location

BYTE_ORDER_MARK = "\ufeff"


class Line(Struct, frozen=True, kw_only=True):
    """One line: `start` is the offset of `text` in the document, `ending` what ends the line.

    A byte order mark belongs to the document, not to its first line.
    """

    number: int
    start: int
    text: str
    ending: str

    def place(self, file: str, column: int, length: int) -> Location:
        """Return a place in this line; `column` counts from 1."""
        return Location(
            file=file, line=self.number, column=column, length=max(1, length), text=self.text
        )


class Place(Struct, frozen=True, kw_only=True):
    """A line with what it is: prose, or code; `fence` is the line that opens its fenced code.

    `is_free` says that nothing but white space stands between the edge of the list it is in and
    the text, and less than four columns of it. The lines of a fence itself are code, too.
    """

    line: Line
    is_code: bool
    is_free: bool
    fence: Line | None = None


class _Fence(Struct, frozen=True, kw_only=True):
    """An open fence: its characters, and the column at which the list it stands in begins."""

    characters: str
    column: int
    quoted: bool
    line: Line

    def is_left_by(self, text: str) -> bool:
        """Tell whether the list or quotation around the fence ends before this line."""
        if self.quoted:
            return re.match(r"[ \t]*>", text) is None
        return bool(text.strip()) and _indent(text) < self.column

    def is_closed_by(self, text: str) -> bool:
        """Tell whether this is a closing fence: the same character, at least as many of it."""
        match = re.fullmatch(r"([ \t>]*)(`{3,}|~{3,})[ \t]*", text)
        if match is None or match[2][0] != self.characters[0]:
            return False
        before = match[1].expandtabs(4)
        near = len(before) <= self.column + 3
        return near and len(match[2]) >= len(self.characters) and (">" in before) == self.quoted


class _Lists(Struct, kw_only=True):
    """The open list items, by the columns at which their contents begin, outermost first."""

    columns: list[int] = field(default_factory=list)
    is_empty: bool = False

    def pass_blank_line(self) -> None:
        """An item with nothing after its mark ends at a blank line; the others go on."""
        if self.is_empty:
            self.columns.pop()
        self.is_empty = False

    def enter(self, text: str) -> tuple[str, bool, bool]:
        """Leave and open items as the line says.

        Returns what follows the last item or quotation mark, whether it opened any, and whether
        a quotation is among them.
        """
        self.is_empty = False
        expanded = text.expandtabs(4)
        while self.columns and _indent(expanded) < self.columns[-1]:
            self.columns.pop()
        position = self.columns[-1] if self.columns else 0
        quoted = opened = False
        while True:
            rest = expanded[position:]
            if quote := _QUOTE.match(rest):
                position, quoted, opened = position + quote.end(), True, True
            elif (item := _ITEM.match(rest)) and not _BREAK.fullmatch(rest):
                opened = True
                position += item.end() + (not rest[item.end() - 1 :].startswith(" "))
                if not quoted:
                    self.is_empty = not expanded[position:].strip()
                    self.columns.append(position)
            else:
                return rest, opened, quoted

    @property
    def column(self) -> int:
        return self.columns[-1] if self.columns else 0


_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_QUOTE = re.compile(r" {0,3}> ?")
# Five spaces after the mark are one space and indented code; a mark alone begins an empty item,
# whose contents begin one column after it.
_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])(?: (?= {4})| {1,4}(?=\S)|(?: |$)(?= *$))")
_BREAK = re.compile(r" {0,3}([-*_])(?: *\1){2,} *")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")


def lines(text: str) -> Iterator[Line]:
    """Return the lines of a document, cut where CommonMark cuts: not at a form feed."""
    start = len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0
    number = 1
    while start < len(text):
        match = _LINE.match(text, start)
        if match is None:  # the pattern matches at every offset
            raise AssertionError(text[start:])
        yield Line(number=number, start=start, text=match[1], ending=match[2])
        start, number = match.end(), number + 1


def places(text: str) -> Iterator[Place]:
    """Return the lines of a document with what each is."""
    lists = _Lists()
    fence: _Fence | None = None
    for line in lines(text):
        if fence is not None and not fence.is_left_by(line.text):
            yield Place(line=line, is_code=True, is_free=False, fence=fence.line)
            if fence.is_closed_by(line.text):
                fence = None
            continue
        fence = None
        # CommonMark 2.1: a line of anything but spaces and tabs, a form feed say, is not blank.
        if not line.text.strip(" \t"):
            lists.pass_blank_line()
            yield Place(line=line, is_code=False, is_free=True)
            continue
        rest, opened, quoted = lists.enter(line.text)
        if match := _FENCE.match(rest):
            column = 0 if quoted else lists.column
            fence = _Fence(characters=match[1], column=column, quoted=quoted, line=line)
            yield Place(line=line, is_code=True, is_free=False, fence=line)
        else:
            yield Place(line=line, is_code=rest.startswith("    "), is_free=not opened)


def _indent(text: str) -> int:
    expanded = text.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))
