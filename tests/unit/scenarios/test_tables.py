"""No dead rows: every event, micro-operation, invariant, advisory and option is used and told."""

from __future__ import annotations

from functools import cache

from msgspec.structs import replace

from matrix.explore.outcome import MicroOperation
from matrix.explore.program import offered_events, run_event
from matrix.scenarios import every_scenario
from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.machine import Event, Row
from matrix.scenarios.arm64.operations import OPERATIONS
from matrix.scenarios.arm64.page import ADVISORIES, INVARIANTS, OPTIONS
from tests.unit.scenarios.by_inputs import machines_of, scenario_of, simulate_two_actors
from tests.unit.scenarios.simulation_cases import (
    cases,
    inputs_of,
    rehearsals,
    releases,
    series,
)

SCENARIOS = [one for one in every_scenario() if one.inputs is PageInputs]
EVENTS: dict[str, Event] = {event.name: event for one in SCENARIOS for event in one.events}

# Code that only the two-actor mode reaches: a lock, or a race that was lost.
CONCURRENT = {
    "folio_lock",
    "folio_unlock",
    "mmu_lock",
    "mmu_unlock",
    "mmu_invalidate_retry",
    "stage2_leaf_gone",
}
BOOT = {"boot_map_mem"}


@cache
def done() -> tuple[set[str], set[str], set[str]]:
    """Return the events, operations and findings of all cases, every transition of them."""
    events: set[str] = set()
    operations: set[str] = set()
    found: set[str] = set()
    for inputs in _inputs():
        world_of = scenario_of(inputs)
        for place in machines_of(inputs):
            for value in world_of.assumed:
                machine = replace(place, assumption=value)
                programs = offered_events(world_of, machine)
                seen = [world_of.start(machine)]
                for state in seen:
                    for program in programs:
                        if not program.event.enabled(machine, state):
                            continue
                        log: list[MicroOperation] = []
                        world = run_event(program, machine, state, log)
                        assert world.crashed or not world.invalidating, "nothing ends it"
                        events.add(program.event.name)
                        operations |= {item.name for item in log}
                        found |= {name for name, _ in world.found}
                        if not world.crashed and world_of.closed(world) not in seen:
                            seen.append(world_of.closed(world))
    return events, operations, found


def _inputs() -> list[PageInputs]:
    rows = {inputs_of(row.releases[-1], row.map, row.inputs, row.options) for row in cases()}
    rows |= {inputs_of(row.releases[-1], row.map, row.inputs, row.options) for row in rehearsals()}
    return sorted(rows, key=repr)


def test_every_event_happens_in_a_case() -> None:
    assert done()[0] == EVENTS.keys()


def test_every_operation_is_done_in_a_case() -> None:
    names = {operation.name for operation in OPERATIONS}
    assert done()[1] == names - CONCURRENT - BOOT


def test_every_operation_of_two_actors_is_done() -> None:
    rows = [row for event in EVENTS.values() for row in event.rows]
    done_by_rows = {row.operation for row in _flat(rows)}
    left_behind = {row.operation for one in SCENARIOS for row in one.remnants}
    assert done_by_rows == {item.name for item in OPERATIONS} - BOOT - left_behind


def _flat(rows: list[Row]) -> list[Row]:
    return [*rows, *(inner for row in rows for inner in _flat(list(row.body)))]


def test_every_invariant_and_advisory_is_found_in_a_case() -> None:
    assert done()[2] == {row.name for row in INVARIANTS} | {row.name for row in ADVISORIES}


def test_the_tables_have_no_name_twice() -> None:
    tables: list[list[str]] = [
        [row.name for row in INVARIANTS] + [row.name for row in ADVISORIES],
        [row.name for row in OPERATIONS],
        *([row.name for row in one.events] for one in SCENARIOS),
        [row.name for row in OPTIONS],
    ]
    for names in tables:
        assert len(names) == len(set(names))


def test_every_option_value_is_in_a_case() -> None:
    defaults = {(option.name, option.default) for option in OPTIONS}
    used = {(name, value) for row in cases() for name, value in row.options.items()} - defaults
    wanted = {(option.name, value) for option in OPTIONS for value in list(option.values)[1:]}
    assert used == wanted


def test_every_declared_version_of_the_series_is_in_a_case() -> None:
    assert {row.series for row in cases() if row.series} == set(series())


def test_every_release_is_in_a_case() -> None:
    used = {release for row in cases() for release in row.releases}
    assert used == set(releases())


def test_a_lost_race_is_reached_by_two_actors() -> None:
    """The retry after an invalidation exists for the two-actor mode: without it, see mutations."""
    result = simulate_two_actors(inputs_of())
    assert result.complete
    assert result.violations == ()
