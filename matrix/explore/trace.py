"""A path of event names, run again with a log: the steps that a report shows.

The states before and after each event are told in pairs of words, page-table entries in hex and
decoded, so that a maintainer can check every one of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from matrix.explore.outcome import MicroOperation, Step
from matrix.explore.program import describe, offered_events, run_event
from matrix.explore.scenario import I, M, S, Scenario, W


class ImpossibleEventError(Exception):
    """An event of a path that cannot happen where it stands; `step` counts from 1 after boot."""

    def __init__(self, event: str, step: int, possible: Sequence[str]) -> None:
        super().__init__(f"the event `{event}` cannot happen at step {step}")
        self.event = event
        self.step = step
        self.possible = tuple(possible)


def replay(
    scenario: Scenario[I, M, S, W], machine: M, events: Sequence[str]
) -> tuple[tuple[Step, ...], tuple[tuple[str, str], ...]]:
    """Return the steps of boot and `events`, and what the last event found.

    Raises ImpossibleEventError, also for an event after the one that killed the kernel.
    """
    offered = {item.event.name: item for item in offered_events(scenario, machine, events)}
    state = scenario.start(machine)
    steps = [_boot_step(scenario, machine, state)]
    found: tuple[tuple[str, str], ...] = ()
    crashed = False
    for name in events:
        # Asked of every event, for a path may be a person's; those of `fixpoint` never fail here.
        if crashed or name not in offered or not offered[name].event.enabled(machine, state):
            possible = () if crashed else _possible(scenario, machine, state)
            raise ImpossibleEventError(name, len(steps), possible)
        log: list[MicroOperation] = []
        world = run_event(offered[name], machine, state, log=log)
        after = scenario.closed(world)
        steps.append(
            Step(
                event=name,
                operations=tuple(log),
                before=scenario.described(machine, state),
                after=scenario.described(machine, after),
            )
        )
        state, found, crashed = after, tuple(world.found), world.crashed
    return tuple(steps), found


def _possible(scenario: Scenario[I, M, S, W], machine: M, state: S) -> list[str]:
    events = (program.event for program in offered_events(scenario, machine))
    return [event.name for event in events if event.enabled(machine, state)]


def _boot_step(scenario: Scenario[I, M, S, W], machine: M, state: S) -> Step:
    return Step(
        event="boot",
        operations=tuple(
            describe(scenario, name, machine, world) for name, world in scenario.boot(machine)
        ),
        before=scenario.unbuilt,
        after=scenario.described(machine, state),
    )
