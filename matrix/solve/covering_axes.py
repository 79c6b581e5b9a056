"""The rows of a covering array, axis after axis: the order in which most is done by arrays.

IPOG (Lei, Kacker, Kuhn, Okun, Lawrence, "IPOG-IPOG-D", STVR 18/3, 2008): all combinations of the
first axes are the first rows; each further axis is added to every row with the option that closes
most combinations (growth to the right), then what is still open is packed into new rows (growth
downwards). Rows are weighed in blocks, with numpy; open positions of new rows are filled at once,
so that each row is always the beginning of a valid cell and one state of the walk.

Options that are worth the same are told apart by a hash, not by a generator: numpy does not promise
the same random numbers in its next version.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from matrix.solve.walk import DEAD, START, Walk

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# An axis is added to the rows in so many blocks: the rows of one block do not see what the others
# close. More blocks, fewer rows, more time.
_BLOCKS = 256
# Bytes gathered at once.
_MOST_GATHERED = 1 << 23
# Rows in the making that an open combination is tried in.
_MOST_TRIED = 16


def axis_after_axis(walk: Walk, strength: int, seed: int) -> Integers:
    """Return rows that hold every valid combination: rows × axes, option numbers.

    There are at least as many axes as the strength.
    """
    alive = [len(walk.open_options(START, axis)) for axis in range(len(walk.sizes))]
    # The largest axes first: their combinations are the rows that nothing can spare.
    order = sorted(range(len(alive)), key=lambda axis: (-alive[axis], axis))
    growth = _Growth(walk, order, strength, seed)
    for depth in range(strength, len(order)):
        growth.add(depth)
    return growth.rows[:, np.argsort(order)]


class _Growth:
    """The rows over the first axes of an order, and the state of the walk each has reached."""

    def __init__(self, walk: Walk, order: Sequence[int], strength: int, seed: int) -> None:
        self._walk = walk
        self._order = order
        self._strength = strength
        self._seed = seed
        self._sizes = [walk.sizes[axis] for axis in order]
        # Exactly the valid combinations of the first axes, each of which needs a row anyway.
        paths: list[tuple[tuple[int, ...], int]] = [((), START)]
        for axis in order[:strength]:
            paths = [
                ((*chosen, option), following)
                for chosen, state in paths
                for option, following in enumerate(walk.steps(state, axis))
                if following != DEAD
            ]
        self.rows: Integers = np.array([chosen for chosen, _ in paths], dtype=np.int64)
        self._states: Integers = np.array([state for _, state in paths], dtype=np.int64)

    def add(self, depth: int) -> None:
        """Add one axis; afterwards every combination of the axes up to it is in a row."""
        combinations = _Combinations(self._walk, self._order[: depth + 1], self._strength)
        self._grow_right(combinations, depth)
        missing = combinations.missing()
        if missing:
            self._grow_down(missing, depth)

    def _grow_right(self, combinations: _Combinations, depth: int) -> None:
        """Give every row the option of the new axis that closes most combinations."""
        count = len(self.rows)
        chosen = np.zeros(count, dtype=np.int64)
        states = np.zeros(count, dtype=np.int64)
        # The walk is asked once for each different state, not for each row.
        distinct, inverse = np.unique(self._states, return_inverse=True)
        following = np.array(
            [self._walk.steps(int(state), self._order[depth]) for state in distinct], dtype=np.int64
        )
        per_block = max(1, min(count // _BLOCKS, _MOST_GATHERED // combinations.row_bytes))
        blocks = -(-count // per_block)
        for block in range(blocks):
            # Neighbouring rows share most combinations, those of a block should share few.
            members = np.arange(block, count, blocks)
            steps = following[inverse[members]]
            lines = combinations.lines(self.rows[members])
            noise = _noise(members, self._sizes[depth], self._seed + depth)
            # A gain is at most the number of groups, far below 2^32; the noise is below 2^16.
            # -1 loses against every option that is open; one always is, for a state that is not
            # DEAD can be completed.
            ranks = np.where(steps == DEAD, -1, (combinations.gains(lines) << 16) + noise)
            options = ranks.argmax(axis=1)
            combinations.close(lines, options)
            chosen[members] = options
            states[members] = steps[np.arange(len(members)), options]
        self.rows = np.column_stack((self.rows, chosen))
        self._states = states

    def _grow_down(self, missing: Sequence[tuple[Sequence[int], Integers]], depth: int) -> None:
        """Pack the combinations that no row holds into new rows, and fill these up."""
        packing = _Packing(self._walk, self._order[: depth + 1])
        for axes, options in missing:
            for combination in options.tolist():
                packing.put(axes, combination)
        rows, states = packing.filled(self._seed + depth)
        self.rows = np.concatenate((self.rows, rows))
        self._states = np.concatenate((self._states, states))


class _Combinations:
    """The open combinations that hold an option of the last of some axes.

    They are one array of flags: a line for each choice of options of a group, which is strength - 1
    of the axes before, and a column for each option of the last axis.
    """

    def __init__(self, walk: Walk, axes: Sequence[int], strength: int) -> None:
        sizes = [walk.sizes[axis] for axis in axes]
        before = len(axes) - 1
        self._groups = list(itertools.combinations(range(before), strength - 1))
        lines = [math.prod(sizes[position] for position in group) for group in self._groups]
        self._starts = np.concatenate(([0], np.cumsum(lines))).astype(np.int64)
        # Per place in a group: the axis there, and what its options count in the group's lines.
        # A line is a number in mixed radix: one digit per place of its group, the last place
        # counting least, behind the lines of the groups before.
        places = np.array(self._groups, dtype=np.intp).T
        factors = np.ones((strength - 1, len(self._groups)), dtype=np.int64)
        tables = []
        valid = _Valid(walk)
        for number, group in enumerate(self._groups):
            stride = 1
            for place in range(strength - 2, -1, -1):
                factors[place, number] = stride
                stride *= sizes[group[place]]
            # Combinations that no cell holds are never open.
            flags = valid.flags(START, tuple(axes[position] for position in (*group, before)))
            tables.append(flags.reshape(-1, sizes[-1]))
        self._places, self._factors = places, factors[:, :, None]
        self._open = np.concatenate(tables).astype(np.uint8)
        self._sizes = sizes
        self.row_bytes = len(self._groups) * (sizes[-1] + 8)

    def lines(self, rows: Integers) -> Integers:
        """Return the line of each row in each group: an array groups × rows."""
        columns = np.ascontiguousarray(rows.T)
        lines = np.repeat(self._starts[:-1, None], len(rows), axis=1)
        for axes, factors in zip(self._places, self._factors, strict=True):
            lines += columns[axes] * factors
        return lines

    def gains(self, lines: Integers) -> Integers:
        """Return how many combinations each option would close in each row: rows × options."""
        gains: Integers = self._open[lines].sum(axis=0, dtype=np.int64)
        return gains

    def close(self, lines: Integers, options: Integers) -> None:
        """Close what the rows of these lines hold with an option each."""
        self._open[lines, options] = 0

    def missing(self) -> list[tuple[Sequence[int], Integers]]:
        """Return each group with open combinations, its axes as positions, the last one with it.

        The combinations are an array: one line each, one option per axis.
        """
        found: list[tuple[Sequence[int], Integers]] = []
        for number, group in enumerate(self._groups):
            part = self._open[self._starts[number] : self._starts[number + 1]]
            if part.any():
                positions = (*group, len(self._sizes) - 1)
                shape = [self._sizes[position] for position in positions]
                found.append((positions, np.argwhere(part.reshape(shape))))
        return found


class _Valid:
    """Which combinations of options are valid, as arrays of flags; equal parts are made once."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._found: dict[tuple[int, tuple[int, ...]], Flags] = {}

    def flags(self, state: int, axes: tuple[int, ...]) -> Flags:
        """Return an array with one dimension per axis."""
        walk = self._walk
        # Nothing constrains what is left, whatever the state.
        if not any(walk.is_bound[axis] for axis in axes):
            return np.ones([walk.sizes[axis] for axis in axes], dtype=np.bool_)
        key = (state, axes)
        found = self._found.get(key)
        if found is None:
            following = np.array(walk.steps(state, axes[0]))
            found = np.zeros([walk.sizes[axis] for axis in axes], dtype=np.bool_)
            for to in set(following.tolist()) - {DEAD}:
                found[following == to] = self.flags(to, axes[1:]) if axes[1:] else True
            self._found[key] = found
        return found


