"""Laws of unsatisfiable cores: the answer of brute force over all subsets of the constraints."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.solve.core import disjoint_cores, region_core, smallest_core
from matrix.solve.diagram import Diagram
from matrix.solve.space import FiniteVariable, Region, Space
from tests.brute import Brute
from tests.strategies import cell_sets, spaces

MANY = settings(max_examples=max(300, settings.default.max_examples if settings.default else 0))

# A constraint is the set of points that keep it; constraints can hold together where they meet.
POINTS = frozenset(range(9))
CONSTRAINTS = st.lists(st.sets(st.sampled_from(sorted(POINTS)), min_size=4), max_size=9)


def meet(constraints: list[set[int]], chosen: frozenset[int]) -> bool:
    return bool(POINTS.intersection(*(constraints[index] for index in chosen)))


@MANY
@given(constraints=CONSTRAINTS)
def test_a_core_is_unsatisfiable_minimal_and_smallest(constraints: list[set[int]]) -> None:
    everything = range(len(constraints))
    unsatisfiable = [
        frozenset(chosen)
        for size in range(len(constraints) + 1)
        for chosen in itertools.combinations(everything, size)
        if not meet(constraints, frozenset(chosen))
    ]
    core = smallest_core(len(constraints), lambda chosen: meet(constraints, chosen))
    if not unsatisfiable:
        assert core is None
        return
    assert core is not None
    assert frozenset(core) in unsatisfiable
    assert len(core) == min(map(len, unsatisfiable))
    for member in core:
        assert meet(constraints, frozenset(core) - {member})


@MANY
@given(constraints=CONSTRAINTS)
def test_without_the_disjoint_cores_the_others_hold(constraints: list[set[int]]) -> None:
    cores = disjoint_cores(len(constraints), lambda chosen: meet(constraints, chosen))
    members = [member for core in cores for member in core]
    assert len(members) == len(set(members))
    left = set(range(len(constraints)))
    for core in cores:
        # A smallest one of what is left, by trying every set that is not larger.
        among = [
            set(chosen)
            for size in range(len(core) + 1)
            for chosen in itertools.combinations(sorted(left), size)
            if not meet(constraints, frozenset(chosen))
        ]
        assert set(core) in among
        assert min(map(len, among)) == len(core)
        left -= set(core)
    assert meet(constraints, frozenset(left))


def test_a_core_of_one_is_a_constraint_that_nothing_keeps() -> None:
    assert smallest_core(3, lambda chosen: 1 not in chosen) == (1,)


def test_a_core_among_many_constraints_is_found() -> None:
    """Forty constraints, two of which contradict each other and three others likewise."""
    cores = [{7, 31, 38}, {12, 29}]
    core = smallest_core(40, lambda chosen: not any(item <= chosen for item in cores))
    assert core == (12, 29)


@pytest.mark.parametrize("backend_type", [Brute, Diagram])
@given(data=st.data())
def test_a_core_of_regions(backend_type: type[Brute | Diagram], data: st.DataObject) -> None:
    space = data.draw(spaces(max_hidden=0))
    backend = backend_type(space)
    drawn = [data.draw(cell_sets(space)) for _ in range(data.draw(st.integers(1, 5)))]
    names = [variable.name for variable in space.variables]
    members: list[Region] = []
    for cells in drawn:
        region = backend.nothing()
        for cell in cells:
            region |= backend.everything().at(dict(zip(names, cell, strict=True)))
        members.append(~region)
    core = region_core(backend.everything(), members)
    every = frozenset(itertools.product(*(variable.options for variable in space.variables)))

    def left(chosen: tuple[int, ...]) -> frozenset[tuple[str, ...]]:
        return every.difference(*(drawn[index] for index in chosen))

    if left(tuple(range(len(members)))):
        assert core is None
        return
    assert core is not None
    assert not left(core)
    smaller = itertools.combinations(range(len(members)), len(core) - 1)
    assert all(left(chosen) for chosen in smaller)


def test_a_core_is_found_among_more_regions_than_pythons_stack_is_deep() -> None:
    backend = Diagram(Space(variables=(FiniteVariable(name="axis", options=("a", "b")),)))
    everything = backend.everything()
    first = everything.restrict("axis", ("a",))
    members = [*[everything] * 1_100, first, everything, ~first]
    assert region_core(everything, members) == (1_100, 1_102)
