"""Traces of a simulation, step by step: for people and as JSON values.

Takes a `SimulationResult` and the release's source lines, gives text that a KVM maintainer can
paste into a bug report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from matrix.explore.outcome import SimulationResult, Step, TwoActorResult, Violation, details
from matrix.explore.rehearsal import Rehearsal
from matrix.flows.explain import SimulatedCell
from matrix.render.defects import defect_documents, sentences
from matrix.render.explanation import cell_title
from matrix.render.frames import frame_lines, strip_of_steps
from matrix.render.json import Json, dump, fields
from matrix.render.text import hanging

# What a predicate answers, in words.
_SAYS = {True: "says yes", False: "says no", None: "is not asked there, or its answer is unknown"}


def simulation_text(cells: Sequence[SimulatedCell], *, brief: bool) -> str:
    """Return what was found in cells; `brief` is without the traces."""
    texts = []
    for cell in cells:
        first = [part for text in sentences(cell.defects) for part in _title(text)]
        texts.append("\n".join((*first, _run(cell, brief=brief))))
    return "\n".join(texts)


def simulation_json(cells: Sequence[SimulatedCell]) -> str:
    """Return the document of schema `matrix/simulate/1`."""
    documents: list[Json] = [
        {
            "defects": defect_documents(cell.defects),
            **_run_document(cell),
            "predicate_version": cell.predicate_version,
            "predicate": cell.predicate,
        }
        for cell in cells
    ]
    return dump({"schema": "matrix/simulate/1", "cells": documents})


def _title_of(cell: SimulatedCell) -> str:
    varied = "".join(f", {name}={value}" for name, value in cell.variant)
    title = cell_title(cell.kernel, cell.assumes_patch, cell.changed) + varied
    title += f"; {cell.predicate_version} {_SAYS[cell.predicate]}"
    if cell.predicate is False and cell.violated:
        title += ": it refuses what is violated below"
    return title


def _run(cell: SimulatedCell, *, brief: bool) -> str:
    title, sources = _title_of(cell), cell.sources
    match cell.run:
        case Rehearsal():
            return render_rehearsal(title, cell.run, sources)
        case TwoActorResult():
            return render_two_actors(title, cell.run, sources, brief=brief)
        case _:
            if brief:
                return render_findings(title, cell.run)
            return render_traces(title, cell.run, sources)


def _run_document(cell: SimulatedCell) -> dict[str, Json]:
    """Return what was found in a cell as JSON values, with the trace of each violation."""
    run, sources = cell.run, cell.sources
    found: dict[str, Json] = {"cell": _title_of(cell)}
    if isinstance(run, Rehearsal):
        named: list[Json] = [{"name": name, "message": message} for name, message in run.found]
        return found | {"found": named, "trace": _trace_document(run.steps, sources)}
    violations = _documents(run.violations, sources)
    if isinstance(run, TwoActorResult):
        found["outcome"] = "violates" if violations else "safe within the bound"
        return found | fields(run, "bound states") | {"violations": violations}
    return {
        **found,
        "outcome": "violates" if violations else "safe",
        **fields(run, "states transitions"),
        "violations": violations,
        "advisories": _documents(run.advisories, sources),
    }


def render_traces(title: str, result: SimulationResult, sources: Mapping[str, str]) -> str:
    """Return every violation and advisory of a behaviour class with its shortest trace."""
    explored = f"explored {result.states} states and {result.transitions} transitions"
    lines = [*_title(title), explored, ""]
    if not result.violations:
        lines += ["no violation is reachable", ""]
    for kind, item in _found(result):
        breaks = kind == "violation"
        lines += [*_headline(kind, item), *_frames(item.trace)]
        lines += [*_steps(item.trace, sources, breaks=breaks), ""]
    return "\n".join(lines)


def render_findings(title: str, result: SimulationResult) -> str:
    """Return what was found without the traces: one paragraph a violation or advisory."""
    lines = _title(title)
    if not result.violations:
        lines.append("  no violation is reachable")
    for kind, item in _found(result):
        lines += _headline(kind, item, "  ")
    return "\n".join(lines) + "\n"


def render_two_actors(
    title: str, result: TwoActorResult, sources: Mapping[str, str], *, brief: bool
) -> str:
    """Return what two actors at once can break, with the bound that was kept."""
    bound = f"bound: {result.bound}; {result.starts} starts, {result.states} states"
    lines = [*_title(f"{title}, two actors"), *hanging(bound, "", "  ")]
    if not result.violations:
        lines.append("  no violation is reachable within the bound")
    for item in result.violations:
        if brief:
            lines += _headline("violation", item, "  ")
        else:
            lines += [*_headline("violation", item), *_frames(item.trace)]
            lines += _steps(item.trace, sources, breaks=True)
    return "\n".join(lines) + "\n"


def render_rehearsal(title: str, rehearsal: Rehearsal, sources: Mapping[str, str]) -> str:
    """Return what a chosen order of events does, and what its last event found."""
    steps = rehearsal.steps
    lines = [*_title(title), *_frames(steps), *_steps(steps, sources, breaks=False)]
    for name, message in rehearsal.found:
        lines += hanging(f"found {name}: {message}", "", "  ")
    return "\n".join(lines if rehearsal.found else [*lines, "nothing was found"]) + "\n"


# A table of frames is as wide as a mail takes it, however wide the terminal.
_FRAMES = 76


def _title(title: str) -> list[str]:
    return hanging(title, "", "  ")


def _found(result: SimulationResult) -> Iterator[tuple[str, Violation]]:
    """Yield what was found with what kind it is, violations first."""
    yield from (("violation", item) for item in result.violations)
    yield from (("advisory", item) for item in result.advisories)


def _headline(kind: str, item: Violation, indent: str = "") -> list[str]:
    text = f"{kind} {item.invariant} ({item.certainty}): {item.message}"
    return hanging(text, indent, f"{indent}  ")


# How far in the parts of a step stand, and the lines that continue one.
_PART, _MORE = " " * 7, " " * 11


def _frames(trace: Sequence[Step]) -> Iterator[str]:
    """Yield the frames of a trace: what each event leaves."""
    strip = strip_of_steps(trace)
    if strip is not None:
        yield from (f"  {line}" for line in frame_lines(strip, _FRAMES))


def _steps(trace: tuple[Step, ...], sources: Mapping[str, str], *, breaks: bool) -> Iterator[str]:
    """Yield the steps with the kernel lines of each micro-operation, the culprit marked."""
    # A shortest trace ends with what is done wrong; what an oops leaves stands behind it.
    done = [item for item in trace[-1].operations if not item.stays]
    for number, step in enumerate(trace, start=1):
        yield from hanging(f"{number}. {step.event}", "  ", _PART)
        yield from _changes(step)
        for item in step.operations:
            mark = " (breaks)" if breaks and item is done[-1] else ""
            yield from hanging(f"{item.name}{mark}: {item.detail}", _PART, _MORE)
            if source := sources.get(item.name):
                yield from hanging(source, " " * 9, _MORE)


def _changes(step: Step) -> Iterator[str]:
    """Yield the state that the event changed, before and after, as the frames have no room for."""
    after = details(step.after)
    for name, value in details(step.before).items():
        if after[name] != value:
            yield from hanging(f"{name}: {value} -> {after[name]}", _PART, _MORE)


def _documents(violations: Sequence[Violation], sources: Mapping[str, str]) -> list[Json]:
    return [
        {
            **fields(violation, "invariant certainty message"),
            "trace": _trace_document(violation.trace, sources),
        }
        for violation in violations
    ]


def _trace_document(steps: Sequence[Step], sources: Mapping[str, str]) -> list[Json]:
    return [
        {
            "event": step.event,
            "before": dict[str, Json](details(step.before)),
            "operations": _operations(step, sources, stays=False),
            # What an oops in this step leaves.
            **({"left_behind": left} if (left := _operations(step, sources, stays=True)) else {}),
            "after": dict[str, Json](details(step.after)),
        }
        for step in steps
    ]


def _operations(step: Step, sources: Mapping[str, str], *, stays: bool) -> list[Json]:
    return [
        {"name": item.name, "detail": item.detail, "source": sources.get(item.name)}
        for item in step.operations
        if item.stays is stays
    ]
