"""A census as text, what nobody has classified first, and as the values of its contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matrix.flows.kernels_census import Census, CensusRow
from matrix.render.json import Json
from matrix.render.quantities import counted
from matrix.render.text import hanging
from matrix.schema.values import ALIAS_ANSWERS


def census_text(found: Sequence[Census]) -> str:
    """Return every census, a paragraph a place."""
    return "\n".join(line for one in found for line in _lines(one)) + "\n"


def census_document(found: Sequence[Census]) -> dict[str, Json]:
    """Return every census as one document (`matrix/census/1`); a place nobody knows has null."""
    return {
        "schema": "matrix/census/1",
        "censuses": [
            {
                "capability": one.capability,
                "version": one.version,
                "places": [_row(row) for row in one.rows],
                "not_classified": sum(row.known is None for row in one.rows),
                "gone": [
                    {"path": place.path, "function": place.function, "use": place.use}
                    for place in one.gone
                ],
                "absent": list(one.absent),
            }
            for one in found
        ],
    }


def _row(row: CensusRow) -> dict[str, Json]:
    use, known = row.use, row.known
    return {
        "path": use.path,
        "lines": list(use.lines),
        "function": use.function,
        "use": use.use,
        "chain": list(use.chain),
        "answer": known.answer if known else None,
        "operation": known.operation if known else None,
        "because": known.because if known else None,
        "source": known.source if known else None,
    }


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
