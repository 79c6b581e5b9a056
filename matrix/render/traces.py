"""Traces of a simulation, step by step: for people and as JSON values.

Takes a `SimulationResult` and the release's source lines, gives text that a KVM maintainer can
paste into a bug report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matrix.simulate.outcome import SimulationResult, Step, TwoActorResult, Violation
from matrix.simulate.rehearsal import Rehearsal


def render_traces(title: str, result: SimulationResult, sources: Mapping[str, str]) -> str:
    """Return every violation and advisory of a behaviour class with its shortest trace."""
    lines = [title, f"explored {result.states} states and {result.transitions} transitions", ""]
    if not result.violations:
        lines += ["no violation is reachable", ""]
    for violation in result.violations:
        lines += [*_violation("violation", violation, sources), ""]
    for advisory in result.advisories:
        lines += [*_violation("advisory", advisory, sources), ""]
    return "\n".join(lines)


def render_findings(title: str, result: SimulationResult) -> str:
    """Return what was found without the traces: one line a violation or advisory."""
    lines = [title]
    if not result.violations:
        lines.append("  no violation is reachable")
    for kind, found in (("violation", result.violations), ("advisory", result.advisories)):
        lines.extend(
            f"  {kind} {item.invariant} ({certainty(item)}): {item.message}" for item in found
        )
    return "\n".join(lines) + "\n"


def render_two_actors(
    title: str, result: TwoActorResult, sources: Mapping[str, str], *, brief: bool
) -> str:
    """Return what two actors at once can break, with the bound that was kept."""
    lines = [
        f"{title}, two actors",
        f"bound: {result.bound}; {result.starts} starts, {result.states} states",
    ]
    if not result.violations:
        lines.append("  no violation is reachable within the bound")
    for item in result.violations:
        if brief:
            lines.append(f"  violation {item.invariant} ({certainty(item)}): {item.message}")
        else:
            lines.extend(_violation("violation", item, sources))
    return "\n".join(lines) + "\n"


def render_rehearsal(title: str, rehearsal: Rehearsal, sources: Mapping[str, str]) -> str:
    """Return what a chosen order of events does, and what its last event found."""
    lines = [title, *_steps(rehearsal.steps, sources)]
    lines += [f"found {name}: {message}" for name, message in rehearsal.found]
    return "\n".join(lines if rehearsal.found else [*lines, "nothing was found"]) + "\n"


def _violation(kind: str, violation: Violation, sources: Mapping[str, str]) -> Iterator[str]:
    yield f"{kind} {violation.invariant} ({certainty(violation)}): {violation.message}"
    yield from _steps(violation.trace, sources)


def _steps(trace: tuple[Step, ...], sources: Mapping[str, str]) -> Iterator[str]:
    for number, step in enumerate(trace, start=1):
        yield f"  {number}. {step.event}"
        yield from _changes(step)
        for operation in step.operations:
            source = sources.get(operation.name)
            yield f"       {operation.name}: {operation.detail}"
            if source:
                yield f"         {source}"


def _changes(step: Step) -> Iterator[str]:
    """Yield the state that the event changed, before and after."""
    before = dict(step.before)
    for name, value in step.after:
        if before.get(name) != value:
            yield f"       {name}: {before.get(name, '-')} -> {value}"


def certainty(violation: Violation) -> str:
    """Return `certain`, or the assumption under which the violation happens."""
    return "=".join(violation.assumption) if violation.assumption else "certain"


def traces_document(
    title: str, result: SimulationResult, sources: Mapping[str, str]
) -> dict[str, object]:
    """Return the same as JSON values."""
    return {
        "cell": title,
        "outcome": "violates" if result.violations else "safe",
        "states": result.states,
        "transitions": result.transitions,
        "violations": [_document(violation, sources) for violation in result.violations],
        "advisories": [_document(advisory, sources) for advisory in result.advisories],
    }


def two_actors_document(
    title: str, result: TwoActorResult, sources: Mapping[str, str]
) -> dict[str, object]:
    """Return what two actors can break as JSON values."""
    return {
        "cell": title,
        "outcome": "violates" if result.violations else "safe within the bound",
        "bound": result.bound,
        "states": result.states,
        "violations": [_document(violation, sources) for violation in result.violations],
    }


def rehearsal_document(
    title: str, rehearsal: Rehearsal, sources: Mapping[str, str]
) -> dict[str, object]:
    """Return a chosen order of events as JSON values."""
    return {
        "cell": title,
        "found": [{"name": name, "message": message} for name, message in rehearsal.found],
        "trace": [_step_document(step, sources) for step in rehearsal.steps],
    }


def _document(violation: Violation, sources: Mapping[str, str]) -> dict[str, object]:
    return {
        "invariant": violation.invariant,
        "certainty": certainty(violation),
        "message": violation.message,
        "trace": [_step_document(step, sources) for step in violation.trace],
    }


def _step_document(step: Step, sources: Mapping[str, str]) -> dict[str, object]:
    return {
        "event": step.event,
        "before": dict(step.before),
        "operations": [
            {
                "name": operation.name,
                "detail": operation.detail,
                "source": sources.get(operation.name),
            }
            for operation in step.operations
        ],
        "after": dict(step.after),
    }
