"""Two actors at once, micro-operation by micro-operation.

From every state that `fixpoint` reaches, each pair of events runs in every order of its
micro-operations that the locks allow. One event for each actor: that is the bound, and it is told.
What holds between events must hold here after every micro-operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, product
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from msgspec.structs import replace

from matrix.explore.fixpoint import path_to, reach
from matrix.explore.outcome import MicroOperation, Step, TwoActorResult, Violation
from matrix.explore.program import Program, check, offered_events, step
from matrix.explore.scenario import SYSTEM, I, M, S, Scenario, W, World
from matrix.explore.trace import replay

# Nodes of one value of the assumption; a class as posted needs a tenth of it.
MAX_NODES = 2_000_000

_T = TypeVar("_T")

# The two events that run at once.
_Pair: TypeAlias = tuple[Program[I, M, S, W], Program[I, M, S, W]]

BOUND = "one event for each of two actors, from every state that one event at a time reaches"


# Fields of a world by value, in the order in which the scenario names them.
_Fields = tuple[object, ...]


class Node(NamedTuple, Generic[S]):
    """A state between two micro-operations, where each task stands, and who holds which lock.

    `shared` and `registers` are the fields of the world that the scenario calls so; whether a task
    is over is kept with its registers.
    """

    state: S
    shared: _Fields
    locks: tuple[tuple[str, int], ...]
    positions: tuple[int, int]
    registers: tuple[_Fields, _Fields]


def simulate_two_actors(
    scenario: Scenario[I, M, S, W],
    inputs: I,
    *,
    max_nodes: int = MAX_NODES,
    with_capability: bool = True,
) -> TwoActorResult:
    """Return what two actors at once can break, each with a shortest interleaving.

    `with_capability` false runs the base kernel. `complete` is false past `max_nodes` nodes of one
    search.
    """
    searches = _searches(scenario, inputs, max_nodes, with_capability=with_capability)
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
    scenario: Scenario[I, M, S, W], inputs: I, max_nodes: int, *, with_capability: bool
) -> dict[str, list[_Search[I, M, S, W]]]:
    """Search each value of the assumption; one is enough where nothing makes use of it."""
    searches: dict[str, list[_Search[I, M, S, W]]] = {}
    machines = scenario.machines(inputs)
    for value in scenario.assumed:
        searches[value] = []
        for machine in machines:
            changed = replace(machine, assumption=value, with_capability=with_capability)
            search = _Search(scenario, changed, max_nodes)
            search.run()
            searches[value].append(search)
        # Until the assumption is first asked for all its values run alike: one tells for all.
        if not any(search.assumed for search in searches[value]):
            return {value: searches[value]}
    return searches


def _found(searches: Mapping[str, Sequence[_Search[I, M, S, W]]]) -> list[Violation]:
    """Return the first violation of each invariant: certain where every value leads to it."""
    found: dict[str, dict[str, Violation]] = {}
    for value, of_value in searches.items():
        for search in of_value:
            for violation in search.violations:
                found.setdefault(violation.invariant, {}).setdefault(value, violation)
    violations: list[Violation] = []
    for by_value in found.values():
        if len(by_value) == len(searches):
            # Under every value there is a trace to it; the first one stands for all.
            violations.append(replace(next(iter(by_value.values())), assumption=None))
        else:
            violations.extend(by_value.values())
    return violations


class _Search(Generic[I, M, S, W]):
    """The search of one machine; counts its nodes and stops at `limit`."""

    def __init__(self, scenario: Scenario[I, M, S, W], machine: M, limit: int) -> None:
        self.scenario = scenario
        # First in the tuple: `_is_done` looks there.
        self.registers = ("stopped", *scenario.registers)
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
        reached = reach(self.scenario, self.alone)
        # What is a matter of one actor the other one may always undo.
        judged = {item.name for item in self.scenario.invariants if not item.alone}
        told: set[str] = set()
        self.complete = reached.complete
        offered = offered_events(self.scenario, self.machine)
        # In order of distance from boot: no shorter way leads to a state where the violation can
        # begin.
        for state in reached.came_from:
            self.starts += 1
            for pair in self._pairs(offered, state):
                for name, message, moves in self._interleave(state, pair):
                    if name not in told and name in judged:
                        told.add(name)
                        prefix = path_to(reached.came_from, state)
                        self.violations.append(
                            self._tell(name, message, prefix, state, pair, moves)
                        )

    def _pairs(
        self, offered: Sequence[Program[I, M, S, W]], state: S
    ) -> Iterator[_Pair[I, M, S, W]]:
        """Yield each event of the first actor with every other one; any two where it has none."""
        # Both can begin in this state. Whether the second still could when its turn comes is not
        # asked: it has begun, and the kernel's own rows must cope with what the first has done.
        enabled = [item for item in offered if item.event.enabled(self.machine, state)]
        first = [item for item in enabled if item.event.actor == self.scenario.first_actor]
        others = [item for item in enabled if item.event.actor != SYSTEM]
        yield from product(first or others, others)

    def _interleave(
        self, state: S, pair: _Pair[I, M, S, W]
    ) -> Iterator[tuple[str, str, tuple[int, ...]]]:
        """Yield (invariant, message, which actor moved when), breadth first."""
        # A node holds all that the rest depends on, so orders that meet in one node go on as one.
        start = self._start(state, pair)
        moves: dict[Node[S], tuple[int, ...]] = {start: ()}
        queue = [start]
        for node in queue:
            # A node in which nobody can move and somebody is not done is a deadlock of the model's
            # locks, not of the kernel's: the rows are wrong.
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
                raise AssertionError(
                    f"{' and '.join(item.event.name for item in pair)} wait for ever"
                )

    def _start(self, state: S, pair: _Pair[I, M, S, W]) -> Node[S]:
        """Return the node in which both tasks are about to begin."""
        worlds = []
        for program in pair:
            world = self.scenario.opened(state)
            if program.event.start is not None:
                program.event.start(self.machine, world)
            worlds.append(world)
        return Node(
            state=state,
            shared=_read(worlds[0], self.scenario.shared),
            locks=(),
            positions=(0, 0),
            registers=(_read(worlds[0], self.registers), _read(worlds[1], self.registers)),
        )

    def advance(
        self,
        node: Node[S],
        pair: _Pair[I, M, S, W],
        actor: int,
        log: list[MicroOperation] | None = None,
    ) -> tuple[W | None, Node[S] | None]:
        """Run one actor up to and including its next row that others can see."""
        if _is_done(node, pair, actor):
            return None, None
        program, position = pair[actor], node.positions[actor]
        scenario, locks = self.scenario, node.locks
        world = scenario.opened(node.state)
        world.log = log
        _write(world, scenario.shared, node.shared)
        _write(world, self.registers, node.registers[actor])
        # A turn ends with the first row that another actor could notice: calls, and the conditions
        # on them, change nothing and are done on the way (a partial-order reduction). So a
        # condition on a call is tested in one turn with the first row of its body.
        while position < len(program.rows) and not world.stopped:
            row = program.rows[position].row
            if _blocked(row.takes, locks, actor, scenario.excludes):
                return None, None
            locks = _held(locks, row.takes, row.drops, actor)
            position = step(program, position, self.machine, world)
            if row.effect is not None or row.takes or row.drops:
                break
        check(scenario, self.machine, world)
        return world, Node(
            state=scenario.closed(world),
            shared=_read(world, scenario.shared),
            locks=locks,
            positions=_with(node.positions, actor, position),
            registers=_with(node.registers, actor, _read(world, self.registers)),
        )

    def _tell(
        self,
        name: str,
        message: str,
        prefix: tuple[str, ...],
        state: S,
        pair: _Pair[I, M, S, W],
        moves: tuple[int, ...],
    ) -> Violation:
        scenario = self.scenario
        steps = list(replay(scenario, self.alone, prefix)[0])
        node = self._start(state, pair)
        # What one actor does without a break is one step of the trace.
        for actor, run in groupby(moves):
            log: list[MicroOperation] = []
            before = scenario.described(self.machine, node.state)
            for _ in run:
                _, following = self.advance(node, pair, actor, log)
                if following is None:
                    raise AssertionError("an interleaving cannot be repeated")
                node = following
            steps.append(
                Step(
                    event=f"actor {actor + 1}: {pair[actor].event.name}",
                    operations=tuple(log),
                    before=before,
                    after=scenario.described(self.machine, node.state),
                )
            )
        return Violation(
            invariant=name,
            assumption=scenario.assumption_of(self.machine.assumption),
            message=message,
            trace=tuple(steps),
        )


def _is_done(node: Node[S], pair: _Pair[I, M, S, W], actor: int) -> bool:
    stopped = bool(node.registers[actor][0])
    return stopped or node.positions[actor] >= len(pair[actor].rows)


def _read(world: World, names: tuple[str, ...]) -> _Fields:
    return tuple([getattr(world, name) for name in names])


def _write(world: World, names: tuple[str, ...], values: _Fields) -> None:
    for name, value in zip(names, values, strict=True):
        setattr(world, name, value)


def _with(pair: tuple[_T, _T], actor: int, value: _T) -> tuple[_T, _T]:
    return (value, pair[1]) if actor == 0 else (pair[0], value)


def _blocked(
    takes: tuple[str, ...],
    locks: tuple[tuple[str, int], ...],
    actor: int,
    excludes: Mapping[str, tuple[str, ...]],
) -> bool:
    """Say whether another actor holds what excludes a lock that is to be taken."""
    others = {name for name, holder in locks if holder != actor}
    return any(others.intersection(excludes.get(name, (name,))) for name in takes)


def _held(
    locks: tuple[tuple[str, int], ...], takes: tuple[str, ...], drops: tuple[str, ...], actor: int
) -> tuple[tuple[str, int], ...]:
    kept = [lock for lock in locks if lock[1] != actor or lock[0] not in drops]
    return tuple(sorted([*kept, *((name, actor) for name in takes)]))
