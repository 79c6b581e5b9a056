"""Tables that people paste, row by row as CSV: tabs, semicolons, `|` of Markdown, aligned columns.

What `kubectl get nodes -o wide` prints, a spreadsheet of a country with decimal commas, a table of
a wiki. A row is a line; one with an open quote is an error, as a row of CSV is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

from matrix.diagnostics import InputError, Location
from matrix.kernel.fleet.closed_quotes import Readable

_SEPARATORS = (";", "\t")
_ALIGNED = re.compile(r"\S+(?: \S+)*")  # a title or a value may have single blanks
_RULE = re.compile(r"[|:\-\s]+")
_LONGEST_LINE = 1 << 20

Split = Callable[[str], list[str]]


def splits_of(header: str) -> Split | None:
    """Return how the rows under a header are split; None for commas, or for a single column."""
    if header.lstrip().startswith("|"):
        return _split_marked
    if "," in header:
        return None
    for separator in _SEPARATORS:
        if separator in header:
            return lambda line: next(csv.reader([line], delimiter=separator, strict=True), [])
    titles = list(_ALIGNED.finditer(header))
    if len(titles) > 1:
        starts = [title.start() for title in titles]
        return lambda line: _split_aligned(line, starts)
    return None


def _split_marked(line: str) -> list[str]:
    cells = line.strip().removeprefix("|").removesuffix("|").split("|")
    return [] if _RULE.fullmatch(line) else [cell.strip().strip("`") for cell in cells]


def _split_aligned(line: str, starts: list[int]) -> list[str]:
    """Return the values below titles that start at these columns.

    Where every value is there, two blanks part them: a program that prints a page at a time aligns
    each anew, below a header that it does not repeat.
    """
    values = _ALIGNED.findall(line)
    ends = [*starts[1:], len(line)]
    cells = [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    apart = all(line[start - 1 : start] in ("", " ") for start in starts[1:])
    return cells if apart and len(values) < len(starts) else values


class OtherRows:
    """A source that gives the lines of another table as rows of CSV, bounded in memory."""

    closed = False

    def __init__(self, source: Readable, split: Split, file: str) -> None:
        self._source = source
        self._split = split
        self._file = file
        self._line = 1  # the header, which was read before
        self._held = b""
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """Return some rows as bytes of CSV; none at the end.

        Raises:
            InputError: MX1502, a quoted field does not end, or a line is too long to be a row.
        """
        rows = b""
        while not rows and not self._ended:
            more = self._source.read(max(1, size))
            self._ended = not more
            *lines, self._held = (self._held + more).split(b"\n")
            if self._ended:
                lines.append(self._held)
            if len(self._held) > _LONGEST_LINE:
                raise self._wrong(self._held, f"it has more than {_LONGEST_LINE:,} bytes")
            rows = b"".join(map(self._row, lines))
        return rows

    def _row(self, line: bytes) -> bytes:
        self._line += 1
        # Bytes that are no UTF-8 stay as they are: they are a problem of their own field.
        text = line.rstrip(b"\r").decode("utf-8", "surrogateescape")
        try:
            fields = self._split(text)
        except csv.Error:
            raise self._wrong(line, "a quote in it is not closed") from None
        if not any(fields):
            return b""
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow(fields)
        return row.getvalue().encode("utf-8", "surrogateescape")

    def _wrong(self, line: bytes, why: str) -> InputError:
        text = line[:_LONGEST_LINE].decode("utf-8", "replace")
        return InputError.of(
            code="MX1502",
            message=f"this line is no row of the table: {why}",
            location=Location(file=self._file, line=self._line, column=1, text=text),
            hint="a row is a line here; write values of several lines in CSV",
        )
