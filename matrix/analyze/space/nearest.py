"""The nearest supported cells: the least costly change of a cell that makes the capability work.

Takes a study, a cell and the study's verdict regions, gives the changes of least total weight. They
come from the decision diagram, so nothing nearer is overlooked; each one that is shown was answered
again as a concrete cell, by another flow than the one that found it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.analyze.cell.change_costs import ACTS, WEIGHTS
from matrix.analyze.cell.verdict import WORKS, Verdict
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.symbolic import of_kernel, option_groups
from matrix.schema.values import MatrixStudy
from matrix.solve.nearest import Changes, Nearest, nearest_changes
from matrix.solve.space import Region

# As many as a reader compares, and as many options of one axis as fit on two lines.
_MOST_CHANGES = 5
_MOST_OPTIONS = 8
# Before changes of one axis are put together there may be more of them.
_MOST_PATHS = 64


class NearestChange(Struct, frozen=True, kw_only=True):
    """One change that leads to a supported cell: axes and, for each, the options that will do.

    `left_out` are further options of the axis where only one axis is changed.
    """

    axes: tuple[tuple[str, tuple[str, ...]], ...]
    acts: tuple[str, ...]
    left_out: int = 0


class NearestCells(Struct, frozen=True, kw_only=True):
    """The nearest supported cells: their weight, how many there are, and some of the changes."""

    weight: int
    cells: int
    changes: tuple[NearestChange, ...]
    left_out: int


Answer = Callable[[Mapping[str, str]], Verdict | None]
Solve = Callable[[], SolvedStudy]


def nearest_supported(
    study: MatrixStudy, origin: Mapping[str, str], solves: Sequence[Solve], verdict_of: Answer
) -> NearestCells | None:
    """Return the nearest supported cells of a study; None where no cell is supported.

    `origin` names every axis. `solves` solve the origin's kernel alone and then the whole study:
    where a change within the kernel costs less than another one, the others need not be looked at.
    `verdict_of` answers one concrete cell. RuntimeError where it denies that a cell is supported.
    """
    weights = {axis.name: WEIGHTS[axis.kind] for axis in study.axes}
    found: Nearest | None = None
    for solve in solves:
        solved = solve()
        # Exactly one: every basis has one verdict for what works (SUPPORTED, or GRANTED where
        # nothing judges).
        (supported,) = (cells for verdict, cells in solved.verdicts.items() if verdict in WORKS)
        region = with_doubles(solved, supported)
        found = nearest_changes(region, origin, weights, _MOST_PATHS)
        # A cell of another kernel costs at least that, so it cannot be nearer.
        if found is not None and found.weight < WEIGHTS["kernel"]:
            break
    if found is None:
        return None
    kinds = {axis.name: axis.kind for axis in study.axes}
    merged = _merge(found.changes)
    shown = tuple(_shorten(change, kinds) for change in merged[:_MOST_CHANGES])
    for change in shown:
        for cell in _cells(change, origin):
            if verdict_of(cell) not in WORKS:
                raise RuntimeError(f"the diagram says supported, the concrete flow not: {cell}")
    return NearestCells(
        weight=found.weight,
        cells=found.cells,
        changes=shown,
        left_out=len(merged) - len(shown),
    )


def with_doubles(solved: SolvedStudy, cells: Region) -> Region:
    """Return some cells, and with them those that are the same `.config` in other words.

    A study counts options that differ only in symbols a release lacks once. A reader's cell may
    have any of them, and need not change to the one that counts.
    """
    study = solved.study
    result = solved.backend.nothing()
    for profile, part in solved.kernels:
        region = of_kernel(cells, study, profile)
        for axis in study.axes:
            if axis.kind != "kconfig":
                continue
            for counted, same in option_groups(axis, part.question.program, study).items():
                if len(same) > 1:
                    there = region.restrict(axis.name, (counted,)).forget((axis.name,))
                    region = region | there.restrict(axis.name, same)
        result = result | region
    return result


def _merge(changes: tuple[Changes, ...]) -> tuple[Changes, ...]:
    """Put changes of one and the same single axis together."""
    merged: dict[str, Changes] = {}
    for change in changes:
        # A change of several axes is merged with none: its options are alternatives only together.
        key = change[0][0] if len(change) == 1 else repr(change)
        if key in merged and len(change) == 1:
            (axis, options), (_, more) = merged[key][0], change[0]
            merged[key] = ((axis, (*options, *more)),)
        else:
            merged[key] = change
    return tuple(merged.values())


def _shorten(change: Changes, kinds: Mapping[str, str]) -> NearestChange:
    most = _MOST_OPTIONS if len(change) == 1 else 2
    # CPUs that exist come before combinations of bare features.
    axes = tuple(
        (axis, tuple(sorted(options, key=lambda option: "=" in option)[:most]))
        for axis, options in change
    )
    return NearestChange(
        axes=axes,
        acts=tuple(dict.fromkeys(ACTS[kinds[axis]] for axis, _ in change)),
        left_out=len(change[0][1]) - len(axes[0][1]) if len(change) == 1 else 0,
    )


def _cells(change: NearestChange, origin: Mapping[str, str]) -> Iterator[dict[str, str]]:
    names = [axis for axis, _ in change.axes]
    for chosen in itertools.product(*(options for _, options in change.axes)):
        yield {**origin, **dict(zip(names, chosen, strict=True))}
