"""Kernel code as a tree of guarded micro-operations, and its compilation for one class.

Each row is one micro-operation with the conditions under which the kernel skips it, in the words of
the source. Conditions that a class decides are evaluated once; the rest when the row is reached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from matrix.simulate.aftermath import remnants
from matrix.simulate.operations import describe
from matrix.simulate.world import Machine, State, World


class Condition(Struct, frozen=True, kw_only=True):
    """A condition in the kernel's words; `of_class` ones depend on nothing but the machine."""

    name: str
    holds: Callable[[Machine, World], bool]
    of_class: bool = False


def option(name: str, value: str) -> Condition:
    """Return the condition that a mechanism option has a value (`scenario` lists them)."""
    return Condition(
        name=f"{name}={value}", of_class=True, holds=lambda m, _: m.options[name] == value
    )


class Row(Struct, frozen=True, kw_only=True):
    """One micro-operation: done when all of `when` and none of `unless` hold.

    `body` is the code it calls, skipped with it. `effect` may be None: the row is then only a call.
    `takes` and `drops` name locks; such rows exist in the two-actor mode only.
    """

    operation: str
    effect: Callable[[Machine, World], None] | None = None
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    body: tuple[Row, ...] = ()
    takes: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()


class Compiled(NamedTuple):
    """A row of a flat program: `skip` is the index to go on at when a condition says so.

    `held` are the locks that the kernel holds there, also where the program has no rows for them.
    """

    row: Row
    when: tuple[Callable[[Machine, World], bool], ...]
    unless: tuple[Callable[[Machine, World], bool], ...]
    skip: int
    held: tuple[str, ...]


Program = tuple[Compiled, ...]


def compile_rows(rows: tuple[Row, ...], machine: Machine) -> Program:
    """Return the flat program of `rows` for `machine`, without what the class never does."""
    compiled: list[Compiled] = []
    _append(rows, machine, World(*_NOWHERE), compiled, [])
    return tuple(compiled)


# A condition of the class never looks at the world; this one is there to satisfy its signature.
_NOWHERE = State(linear_map=0)


def _append(
    rows: tuple[Row, ...],
    machine: Machine,
    nowhere: World,
    compiled: list[Compiled],
    held: list[str],
) -> None:
    for row in rows:
        if not all(c.holds(machine, nowhere) for c in row.when if c.of_class):
            continue
        if any(c.holds(machine, nowhere) for c in row.unless if c.of_class):
            continue
        held[:] = [lock for lock in (*held, *row.takes) if lock not in row.drops]
        if (row.takes or row.drops) and not machine.concurrent:
            continue
        position = len(compiled)
        when = tuple(c.holds for c in row.when if not c.of_class)
        unless = tuple(c.holds for c in row.unless if not c.of_class)
        compiled.append(Compiled(row, when, unless, position + 1, tuple(held)))
        _append(row.body, machine, nowhere, compiled, held)
        compiled[position] = compiled[position]._replace(skip=len(compiled))


def run(program: Program, machine: Machine, world: World) -> None:
    """Run a whole program in one go."""
    position, length = 0, len(program)
    while position < length and not world.stopped:
        position = step(program, position, machine, world)


def step(program: Program, position: int, machine: Machine, world: World) -> int:
    """Run one row, or skip it, and return the position of the next one."""
    row, when, unless, skip, held = program[position]
    for holds in when:
        if not holds(machine, world):
            return skip
    for holds in unless:
        if holds(machine, world):
            return skip
    if world.log is not None:
        world.log.append(describe(row.operation, machine, world))
    if row.effect is not None:
        row.effect(machine, world)
    if world.crashed and world.log is not None:
        left = (describe(name, machine, world) for name in remnants(machine, world, held))
        world.log.extend(replace(operation, stays=True) for operation in left)
    return position + 1
