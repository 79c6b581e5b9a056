"""One cell in full, or one diagnostic code.

`explain` shows how the kernel comes to its answer (every fact with its source line), what the
simulation finds, and what would fix it; `simulate` shows each trace step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answering import exists, inputs_of, said_besides
from matrix.analyze.cell.assemble import command_line_of
from matrix.analyze.cell.question import simulated_scenario
from matrix.analyze.cell.settings import study_settings
from matrix.analyze.cell.verdict import WORKS, Verdict
from matrix.analyze.space.cell_text import option_text
from matrix.analyze.space.explanation import Explanation, derive_answer
from matrix.analyze.space.nearest import NearestCells, nearest_supported
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import Diagnostic, InputError, UndecidedError, did_you_mean
from matrix.diagnostics.codes import codes
from matrix.explore.inputs import SimulationInputs
from matrix.explore.interleave import simulate_two_actors
from matrix.explore.outcome import SimulationResult, TwoActorResult
from matrix.explore.rehearsal import Rehearsal, rehearse
from matrix.explore.scenario import AnyScenario
from matrix.flows.cell_argument import parse_cell
from matrix.flows.knowledge import Library
from matrix.flows.selection import no_such_cell
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.render.defects import defect_documents, sentences
from matrix.render.explanation import explanation_document, render_explanation
from matrix.render.json import dump
from matrix.render.text import hanging
from matrix.render.traces import (
    rehearsal_document,
    render_findings,
    render_rehearsal,
    render_traces,
    render_two_actors,
    traces_document,
    two_actors_document,
)
from matrix.schema.values import KernelProfile
from matrix.solve.nearest import changes


def explain(
    what: str,
    study: str,
    *,
    configs: tuple[Path, ...],
    predicate: str | None,
    as_json: bool,
    colour: bool,
) -> str:
    """Return the explanation of a cell (`axis=option,…`) or of a code (`MX0104`)."""
    if what.upper().startswith("MX") and "=" not in what:
        return _explain_code(what.upper())
    prepared = prepare_study(Library(configs), study, predicate)
    chosen = parse_cell(prepared, what)
    explanation = explain_cell(prepared, chosen)
    if as_json:
        return dump(explanation_document(explanation))
    return render_explanation(_title(prepared, explanation), explanation, colour=colour)


def explain_cell(prepared: PreparedStudy, chosen: Mapping[str, str]) -> Explanation:
    """Return the explanation of the cell that differs from the baseline in the options chosen.

    Raises:
        InputError: MX0607, no such cell, with the smallest contradiction.
    """
    question, cell, options = prepared.cell(chosen)
    found = prepared.answer_cell(question, cell, detailed=True)
    if found is None:
        raise no_such_cell(prepared, chosen)
    profile, system = prepared.kernel_of(options), prepared.system(options)
    settings = study_settings(question.program, profile, prepared.architecture, options, system)
    whole = {axis: option.name for axis, option in options.items()}
    baseline = dict(prepared.study.baseline)
    return Explanation(
        study=prepared.study.id,
        cell=whole,
        chosen={axis: name for axis, name in whole.items() if baseline.get(axis) != name},
        kernel=profile.release,
        assumes_patch=prepared.capability.assumes_patch,
        cpu=system.names if system else (),
        cmdline=command_line_of(options.values()),
        capability=prepared.capability.id,
        predicate_version=prepared.predicate.name,
        answer=found,
        derived=derive_answer(
            question,
            profile,
            prepared.architecture,
            prepared.predicate,
            cell,
            settings,
            found.verdict,
        ),
        nearest=None if found.verdict in WORKS else _nearest(prepared, profile, whole),
    )


def _nearest(
    prepared: PreparedStudy, profile: KernelProfile, cell: Mapping[str, str]
) -> NearestCells | None:
    def solve_own() -> SolvedStudy:
        return prepared.solve_kernel(profile)

    def verdict_of(changed: Mapping[str, str]) -> Verdict | None:
        answered = prepared.answer(changed)
        return None if answered is None else answered.verdict

    return nearest_supported(prepared.study, cell, (solve_own, prepared.solve), verdict_of)


def _explain_code(code: str) -> str:
    if code not in codes():
        raise InputError(
            Diagnostic(
                code="MX0916",
                message=f"unknown diagnostic code `{code}`",
                hint=did_you_mean(code, codes()) or "docs/diagnostics.md lists all codes",
            )
        )
    title, explanation = codes()[code]
    return f"{code}: {title}\n\n{explanation}\n"


def _title(prepared: PreparedStudy, explanation: Explanation) -> str:
    return _cell_title(prepared, explanation.kernel, explanation.cell)


def _cell_title(prepared: PreparedStudy, release: str, cell: Mapping[str, str]) -> str:
    patch = prepared.capability.assumes_patch
    kernel = release + (f" + {patch}" if patch else "")
    baseline = dict(prepared.study.baseline)
    changed = ", ".join(
        f"{axis}={option_text(option)}" for axis, option in changes(cell, baseline).items()
    )
    return f"Linux {kernel}: {changed or 'the baseline cell'}"


class SimulateRequest(Struct, frozen=True, kw_only=True):
    """What `matrix simulate` was asked: cells of a study, a mechanism variant, how to show it.

    `events` are an order of events to run instead of exploring all orders. What the simulation
    finds does not depend on the predicate: a `predicate` that is named is answered beside it.
    """

    cells: tuple[str, ...]
    study: str
    predicate: str | None = None
    variant: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    two_actors: bool = False
    brief: bool = False
    as_json: bool = False
    configs: tuple[Path, ...] = ()


def simulate(request: SimulateRequest) -> str:
    """Return the traces of cells, each step with the state before and after it."""
    prepared = prepare_study(Library(request.configs), request.study, request.predicate)
    scenario = simulated_scenario(prepared.capability)
    options = scenario.chosen(_pairs(request.variant))
    texts = []
    documents = []
    for text in request.cells:
        asked = parse_cell(prepared, text)
        question, cell, chosen = prepared.cell(asked)
        if not exists(question, cell, prepared.behaviours):
            raise no_such_cell(prepared, asked)
        inputs = replace(inputs_of(question, cell, prepared.behaviours), variant=options)
        names = {axis: option.name for axis, option in chosen.items()}
        title = _cell_title(prepared, question.program.release, names) + _varied(options)
        answered = prepared.answer_cell(question, cell)
        says = None if answered is None else answered.predicate
        said = {"predicate_version": prepared.predicate.name, "predicate": says}
        sources = question.program.operation_sources
        result, defects = said_besides(question, cell, prepared.behaviours, inputs)
        title += f"; {prepared.predicate.name} {_SAYS[says]}"
        if says is False and result.violations:
            title += ": it refuses what is violated below"
        shown, document = _simulated(scenario, title, result, request, sources)
        first = [part for text in sentences(defects) for part in hanging(text, "", "  ")]
        texts.append("\n".join((*first, shown)))
        documents.append({"defects": defect_documents(defects), **document, **said})
    if request.as_json:
        return dump({"schema": "matrix/simulate/1", "cells": documents})
    return "\n".join(texts)


# What a predicate answers, in words.
_SAYS = {True: "says yes", False: "says no", None: "is not asked there, or its answer is unknown"}


def _simulated(
    scenario: AnyScenario,
    title: str,
    result: SimulationResult,
    request: SimulateRequest,
    sources: Mapping[str, str],
) -> tuple[str, dict[str, object]]:
    """Return what the simulation of one cell shows, as text and for JSON."""
    inputs = result.inputs
    if request.events:
        rehearsal = _kept(scenario, rehearse(scenario, inputs, request.events), result)
        document = rehearsal_document(title, rehearsal, sources)
        return render_rehearsal(title, rehearsal, sources), document
    if request.two_actors:
        raced = _race(scenario, inputs)
        document = two_actors_document(title, raced, sources)
        return render_two_actors(title, raced, sources, brief=request.brief), document
    document = traces_document(title, result, sources)
    if request.brief:
        return render_findings(title, result), document
    return render_traces(title, result, sources), document


def _kept(scenario: AnyScenario, rehearsal: Rehearsal, result: SimulationResult) -> Rehearsal:
    """Return what a chosen order finds without advisories whose condition is false."""
    can_happen = {*scenario.invariant_names, *(item.invariant for item in result.advisories)}
    return replace(
        rehearsal, found=tuple(item for item in rehearsal.found if item[0] in can_happen)
    )


def _pairs(variant: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return `option=value` texts as pairs.

    Raises:
        InputError: MX0705, all malformed ones at once.
    """
    wrong = [text for text in variant if "=" not in text]
    if wrong:
        raise InputError(
            [
                Diagnostic(
                    code="MX0705",
                    message=f"`{text}` is not option=value",
                    hint="a mechanism variant is written option=value, such as guest=no-exec",
                )
                for text in wrong
            ]
        )
    return [(name, value) for name, _, value in (text.partition("=") for text in variant)]


def _varied(options: tuple[tuple[str, str], ...]) -> str:
    return "".join(f", {name}={value}" for name, value in options)


def _race(scenario: AnyScenario, inputs: SimulationInputs) -> TwoActorResult:
    """Interleave two actors.

    Raises:
        UndecidedError: MX0710, past the bound on states.
    """
    raced = simulate_two_actors(scenario, inputs)
    if not raced.complete:
        raise UndecidedError(
            Diagnostic(
                code="MX0710",
                message=f"two actors passed the bound after {raced.states} states",
                hint="ask about one actor, or about a smaller scenario",
            )
        )
    return raced
