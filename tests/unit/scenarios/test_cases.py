"""The tables of `tests/cases/simulation`, row by row and release by release."""

from __future__ import annotations

import pytest

from matrix.explore.outcome import SimulationResult, Step, Violation, details
from tests.unit.scenarios.by_inputs import rehearse, simulate
from tests.unit.scenarios.simulation_cases import (
    Case,
    Expected,
    Rehearsed,
    cases,
    inputs_of,
    rehearsals,
    subsequence,
)

CASES = [
    pytest.param(case, release, id=f"{case.id}::{release}")
    for case in cases()
    for release in case.releases
]
REHEARSALS = [
    pytest.param(row, release, id=f"{row.id}::{release}")
    for row in rehearsals()
    for release in row.releases
]


@pytest.mark.parametrize(("case", "release"), CASES)
def test_findings(case: Case, release: str) -> None:
    result = simulate(inputs_of(release, case.map, case.inputs, case.options))
    assert result.complete
    assert sorted(_name(item) for item in result.violations) == sorted(
        (item.name, item.assumption or "certain") for item in case.violations
    )
    for expected in case.violations:
        _check_trace(_find(result, expected), expected)
    advisories = {item.invariant for item in result.advisories}
    assert set(case.advisories) <= advisories
    assert not advisories & set(case.not_advisories)


@pytest.mark.parametrize(("row", "release"), REHEARSALS)
def test_orders(row: Rehearsed, release: str) -> None:
    inputs = inputs_of(release, row.map, row.inputs, row.options)
    rehearsal = rehearse(inputs, row.events, assumption=row.assumption)
    assert sorted(name for name, _ in rehearsal.found) == sorted(row.finds)
    last = _operations(rehearsal.steps[-1])
    assert subsequence(row.operations, last)
    assert row.exactly in ([], last)
    assert row.after.items() <= details(rehearsal.steps[-1].after).items()
    done = {name for step in rehearsal.steps for name in _operations(step)}
    assert not done & set(row.never)
    assert row.detail in _details(rehearsal.steps[-1])


def test_case_ids_are_unique() -> None:
    ids = [case.id for case in cases()] + [row.id for row in rehearsals()]
    assert len(ids) == len(set(ids))


def _name(violation: Violation) -> tuple[str, str]:
    return violation.invariant, violation.assumption[1] if violation.assumption else "certain"


def _find(result: SimulationResult, expected: Expected) -> Violation:
    wanted = (expected.name, expected.assumption or "certain")
    return next(item for item in result.violations if _name(item) == wanted)


def _check_trace(violation: Violation, expected: Expected) -> None:
    assert violation.trace[0].event == "boot"
    if expected.events is not None:
        assert [step.event for step in violation.trace[1:]] == expected.events
    last = violation.trace[-1]
    assert subsequence(expected.operations, _operations(last))
    assert expected.detail in _details(last)


def _operations(step: Step) -> list[str]:
    return [operation.name for operation in step.operations]


def _details(step: Step) -> str:
    return "\n".join(operation.detail for operation in step.operations)
