"""The rows of an event as a flat program for one class, and one event run from one state.

Conditions that a class decides are evaluated once; the rest when the row is reached. Everything
that explores runs events through here, so that no two explorations can disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import cache
from typing import Generic, NamedTuple

from msgspec.structs import replace

from matrix.explore.outcome import MicroOperation, details
from matrix.explore.scenario import AnyScenario, Event, I, M, Row, S, Scenario, W


class Compiled(NamedTuple, Generic[M, W]):
    """A row of a flat program: `skip` is the index to go on at when a condition says so.

    `held` are the locks that the kernel holds there, also where the program has no rows for them.
    """

    row: Row[M, W]
    when: tuple[Callable[[M, W], bool], ...]
    unless: tuple[Callable[[M, W], bool], ...]
    skip: int
    held: tuple[str, ...]


class Program(NamedTuple, Generic[I, M, S, W]):
    """One event of a scenario, compiled for one machine."""

    scenario: Scenario[I, M, S, W]
    event: Event[M, S, W]
    rows: tuple[Compiled[M, W], ...]


def offered_events(
    scenario: Scenario[I, M, S, W], machine: M, names: Container[str] | None = None
) -> tuple[Program[I, M, S, W], ...]:
    """Return the events that can happen in this class, or those of `names`, as programs."""
    # A condition of the class never looks at the world; this one is there for its signature.
    nowhere = scenario.opened(scenario.start(machine))
    programs = []
    for event in scenario.events:
        if event.offered(machine) and (names is None or event.name in names):
            # One list for all levels of bodies: positions count through, and `skip` leaves a whole
            # body.
            rows: list[Compiled[M, W]] = []
            _append(event.rows, machine, nowhere, rows, [])
            programs.append(Program(scenario, event, tuple(rows)))
    return tuple(programs)


def _append(
    rows: tuple[Row[M, W], ...],
    machine: M,
    nowhere: W,
    compiled: list[Compiled[M, W]],
    held: list[str],
) -> None:
    for row in rows:
        if not all(c.holds(machine, nowhere) for c in row.when if c.of_class):
            continue
        if any(c.holds(machine, nowhere) for c in row.unless if c.of_class):
            continue
        # In place: the list is one for the whole event, bodies included. Of one actor the rows of
        # locks are left out, but a kernel that dies still leaves them held.
        held[:] = [lock for lock in (*held, *row.takes) if lock not in row.drops]
        if (row.takes or row.drops) and not machine.concurrent:
            continue
        # The place is taken before the body; where the body ends is known after it.
        position = len(compiled)
        when = tuple(c.holds for c in row.when if not c.of_class)
        unless = tuple(c.holds for c in row.unless if not c.of_class)
        compiled.append(Compiled(row, when, unless, position + 1, tuple(held)))
        _append(row.body, machine, nowhere, compiled, held)
        compiled[position] = compiled[position]._replace(skip=len(compiled))


def run_event(
    program: Program[I, M, S, W], machine: M, state: S, log: list[MicroOperation] | None = None
) -> W:
    """Run one event from `state`; what it found is in the world's `found`, its trace in `log`."""
    world = program.scenario.opened(state)
    world.log = log
    if program.event.start is not None:
        program.event.start(machine, world)
    position, length = 0, len(program.rows)
    while position < length and not world.stopped:
        position = step(program, position, machine, world)
    check(program.scenario, machine, world)
    return world


def step(program: Program[I, M, S, W], position: int, machine: M, world: W) -> int:
    """Run one row, or skip it, and return the position of the next one."""
    row, when, unless, skip, held = program.rows[position]
    for holds in when:
        if not holds(machine, world):
            return skip
    for holds in unless:
        if holds(machine, world):
            return skip
    scenario = program.scenario
    if world.log is None:
        if row.effect is not None:
            row.effect(machine, world)
    else:
        world.log.append(_logged(scenario, row, machine, world))
    # Remnants are told behind the row that killed the kernel, and only where a trace is wanted.
    if world.crashed and world.log is not None:
        world.log.extend(
            replace(describe(scenario, remnant.operation, machine, world), stays=True)
            for remnant in scenario.remnants
            if remnant.stays(machine, world, held)
        )
    return position + 1


def _logged(scenario: Scenario[I, M, S, W], row: Row[M, W], machine: M, world: W) -> MicroOperation:
    """Do what a row does, and return it as a trace shows it."""
    # Before the effect: a detail speaks of the state that the row meets.
    told = describe(scenario, row.operation, machine, world)
    if row.effect is None:
        condition = _returns(row, machine, world)
        if not condition:
            return told
        detail = "; ".join(part for part in (told.detail, f"returns: {condition}") if part)
        return replace(told, returns=condition, detail=detail)
    before = details(scenario.described(machine, scenario.closed(world)))
    row.effect(machine, world)
    after = details(scenario.described(machine, scenario.closed(world)))
    changed = tuple(name for name, text in after.items() if before.get(name) != text)
    return replace(told, changed=changed)


def _returns(row: Row[M, W], machine: M, world: W) -> str:
    """Return the condition on which a call does nothing at all, empty where it does something.

    It is the first that stops a row which would be done otherwise. The world is that at the call:
    what is not done changes nothing for the rows after it.
    """
    reasons: list[str] = []
    # `body` as it is declared, so conditions of the class are among those asked.
    for inner in row.body:
        if not all(condition.holds(machine, world) for condition in inner.when):
            continue
        stops = [item.name for item in inner.unless if item.holds(machine, world)]
        if not stops:
            return ""
        reasons += stops
    return reasons[0] if reasons else ""


def check(scenario: Scenario[I, M, S, W], machine: M, world: W) -> None:
    """Look at the invariants that hold between events."""
    if world.crashed:
        return
    for invariant in scenario.invariants:
        if invariant.holds is not None and not invariant.holds(machine, world):
            world.found.append((invariant.name, invariant.forbids))


def describe(scenario: Scenario[I, M, S, W], name: str, machine: M, world: W) -> MicroOperation:
    """Return the micro-operation as a trace shows it, in the state just before it."""
    detail = _details(scenario)[name]
    # format_map asks only for the words that the detail names: most are costly to make.
    if "{" in detail:
        detail = detail.format_map(_Words(scenario.words, machine, world))
    return MicroOperation(name=name, detail=detail)


@cache
def _details(scenario: AnyScenario) -> dict[str, str]:
    return {operation.name: operation.detail for operation in scenario.operations}


class _Words(dict[str, str], Generic[M, W]):
    """The words that details are filled with; each is made when it is asked for."""

    def __init__(self, words: Mapping[str, Callable[[M, W], str]], machine: M, world: W) -> None:
        super().__init__()
        self._words, self._machine, self._world = words, machine, world

    def __missing__(self, word: str) -> str:
        return self._words[word](self._machine, self._world)
