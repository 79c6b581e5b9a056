"""The backend that enumerates: every assignment is a tuple in a set.

The oracle of `matrix/solve/diagram.py`, for spaces of some thousand assignments: written to be
obviously right, not fast.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from matrix.solve.sampling import distinct_ranks
from matrix.solve.space import Region, Space

# One option number per variable, visible ones first, as declared.
Assignment = tuple[int, ...]


class Brute:
    """All assignments of a space; the time and memory of everything grow with their number."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._sizes = [len(variable.options) for variable in space.all_variables]

    @property
    def space(self) -> Space:
        """The space of all regions made here."""
        return self._space

    def everything(self) -> Region:
        """Return the region of all assignments."""
        return BruteRegion(
            self._space, frozenset(itertools.product(*(range(size) for size in self._sizes)))
        )

    def nothing(self) -> Region:
        """Return the empty region."""
        return BruteRegion(self._space, frozenset())


class BruteRegion(Region):
    """A set of assignments, listed."""

    __slots__ = ("_assignments", "_space")

    def __init__(self, space: Space, assignments: frozenset[Assignment]) -> None:
        self._space = space
        self._assignments = assignments

    @property
    def space(self) -> Space:
        """The space the region is a part of."""
        return self._space

    def __and__(self, other: Region) -> Region:
        return self._with(self._assignments & self._listed(other))

    def __or__(self, other: Region) -> Region:
        return self._with(self._assignments | self._listed(other))

    def __sub__(self, other: Region) -> Region:
        return self._with(self._assignments - self._listed(other))

    def __invert__(self) -> Region:
        return Brute(self._space).everything() - self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BruteRegion):
            return NotImplemented
        return self._space == other._space and self._assignments == other._assignments

    def __hash__(self) -> int:
        return hash(self._assignments)

    def is_empty(self) -> bool:
        """Return whether nothing is in the region."""
        return not self._assignments

    def restrict(self, variable: str, options: Iterable[str]) -> Region:
        """Return the part in which the variable has one of the options."""
        index, known = self._position(variable)
        numbers = {option: number for number, option in enumerate(known)}
        allowed = {numbers[option] for option in options}
        return self._with(frozenset(a for a in self._assignments if a[index] in allowed))

    def forget(self, variables: Iterable[str]) -> Region:
        """Return what is in for some option of these variables: it depends on them no more."""
        region = self._assignments
        for name in variables:
            index, known = self._position(name)
            rest = {(a[:index], a[index + 1 :]) for a in region}
            region = frozenset(
                (*before, option, *after) for before, after in rest for option in range(len(known))
            )
        return self._with(region)

    def split(self, variable: str) -> tuple[tuple[tuple[str, ...], Region], ...]:
        """Return the region as seen from each option of a variable, equal ones as one group."""
        groups: dict[Region, list[str]] = {}
        for option in self._position(variable)[1]:
            seen = self.restrict(variable, (option,)).forget((variable,))
            groups.setdefault(seen, []).append(option)
        return tuple((tuple(options), seen) for seen, options in groups.items())

    def count(self) -> int:
        """Return the exact number of visible cells."""
        return len(self._visible())

    def cells(self, limit: int | None = None) -> Iterator[dict[str, str]]:
        """Yield the visible cells, at most `limit`, in the order of the space."""
        for visible in sorted(self._visible())[:limit]:
            yield self._cell(visible)

    def sample(self, size: int, seed: int) -> tuple[dict[str, str], ...]:
        """Return `size` different cells, all equally likely, in the order of the space."""
        listed = sorted(self._visible())
        return tuple(self._cell(listed[rank]) for rank in distinct_ranks(len(listed), size, seed))

    def _visible(self) -> frozenset[Assignment]:
        width = len(self._space.variables)
        return frozenset(assignment[:width] for assignment in self._assignments)

    def _cell(self, visible: Assignment) -> dict[str, str]:
        pairs = zip(self._space.variables, visible, strict=True)
        return {variable.name: variable.options[number] for variable, number in pairs}

    def _position(self, name: str) -> tuple[int, tuple[str, ...]]:
        variable = self._space.variable(name)
        return self._space.all_variables.index(variable), variable.options

    def _with(self, assignments: frozenset[Assignment]) -> Region:
        return BruteRegion(self._space, assignments)

    def _listed(self, other: Region) -> frozenset[Assignment]:
        if not isinstance(other, BruteRegion) or other._space != self._space:
            raise TypeError("regions of different spaces or backends cannot be combined")
        return other._assignments
