"""Projection of clauses: against every assignment of small random sets of clauses."""

from __future__ import annotations

import itertools
import random

import hypothesis
import pytest
from hypothesis import strategies as st

from matrix.diagnostics import UndecidedError
from matrix.expr.clauses import Clause, Clauses
from matrix.solve.projection import explain, models, project

VARIABLES = 6
LITERALS = st.integers(1, VARIABLES).flatmap(lambda item: st.sampled_from((item, -item)))
CLAUSES = st.lists(st.lists(LITERALS, min_size=1, max_size=3).map(tuple), max_size=10)


def clauses_of(demanded: list[Clause]) -> Clauses:
    """Return the clauses, each demanded by an owner of its own through a variable it defines."""
    definitions = []
    demands = []
    for index, clause in enumerate(demanded):
        gate = VARIABLES + 1 + index
        definitions += [(-gate, *clause), *((gate, -literal) for literal in clause)]
        demands.append((f"owner {index}", gate))
    return Clauses(
        variables=VARIABLES + len(demanded),
        definitions=tuple(definitions),
        demands=tuple(demands),
        atoms={},
        values={f"v{variable}": variable for variable in range(1, VARIABLES + 1)},
    )


def holds(clause: Clause, assignment: tuple[bool, ...]) -> bool:
    return any(assignment[abs(literal) - 1] == (literal > 0) for literal in clause)


def solutions(demanded: list[Clause]) -> list[tuple[bool, ...]]:
    """Return every assignment of all variables that satisfies the clauses."""
    every = itertools.product((False, True), repeat=VARIABLES)
    return [item for item in every if all(holds(clause, item) for clause in demanded)]


@hypothesis.given(CLAUSES, st.integers(1, VARIABLES))
def test_projection_is_what_can_be_completed(demanded: list[Clause], wide: int) -> None:
    onto = list(range(1, wide + 1))
    found = project(clauses_of(demanded), onto)
    shadows = {item[:wide] for item in solutions(demanded)}
    allowed = {
        item
        for item in itertools.product((False, True), repeat=wide)
        if all(holds(clause, item) for clause in found.clauses)
    }
    assert allowed == shadows
    assert found.assignments == len(shadows)


@hypothesis.given(CLAUSES)
def test_no_clause_and_no_literal_can_be_left_out(demanded: list[Clause]) -> None:
    onto = list(range(1, 5))
    found = project(clauses_of(demanded), onto).clauses
    shadows = {item[:4] for item in solutions(demanded)}
    every = list(itertools.product((False, True), repeat=4))
    for clause in found:
        rest = [other for other in found if other != clause]
        assert any(
            all(holds(other, item) for other in rest) and not holds(clause, item) for item in every
        )
        for literal in clause:
            shorter = tuple(other for other in clause if other != literal)
            assert not all(holds(shorter, item) for item in shadows)


@hypothesis.given(CLAUSES)
def test_owners_explain_a_clause(demanded: list[Clause]) -> None:
    """What is named implies the clause, and no owner less does."""
    for clause in project(clauses_of(demanded), [1, 2, 3]).clauses:
        check_explanation(demanded, clause)


def check_explanation(demanded: list[Clause], clause: Clause) -> None:
    owners = explain(clauses_of(demanded), clause)
    named = [demanded[int(owner.split()[1])] for owner in owners]
    assert named
    assert all(holds(clause, item) for item in solutions(named))
    for index in range(len(named)):
        less = named[:index] + named[index + 1 :]
        assert not all(holds(clause, item) for item in solutions(less))


def test_an_owner_that_the_solver_need_not_have_named_is_left_out() -> None:
    """1 is 3, and one holds, so 5 and 2 do, which the sixth forbids; the third is not needed."""
    demanded = [(5, -1), (3, -2), (-3, 6, 5), (2, -1), (1, -3), (-3, -5, -2), (3, 1)]
    check_explanation(demanded, (6,))


def test_what_is_not_implied_has_no_explanation() -> None:
    assert explain(clauses_of([(1, 2)]), (1,)) == ()


@hypothesis.given(CLAUSES, st.integers())
def test_models_satisfy_the_clauses(demanded: list[Clause], seed: int) -> None:
    possible = solutions(demanded)
    generator = random.Random(seed)  # noqa: S311 - a seed
    found = list(models(clauses_of(demanded), 3, generator)) if possible else []
    for model in found:
        assert tuple(model[f"v{item}"] for item in range(1, VARIABLES + 1)) in possible


def test_models_differ() -> None:
    generator = random.Random(1)  # noqa: S311 - a seed
    found = [tuple(model.values()) for model in models(clauses_of([]), 20, generator)]
    assert len(set(found)) > 10


def test_too_many_assignments_are_refused() -> None:
    with pytest.raises(UndecidedError) as caught:
        project(clauses_of([(1, 2, 3, 4)]), [1, 2, 3, 4], most=10)
    assert caught.value.diagnostics[0].code == "MX1010"


def test_what_no_clause_joins_is_not_looked_at_in_all_its_combinations() -> None:
    found = project(clauses_of([(1,), (-1, 2, 3)]), [1, 2, 3, 4], most=3)
    assert (found.assignments, found.clauses) == (6, ((1,), (2, 3)))
