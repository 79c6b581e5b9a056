"""Fewer rows for a covering array of strength 2: drop a row, then mend what it alone met.

Tabu search (Nurmela, "Upper bounds for covering arrays by tabu search", 2004): the row whose loss
opens the fewest pairs is dropped; then one open pair after the other is closed by changing one
option of one row, the change after which fewest pairs are open, and the old option may not come
back for some steps. When no pair is open, the next row is dropped. The search ends after a number
of steps, not of seconds, so that equal input gives equal rows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from matrix.solve.covering_rows import Values
from matrix.solve.walk import Walk

# Steps for which an option that was changed may not come back, and a random part of it.
_TABU = 10
_TABU_RANDOM = 5
# Rows weighed for one option of an open pair. Enough to find a good change; rare options, whose
# rows decide, have fewer.
_MOST_WEIGHED = 64


class RowSearch:
    """The rows of one covering array under change, with what each pair of values is met by."""

    def __init__(
        self, walk: Walk, values: Values, rows: Sequence[Sequence[int]], generator: random.Random
    ) -> None:
        self._walk = walk
        self._values = values
        self._random = generator.random
        self._rows = [list(row) for row in rows]
        self._bits = [sum(1 << value for value in row) for row in rows]
        count = len(values.axis_of)
        self._met = [[0] * count for _ in range(count)]
        # Of each value, as sets of values: met by no row yet, met by exactly one.
        self._open = list(values.partners)
        self._once = [0] * count
        self._with: list[list[int]] = [[] for _ in range(count)]
        self._pairs: list[tuple[int, int]] = []
        self._valid: dict[tuple[int, ...], bool] = {}
        for number, row in enumerate(self._rows):
            for position, value in enumerate(row):
                self._with[value].append(number)
                self._meet(value, row[:position])

    def reduce(self, steps: int, fewest: int) -> list[list[int]]:
        """Return as few rows as that many steps find; never fewer than `fewest`."""
        best = [list(row) for row in self._rows]
        step = 0
        while step < steps and len(best) > fewest:
            self._drop()
            barred: dict[tuple[int, int], int] = {}
            while self._pairs and step < steps:
                step += 1
                self._mend(step, barred)
            if not self._pairs:
                best = [list(row) for row in self._rows]
        return best

    def _meet(self, value: int, others: Sequence[int]) -> None:
        """Count one more row for a value with each of the others; open pairs are not looked up."""
        met, once, open_ = self._met, self._once, self._open
        bit, of_value = 1 << value, met[value]
        for other in others:
            count = of_value[other] + 1
            of_value[other] = met[other][value] = count
            if count < 3:
                other_bit = 1 << other
                once[value] ^= other_bit
                once[other] ^= bit
                if count == 1:
                    open_[value] ^= other_bit
                    open_[other] ^= bit

    def _part(self, value: int, others: Sequence[int]) -> None:
        """Count one row less for a value with each of the others."""
        met, once, open_ = self._met, self._once, self._open
        bit, of_value = 1 << value, met[value]
        for other in others:
            count = of_value[other] - 1
            of_value[other] = met[other][value] = count
            if count < 2:
                other_bit = 1 << other
                once[value] ^= other_bit
                once[other] ^= bit
                if not count:
                    open_[value] ^= other_bit
                    open_[other] ^= bit
                    self._pairs.append((value, other))

    def _drop(self) -> None:
        """Take the row out that alone meets the fewest pairs."""
        once = self._once
        alone = [
            sum([(once[value] & bits).bit_count() for value in row])
            for row, bits in zip(self._rows, self._bits, strict=True)
        ]
        number = alone.index(min(alone))
        row = self._rows[number]
        for position, value in enumerate(row):
            self._part(value, row[:position])
            self._with[value].remove(number)
        # The last row takes its number.
        last = len(self._rows) - 1
        if number != last:
            self._rows[number], self._bits[number] = self._rows[last], self._bits[last]
            for value in self._rows[number]:
                rows = self._with[value]
                rows[rows.index(last)] = number
        self._rows.pop()
        self._bits.pop()

    def _mend(self, step: int, barred: dict[tuple[int, int], int]) -> None:
        """Close one open pair by the best change of one option in one row."""
        pair = self._pairs[int(self._random() * len(self._pairs))]
        fewest = len(self._values.axis_of) ** 2
        equal: list[tuple[int, int]] = []
        for there, wanted in (pair, pair[::-1]):
            axis = self._values.axis_of[wanted]
            is_bound = self._walk.is_bound[axis]
            gains, once = self._open[wanted], self._once
            for number in self._weighed(there):
                old = self._rows[number][axis]
                others = self._bits[number] ^ (1 << old)
                change = (once[old] & others).bit_count() - (gains & others).bit_count()
                if change > fewest:
                    continue
                # A change that leaves nothing open is never barred.
                if barred.get((number, wanted), 0) > step and len(self._pairs) + change > 0:
                    continue
                if is_bound and not self._is_valid(number, axis, wanted):
                    continue
                if change < fewest:
                    fewest = change
                    equal = []
                equal.append((number, wanted))
        if equal:
            number, wanted = equal[int(self._random() * len(equal))]
            old = self._rows[number][self._values.axis_of[wanted]]
            barred[number, old] = step + _TABU + int(self._random() * _TABU_RANDOM)
            self._change(number, old, wanted)

    def _weighed(self, value: int) -> list[int]:
        """Return the rows with a value, a stretch of them where there are many."""
        rows = self._with[value]
        if len(rows) <= _MOST_WEIGHED:
            return rows
        start = int(self._random() * (len(rows) - _MOST_WEIGHED))
        return rows[start : start + _MOST_WEIGHED]

    def _change(self, number: int, old: int, wanted: int) -> None:
        row = self._rows[number]
        axis = self._values.axis_of[wanted]
        others = row[:axis] + row[axis + 1 :]
        self._part(old, others)
        self._meet(wanted, others)
        met = self._met
        self._pairs = [pair for pair in self._pairs if not met[pair[0]][pair[1]]]
        row[axis] = wanted
        self._bits[number] ^= 1 << old | 1 << wanted
        self._with[old].remove(number)
        self._with[wanted].append(number)

    def _is_valid(self, number: int, axis: int, wanted: int) -> bool:
        """Tell whether a row is still a valid cell with another value on one axis."""
        row = self._rows[number]
        key = tuple(wanted if other == axis else row[other] for other in self._walk.bound)
        found = self._valid.get(key)
        if found is None:
            changed = list(row)
            changed[axis] = wanted
            found = self._walk.contains(self._values.row(changed))
            self._valid[key] = found
        return found
