"""Traces are the shortest: against a search by levels written here, over the same transitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from matrix.explore.outcome import Violation
from matrix.explore.program import offered_events, run_event
from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.machine import Machine
from tests.unit.scenarios.by_inputs import assumptions_of, machines_of, scenario_of, simulate
from tests.unit.scenarios.simulation_cases import Case, cases, inputs_of
from tests.unit.scenarios.simulation_inputs import simulation_inputs

ROWS = [
    pytest.param(case, case.releases[-1], id=f"{case.id}::{case.releases[-1]}") for case in cases()
]


def depths(inputs: PageInputs, machine: Machine) -> dict[str, int]:
    """Return the least number of events to each finding, level by level, with sets of states."""
    scenario = scenario_of(inputs)
    programs = offered_events(scenario, machine)
    level, seen = {scenario.start(machine)}, {scenario.start(machine)}
    found: dict[str, int] = {}
    depth = 0
    while level:
        depth += 1
        following = set()
        for state in level:
            for program in programs:
                if program.event.enabled(machine, state):
                    world = run_event(program, machine, state)
                    for name, _ in world.found:
                        found[name] = min(found.get(name, depth), depth)
                    if not world.crashed:
                        following.add(scenario.closed(world))
        level = following - seen
        seen |= level
    return found


def least(inputs: PageInputs) -> dict[tuple[str, str], int]:
    """Return the least depth of each finding under each value of the assumption."""
    result: dict[tuple[str, str], int] = {}
    for value in assumptions_of(inputs):
        for machine in machines_of(inputs):
            for name, depth in depths(inputs, replace(machine, assumption=value)).items():
                key = (name, value)
                result[key] = min(result.get(key, depth), depth)
    return result


def check(inputs: PageInputs) -> None:
    oracle = least(inputs)
    result = simulate(inputs)
    told: dict[tuple[str, str], int] = {}
    for item in (*result.violations, *result.advisories):
        told |= {(item.invariant, value): len(item.trace) - 1 for value in _values(inputs, item)}
    assert set(told) == set(oracle)
    for item in (*result.violations, *result.advisories):
        best = min(oracle[item.invariant, value] for value in _values(inputs, item))
        assert len(item.trace) - 1 == best


def _values(inputs: PageInputs, item: Violation) -> tuple[str, ...]:
    return assumptions_of(inputs) if item.assumption is None else (item.assumption[1],)


@pytest.mark.parametrize(("case", "release"), ROWS)
def test_cases_have_shortest_traces(case: Case, release: str) -> None:
    check(inputs_of(release, case.map, case.inputs, case.options))


@given(simulation_inputs())
def test_any_inputs_have_shortest_traces(inputs: PageInputs) -> None:
    check(inputs)
