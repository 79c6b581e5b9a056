"""Lines of a CSV whose quotes are closed: a stream that ends with an error where one is not.

An open quote makes a reader take the following lines for one field, so that hosts vanish without a
word. No column of a table of hosts holds a line break, so none is allowed inside of quotes.
"""

from __future__ import annotations

import re
from typing import Protocol

from matrix.diagnostics import Diagnostic, InputError, Location

# A quote begins a quoted field at the start of a field only; behind its end, text may follow. What
# has matched is never tried again (`*+`), so the time is linear and no memory is used.
_FIELD = rb'(?:"[^"\r\n]*+(?:""[^"\r\n]*+)*+"[^,\r\n]*+|[^",\r\n][^,\r\n]*+|)'
_WHOLE_FIELDS = re.compile(rb"(?:" + _FIELD + rb",)*+")
_WHOLE_LINES = re.compile(rb"(?:(?:" + _FIELD + rb",)*+" + _FIELD + rb"[\r\n])*+")
_HINT = "close it on its line; a quote inside of a quoted field is written twice"


class Readable(Protocol):
    """Anything with read(), such as a file."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class ClosedQuotes:
    """A source that gives what it reads, line by line looked at; `line` is the next one's number.

    What it keeps is the beginning of one line; a CSV reader gives up at a line of some megabytes.
    """

    closed = False

    def __init__(self, source: Readable, file: str, *, line: int = 1) -> None:
        self._source = source
        self._file = file
        self._line = line
        self._begun = b""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end.

        Raises:
            InputError: MX1502, a quoted field does not end on its line.
        """
        data = self._source.read(size)
        end = data.rfind(b"\n") + 1
        if not data:
            self._check(self._begun + b"\n")
            self._begun = b""
        elif end:
            self._check(self._begun + data[:end])
            self._begun = data[end:]
        else:
            self._begun += data
        return data

    def _check(self, lines: bytes) -> None:
        # without a quote there is nothing to look at; counting is much faster than matching
        whole = _WHOLE_LINES.match(lines) if b'"' in lines else None
        if whole is not None and whole.end() < len(lines):
            raise InputError(self._open_quote(lines, whole.end()))
        self._line += lines.count(b"\n")

    def _open_quote(self, lines: bytes, start: int) -> Diagnostic:
        fields = _WHOLE_FIELDS.match(lines, start)
        quote = fields.end() if fields is not None else start
        text = lines[start:].splitlines()[0].decode("utf-8", "replace")
        before = lines[start:quote].decode("utf-8", "replace")
        return Diagnostic(
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
