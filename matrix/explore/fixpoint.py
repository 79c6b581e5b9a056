"""One exploration: every event in every reachable state of one machine, breadth first.

`simulate` runs it for each value of the assumption and each place, and judges what it finds;
`interleave` starts from the states it reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, NamedTuple

from msgspec import Struct

from matrix.explore.program import offered_events, run_event
from matrix.explore.scenario import I, M, S, Scenario, W

# A class needs some hundred states; far above it the model, not the kernel, has run wild.
MAX_STATES = 20_000


class Path(NamedTuple):
    """Where a finding is reached: the place of its machine and the events, in order."""

    place: str
    events: tuple[str, ...]


class Exploration(Struct, frozen=True, kw_only=True):
    """One fixed point: the shortest path to each finding. `assumed`: the assumption mattered."""

    paths: Mapping[str, Path]
    states: int
    transitions: int
    complete: bool
    assumed: bool


class Reached(Struct, Generic[S], frozen=True, kw_only=True):
    """Every state with how it was reached, and for each finding the first event that made it.

    `came_from` tells of each state from which one it was reached, by which event; None after boot.
    """

    came_from: Mapping[S, tuple[S, str] | None]
    first: Mapping[str, tuple[S, str]]
    transitions: int
    complete: bool
    assumed: bool


def explore(
    scenario: Scenario[I, M, S, W], machine: M, *, max_states: int = MAX_STATES
) -> Exploration:
    """Return the shortest path to everything that can be found in one machine."""
    reached = reach(scenario, machine, max_states=max_states)
    return Exploration(
        paths={
            name: Path(machine.place, (*path_to(reached.came_from, state), event))
            for name, (state, event) in reached.first.items()
        },
        states=len(reached.came_from),
        transitions=reached.transitions,
        complete=reached.complete,
        assumed=reached.assumed,
    )


def reach(
    scenario: Scenario[I, M, S, W], machine: M, *, max_states: int = MAX_STATES
) -> Reached[S]:
    """Run every event in every reachable state; the first way to a state or finding is shortest."""
    programs = offered_events(scenario, machine)
    start = scenario.start(machine)
    came_from: dict[S, tuple[S, str] | None] = {start: None}
    first: dict[str, tuple[S, str]] = {}
    queue = [start]
    transitions, assumed, complete = 0, False, True
    # The queue grows under its own loop: states come in order of their distance from boot, so the
    # first event that reaches a state or a finding ends a shortest path to it.
    for state in queue:
        for program in programs:
            event = program.event
            if not event.enabled(machine, state):
                continue
            transitions += 1
            world = run_event(program, machine, state)
            assumed = assumed or world.assumed
            for name, _ in world.found:
                first.setdefault(name, (state, event.name))
            following = scenario.closed(world)
            # A dead kernel is the end of a path; what it found is kept above.
            if world.crashed or following in came_from:
                continue
            # The other events still run: what they find in the states known is worth having.
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


def path_to(came_from: Mapping[S, tuple[S, str] | None], state: S) -> tuple[str, ...]:
    """Return the events that lead from boot to the state."""
    names: list[str] = []
    while (step := came_from[state]) is not None:
        state, name = step
        names.append(name)
    return tuple(reversed(names))
