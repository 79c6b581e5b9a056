"""A path of event names, run again with a log: the steps that a report shows.

The states before and after each event are told in pairs of words, page-table entries in hex and
decoded, so that a maintainer can check every one of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from matrix.simulate.execution import initial_state, offered_events, run_event
from matrix.simulate.operations import describe
from matrix.simulate.outcome import MicroOperation, Step
from matrix.simulate.words import stage2_text
from matrix.simulate.world import FREE, LINES, NO_LINES, STALE_LINES, Machine, State, World


class ImpossibleEventError(Exception):
    """An event of a path that cannot happen where it stands; `step` counts from 1 after boot."""

    def __init__(self, event: str, step: int, possible: Sequence[str]) -> None:
        super().__init__(f"the event `{event}` cannot happen at step {step}")
        self.event = event
        self.step = step
        self.possible = tuple(possible)


def replay(
    machine: Machine, events: Sequence[str]
) -> tuple[tuple[Step, ...], tuple[tuple[str, str], ...]]:
    """Return the steps of boot and `events`, and what the last event found.

    Raises ImpossibleEventError, also for an event after the one that killed the kernel.
    """
    offered = {event.name: (event, program) for event, program in offered_events(machine, events)}
    state = initial_state(machine)
    steps = [_boot_step(machine, state)]
    found: tuple[tuple[str, str], ...] = ()
    crashed = False
    for name in events:
        if crashed or name not in offered or not offered[name][0].enabled(machine, state):
            possible = () if crashed else _possible(machine, state)
            raise ImpossibleEventError(name, len(steps), possible)
        event, program = offered[name]
        log: list[MicroOperation] = []
        world = run_event(event, program, machine, state, log=log)
        after = world.state()
        steps.append(
            Step(
                event=name,
                operations=tuple(log),
                before=state_text(machine, state),
                after=state_text(machine, after),
            )
        )
        state, found, crashed = after, tuple(world.found), world.crashed
    return tuple(steps), found


def _possible(machine: Machine, state: State) -> list[str]:
    return [event.name for event, _ in offered_events(machine) if event.enabled(machine, state)]


def _boot_step(machine: Machine, state: State) -> Step:
    linear_map = machine.linear_map
    built = World(*replace_map(state, linear_map.built))
    operations = [describe("boot_map_mem", machine, built)]
    if linear_map.splits_at_boot:
        split = World(*replace_map(state, linear_map.at_boot))
        operations.append(describe("boot_split_linear_map", machine, split))
    before = (("direct map of P", "not built"),)
    return Step(
        event="boot",
        operations=tuple(operations),
        before=before,
        after=state_text(machine, state),
    )


def replace_map(state: State, handle: int) -> State:
    """Return the state with another state of the linear map."""
    return state._replace(linear_map=handle)


def state_text(machine: Machine, state: State) -> tuple[tuple[str, str], ...]:
    """Return the state in words, one pair for each thing a reader can check."""
    folio = f"{state.folio}, zapped" if state.zapped else state.folio
    stale = ", ".join(f"{leaf.descriptor:#018x} (level {leaf.level})" for leaf in state.stale)
    pairs = [
        ("direct map of P", machine.linear_map.leaf_text(state.linear_map)),
        ("host TLB", f"may hold {stale}" if stale else "no stale entry for A"),
        ("folio", folio),
    ]
    if machine.inputs.scenario == "gmem" and state.folio != FREE:
        caches = "forced Write-Back" if machine.inputs.fwb else _on_off(on=state.guest_caches)
        pairs += [
            ("stage 2", stage2_text(machine, state.stage2)),
            ("data cache", "lines not in memory" if state.dirty else "clean"),
            ("guest caches", caches),
            ("VM", "running" if state.vm_alive else "destroyed"),
        ]
    if machine.inputs.scenario == "gmem":
        pairs += [
            ("instruction cache", _INSTRUCTIONS[state.instructions]),
            ("vCPU", state.vcpu),
        ]
    return tuple(pairs)


_INSTRUCTIONS = {
    NO_LINES: "no stale lines",
    LINES: "lines of what the page holds",
    STALE_LINES: "possibly stale lines",
}


def _on_off(*, on: bool) -> str:
    return "on" if on else "off"
