"""What two studies have in common and what only one of them has, in sentences and as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from matrix.analyze.space.cell_text import option_text
from matrix.analyze.space.difference import Options, Overlap
from matrix.render.json import Json
from matrix.render.quantities import first_names

# So many options of an axis are named; of more their number is said.
_MAX_NAMED = 6


def differing_questions(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, ...]:
    """Return what differs in what two studies ask: (capability, predicate) of each."""
    words = ("capability", "predicate")
    return tuple(
        f"{word}: {before} → {after}"
        for word, before, after in zip(words, one, other, strict=True)
        if before != after
    )


def overlap_lines(words: tuple[str, str], shared: Overlap) -> tuple[str, ...]:
    """Return the sentences on axes and options that only one study has; none where they agree."""
    one, other = words if words[0] != words[1] else ("the first", "the second")
    lines = [f"cells are matched by {len(shared.common)} axes that both studies have"]
    for word, held in ((one, shared.held_one), (other, shared.held_other)):
        if held:
            listed = ", ".join(f"{axis}={option}" for axis, option in held)
            lines.append(f"axes only of {word}, held at its baseline: {listed}")
    for word, options in ((one, shared.only_one), (other, shared.only_other)):
        if options:
            lines.append(f"options only of {word}, not compared: {_named(options)}")
    if shared.redeclared:
        lines.append(f"options that the studies declare differently: {_named(shared.redeclared)}")
    return tuple(lines)


def _named(options: Options) -> str:
    return "; ".join(
        f"{axis}: {first_names(list(map(option_text, names)), _MAX_NAMED)}"
        for axis, names in options
    )


def overlap_document(shared: Overlap) -> dict[str, Json]:
    """Return what stands in the JSON of a difference of studies besides the changes."""
    return {
        "axes": {
            "common": [axis for axis, _ in shared.common],
            "only_from": dict(shared.held_one),
            "only_to": dict(shared.held_other),
        },
        "options": {
            "only_from": _listed(shared.only_one),
            "only_to": _listed(shared.only_other),
            "declared_differently": _listed(shared.redeclared),
        },
    }


def _listed(options: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, Json]:
    return {axis: list(names) for axis, names in options}
