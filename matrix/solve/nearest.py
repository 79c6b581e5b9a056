"""The cheapest way from one cell into a region: which axes to change, and to what.

Changing an axis costs its weight, whatever the option; the cost of a cell is the sum over the axes
in which it differs from the origin. The region is walked as a layered diagram, one axis a layer,
and every node keeps the least cost below it: a shortest path, exact however many cells there are.
Under one node, options that lead to the same cells stand together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.solve.space import Region, within_memory

# Axes to change, in the order of the space; any of the options will do, each with each.
Changes = tuple[tuple[str, tuple[str, ...]], ...]


class Nearest(Struct, frozen=True, kw_only=True):
    """The cells of a region at the least cost from the origin.

    `cells` is their exact number; `changes` describe them, in the order of the space, at most as
    many as were asked for. A region that holds the origin has weight 0 and one empty change.
    """

    weight: int
    cells: int
    changes: tuple[Changes, ...]


def nearest_changes(
    region: Region, origin: Mapping[str, str], weights: Mapping[str, int], limit: int
) -> Nearest | None:
    """Return what leads from `origin` into the region at the least cost; None where it is empty.

    `origin` and `weights` name every visible axis; weights are positive.
    """
    with within_memory():
        visible = region.project_hidden()
        if visible.is_empty():
            return None
        walk = _Walk(visible, origin, weights)
        weight, cells = walk.least(visible, 0)
        found = tuple(walk.paths(visible, 0, limit))
    return Nearest(weight=weight, cells=cells, changes=found)


class _Walk:
    """Costs of the nodes of one region's layers, each computed once."""

    def __init__(
        self, region: Region, origin: Mapping[str, str], weights: Mapping[str, int]
    ) -> None:
        self._axes = tuple(variable.name for variable in region.space.variables)
        self._origin = origin
        self._weights = weights
        self._least: dict[tuple[Region, int], tuple[int, int]] = {}
        self._steps: dict[tuple[Region, int], tuple[tuple[tuple[str, ...], Region], ...]] = {}

    def least(self, region: Region, depth: int) -> tuple[int, int]:
        """Return the least cost from axis `depth` on, and how many cells have it.

        The region is not empty and does not depend on the axes before.
        """
        if depth == len(self._axes):
            return 0, 1
        key = (region, depth)
        if key not in self._least:
            best, cells = -1, 0
            for options, below in self._split(region, depth):
                step, ways = self._step(depth, options)
                cost, count = self.least(below, depth + 1)
                # -1: nothing yet. Costs are sums of positive weights and never negative.
                if best < 0 or step + cost < best:
                    best, cells = step + cost, 0
                if step + cost == best:
                    cells += ways * count
            self._least[key] = (best, cells)
        return self._least[key]

    def paths(self, region: Region, depth: int, limit: int) -> Iterator[Changes]:
        """Yield the changes that reach the least cost, at most `limit`."""
        if depth == len(self._axes):
            yield ()
            return
        axis = self._axes[depth]
        least, _ = self.least(region, depth)
        for options, below in self._split(region, depth):
            step, _ = self._step(depth, options)
            # Only branches on a shortest path are followed, so no search ends without a change.
            if step + self.least(below, depth + 1)[0] != least:
                continue
            head: Changes = ((axis, options),) if step else ()
            # The limit is handed down as what is left of it, so nothing is made that is not
            # yielded.
            for rest in self.paths(below, depth + 1, limit):
                yield (*head, *rest)
                limit -= 1
                if limit <= 0:
                    return

    def _step(self, depth: int, options: tuple[str, ...]) -> tuple[int, int]:
        """Return what it costs to have one of the options, and how many of them cost that."""
        axis = self._axes[depth]
        # The options of a group lead to the same cells: of these the origin's own is free.
        if self._origin[axis] in options:
            return 0, 1
        return self._weights[axis], len(options)

    def _split(self, region: Region, depth: int) -> tuple[tuple[tuple[str, ...], Region], ...]:
        key = (region, depth)
        if key not in self._steps:
            parts = region.split(self._axes[depth])
            self._steps[key] = tuple(part for part in parts if not part[1].is_empty())
        return self._steps[key]


def nearest(region: Region, origin: Mapping[str, str]) -> dict[str, str] | None:
    """Return the cell that differs from `origin` in the fewest axes, None for an empty region.

    Among equally near ones the first in the order of the space. `origin` names every axis.
    """
    region = region.project_hidden()
    if region.is_empty():
        return None
    names = [variable.name for variable in region.space.variables]
    everything = region | ~region
    # The ball of radius n around the origin; forgetting one axis at a time makes n + 1 of it. It
    # grows at most to everything, so it meets a region that is not empty.
    ring = everything.at({name: origin[name] for name in names})
    while (ring & region).is_empty():
        wider = ring
        for name in names:
            wider = wider | ring.forget((name,))
        ring = wider
    return (ring & region).pick()


def changes(cell: Mapping[str, str], origin: Mapping[str, str]) -> dict[str, str]:
    """Return the options of a cell that `origin` does not have."""
    return {name: option for name, option in cell.items() if origin.get(name) != option}


def near_baseline(region: Region, baseline: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return a cell of a region that is not empty, near the baseline.

    Axis by axis the baseline's option is kept where the region allows it.
    """
    for axis, option in baseline:
        kept = region.restrict(axis, (option,))
        if not kept.is_empty():
            region = kept
    return region.pick() or {}
