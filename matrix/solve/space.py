"""Finite spaces and sets of their cells: the vocabulary of the solver and what a backend offers.

A `Space` has visible variables, the axes, whose options make the cells, and hidden ones (an unknown
CPU field, a choice the architecture leaves open) that are quantified over and never counted. A
`Region` is a set of assignments to all of them. `diagram.py` holds the backend for spaces of any
size, `tests/brute.py` one that enumerates, its oracle; all else in this room is written against
`Region`.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from matrix.diagnostics import InputError
from matrix.expr.nodes import Scalar


class FiniteVariable(Struct, frozen=True, kw_only=True):
    """A variable with finitely many options, at least one, in the order in which they are shown.

    `values` is what the variable is worth in an expression under each option; left empty, it is
    the option's own text (an axis); a hidden CPU field has numbers.
    """

    name: str
    options: tuple[str, ...]
    values: tuple[Scalar, ...] = ()

    def __post_init__(self) -> None:
        if not self.options or len(set(self.options)) != len(self.options):
            raise ValueError(f"variable {self.name}: options must be different and at least one")
        if self.values and len(self.values) != len(self.options):
            raise ValueError(f"variable {self.name}: one value per option")

    def value(self, option: str) -> Scalar:
        """Return what the variable is worth under an option."""
        return self.values[self.options.index(option)] if self.values else option


class Space(Struct, frozen=True, kw_only=True):
    """Visible and hidden variables; cells are ordered by the declared order of axes and options.

    `order` is the order a decision diagram tests the variables in, names of all of them; left
    empty it is the declared order, hidden variables last. It changes no answer, only the cost:
    what is decided together should stand together (a hidden CPU field next to the CPU).
    """

    variables: tuple[FiniteVariable, ...]
    hidden: tuple[FiniteVariable, ...] = ()
    order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [variable.name for variable in self.all_variables]
        if len(set(names)) != len(names):
            raise ValueError("two variables of a space have the same name")
        if self.order and sorted(self.order) != sorted(names):
            raise ValueError("the order of a space names every variable once")

    @property
    def all_variables(self) -> tuple[FiniteVariable, ...]:
        """The visible variables and then the hidden ones."""
        return (*self.variables, *self.hidden)

    def variable(self, name: str) -> FiniteVariable:
        """Return a variable, visible or hidden, by name; KeyError where there is none."""
        for variable in self.all_variables:
            if variable.name == name:
                return variable
        raise KeyError(name)


class Region(abc.ABC):
    """An immutable set of assignments to all variables of one space, visible and hidden.

    Regions of one backend are compared, combined and hashed as sets. `count`, `cells`, `pick` and
    `sample` speak about visible cells: a cell is in where it is in for at least one assignment to
    the hidden variables.
    """

    __slots__ = ()

    @property
    @abc.abstractmethod
    def space(self) -> Space:
        """The space the region is a part of."""

    @abc.abstractmethod
    def __and__(self, other: Region) -> Region: ...

    @abc.abstractmethod
    def __or__(self, other: Region) -> Region: ...

    @abc.abstractmethod
    def __sub__(self, other: Region) -> Region: ...

    @abc.abstractmethod
    def __invert__(self) -> Region: ...

    @abc.abstractmethod
    def __eq__(self, other: object) -> bool: ...

    @abc.abstractmethod
    def __hash__(self) -> int: ...

    def __le__(self, other: Region) -> bool:
        return (self - other).is_empty()

    @abc.abstractmethod
    def is_empty(self) -> bool:
        """Return whether nothing is in the region."""

    @abc.abstractmethod
    def restrict(self, variable: str, options: Iterable[str]) -> Region:
        """Return the part in which the variable has one of the options.

        KeyError for a variable or an option that the space does not have.
        """

    @abc.abstractmethod
    def forget(self, variables: Iterable[str]) -> Region:
        """Return what is in for some option of these variables: it depends on them no more."""

    @abc.abstractmethod
    def split(self, variable: str) -> tuple[tuple[tuple[str, ...], Region], ...]:
        """Return the region as seen from each option of a variable.

        Options under which it looks the same are one group; groups and their options are in
        declared order, and each group's region depends on the variable no more.
        """

    @abc.abstractmethod
    def count(self) -> int:
        """Return the exact number of visible cells."""

    @abc.abstractmethod
    def cells(self, limit: int | None = None) -> Iterator[dict[str, str]]:
        """Yield the visible cells lazily, at most `limit`, in the order of the space.

        The first axis changes slowest, the last one fastest, options in declared order.
        """

    @abc.abstractmethod
    def sample(self, size: int, seed: int) -> tuple[dict[str, str], ...]:
        """Return `size` different cells, all equally likely, in the order of the space.

        The same seed gives the same cells in every backend; where there are no more cells than
        asked for, all of them.
        """

    def project_hidden(self) -> Region:
        """Return the region with the hidden variables forgotten: the visible cells."""
        return self.forget(variable.name for variable in self.space.hidden)

    def at(self, where: Mapping[str, str]) -> Region:
        """Return the part in which each variable named has the option given: a cell, or less."""
        region: Region = self
        for variable, option in where.items():
            region = region.restrict(variable, (option,))
        return region

    def pick(self) -> dict[str, str] | None:
        """Return the first cell, None where there is none."""
        return next(self.cells(1), None)

    def support(self) -> frozenset[str]:
        """Return the variables, hidden ones too, on which membership depends."""
        # A set depends on a variable exactly where forgetting the variable changes it.
        return frozenset(
            variable.name
            for variable in self.space.all_variables
            if self.forget((variable.name,)) != self
        )

    def options(self, variable: str) -> tuple[str, ...]:
        """Return the options of a variable that occur in the region, in declared order."""
        found: set[str] = set()
        for options, part in self.split(variable):
            if not part.is_empty():
                found.update(options)
        return tuple(option for option in self.space.variable(variable).options if option in found)


class Backend(Protocol):
    """What makes the regions of one space."""

    @property
    def space(self) -> Space:
        """The space of all regions made here."""

    def everything(self) -> Region:
        """Return the region of all assignments."""

    def nothing(self) -> Region:
        """Return the empty region."""


def union(backend: Backend, regions: Iterable[Region]) -> Region:
    """Return what is in any of some regions of the backend's space."""
    return functools.reduce(operator.or_, regions, backend.nothing())


def in_several(backend: Backend, regions: Iterable[Region]) -> Region:
    """Return what is in more than one of some regions."""
    # A running sum that saturates at two: one pass instead of every pair.
    once = twice = backend.nothing()
    for region in regions:
        twice = twice | (once & region)
        once = once | region
    return twice


@contextlib.contextmanager
def within_memory() -> Iterator[None]:
    """Turn a backend's lack of memory into an InputError (MX0654).

    The public functions of this room do so; a caller that combines many regions uses it as well.
    """
    try:
        yield
    except MemoryError as error:
        raise InputError.of(
            code="MX0654",
            message="the space needs more memory than the solver may use",
            hint="leave axes or options out, or put axes next to those they are decided with",
        ) from error
