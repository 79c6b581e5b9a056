"""Every order of events to the fixed point, and what it finds: `simulate`.

Takes a scenario and the inputs of one class; explores it, and where it finds something also the
base kernel without the capability, for every value of the assumption that was made use of; gives
the shortest traces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, reduce

from msgspec import Struct
from msgspec.structs import replace

from matrix.explore.fixpoint import MAX_STATES, Exploration, Path, explore
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import SimulationResult, Violation
from matrix.explore.scenario import AnyScenario, I, M, S, Scenario, W
from matrix.explore.trace import replay

# What a kernel violates by itself: invariant, assumption and message.
Broken = tuple[str, tuple[str, str] | None, str]


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


@cache
def simulate(
    scenario: AnyScenario, inputs: SimulationInputs, *, max_states: int = MAX_STATES
) -> SimulationResult:
    """Return all violations and advisories of one class, each with a shortest trace.

    Exhaustive up to `max_states` states of one exploration; past it `complete` is false, and the
    absence of a violation then means nothing. `states` and `transitions` count all explorations
    that were needed. Classes with equal `relevant` inputs are explored once, and nothing is
    replayed twice in a process: a result is a value.
    """
    # Explored as the class that stands for many, replayed as what was asked about: addresses and
    # entries in a trace are the cell's own.
    findings = explore_class(scenario, scenario.relevant(inputs), max_states)
    machines = {machine.place: machine for machine in scenario.machines(inputs)}
    return SimulationResult(
        inputs=inputs,
        violations=tuple(_traced(scenario, machines, item) for item in findings.violations),
        advisories=tuple(_traced(scenario, machines, item) for item in findings.advisories),
        states=findings.states,
        transitions=findings.transitions,
        complete=findings.complete,
    )


def without_capability(scenario: Scenario[I, M, S, W], inputs: I) -> tuple[Broken, ...]:
    """Return what the base kernel violates by itself.

    Also where the capability's own violations would come first, or its check says no: there things
    run without it.
    """
    return _broken_base(scenario, scenario.base(inputs), MAX_STATES)


@cache
def explore_class(scenario: AnyScenario, inputs: SimulationInputs, max_states: int) -> Findings:
    """Explore a class, and the base kernel where something it may be excused for was found."""
    findings = _explore(scenario, inputs, max_states, with_capability=True)
    excusable = _excusable(scenario)
    if not any(finding.name in excusable for finding in findings.violations):
        return findings
    base = _explore_base(scenario, scenario.base(inputs), max_states)
    broken = {(finding.name, finding.value) for finding in base.violations}
    violations: list[Finding] = []
    excused: list[Finding] = []
    for finding in findings.violations:
        # Excused by a base kernel that breaks it under the same value, or under every one. What is
        # certain here and breaks there under one value only is the capability's own.
        in_base = {(finding.name, None), (finding.name, finding.value)} & broken
        (excused if in_base and finding.name in excusable else violations).append(finding)
    return Findings(
        violations=tuple(violations),
        advisories=(*excused, *findings.advisories),
        states=findings.states + base.states,
        transitions=findings.transitions + base.transitions,
        complete=findings.complete and base.complete,
    )


@cache
def _explore_base(scenario: AnyScenario, inputs: SimulationInputs, max_states: int) -> Findings:
    return _explore(scenario, inputs, max_states, with_capability=False)


@cache
def _broken_base(
    scenario: AnyScenario, inputs: SimulationInputs, max_states: int
) -> tuple[Broken, ...]:
    machines = {machine.place: machine for machine in scenario.machines(inputs)}
    base = {place: replace(item, with_capability=False) for place, item in machines.items()}
    broken = []
    for finding in _explore_base(scenario, inputs, max_states).violations:
        if finding.name in _excusable(scenario):
            traced = _traced(scenario, base, finding)
            broken.append((traced.invariant, traced.assumption, traced.message))
    return tuple(broken)


def clear_cache() -> None:
    """Forget every class that was explored; for measurements and tests of the cold case."""
    simulate.cache_clear()
    explore_class.cache_clear()
    _explore_base.cache_clear()
    _broken_base.cache_clear()


def _excusable(scenario: AnyScenario) -> frozenset[str]:
    return frozenset(invariant.name for invariant in scenario.invariants if invariant.excused)


def _explore(
    scenario: AnyScenario, inputs: SimulationInputs, max_states: int, *, with_capability: bool
) -> Findings:
    """Explore every place under each value of the assumption; under one where none is made use of.

    What violates an invariant stands under `violations`, whoever is to blame.
    """
    machines = [
        replace(machine, with_capability=with_capability) for machine in scenario.machines(inputs)
    ]
    runs: dict[str, Exploration] = {}
    for value in scenario.assumed:
        places = [replace(machine, assumption=value) for machine in machines]
        runs[value] = _explore_places(scenario, places, max_states)
        # Until the assumption is first asked for all its values run alike, so where the first never
        # asked no other does.
        if not runs[value].assumed:
            runs = {value: runs[value]}
            break
    findings = _findings(scenario, runs)
    names = scenario.invariant_names
    return Findings(
        violations=tuple(item for item in findings if item.name in names),
        advisories=tuple(item for item in findings if item.name not in names),
        states=sum(run.states for run in runs.values()),
        transitions=sum(run.transitions for run in runs.values()),
        complete=all(run.complete for run in runs.values()),
    )


def _explore_places(
    scenario: Scenario[I, M, S, W], machines: Sequence[M], max_states: int
) -> Exploration:
    """Explore in every place and merge what is found."""
    return reduce(
        _merge, (explore(scenario, machine, max_states=max_states) for machine in machines)
    )


def _merge(left: Exploration, right: Exploration) -> Exploration:
    paths = dict(left.paths)
    for name, path in right.paths.items():
        # Of equally short ones the earlier place's.
        if name not in paths or len(path.events) < len(paths[name].events):
            paths[name] = path
    return Exploration(
        paths=paths,
        states=left.states + right.states,
        transitions=left.transitions + right.transitions,
        complete=left.complete and right.complete,
        assumed=left.assumed or right.assumed,
    )


def _findings(scenario: AnyScenario, runs: Mapping[str, Exploration]) -> tuple[Finding, ...]:
    """Return what is found, in the scenario's order.

    It is certain where every value of the assumption leads to it.
    """
    order = (*scenario.invariant_names, *(item.name for item in scenario.advisories))
    names = sorted({name for run in runs.values() for name in run.paths}, key=order.index)
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


def _traced(
    scenario: Scenario[I, M, S, W], machines: Mapping[str, M], finding: Finding
) -> Violation:
    """Return the finding with its trace, replayed on the very inputs that were asked about."""
    machine = replace(machines[finding.path.place], assumption=finding.under)
    steps, found = replay(scenario, machine, finding.path.events)
    messages = [message for name, message in found if name == finding.name]
    if not messages:
        raise AssertionError(f"the trace to {finding.name} cannot be replayed: {finding.path}")
    return Violation(
        invariant=finding.name,
        assumption=None if finding.value is None else scenario.assumption_of(finding.value),
        message=messages[0],
        trace=steps,
    )
