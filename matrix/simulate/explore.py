"""Every order of events to the fixed point, and what it finds: `simulate`.

Takes one `SimulationInputs`; explores it, and where it finds something also the base kernel without
the series, for every value of the assumption that was made use of; gives the shortest traces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, reduce

from msgspec import Struct

from matrix.simulate.execution import machine_for
from matrix.simulate.fixpoint import MAX_STATES, Exploration, Path, explore
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.invariants import ADVISORIES, INVARIANTS
from matrix.simulate.linear_map import LinearMap, linear_maps
from matrix.simulate.outcome import SimulationResult, Violation
from matrix.simulate.relevant import base_kernel, relevant
from matrix.simulate.trace import replay
from matrix.simulate.world import ASSUMPTION, ASSUMPTIONS, Machine

_EXCUSED = frozenset(invariant.name for invariant in INVARIANTS if invariant.excused)
_INVARIANT_NAMES = frozenset(invariant.name for invariant in INVARIANTS)
_ORDER = {
    name: number
    for number, name in enumerate(
        [*(row.name for row in INVARIANTS), *(row.name for row in ADVISORIES)]
    )
}


class Finding(Struct, frozen=True, kw_only=True):
    """A finding with the assumption value it needs (None: certain) and its shortest path.

    `under` is the value that the path was found under.
    """

    name: str
    value: str | None
    under: str
    path: Path


class Findings(Struct, frozen=True, kw_only=True):
    """All that is found in a class: what decides, what is only told, and what it took."""

    violations: tuple[Finding, ...]
    advisories: tuple[Finding, ...]
    states: int
    transitions: int
    complete: bool


def simulate(inputs: SimulationInputs, *, max_states: int = MAX_STATES) -> SimulationResult:
    """Return all violations and advisories of one class, each with a shortest trace.

    Exhaustive up to `max_states` states of one exploration; past it `complete` is false, and the
    absence of a violation then means nothing. `states` and `transitions` count all explorations
    that were needed. Classes with equal `relevant` inputs are explored once.
    """
    found = explore_class(relevant(inputs), max_states)
    maps = {linear_map.placement.name: linear_map for linear_map in linear_maps(inputs)}
    return SimulationResult(
        inputs=inputs,
        violations=tuple(_told(inputs, finding, maps) for finding in found.violations),
        advisories=tuple(_told(inputs, finding, maps) for finding in found.advisories),
        states=found.states,
        transitions=found.transitions,
        complete=found.complete,
    )


@cache
def explore_class(inputs: SimulationInputs, max_states: int) -> Findings:
    """Explore a class, and the base kernel where something it may be excused for was found."""
    runs = _explore_assumptions(inputs, max_states, with_series=True)
    findings = _findings(runs)
    broken = [finding for finding in findings if finding.name in _INVARIANT_NAMES]
    excused: frozenset[tuple[str, str | None]] = frozenset()
    complete = all(run.complete for run in runs.values())
    states = sum(run.states for run in runs.values())
    transitions = sum(run.transitions for run in runs.values())
    if any(finding.name in _EXCUSED for finding in broken):
        base = _explore_base(base_kernel(inputs), max_states)
        excused = frozenset((finding.name, finding.value) for finding in base.violations)
        complete = complete and base.complete
        states, transitions = states + base.states, transitions + base.transitions
    violations: list[Finding] = []
    advisories: list[Finding] = []
    for finding in findings:
        certain_in_base = (finding.name, None) in excused
        is_excused = finding.name in _EXCUSED and (
            certain_in_base or (finding.name, finding.value) in excused
        )
        decides = finding.name in _INVARIANT_NAMES and not is_excused
        (violations if decides else advisories).append(finding)
    return Findings(
        violations=tuple(violations),
        advisories=tuple(advisories),
        states=states,
        transitions=transitions,
        complete=complete,
    )


def without_capability(
    inputs: SimulationInputs, *, max_states: int = MAX_STATES
) -> tuple[tuple[str, tuple[str, str] | None, str], ...]:
    """Return what the base kernel violates by itself: invariant, assumption and message.

    Also where the series' own violations would come first, or its check says no: there the guest
    runs without it.
    """
    return _broken_base(base_kernel(inputs), max_states)


@cache
def _broken_base(
    inputs: SimulationInputs, max_states: int
) -> tuple[tuple[str, tuple[str, str] | None, str], ...]:
    broken = []
    for finding in _explore_base(inputs, max_states).violations:
        if finding.name in _EXCUSED:
            maps = {linear_map.placement.name: linear_map for linear_map in linear_maps(inputs)}
            told = _told(inputs, finding, maps, with_series=False)
            broken.append((told.invariant, told.assumption, told.message))
    return tuple(broken)


@cache
def _explore_base(inputs: SimulationInputs, max_states: int) -> Findings:
    runs = _explore_assumptions(inputs, max_states, with_series=False)
    return Findings(
        violations=tuple(item for item in _findings(runs) if item.name in _INVARIANT_NAMES),
        advisories=(),
        states=sum(run.states for run in runs.values()),
        transitions=sum(run.transitions for run in runs.values()),
        complete=all(run.complete for run in runs.values()),
    )


def clear_cache() -> None:
    """Forget every class that was explored; for measurements and tests of the cold case."""
    explore_class.cache_clear()
    _explore_base.cache_clear()
    _broken_base.cache_clear()


def _explore_assumptions(
    inputs: SimulationInputs, max_states: int, *, with_series: bool
) -> dict[str, Exploration]:
    """Explore under each value of the assumption; once where no path makes use of it."""
    values = ASSUMPTIONS[ASSUMPTION]
    maps = linear_maps(inputs)
    runs: dict[str, Exploration] = {}
    for value in values:
        machines = [
            machine_for(inputs, linear_map, assumption=value, with_series=with_series)
            for linear_map in maps
        ]
        runs[value] = _explore_places(machines, max_states)
        if not runs[value].assumed:
            return {value: runs[value]}
    return runs


def _explore_places(machines: Sequence[Machine], max_states: int) -> Exploration:
    """Explore for every place that P can have in the linear map and merge what is found."""
    explorations = [explore(machine, max_states=max_states) for machine in machines]
    return reduce(_merge, explorations)


def _merge(left: Exploration, right: Exploration) -> Exploration:
    paths = dict(left.paths)
    for name, path in right.paths.items():
        if name not in paths or len(path.events) < len(paths[name].events):
            paths[name] = path
    return Exploration(
        paths=paths,
        states=left.states + right.states,
        transitions=left.transitions + right.transitions,
        complete=left.complete and right.complete,
        assumed=left.assumed or right.assumed,
    )


def _findings(runs: Mapping[str, Exploration]) -> tuple[Finding, ...]:
    """Return what is found: certain where every value of the assumption leads to it."""
    names = sorted({name for run in runs.values() for name in run.paths}, key=_ORDER.__getitem__)
    found: list[Finding] = []
    for name in names:
        paths = {value: run.paths[name] for value, run in runs.items() if name in run.paths}
        if len(paths) == len(runs):
            under = min(paths, key=lambda value: len(paths[value].events))
            found.append(Finding(name=name, value=None, under=under, path=paths[under]))
            continue
        for value, path in paths.items():
            found.append(Finding(name=name, value=value, under=value, path=path))
    return tuple(found)


def _told(
    inputs: SimulationInputs,
    finding: Finding,
    maps: Mapping[str, LinearMap],
    *,
    with_series: bool = True,
) -> Violation:
    """Return the finding with its trace, replayed on the very inputs that were asked about."""
    linear_map = maps[finding.path.placement]
    machine = machine_for(inputs, linear_map, assumption=finding.under, with_series=with_series)
    steps, found = replay(machine, finding.path.events)
    messages = [message for name, message in found if name == finding.name]
    if not messages:
        raise AssertionError(f"the trace to {finding.name} cannot be replayed: {finding.path}")
    return Violation(
        invariant=finding.name,
        assumption=None if finding.value is None else (ASSUMPTION, finding.value),
        message=messages[0],
        trace=steps,
    )
