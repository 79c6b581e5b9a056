"""Two actors at once: a vCPU, and the host or a second vCPU, micro-operation by micro-operation.

From every state that `fixpoint` reaches, each pair of events runs in every order of its
micro-operations that the locks allow. One event for each actor: that is the bound, and it is told.
What holds between events must hold here after every micro-operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from matrix.simulate.events import Event
from matrix.simulate.execution import check, machine_for, offered_events
from matrix.simulate.fixpoint import path_to, reach
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.invariants import INVARIANTS
from matrix.simulate.linear_map import linear_maps
from matrix.simulate.outcome import MicroOperation, Step, TwoActorResult, Violation
from matrix.simulate.program import Program, step
from matrix.simulate.trace import replay, state_text
from matrix.simulate.world import ASSUMPTION, ASSUMPTIONS, Machine, State, World

# Nodes of one value of the assumption; a class as posted needs a tenth of it.
MAX_NODES = 2_000_000

# Liveness is a matter of one actor: here the other one may always undo what was done.
_JUDGED = frozenset(row.name for row in INVARIANTS) - {"guest-progress"}

_EXCLUDES = {"mmu-read": ("mmu-write",), "mmu-write": ("mmu-read", "mmu-write")}

_T = TypeVar("_T")

BOUND = "one event for each of two actors, from every state that one event at a time reaches"


class Registers(NamedTuple):
    """What a task knows by itself; the fields of `World` of the same names."""

    stopped: bool = False
    error: str | None = None
    permission_fault: bool = False
    resumed: bool = False
    sampled: int = -1
    no_memory: bool = False
    flush_pending: bool = False
    first_load: bool = False
    leaf_locked: bool = False


class Node(NamedTuple):
    """A state between two micro-operations, where each task stands, and who holds which lock."""

    state: State
    sequence: int
    invalidating: bool
    locks: tuple[tuple[str, int], ...]
    positions: tuple[int, int]
    registers: tuple[Registers, Registers]


class _Pair(Struct, frozen=True, kw_only=True):
    """The two events that run at once, each with its program."""

    events: tuple[Event, Event]
    programs: tuple[Program, Program]


def simulate_two_actors(
    inputs: SimulationInputs, *, max_nodes: int = MAX_NODES, with_series: bool = True
) -> TwoActorResult:
    """Return what two actors at once can break, each with a shortest interleaving.

    For secretmem both actors are processes. `with_series` false runs the base kernel. `complete` is
    false past `max_nodes` nodes of one search.
    """
    searches = _searches(inputs, max_nodes, with_series=with_series)
    every = [search for of_value in searches.values() for search in of_value]
    return TwoActorResult(
        inputs=inputs,
        violations=tuple(_found(searches)),
        bound=BOUND,
        starts=sum(search.starts for search in every),
        states=sum(search.nodes for search in every),
        complete=all(search.complete for search in every),
    )


def _searches(
    inputs: SimulationInputs, max_nodes: int, *, with_series: bool
) -> dict[str, list[_Search]]:
    """Search each value of the assumption; one is enough where nothing makes use of it."""
    searches: dict[str, list[_Search]] = {}
    maps = linear_maps(inputs)
    for value in ASSUMPTIONS[ASSUMPTION]:
        searches[value] = []
        for linear_map in maps:
            machine = machine_for(inputs, linear_map, assumption=value, with_series=with_series)
            search = _Search(machine, max_nodes)
            search.run()
            searches[value].append(search)
        if not any(search.assumed for search in searches[value]):
            return {value: searches[value]}
    return searches


def _found(searches: Mapping[str, Sequence[_Search]]) -> list[Violation]:
    """Return the first violation of each invariant: certain where every value leads to it."""
    found: dict[str, dict[str, Violation]] = {}
    for value, of_value in searches.items():
        for search in of_value:
            for violation in search.violations:
                found.setdefault(violation.invariant, {}).setdefault(value, violation)
    violations: list[Violation] = []
    for by_value in found.values():
        if len(by_value) == len(searches):
            violations.append(replace(next(iter(by_value.values())), assumption=None))
        else:
            violations.extend(by_value.values())
    return violations


class _Search:
    """The search of one machine; counts its nodes and stops at `limit`."""

    def __init__(self, machine: Machine, limit: int) -> None:
        self.alone = machine
        self.machine = replace(machine, concurrent=True)
        self.limit = limit
        self.nodes = 0
        self.starts = 0
        self.complete = True
        self.assumed = False
        self.violations: list[Violation] = []

    def run(self) -> None:
        """Run every pair of events from every state; keep each invariant's first violation."""
        reached = reach(self.alone)
        told: set[str] = set()
        self.complete = reached.complete
        offered = offered_events(self.machine)
        for state in reached.came_from:
            self.starts += 1
            for pair in self._pairs(offered, state):
                for name, message, moves in self._interleave(state, pair):
                    if name not in told and name in _JUDGED:
                        told.add(name)
                        prefix = path_to(reached.came_from, state)
                        self.violations.append(
                            self._tell(name, message, prefix, state, pair, moves)
                        )

    def _pairs(self, offered: Sequence[tuple[Event, Program]], state: State) -> Iterator[_Pair]:
        """Yield a vCPU's event with every other one; two processes where there is no vCPU."""
        enabled = [item for item in offered if item[0].enabled(self.machine, state)]
        first = [item for item in enabled if item[0].actor == "vcpu"]
        others = [item for item in enabled if item[0].actor != "system"]
        for event, program in first or others:
            for other, other_program in others:
                yield _Pair(events=(event, other), programs=(program, other_program))

    def _interleave(self, state: State, pair: _Pair) -> Iterator[tuple[str, str, tuple[int, ...]]]:
        """Yield (invariant, message, which actor moved when), breadth first."""
        start = self._start(state, pair)
        moves: dict[Node, tuple[int, ...]] = {start: ()}
        queue = [start]
        for node in queue:
            stuck = True
            for actor in (0, 1):
                world, following = self.advance(node, pair, actor)
                if following is None or world is None:
                    continue
                stuck = False
                made = (*moves[node], actor)
                self.assumed = self.assumed or world.assumed
                for name, message in world.found:
                    yield name, message, made
                if world.crashed or following in moves:
                    continue
                if self.nodes >= self.limit:
                    self.complete = False
                    return
                self.nodes += 1
                moves[following] = made
                queue.append(following)
            if stuck and not all(_is_done(node, pair, actor) for actor in (0, 1)):
                raise AssertionError(f"{' and '.join(e.name for e in pair.events)} wait for ever")

    def _start(self, state: State, pair: _Pair) -> Node:
        """Return the node in which both tasks are about to begin."""
        without_memory = Registers(no_memory=True)
        registers = [
            without_memory if event.start is not None else Registers() for event in pair.events
        ]
        return Node(
            state=state,
            sequence=0,
            invalidating=False,
            locks=(),
            positions=(0, 0),
            registers=(registers[0], registers[1]),
        )

    def advance(
        self,
        node: Node,
        pair: _Pair,
        actor: int,
        log: list[MicroOperation] | None = None,
    ) -> tuple[World | None, Node | None]:
        """Run one actor up to and including its next row that others can see."""
        program, position = pair.programs[actor], node.positions[actor]
        registers = node.registers[actor]
        if _is_done(node, pair, actor):
            return None, None
        world = World(
            *node.state,
            sequence=node.sequence,
            invalidating=node.invalidating,
            log=log,
            **registers._asdict(),
        )
        locks = node.locks
        while position < len(program) and not world.stopped:
            row = program[position].row
            if _blocked(row.takes, locks, actor):
                return None, None
            locks = _held(locks, row.takes, row.drops, actor)
            position = step(program, position, self.machine, world)
            if row.effect is not None or row.takes or row.drops:
                break
        check(self.machine, world)
        kept = Registers(*(getattr(world, name) for name in Registers._fields))
        return world, node._replace(
            state=world.state(),
            sequence=world.sequence,
            invalidating=world.invalidating,
            locks=locks,
            positions=_with(node.positions, actor, position),
            registers=_with(node.registers, actor, kept),
        )

    def _tell(
        self,
        name: str,
        message: str,
        prefix: tuple[str, ...],
        state: State,
        pair: _Pair,
        moves: tuple[int, ...],
    ) -> Violation:
        steps = list(replay(self.alone, prefix)[0])
        node = self._start(state, pair)
        for actor, run in groupby(moves):
            log: list[MicroOperation] = []
            before = state_text(self.machine, node.state)
            for _ in run:
                _, following = self.advance(node, pair, actor, log)
                if following is None:
                    raise AssertionError("an interleaving cannot be repeated")
                node = following
            steps.append(
                Step(
                    event=f"actor {actor + 1}: {pair.events[actor].name}",
                    operations=tuple(log),
                    before=before,
                    after=state_text(self.machine, node.state),
                )
            )
        return Violation(
            invariant=name,
            assumption=(ASSUMPTION, self.machine.assumption),
            message=message,
            trace=tuple(steps),
        )


def _is_done(node: Node, pair: _Pair, actor: int) -> bool:
    return node.registers[actor].stopped or node.positions[actor] >= len(pair.programs[actor])


def _with(pair: tuple[_T, _T], actor: int, value: _T) -> tuple[_T, _T]:
    return (value, pair[1]) if actor == 0 else (pair[0], value)


def _blocked(takes: tuple[str, ...], locks: tuple[tuple[str, int], ...], actor: int) -> bool:
    """Say whether another actor holds what excludes a lock that is to be taken."""
    others = {name for name, holder in locks if holder != actor}
    return any(others.intersection(_EXCLUDES.get(name, (name,))) for name in takes)


def _held(
    locks: tuple[tuple[str, int], ...], takes: tuple[str, ...], drops: tuple[str, ...], actor: int
) -> tuple[tuple[str, int], ...]:
    kept = [lock for lock in locks if lock[1] != actor or lock[0] not in drops]
    return tuple(sorted([*kept, *((name, actor) for name in takes)]))
