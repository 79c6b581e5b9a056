"""Exact counts of cells by the options of some variables, without listing a cell.

The space is walked down the variables asked about; what looks the same from several options is
counted once, whatever the size of what remains.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from matrix.solve.space import Region, within_memory

Key = TypeVar("Key", bound=Hashable)

# How many cells of each part, in the order of the parts.
_Counts = tuple[int, ...]
# What stands below an option: further options with their counts.
_Rows = list[tuple[tuple[str, ...], _Counts]]


def tally(
    parts: Mapping[Key, Region], variables: Sequence[str]
) -> dict[tuple[str, ...], dict[Key, int]]:
    """Return how many visible cells each part has under each combination of options.

    `variables` are visible ones, each once. Combinations are in their order and that of the
    options, the first variable changing slowest; one without a cell is left out, and so is a part
    that has none of its cells.

    Raises:
        KeyError: a variable that the space does not have.
        InputError: MX0654, the diagram needs too much memory.
    """
    if not parts:
        return {}
    visible = tuple(region.project_hidden() for region in parts.values())
    with within_memory():
        rows = _Walk(visible[0], variables).rows(visible, 0)
    return {
        options: {part: cells for part, cells in zip(parts, counts, strict=True) if cells}
        for options, counts in rows
    }


def combinations(region: Region, variables: Sequence[str]) -> int:
    """Return how many combinations of options of some variables have a visible cell."""
    others = [item for item in region.space.variables if item.name not in set(variables)]
    seen = region.project_hidden().forget(item.name for item in others)
    return seen.count() // math.prod(len(item.options) for item in others)


class _Walk:
    """Down the variables, one after the other; equal remains are walked once."""

    def __init__(self, region: Region, variables: Sequence[str]) -> None:
        self._options = [region.space.variable(name).options for name in variables]
        self._variables = variables
        # What remains below depends on none of them, and is counted under every option of all.
        self._times = math.prod(map(len, self._options))
        self._known: dict[tuple[int, tuple[Region, ...]], _Rows] = {}

    def rows(self, parts: tuple[Region, ...], depth: int) -> _Rows:
        """Return the options of the variables from `depth` on, with what the parts have there."""
        key = (depth, parts)
        if key not in self._known:
            self._known[key] = list(self._below(parts, depth))
        return self._known[key]

    def _below(self, parts: tuple[Region, ...], depth: int) -> _Rows:
        if depth == len(self._variables):
            counts = tuple(part.count() // self._times for part in parts)
            return [((), counts)] if any(counts) else []
        columns = [
            {
                option: seen
                for options, seen in part.split(self._variables[depth])
                for option in options
            }
            for part in parts
        ]
        return [
            ((option, *rest), counts)
            for option in self._options[depth]
            for rest, counts in self.rows(tuple(column[option] for column in columns), depth + 1)
        ]
