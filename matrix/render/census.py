"""A census as text, what nobody has classified first, and as the values of its contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matrix.flows.kernels_census import Census, CensusRow
from matrix.render.json import Json, fields
from matrix.render.quantities import counted
from matrix.render.text import hanging
from matrix.schema.values import ALIAS_ANSWERS, AliasPages


def census_text(found: Sequence[Census]) -> str:
    """Return every census, a paragraph a place."""
    return "\n".join(line for one in found for line in _lines(one)) + "\n"


def census_document(found: Sequence[Census]) -> dict[str, Json]:
    """Return every census as one document (`matrix/census/1`); a place nobody knows has null."""
    return {
        "schema": "matrix/census/1",
        "censuses": [
            {
                **fields(one, "capability version"),
                "pages": one.there,
                "places": [_row(row) for row in one.rows],
                "not_classified": sum(row.known is None for row in one.rows),
                "gone": [fields(place, "path function use") for place in one.gone],
                "absent": list(one.absent),
                "not_followed": [fields(stop, "function because source") for stop in one.stops],
            }
            for one in found
        ],
    }


# What is said of a place that somebody knows.
_OF_A_PLACE = "answer operation because source"


def _row(row: CensusRow) -> dict[str, Json]:
    use, known = row.use, row.known
    return {
        **fields(use, "path lines function use chain"),
        **(fields(known, _OF_A_PLACE) if known else dict.fromkeys(_OF_A_PLACE.split())),
    }


def _lines(one: Census) -> Iterator[str]:
    title = f"{one.capability}, Linux {one.version}"
    if one.pages is not None and one.there == "none":
        yield from hanging(f"{title}: no {one.pages.name}", "", "  ")
        yield from hanging(_no_pages(one.pages), "  ", "  ")
        return
    yield f"{title}: {counted(len(one.rows), 'place')}"
    if one.pages is not None and one.there == "unknown":
        yield from hanging(_unknown_pages(one.pages), "", "  ")
    yield from _not_classified(one)
    yield from _classified(one)
    yield from _notes(one)


def _not_classified(one: Census) -> Iterator[str]:
    unknown = [row for row in one.rows if row.known is None]
    if unknown:
        yield ""
        yield f"not classified ({len(unknown)}): a page may be used through its kernel address"
    for row in unknown:
        yield from _place(row)
        yield from hanging(f"reached by {' -> '.join(row.use.chain)}", "    ", "      ")


def _classified(one: Census) -> Iterator[str]:
    for answer in ALIAS_ANSWERS:
        known = [(row, row.known) for row in one.rows if row.known and row.known.answer == answer]
        if known:
            yield ""
            yield f"{answer} ({len(known)})"
        for row, place in known:
            yield from _place(row)
            name = f"{place.operation}: " if place.operation else ""
            yield from hanging(f"{name}{place.because} ({place.source})", "    ", "      ")


def _notes(one: Census) -> Iterator[str]:
    if one.stops:
        yield ""
        yield f"not followed ({len(one.stops)}): no such page is used behind these"
        for stop in one.stops:
            said = f"{stop.function}(): {stop.because} ({stop.source})"
            yield from hanging(said, "  ", "    ")
    if one.gone:
        yield ""
        names = dict.fromkeys(f"{place.path} {place.function}()" for place in one.gone)
        yield from hanging(f"declared, and not in this tree: {', '.join(names)}", "", "  ")
    if one.absent:
        yield ""
        text = f"not in the files at hand, so nothing is said behind them: {', '.join(one.absent)}"
        yield from hanging(text, "", "  ")


def _no_pages(pages: AliasPages) -> str:
    return (
        f"Nothing makes such a page: no file looked at defines {_calls(pages)}, and "
        f"{pages.kconfig} has neither {' nor '.join(pages.symbols)}. There is no place to classify."
    )


def _unknown_pages(pages: AliasPages) -> str:
    return (
        f"undecided: no file at hand defines {_calls(pages)}, and {pages.kconfig} does not say "
        f"that this tree has no {pages.name}; give the whole tree"
    )


def _calls(pages: AliasPages) -> str:
    return " or ".join(f"{name}()" for name in pages.functions)


def _place(row: CensusRow) -> Iterator[str]:
    use = row.use
    lines = ", ".join(str(line) for line in use.lines)
    yield from hanging(f"{use.path}:{lines} {use.function}(): {use.use}()", "  ", "    ")
