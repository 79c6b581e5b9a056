"""Lines of a CSV whose quotes are closed: a stream that ends with an error where one is not.

It also keeps pyarrow from a row that it could not even refuse: one with a wrong number of fields
and bytes that are no UTF-8, which end its reading of the whole table.

An open quote makes a reader take the following lines for one field, so that hosts vanish without a
word. A line break inside of quotes is one of a person's own column: such a field is no longer than
a value may be, and a comma or the end of the row follows its closing quote, so that the quote that
opens a field of a later row closes nothing.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Protocol

from matrix.diagnostics import InputError, Location

# A quote begins a quoted field at the start of a field only; behind its end, text may follow. What
# has matched is never tried again (`*+`), so the time is linear and no memory is used.
_OF_LINES = rb'"[^"]{0,4096}+(?:""[^"]{0,4096}+){0,64}+"(?=[,\r\n]|\Z)'
_FIELD = rb'(?:"[^"\r\n]*+(?:""[^"\r\n]*+)*+"[^,\r\n]*+|' + _OF_LINES + rb"|[^\",\r\n][^,\r\n]*+|)"
_WHOLE_FIELDS = re.compile(rb"(?:" + _FIELD + rb",)*+")
_WHOLE_LINES = re.compile(rb"(?:(?:" + _FIELD + rb",)*+" + _FIELD + rb"[\r\n])*+")
_ROW = re.compile(rb"(?:" + _FIELD + rb",)*+" + _FIELD + rb"(?:\r\n|[\r\n]|\Z)")
# A row whose quotes are open after so many bytes does not close them.
_LONGEST_OPEN = 1 << 20
_BROKEN = re.compile(rb'(?:(?<=,)|(?<=\n)|(?<![\s\S]))"[^"\r\n]*[\r\n]')
_FEWEST_FIELDS = 3
_ASCII_ONLY = bytes(range(0x80)) + b"?" * 0x80
_HINT = (
    "close it, with a comma or the end of the row behind; a quote inside of a quoted field is "
    "written twice"
)


class Readable(Protocol):
    """Anything with read(), such as a file."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class ClosedQuotes:
    """A source that gives what it reads, row by row looked at; `line` is the next one's number.

    What it keeps is the beginning of one row; a CSV reader gives up at a line of some megabytes.
    """

    closed = False

    def __init__(
        self, source: Readable, file: str, *, line: int = 1, fields: int | None = None
    ) -> None:
        self._source = source
        self._fields = fields
        self._file = file
        self._line = line
        self._held = b""
        self._ready = b""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end.

        Raises:
            InputError: MX1502, a quoted field does not end.
        """
        more = b"-"
        while not self._ready and more:
            more = self._source.read(max(1, size))
            data = self._held + more
            end = self._whole_rows(data, at_end=not more)
            self._line += data.count(b"\n", 0, end)
            self._ready, self._held = self._readable(data[:end]), data[end:]
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def _whole_rows(self, data: bytes, *, at_end: bool) -> int:
        """Return where the last whole row ends, or all there is of a long one without a quote."""
        if b'"' not in data:
            # Counting is much faster than matching.
            end = data.rfind(b"\n") + 1
            return len(data) if at_end or (not end and len(data) > _LONGEST_OPEN) else end
        rows = _WHOLE_LINES.match(data + b"\n" if at_end else data)
        end = rows.end() if rows is not None else 0
        whole = min(end, len(data))
        self._refuse_rows_inside(data[:whole])
        if whole < len(data) and (at_end or len(data) - end > _LONGEST_OPEN):
            raise self._open_quote(data, end)
        return whole

    def _refuse_rows_inside(self, data: bytes) -> None:
        """Refuse a value of several lines one of which has the commas of a whole row.

        Raises:
            InputError: MX1502.
        """
        if self._fields is None or self._fields < _FEWEST_FIELDS:
            return
        start = 0
        for row in _ROW.findall(data):
            if b"\n" in row.rstrip(b"\r\n"):
                lines = (line for field in _fields(row) for line in field.split("\n")[1:])
                if any(line.count(",") >= self._fields - 1 for line in lines):
                    raise self._open_quote(data, start)
            start += len(row)

    def _readable(self, data: bytes) -> bytes:
        """Return the bytes, `?` for those beyond ASCII in rows that will be refused."""
        if self._fields is None or data.isascii():
            return data
        rows = _ROW.findall(data) if b'"' in data else data.splitlines(keepends=True)
        for index, row in enumerate(rows):
            plain = b'"' not in row  # else a comma may stand inside of a field
            if row.isascii() or (plain and row.count(b",") + 1 == self._fields):
                continue
            if len(_fields(row)) != self._fields:
                rows[index] = row.translate(_ASCII_ONLY)
        return b"".join(rows)

    def _open_quote(self, lines: bytes, start: int) -> InputError:
        fields = _WHOLE_FIELDS.match(lines, start)
        # Of a row that is whole, all fields match: the one with the break is meant.
        quote = fields.end() if fields is not None else start
        broken = _BROKEN.search(lines, start, quote)
        quote = broken.start() if broken is not None else quote
        text = lines[start:].splitlines()[0].decode("utf-8", "replace")
        before = lines[start:quote].decode("utf-8", "replace")
        return InputError.of(
            code="MX1502",
            message="this quote is not closed: the hosts of the lines after it would be lost",
            location=Location(
                file=self._file,
                line=self._line + lines.count(b"\n", 0, start),
                column=len(before) + 1,
                text=text,
            ),
            hint=_HINT,
        )


def _fields(row: bytes) -> list[str]:
    text = row.decode("latin-1").rstrip("\r\n")
    return next(csv.reader(io.StringIO(text, newline="")), [])
