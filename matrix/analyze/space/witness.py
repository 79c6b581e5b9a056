"""The cell of a region that is nearest to another cell: what a reader understands first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrix.solve.space import Region


def nearest(region: Region, origin: Mapping[str, str]) -> dict[str, str] | None:
    """Return the cell that differs from `origin` in the fewest axes, None for an empty region.

    Among equally near ones the first in the order of the space. `origin` names every axis.
    """
    region = region.project_hidden()
    if region.is_empty():
        return None
    names = [variable.name for variable in region.space.variables]
    everything = region | ~region
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
