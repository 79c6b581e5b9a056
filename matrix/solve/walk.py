"""Cells in the making: what remains of a region when its axes are decided in any order.

A state stands for the region as the axes that are still open see it, so assignments that leave the
same room are one state. A partial cell can be completed exactly where its state is not `DEAD`. What
follows a state is asked of the region once and then looked up; a search that tries millions of
options touches the decision diagram some hundred times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matrix.solve.space import Region

# The state of a partial cell that no valid cell contains.
DEAD = -1
# The state of the empty partial cell.
START = 0


class Walk:
    """The states of one region that is not empty; axes and options are numbers, as declared."""

    def __init__(self, region: Region) -> None:
        """Start a walk; hidden variables are forgotten first."""
        visible = region.project_hidden()
        self._axes = [variable.name for variable in visible.space.variables]
        self.sizes = tuple(len(variable.options) for variable in visible.space.variables)
        self._regions = [visible]
        self._numbers = {visible: START}
        self._steps: list[dict[int, tuple[int, ...]]] = [{} for _ in self._axes]
        self._counts: dict[tuple[int, tuple[int, ...]], int] = {}
        # Without constraints the support is empty; so it need not be asked axis by axis.
        support = frozenset() if (~visible).is_empty() else visible.support()
        # The axes that constraints speak about; every option of the others is always open.
        self.bound = tuple(axis for axis, name in enumerate(self._axes) if name in support)
        self.is_bound = tuple(name in support for name in self._axes)

    def steps(self, state: int, axis: int) -> tuple[int, ...]:
        """Return the state that each option of an open axis leads to."""
        found = self._steps[axis].get(state)
        if found is None:
            # Deciding an axis that nothing constrains leaves the same room: no region is made for
            # it.
            found = self._split(state, axis) if self.is_bound[axis] else (state,) * self.sizes[axis]
            self._steps[axis][state] = found
        return found

    def _split(self, state: int, axis: int) -> tuple[int, ...]:
        number: dict[str, int] = {}
        for options, region in self._regions[state].split(self._axes[axis]):
            following = DEAD
            if not region.is_empty():
                # Equal regions are one state, on whichever axes they were reached: what remains of
                # a region does not depend on the axes that were decided.
                following = self._numbers.setdefault(region, len(self._regions))
                if following == len(self._regions):
                    self._regions.append(region)
            number.update(dict.fromkeys(options, following))
        options = self._regions[START].space.variables[axis].options
        return tuple(number[option] for option in options)

    def open_options(self, state: int, axis: int) -> tuple[int, ...]:
        """Return the options of an axis that can be chosen."""
        return tuple(
            option for option, following in enumerate(self.steps(state, axis)) if following != DEAD
        )

    def count(self, state: int, axes: tuple[int, ...]) -> int:
        """Return in how many ways these axes can be decided so that a cell remains."""
        if not axes:
            return 1
        key = (state, axes)
        found = self._counts.get(key)
        if found is None:
            # Options that lead to one state are counted once and multiplied.
            following = Counter(self.steps(state, axes[0]))
            # Counter, unlike dict, forgets a key that it does not have without an error.
            del following[DEAD]
            found = sum(times * self.count(to, axes[1:]) for to, times in following.items())
            self._counts[key] = found
        return found

    def contains(self, row: Sequence[int]) -> bool:
        """Tell whether a cell, one option per axis, is in the region."""
        state = START
        # Axes that are not bound can neither make nor save a cell.
        for axis in self.bound:
            state = self.steps(state, axis)[row[axis]]
            if state == DEAD:
                return False
        return True
