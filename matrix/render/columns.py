"""Plain tables for the terminal: left-aligned columns, two spaces apart; and lists with sources."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from matrix.diagnostics.width import terminal_width
from matrix.render.markdown import plain
from matrix.render.text import hanging

# Spaces between two columns.
_GAP = 2


def align(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "", width: int = 0
) -> str:
    """Return a header and rows with aligned columns; the last column is not padded.

    `right` has an `r` for each column that is set flush right. What is wider than `width`, else
    than the terminal, has its widest columns wrapped at spaces; where words alone are wider, a row
    is its first cell and beneath it the others, each behind its title.
    """
    lines = [[plain(text) for text in line] for line in (header, *rows)]
    room = width or terminal_width()
    widths = fitted(lines, room)
    if widths is None:
        return "".join(f"{line}\n" for row in lines[1:] for line in _record(lines[0], row, room))
    return "".join(f"{text}\n" for line in lines for text in _row(line, widths, right))


def fitted(lines: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return the widths of the columns, the widest ones cut until all fit; None where none do."""
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    words = [max(len(word) for text in column for word in text.split(" ")) for column in columns]
    room -= _GAP * (len(widths) - 1)
    for cap in range(max(room, 0), 0, -1):
        # No column is narrower than its longest word, which is not cut.
        cut = [min(size, max(cap, word)) for size, word in zip(widths, words, strict=True)]
        if sum(cut) <= room:
            return cut
    return None


def _row(line: Sequence[str], widths: Sequence[int], right: str) -> Iterator[str]:
    cells = [
        hanging(text, "", "", keep=True, width=size) if len(text) > size else [text]
        for text, size in zip(line, widths, strict=True)
    ]
    for parts in itertools.zip_longest(*cells, fillvalue=""):
        padded = [
            part.rjust(size) if right[at : at + 1] == "r" else part.ljust(size)
            for at, (part, size) in enumerate(zip(parts, widths, strict=True))
        ]
        yield (" " * _GAP).join(padded).rstrip()


def _record(header: Sequence[str], row: Sequence[str], room: int) -> list[str]:
    """Return a row for which no table has room."""
    said = "; ".join(f"{title}: {text}" for title, text in zip(header, row, strict=True) if text)
    return hanging(said.removeprefix(f"{header[0]}: "), "", "  ", width=room)


def listed(title: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a title and a list beneath it: name, what is said of it, and its source lines.

    The source, if there is one, stands behind the text where there is room, else beneath.
    """
    lines = [title]
    for name, text, source in rows:
        said = hanging(f"{name}: {text}", "  ", "      ")
        if source and len(said[-1]) + 2 + len(f"({source})") <= terminal_width():
            said[-1] += f"  ({source})"
        elif source:
            said += hanging(f"({source})", "      ", "       ")
        lines += said
    return "\n".join(lines) + "\n"
