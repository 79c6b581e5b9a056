"""Open rows of a draft that another profile has as the tree's C says.

A parameter or a variable that is another one in this release than in the neighbour may be the one
of a third release: its row is compared with the tree as a profile's is, wherever its lines are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.kernel.source.truth.citations import (
    Citation,
    citations,
    find_anywhere,
    spell_citation,
)
from matrix.kernel.source.truth.edits import move_citations
from matrix.kernel.source.truth.kstrtobool import Prefixes, with_prefixes
from matrix.kernel.source.truth.profile_rows import Other, Row, row_of, said_by
from matrix.kernel.source.truth.tree import KernelTree

_KINDS = ("parameter", "variable")


class Compared(Struct, frozen=True, kw_only=True):
    """What one profile's rows are in the tree: those that it shows whole, and those it refutes."""

    shown: frozenset[str]
    refuted: frozenset[str]
    moves: Mapping[str, str]


def compared_elsewhere(
    mine: Other,
    opened: Collection[str],
    others: Sequence[Other],
    read: Prefixes | None,
    compare: Callable[[Other, Collection[str]], Compared],
) -> Iterator[Row]:
    """Yield for an open parameter or variable the row of another profile that the tree shows.

    None is taken where two that are shown differ, nor where one that differs is not refuted by the
    tree with each of its parsers that the shown one lacks: nobody has looked for those. `mine` is
    the neighbour with the draft's text; `read` what kstrtobool() takes in this tree; `compare`
    holds rows of a profile to it.
    """
    asked = {what for what in opened if what.partition(" ")[0] in _KINDS}
    compared = [(other, compare(other, asked)) for other in (mine, *others)] if asked else []
    for what in sorted(asked):
        here = [
            (row, found)
            for other, found in compared
            if (row := row_of(_read(other.text, read), what)) is not None
        ]
        shown = [(row, found) for row, found in here if what in found.shown]
        if not shown or len({said_by(row.text) for row, _ in shown}) > 1:
            continue
        right, found = shown[0]
        differing = [pair for pair in here if said_by(pair[0].text) != said_by(right.text)]
        if all(_refuted(row, right, found) for row, found in differing):
            yield replace(right, text=move_citations(right.text, found.moves))


def _read(text: str, read: Prefixes | None) -> str:
    return text if read is None else with_prefixes(text, read)


def _refuted(row: Row, right: Row, found: Compared) -> bool:
    """Tell whether the tree refutes a row, and each parser that the right one has not."""
    parsers, known = row.text.count("stream:"), right.text.count("stream:")
    beyond = {f"{row.what} #{number}" for number in range(known + 1, parsers + 1)}
    names = {row.what, *(f"{row.what} #{number}" for number in range(2, parsers + 1))}
    return beyond <= found.refuted and bool(names & found.refuted)


def places_now(other: Other, asked: Collection[str], tree: KernelTree) -> Mapping[str, str]:
    """Return where the citations of some rows are in the tree, as far as they are anywhere."""
    return {
        citation.text: now
        for citation in citations(other.profile)
        if citation.what.partition(" #")[0] in asked
        and (now := _place(citation, other, tree)) is not None
    }


def _place(citation: Citation, other: Other, tree: KernelTree) -> str | None:
    """Return where a citation is now: its words, else the pieces they stood in; None: nowhere."""
    path, found = find_anywhere(tree, citation, other.evidence)
    if found is None:
        return None
    if found.first is not None and found.last is not None:
        return spell_citation(path, found.first, max(found.first, found.last))
    known = tree.pieces(path)
    parts = [
        known.get(part.piece) if known else None
        for part in other.evidence.places[citation.text].parts
    ]
    here = [piece for piece in parts if piece is not None]
    return spell_citation(path, here[0].line, here[-1].last_line) if here else "unknown"
