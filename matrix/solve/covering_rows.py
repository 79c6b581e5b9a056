"""Covering arrays of strength 1 and 2, row after row: each row takes the most that is still open.

The greedy of AETG (Cohen, Dalal, Fredman, Patton, "The AETG System", IEEE TSE 23/7, 1997) with the
axes in the order of what is still open on them, as in the density algorithm (Bryce and Colbourn,
2007). What an option still has to meet is one integer used as a set, so an option is weighed by one
`&` and one population count.

An option is known here by its value: options are numbered through all axes. The bit after the last
value is in every row; at strength 1 it is the one thing an option has to meet.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from msgspec import Struct

from matrix.solve.walk import DEAD, START, Walk


class Values(Struct, frozen=True, kw_only=True):
    """Values of all axes and what each has to meet.

    `values[a]` are those of axis a, `axis_of` is its inverse; `partners[v]` has a bit for each
    value that a valid cell holds together with v, `always` is the bit in every row.
    """

    values: tuple[range, ...]
    axis_of: tuple[int, ...]
    partners: tuple[int, ...]
    always: int

    def row(self, chosen: Sequence[int]) -> tuple[int, ...]:
        """Return option numbers for the values of a cell, one per axis."""
        return tuple(
            value - values.start for value, values in zip(chosen, self.values, strict=True)
        )


def values_of(walk: Walk, strength: int) -> Values:
    """Number the options of a space and find what each has to meet; strength is 1 or 2."""
    values: list[range] = []
    start = 0
    for size in walk.sizes:
        values.append(range(start, start + size))
        start += size
    always = 1 << start
    axis_of = tuple(axis for axis, numbers in enumerate(values) for _ in numbers)
    if strength == 1:
        alive = _alive(walk, START, values)
        partners = [always if alive >> value & 1 else 0 for value in range(start)]
        return Values(
            values=tuple(values), axis_of=axis_of, partners=tuple(partners), always=always
        )
    met_in: dict[int, int] = {DEAD: 0}
    partners = []
    for axis, numbers in enumerate(values):
        own = (1 << numbers.stop) - (1 << numbers.start)
        for state in walk.steps(START, axis):
            if state not in met_in:
                met_in[state] = _alive(walk, state, values)
            partners.append(met_in[state] & ~own)
    return Values(values=tuple(values), axis_of=axis_of, partners=tuple(partners), always=always)


def _alive(walk: Walk, state: int, values: Sequence[range]) -> int:
    """Return a bit for each value that can follow a state."""
    alive = 0
    for axis, numbers in enumerate(values):
        if walk.is_bound[axis]:
            for value, following in zip(numbers, walk.steps(state, axis), strict=True):
                if following != DEAD:
                    alive |= 1 << value
        else:
            alive |= (1 << numbers.stop) - (1 << numbers.start)
    return alive


class RowBuilder:
    """Makes whole arrays; the generator decides between options that are worth the same."""

    def __init__(self, walk: Walk, values: Values, generator: random.Random) -> None:
        self._walk = walk
        self._values = values
        # Only `random()` is promised to give the same numbers in every version of Python.
        self._random = generator.random

    def build(self) -> list[list[int]]:
        """Return rows of values, one per axis, that meet everything that can be met."""
        open_ = list(self._values.partners)
        rows: list[list[int]] = []
        while True:
            degrees = [partners.bit_count() for partners in open_]
            most = max(degrees, default=0)
            if not most:
                return rows
            row, bits = self._row(open_, degrees, most)
            for value in row:
                open_[value] &= ~bits
            rows.append(row)

    def _row(self, open_: list[int], degrees: list[int], most: int) -> tuple[list[int], int]:
        """Return one valid row that meets something open, and its bits."""
        walk, values = self._walk, self._values.values
        axis_of = self._values.axis_of
        first = self._any([value for value, degree in enumerate(degrees) if degree == most])
        row = [-1] * len(values)
        bits = self._values.always
        state = START
        seed = [first]
        if not open_[first] & bits:
            seed.append(self._partner(open_[first], degrees))
        for value in seed:
            axis = axis_of[value]
            row[axis] = value
            bits |= 1 << value
            state = walk.steps(state, axis)[value - values[axis].start]
        for axis in self._order(degrees, row):
            numbers: Sequence[int] = values[axis]
            if walk.is_bound[axis]:
                following = walk.steps(state, axis)
                numbers = [v for v, to in zip(numbers, following, strict=True) if to != DEAD]
            best = -1
            equal: list[int] = []
            for value in numbers:
                gain = (open_[value] & bits).bit_count()
                if gain > best:
                    best = gain
                    equal = [value]
                elif gain == best:
                    equal.append(value)
            value = self._any(equal)
            row[axis] = value
            bits |= 1 << value
            if walk.is_bound[axis]:
                state = following[value - values[axis].start]
        return row, bits

    def _partner(self, open_partners: int, degrees: list[int]) -> int:
        """Return the open partner that has most open itself."""
        best, found = -1, -1
        while open_partners:
            value = (open_partners & -open_partners).bit_length() - 1
            open_partners &= open_partners - 1
            if degrees[value] > best:
                best, found = degrees[value], value
        return found

    def _order(self, degrees: list[int], row: list[int]) -> list[int]:
        """Return the axes not decided yet, the one with most open per option first."""
        ranks = [
            (-sum(degrees[numbers.start : numbers.stop]) / len(numbers), self._random(), axis)
            for axis, numbers in enumerate(self._values.values)
            if row[axis] < 0
        ]
        return [axis for _, _, axis in sorted(ranks)]

    def _any(self, equal: list[int]) -> int:
        return equal[int(self._random() * len(equal))] if len(equal) > 1 else equal[0]
