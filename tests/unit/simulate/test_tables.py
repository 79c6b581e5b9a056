"""No dead rows: every event, micro-operation, invariant, advisory and option is used and told."""

from __future__ import annotations

from functools import cache

from matrix.simulate import outcome
from matrix.simulate.aftermath import REMNANTS
from matrix.simulate.events import EVENTS
from matrix.simulate.execution import initial_state, machine_for, offered_events, run_event
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.interleave import simulate_two_actors
from matrix.simulate.invariants import ADVISORIES, INVARIANTS
from matrix.simulate.linear_map import linear_maps
from matrix.simulate.operations import OPERATIONS
from matrix.simulate.outcome import MicroOperation
from matrix.simulate.program import Row
from matrix.simulate.scenario import OPTIONS
from matrix.simulate.world import ASSUMPTION, ASSUMPTIONS
from tests.unit.simulate.simulation_cases import cases, inputs_of, rehearsals, releases

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
        for linear_map in linear_maps(inputs):
            for value in ASSUMPTIONS[ASSUMPTION]:
                machine = machine_for(inputs, linear_map, assumption=value)
                programs = offered_events(machine)
                seen = [initial_state(machine)]
                for state in seen:
                    for event, program in programs:
                        if not event.enabled(machine, state):
                            continue
                        log: list[MicroOperation] = []
                        world = run_event(event, program, machine, state, log)
                        events.add(event.name)
                        operations |= {item.name for item in log}
                        found |= {name for name, _ in world.found}
                        if not world.crashed and world.state() not in seen:
                            seen.append(world.state())
    return events, operations, found


def _inputs() -> list[SimulationInputs]:
    rows = {inputs_of(row.releases[-1], row.map, row.inputs, row.options) for row in cases()}
    rows |= {inputs_of(row.releases[-1], row.map, row.inputs, row.options) for row in rehearsals()}
    return sorted(rows, key=repr)


def test_every_event_happens_in_a_case() -> None:
    assert done()[0] == {event.name for event in EVENTS}


def test_every_operation_is_done_in_a_case() -> None:
    names = {operation.name for operation in OPERATIONS}
    assert done()[1] == names - CONCURRENT - BOOT


def test_every_operation_of_two_actors_is_done() -> None:
    rows = [row for event in EVENTS for row in event.rows]
    done_by_rows = {row.operation for row in _flat(rows)}
    left_behind = {row.operation for row in REMNANTS}
    assert done_by_rows == {item.name for item in OPERATIONS} - BOOT - left_behind


def _flat(rows: list[Row]) -> list[Row]:
    return [*rows, *(inner for row in rows for inner in _flat(list(row.body)))]


def test_every_invariant_and_advisory_is_found_in_a_case() -> None:
    assert done()[2] == {row.name for row in INVARIANTS} | {row.name for row in ADVISORIES}


def test_the_tables_have_no_name_twice() -> None:
    tables: list[list[str]] = [
        [row.name for row in INVARIANTS] + [row.name for row in ADVISORIES],
        [row.name for row in OPERATIONS],
        [row.name for row in EVENTS],
        [row.name for row in OPTIONS],
    ]
    for names in tables:
        assert len(names) == len(set(names))


def test_the_invariants_are_those_of_the_contract() -> None:
    assert tuple(row.name for row in INVARIANTS) == outcome.INVARIANTS


def test_every_option_value_is_in_a_case() -> None:
    used = {(name, value) for row in cases() for name, value in row.options.items()}
    wanted = {(option.name, value) for option in OPTIONS for value in list(option.values)[1:]}
    assert used == wanted


def test_every_release_is_in_a_case() -> None:
    used = {release for row in cases() for release in row.releases}
    assert used == set(releases())


def test_a_lost_race_is_reached_by_two_actors() -> None:
    """The retry after an invalidation exists for the two-actor mode: without it, see mutations."""
    result = simulate_two_actors(inputs_of())
    assert result.complete
    assert result.violations == ()
