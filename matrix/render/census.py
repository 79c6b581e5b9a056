"""A census as text: what nobody has classified first, then the places by what is known of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matrix.flows.kernels_census import Census, CensusRow
from matrix.render.quantities import counted
from matrix.render.text import hanging
from matrix.schema.values import ALIAS_ANSWERS


def census_text(found: Sequence[Census]) -> str:
    """Return every census, a paragraph a place."""
    return "\n".join(line for one in found for line in _lines(one)) + "\n"


def _lines(one: Census) -> Iterator[str]:
    unknown = [row for row in one.rows if row.known is None]
    yield f"{one.capability}, Linux {one.version}: {counted(len(one.rows), 'place')}"
    if unknown:
        yield ""
        yield f"not classified ({len(unknown)}): a page may be used through its kernel address"
        for row in unknown:
            yield from _place(row)
            yield from hanging(f"reached by {' -> '.join(row.use.chain)}", "    ", "      ")
    for answer in ALIAS_ANSWERS:
        rows = [row for row in one.rows if row.known is not None and row.known.answer == answer]
        if rows:
            yield ""
            yield f"{answer} ({len(rows)})"
        for row in rows:
            yield from _place(row)
            if row.known is not None:
                name = f"{row.known.operation}: " if row.known.operation else ""
                said = f"{name}{row.known.because} ({row.known.source})"
                yield from hanging(said, "    ", "      ")
    if one.gone:
        yield ""
        names = ", ".join(f"{place.path} {place.function}()" for place in one.gone)
        yield from hanging(f"declared, and not in this tree: {names}", "", "  ")
    if one.absent:
        yield ""
        text = f"not in the files at hand, so nothing is said behind them: {', '.join(one.absent)}"
        yield from hanging(text, "", "  ")


def _place(row: CensusRow) -> Iterator[str]:
    use = row.use
    lines = ", ".join(str(line) for line in use.lines)
    yield from hanging(f"{use.path}:{lines} {use.function}(): {use.use}()", "  ", "    ")
