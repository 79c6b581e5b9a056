"""Fewer rows for a covering array: drop a row, then mend what it alone met.

Tabu search (Nurmela, "Upper bounds for covering arrays by tabu search", 2004): the row whose loss
opens the fewest combinations is dropped; then one open combination after the other is closed by
changing one option of one row, the change after which fewest are open, and the old option may not
come back for some steps. When none is open, the next row is dropped. The search ends after a number
of steps, not of seconds, so that equal input gives equal rows. A change is weighed for all rows at
once, with numpy.
"""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import numpy.typing as npt

from matrix.solve.walk import Walk

Integers = npt.NDArray[np.int64]

# Steps for which an option that was changed may not come back, and a random part of it.
_TABU = 10
_TABU_RANDOM = 5
# Rows weighed for one option of an open combination. Enough to find a good change; rare options,
# whose rows decide, have fewer.
_MOST_WEIGHED = 64


class RowMender:
    """The rows of one covering array under change, and how many rows meet each combination.

    Combinations are numbered through all choices of axes ("groups"): `_lines` holds, row × group,
    the number of the combination that the row has there.
    """

    def __init__(self, walk: Walk, rows: Integers, strength: int, generator: random.Random) -> None:
        self._walk = walk
        # Only `random()` is promised to give the same numbers in every version of Python.
        self._random = generator.random
        self._rows = rows.copy()
        sizes = walk.sizes
        self._groups = list(itertools.combinations(range(len(sizes)), strength))
        counts = [math.prod(sizes[axis] for axis in group) for group in self._groups]
        ends: Integers = np.cumsum(counts, dtype=np.int64)
        self._starts: Integers = ends - counts
        self._strides: Integers = np.zeros((len(sizes), len(self._groups)), dtype=np.int64)
        for number, group in enumerate(self._groups):
            stride = 1
            for axis in reversed(group):
                self._strides[axis, number] = stride
                stride *= sizes[axis]
        self._of_axis = [np.flatnonzero(strides) for strides in self._strides]
        # An axis that is not in a group has stride 0 there, so one product numbers all groups: a
        # row's combination in mixed radix, behind those of the groups before.
        self._lines: Integers = self._rows @ self._strides + self._starts
        self._met: Integers = np.bincount(self._lines.ravel(), minlength=int(ends[-1]))
        self._open: Integers = np.empty(0, dtype=np.int64)

    def reduce(self, steps: int, fewest: int) -> Integers:
        """Return as few rows as that many steps find; never fewer than `fewest`."""
        best = self._rows.copy()
        step = 0
        while step < steps and len(best) > fewest:
            self._drop()
            barred: dict[tuple[int, int, int], int] = {}
            while len(self._open) and step < steps:
                step += 1
                self._mend(step, barred)
            # Else the search ran out of steps in the middle of a mend: the last complete array
            # stands.
            if not len(self._open):
                best = self._rows.copy()
        return best

    def _drop(self) -> None:
        """Take the row out that alone meets the fewest combinations."""
        # A combination with one row is lost with it; all others keep a row.
        alone = (self._met[self._lines] == 1).sum(axis=1)
        number = int(alone.argmin())
        self._part(self._lines[number])
        self._rows = np.delete(self._rows, number, axis=0)
        self._lines = np.delete(self._lines, number, axis=0)

    def _part(self, lines: Integers) -> None:
        self._met[lines] -= 1
        self._open = np.concatenate((self._open, lines[self._met[lines] == 0]))

    def _mend(self, step: int, barred: dict[tuple[int, int, int], int]) -> None:
        """Close one open combination by the best change of one option in one row."""
        # Its number says which group it is in, and then which option of each axis of the group.
        line = int(self._open[int(self._random() * len(self._open))])
        number = int(np.searchsorted(self._starts, line, side="right")) - 1
        group = self._groups[number]
        shape = [self._walk.sizes[axis] for axis in group]
        options = [int(option) for option in np.unravel_index(line - self._starts[number], shape)]
        equal = self._rows[:, group] == options
        # No change opens as many as there are.
        fewest = len(self._met)
        found: list[tuple[int, int, int]] = []
        # Rows that lack one option of the combination.
        lacking = np.flatnonzero(equal.sum(axis=1) == len(group) - 1)
        # False sorts first: the position of the one option that differs.
        missing = equal[lacking].argmin(axis=1)
        for position, (axis, wanted) in enumerate(zip(group, options, strict=True)):
            rows = self._weighed(lacking[missing == position])
            if not len(rows):
                continue
            for row, change in zip(rows.tolist(), self._changes(rows, axis, wanted), strict=True):
                if change > fewest:
                    continue
                # A change that leaves nothing open is never barred.
                is_barred = barred.get((row, axis, wanted), 0) > step
                if is_barred and len(self._open) + change > 0:
                    continue
                if self._walk.is_bound[axis] and not self._is_valid(row, axis, wanted):
                    continue
                if change < fewest:
                    fewest = change
                    found = []
                found.append((row, axis, wanted))
        if found:
            row, axis, wanted = found[int(self._random() * len(found))]
            old = int(self._rows[row, axis])
            # Or the next step would undo it: in a plateau the best change is often the way back.
            barred[row, axis, old] = step + _TABU + int(self._random() * _TABU_RANDOM)
            self._change(row, axis, wanted)

    def _weighed(self, rows: Integers) -> Integers:
        """Return the rows, a stretch of them where there are many."""
        if len(rows) <= _MOST_WEIGHED:
            return rows
        start = int(self._random() * (len(rows) - _MOST_WEIGHED))
        return rows[start : start + _MOST_WEIGHED]

    def _changes(self, rows: Integers, axis: int, wanted: int) -> list[int]:
        """Return how many more combinations were open if an axis of a row had another option."""
        groups = self._of_axis[axis]
        # Only the groups that hold the axis change, each by the same step of its stride.
        old = self._lines[rows[:, None], groups]
        new = old + (wanted - self._rows[rows, axis])[:, None] * self._strides[axis, groups]
        opened = (self._met[old] == 1).sum(axis=1)
        closed = (self._met[new] == 0).sum(axis=1)
        changes: list[int] = (opened - closed).tolist()
        return changes

    def _change(self, row: int, axis: int, wanted: int) -> None:
        groups = self._of_axis[axis]
        old = self._lines[row, groups]
        new = old + (wanted - self._rows[row, axis]) * self._strides[axis, groups]
        self._part(old)
        self._met[new] += 1
        self._open = self._open[self._met[self._open] == 0]
        self._lines[row, groups] = new
        self._rows[row, axis] = wanted

    def _is_valid(self, number: int, axis: int, wanted: int) -> bool:
        """Tell whether a row is still a valid cell with another option on one axis."""
        row: list[int] = self._rows[number].tolist()
        row[axis] = wanted
        return self._walk.contains(row)
