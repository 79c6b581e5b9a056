"""Plain tables for the terminal: left-aligned columns, two spaces apart; and lists with sources."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.diagnostics.width import terminal_width
from matrix.render.text import hanging, wrapped


def align(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a header and rows with aligned columns; the last column is not padded."""
    lines = [header, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    return "".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def align_wrapped(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return `align`, with the texts of the last column wrapped beneath its title."""
    head, *lines = align(header, [(*row[:-1], "") for row in rows]).splitlines()
    column = head.rindex(header[-1])
    shown = [head]
    for line, row in zip(lines, rows, strict=True):
        shown += wrapped(row[-1], line.ljust(column))
    return "\n".join(shown) + "\n"


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
