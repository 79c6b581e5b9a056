"""The text of one declaration, decoded, and the places in it: the first step of the YAML layer.

Takes bytes, gives a `SourceText` or the diagnostics why it is none (not UTF-8, binary, a tab).
"""

from __future__ import annotations

import bisect
import re

from matrix.diagnostics import Location
from matrix.schema.reading.problems import Problems

# A place in a long line has so many characters around it, more than any terminal shows.
_LONG, _AROUND = 1000, 200
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class SourceText:
    """A text with its lines: turns an index into file:line:column, all 1-based.

    Lines end at a line feed and nowhere else, as editors count them.
    """

    def __init__(self, *, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        # One string per line: places share it, so that a compiled knowledge stores it once.
        self._lines: dict[int, str] = {}

    def location(self, start: int, end: int | None = None) -> Location:
        """Return the place of the characters from `start` to `end`, cut at the end of the line."""
        start = min(start, len(self.text))
        line = bisect.bisect_right(self._starts, start)
        column = start - self._starts[line - 1]
        shown = self._line(line)
        length = max(1, min((start + 1 if end is None else end) - start, len(shown) - column))
        # Places are kept with their text, thousands of a list in one line too.
        skipped = max(0, column - _AROUND) if len(shown) > _LONG else 0
        if len(shown) > _LONG:
            shown = shown[skipped : column + length + _AROUND]
        return Location(
            file=self.file,
            line=line,
            column=column + 1,
            length=length,
            text=shown,
            skipped=skipped,
        )

    def _line(self, line: int) -> str:
        shown = self._lines.get(line)
        if shown is None:
            start = self._starts[line - 1]
            end = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
            shown = self._lines[line] = self.text[start:end].rstrip("\r")
        return shown


def decode(file: str, data: bytes, problems: Problems) -> SourceText | None:
    """Return the text of a declaration; None with MX0204 or MX0205 where it is not plain UTF-8."""
    if data.startswith(_UTF16_MARKS) or b"\0" in data:
        problems.add(
            "MX0204",
            f"`{file}` is not text: it holds NUL bytes or starts with a UTF-16 mark",
            Location(file=file),
            "a declaration is a YAML text in UTF-8",
        )
        return None
    try:
        source = SourceText(file=file, text=data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        _add_wrong_encoding(file, data, error.start, problems)
        return None
    return None if _has_tabs(source, problems) else source


def _add_wrong_encoding(file: str, data: bytes, index: int, problems: Problems) -> None:
    start = data.rfind(b"\n", 0, index) + 1
    end = data.find(b"\n", index)
    shown = data[start : end if end >= 0 else len(data)].decode("utf-8", "replace").rstrip("\r")
    at = Location(
        file=file,
        line=data.count(b"\n", 0, index) + 1,
        column=len(data[start:index].decode("utf-8", "replace")) + 1,
        text=shown,
    )
    hint = "save the file as UTF-8 (iconv -f latin1 -t utf-8)"
    problems.add("MX0204", f"the byte `0x{data[index]:02x}` is not UTF-8", at, hint)


def _has_tabs(source: SourceText, problems: Problems) -> bool:
    for match in re.finditer(r"\t[^\n]*", source.text):
        if problems.is_full(source.file):
            break
        problems.add(
            "MX0205",
            "a tab (`\\t`) stands here, and YAML counts columns in spaces",
            source.location(match.start()),
            'indent with spaces; inside of a text write "\\t" between double quotes',
        )
    return "\t" in source.text
