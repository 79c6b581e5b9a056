"""Open rows of a draft that another profile has as the tree's C says.

A parameter or a variable that is another one in this release than in the neighbour may be the one
of a third release: its row is compared with the tree as a profile's is, wherever its lines are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.kernel.source.truth.citations import (
    Citation,
    citations,
    find_anywhere,
    spell_citation,
)
from matrix.kernel.source.truth.edits import move_citations
from matrix.kernel.source.truth.kstrtobool import Prefixes, with_prefixes
from matrix.kernel.source.truth.profile_rows import ForeignRow, Other, rows, said_by
from matrix.kernel.source.truth.tree import KernelTree

_SECTIONS = {"parameter": "parameters", "variable": "variables"}


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
) -> Iterator[ForeignRow]:
    """Yield for an open parameter or variable the row of another profile that the tree shows.

    None is taken where two that are shown differ, nor where one that differs is not refuted by the
    tree with each of its parsers that the shown one lacks: nobody has looked for those. `mine` is
    the neighbour with the draft's text; `read` what kstrtobool() takes in this tree; `compare`
    holds rows of a profile to it.
    """
    asked = {what for what in opened if what.partition(" ")[0] in _SECTIONS}
    compared = [(other, compare(other, asked)) for other in (mine, *others)] if asked else []
    for what in sorted(asked):
        kind, _, name = what.partition(" ")
        blocks = [
            (_block(_SECTIONS[kind], name, other.text, read), found) for other, found in compared
        ]
        shown = [row for row in blocks if row[0] and what in row[1].shown]
        if not shown or len({said_by(block) for block, _ in shown}) > 1:
            continue
        block, found = shown[0]
        differing = [row for row in blocks if row[0] and said_by(row[0]) != said_by(block)]
        if all(_refuted(what, row[0], block, row[1]) for row in differing):
            moved = move_citations(block, found.moves)
            yield ForeignRow(section=_SECTIONS[kind], name=name, text=moved, open=())


def _block(section: str, name: str, text: str, read: Prefixes | None) -> str:
    text = text if read is None else with_prefixes(text, read)
    return dict(rows(text, section)).get(name, "")


def _refuted(what: str, block: str, right: str, found: Compared) -> bool:
    """Tell whether the tree refutes a row, and each parser that the right one has not."""
    parsers, known = block.count("stream:"), right.count("stream:")
    beyond = {f"{what} #{number}" for number in range(known + 1, parsers + 1)}
    names = {what, *(f"{what} #{number}" for number in range(2, parsers + 1))}
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
