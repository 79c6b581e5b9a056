"""One exploration: every event in every reachable state of one machine, breadth first.

`explore` runs it for each value of the assumption and each place of P, and judges what it finds;
`interleave` starts from the states it reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from matrix.simulate.execution import initial_state, offered_events, run_event
from matrix.simulate.world import Machine, State

# A class needs some hundred states; far above it the model, not the kernel, has run wild.
MAX_STATES = 20_000

# How each state was first reached: from which one, by which event; None after boot.
CameFrom = Mapping[State, tuple[State, str] | None]


class Path(NamedTuple):
    """Where a finding is reached: the place of P at boot and the events, in order."""

    placement: str
    events: tuple[str, ...]


class Exploration(Struct, frozen=True, kw_only=True):
    """One fixed point: the shortest path to each finding. `assumed`: IC IVAU met an invalid A."""

    paths: Mapping[str, Path]
    states: int
    transitions: int
    complete: bool
    assumed: bool


class Reached(Struct, frozen=True, kw_only=True):
    """Every state with how it was reached, and for each finding the first event that made it."""

    came_from: CameFrom
    first: Mapping[str, tuple[State, str]]
    transitions: int
    complete: bool
    assumed: bool


def explore(machine: Machine, *, max_states: int = MAX_STATES) -> Exploration:
    """Return the shortest path to everything that can be found in one machine."""
    reached = reach(machine, max_states=max_states)
    place = machine.linear_map.placement.name
    return Exploration(
        paths={
            name: Path(place, (*path_to(reached.came_from, state), event))
            for name, (state, event) in reached.first.items()
        },
        states=len(reached.came_from),
        transitions=reached.transitions,
        complete=reached.complete,
        assumed=reached.assumed,
    )


def reach(machine: Machine, *, max_states: int = MAX_STATES) -> Reached:
    """Run every event in every reachable state; the first way to a state or finding is shortest."""
    events = offered_events(machine)
    start = initial_state(machine)
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    first: dict[str, tuple[State, str]] = {}
    queue = [start]
    transitions, assumed, complete = 0, False, True
    for state in queue:
        for event, program in events:
            if not event.enabled(machine, state):
                continue
            transitions += 1
            world = run_event(event, program, machine, state)
            assumed = assumed or world.assumed
            for name, _ in world.found:
                first.setdefault(name, (state, event.name))
            following = world.state()
            if world.crashed or following in came_from:
                continue
            if len(came_from) >= max_states:
                complete = False
                continue
            came_from[following] = (state, event.name)
            queue.append(following)
    return Reached(
        came_from=came_from,
        first=first,
        transitions=transitions,
        complete=complete,
        assumed=assumed,
    )


def path_to(came_from: CameFrom, state: State) -> tuple[str, ...]:
    """Return the events that lead from boot to the state."""
    names: list[str] = []
    while (step := came_from[state]) is not None:
        state, name = step
        names.append(name)
    return tuple(reversed(names))