class _Packing:
    """New rows with open positions, filled with combinations that they can hold together."""

    def __init__(self, walk: Walk, axes: Sequence[int]) -> None:
        self._walk = walk
        self._axes = axes
        self._rows = np.full((len(axes), 64), -1, dtype=np.int64)
        self._states: list[int] = []

    def put(self, positions: Sequence[int], options: Sequence[int]) -> None:
        """Put one combination into the row that holds most of it already, or into a new one."""
        count = len(self._states)
        holds = np.zeros(count, dtype=np.int64)
        fits = np.ones(count, dtype=np.bool_)
        for position, option in zip(positions, options, strict=True):
            there = self._rows[position, :count]
            equal = there == option
            holds += equal
            fits &= equal | (there < 0)
        candidates = np.flatnonzero(fits)
        ranked = candidates[np.argsort(-holds[candidates], kind="stable")[:_MOST_TRIED]]
        for row in ranked.tolist():
            state = self._extended(row, self._states[row], positions, options)
            if state != DEAD:
                self._set(row, state, positions, options)
                return
        if count == self._rows.shape[1]:
            self._rows = np.concatenate((self._rows, np.full_like(self._rows, -1)), axis=1)
        # A combination is valid, so a row of its own never ends in DEAD.
        self._states.append(START)
        state = self._extended(count, START, positions, options)
        self._set(count, state, positions, options)

    def _set(self, row: int, state: int, positions: Sequence[int], options: Sequence[int]) -> None:
        self._rows[list(positions), row] = options
        self._states[row] = state

    def _extended(
        self, row: int, state: int, positions: Sequence[int], options: Sequence[int]
    ) -> int:
        """Return the state of a row with a combination added; DEAD where no cell holds both."""
        for position, option in zip(positions, options, strict=True):
            axis = self._axes[position]
            if self._walk.is_bound[axis] and self._rows[position, row] < 0:
                state = self._walk.steps(state, axis)[option]
                if state == DEAD:
                    break
        return state

    def filled(self, seed: int) -> tuple[Integers, Integers]:
        """Return the rows with every position decided, and their states."""
        count = len(self._states)
        rows = self._rows[:, :count].T.copy()
        for position, axis in enumerate(self._axes):
            free = np.flatnonzero(rows[:, position] < 0)
            noise = _noise(free, self._walk.sizes[axis], seed + position)
            for row, ranks in zip(free.tolist(), noise.tolist(), strict=True):
                options = self._walk.open_options(self._states[row], axis)
                option = max(options, key=ranks.__getitem__)
                rows[row, position] = option
                self._states[row] = self._walk.steps(self._states[row], axis)[option]
        return rows, np.array(self._states, dtype=np.int64)


def _noise(rows: Integers, columns: int, seed: int) -> Integers:
    """Return numbers below 2^16, rows × columns, that look random (Fibonacci hashing, twice)."""
    mixed = rows.astype(np.uint64)[:, None] * np.uint64(0x9E3779B97F4A7C15)
    mixed = mixed + np.arange(columns, dtype=np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
    salt = np.uint64(seed * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF)
    mixed = (mixed ^ (mixed >> np.uint64(29))) + salt
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(48)).astype(np.int64)
