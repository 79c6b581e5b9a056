"""One event at a time: the machine of a class, the state after boot, and what one event leads to.

`explore`, `trace` and `interleave` all run events through here, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Container

from matrix.simulate.events import EVENTS, Event
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.invariants import INVARIANTS
from matrix.simulate.linear_map import LinearMap
from matrix.simulate.outcome import MicroOperation
from matrix.simulate.program import Program, compile_rows, run
from matrix.simulate.scenario import DEFAULTS
from matrix.simulate.world import Machine, State, World

_CHECKED = tuple(invariant for invariant in INVARIANTS if invariant.holds is not None)


def machine_for(
    inputs: SimulationInputs,
    linear_map: LinearMap,
    *,
    assumption: str,
    with_series: bool = True,
    concurrent: bool = False,
) -> Machine:
    """Return the machine of a class with the default of every mechanism option filled in."""
    return Machine(
        inputs=inputs,
        linear_map=linear_map,
        options=DEFAULTS | dict(inputs.variant),
        assumption=assumption,
        with_series=with_series,
        concurrent=concurrent,
    )


def initial_state(machine: Machine) -> State:
    """Return the state after boot: P is free, which debug_pagealloc has unmapped."""
    handle = machine.linear_map.at_boot
    if machine.inputs.debug_pagealloc:
        handle = machine.linear_map.invalidate(handle)[0]
    return State(linear_map=handle)


def offered_events(
    machine: Machine, names: Container[str] | None = None
) -> tuple[tuple[Event, Program], ...]:
    """Return the events that can happen in this class, or those of `names`, with their programs."""
    return tuple(
        (event, compile_rows(event.rows, machine))
        for event in EVENTS
        if event.offered(machine) and (names is None or event.name in names)
    )


def run_event(
    event: Event,
    program: Program,
    machine: Machine,
    state: State,
    log: list[MicroOperation] | None = None,
) -> World:
    """Run one event from `state`; what it found is in the world's `found`, its trace in `log`."""
    world = World(*state)
    world.log = log
    if event.start is not None:
        event.start(machine, world)
    run(program, machine, world)
    if world.invalidating and not world.crashed:
        raise AssertionError(f"`{event.name}` begins an invalidation and does not end it")
    check(machine, world)
    return world


def check(machine: Machine, world: World) -> None:
    """Look at the invariants that hold between events."""
    if world.crashed:
        return
    for invariant in _CHECKED:
        if invariant.holds is not None and not invariant.holds(machine, world):
            world.found.append((invariant.name, invariant.forbids))
