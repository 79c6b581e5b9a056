"""Traces are the shortest: against a search by levels written here, over the same transitions."""

from __future__ import annotations

import pytest
from hypothesis import given

from matrix.simulate.execution import initial_state, machine_for, offered_events, run_event
from matrix.simulate.explore import simulate
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.linear_map import LinearMap, linear_maps
from matrix.simulate.outcome import Violation
from matrix.simulate.world import ASSUMPTION, ASSUMPTIONS
from tests.unit.simulate.simulation_cases import Case, cases, inputs_of
from tests.unit.simulate.simulation_inputs import simulation_inputs

ROWS = [
    pytest.param(case, case.releases[-1], id=f"{case.id}::{case.releases[-1]}") for case in cases()
]


def depths(inputs: SimulationInputs, linear_map: LinearMap, value: str) -> dict[str, int]:
    """Return the least number of events to each finding, level by level, with sets of states."""
    machine = machine_for(inputs, linear_map, assumption=value)
    programs = offered_events(machine)
    level, seen = {initial_state(machine)}, {initial_state(machine)}
    found: dict[str, int] = {}
    depth = 0
    while level:
        depth += 1
        following = set()
        for state in level:
            for event, program in programs:
                if event.enabled(machine, state):
                    world = run_event(event, program, machine, state)
                    for name, _ in world.found:
                        found[name] = min(found.get(name, depth), depth)
                    if not world.crashed:
                        following.add(world.state())
        level = following - seen
        seen |= level
    return found


def least(inputs: SimulationInputs) -> dict[tuple[str, str], int]:
    """Return the least depth of each finding under each value of the assumption."""
    result: dict[tuple[str, str], int] = {}
    for value in ASSUMPTIONS[ASSUMPTION]:
        for linear_map in linear_maps(inputs):
            for name, depth in depths(inputs, linear_map, value).items():
                key = (name, value)
                result[key] = min(result.get(key, depth), depth)
    return result


def check(inputs: SimulationInputs) -> None:
    oracle = least(inputs)
    result = simulate(inputs)
    told: dict[tuple[str, str], int] = {}
    for item in (*result.violations, *result.advisories):
        told |= {(item.invariant, value): len(item.trace) - 1 for value in _values(item)}
    assert set(told) == set(oracle)
    for item in (*result.violations, *result.advisories):
        best = min(oracle[item.invariant, value] for value in _values(item))
        assert len(item.trace) - 1 == best


def _values(item: Violation) -> tuple[str, ...]:
    return ASSUMPTIONS[ASSUMPTION] if item.assumption is None else (item.assumption[1],)


@pytest.mark.parametrize(("case", "release"), ROWS)
def test_cases_have_shortest_traces(case: Case, release: str) -> None:
    check(inputs_of(release, case.map, case.inputs, case.options))


@given(simulation_inputs())
def test_any_inputs_have_shortest_traces(inputs: SimulationInputs) -> None:
    check(inputs)
