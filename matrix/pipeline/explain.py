"""One cell in full, or one diagnostic code.

`explain` shows how the kernel comes to its answer (every fact with its source line), what the
simulation finds, and what would fix it; `simulate` shows each trace step by step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from matrix.analyze.answer import Answer
from matrix.analyze.assemble import command_line_of, variables_of
from matrix.analyze.cell import Cell, exists, inputs_of
from matrix.analyze.fix import find_fixes
from matrix.analyze.question import Question
from matrix.analyze.verdict import Verdict
from matrix.diagnostics import Diagnostic, InputError, UndecidedError, did_you_mean
from matrix.diagnostics.codes import CODES
from matrix.expr.nodes import Expression
from matrix.pipeline.knowledge import Library
from matrix.pipeline.study import PreparedStudy, parse_cell, prepare_study
from matrix.render.json import ValidateResult, dump, validate_document
from matrix.render.text import render_answer
from matrix.render.traces import (
    rehearsal_document,
    render_findings,
    render_rehearsal,
    render_traces,
    render_two_actors,
    traces_document,
    two_actors_document,
)
from matrix.schema.values import Option
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.interleave import simulate_two_actors
from matrix.simulate.outcome import TwoActorResult
from matrix.simulate.rehearsal import rehearse
from matrix.simulate.scenario import scenario_options


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
    if what.startswith("MX") and "=" not in what:
        return _explain_code(what)
    prepared = prepare_study(Library(configs), study, predicate)
    chosen = parse_cell(prepared.study, what)
    question, cell, options = prepared.cell(chosen)
    answer = _full_answer(prepared, question, cell, options, chosen)
    if as_json:
        return dump(validate_document([_result(prepared, question, options, answer)]))
    return render_answer(_title(prepared, question, options), answer, colour=colour, verbose=True)


def _explain_code(code: str) -> str:
    if code not in CODES:
        raise InputError(
            Diagnostic(
                code="MX0916",
                message=f"unknown diagnostic code `{code}`",
                hint=did_you_mean(code, CODES) or "docs/diagnostics.md lists all codes",
            )
        )
    title, explanation = CODES[code]
    return f"{code}: {title}\n\n{explanation}\n"


def _full_answer(
    prepared: PreparedStudy,
    question: Question,
    cell: Cell,
    options: Mapping[str, Option],
    chosen: Mapping[str, str],
) -> Answer:
    found = prepared.answer(chosen, detailed=True)
    if found is None:
        raise InputError(_no_such_cell(prepared, question, cell))
    if found.verdict is Verdict.SUPPORTED:
        return found
    profile = next(item for item in prepared.kernels if item.release == question.program.release)
    line = command_line_of(options.values())

    def reline(appended: str) -> Mapping[str, Expression]:
        return variables_of(question.program, profile, f"{line} {appended}")

    return replace(found, fixes=find_fixes(question, profile, cell, reline, prepared.behaviours))


def _no_such_cell(prepared: PreparedStudy, question: Question, cell: Cell) -> Diagnostic:
    """Return which constraints of the study the cell breaks, each with what it says."""
    broken = [
        condition.because or condition.text
        for condition in prepared.study.constraints
        if not question.program.lacks(condition)
        and not exists(
            replace(question, constraints=(question.program.lower_expression(condition),)),
            cell,
            prepared.behaviours,
        )
    ]
    return Diagnostic(
        code="MX0607",
        message=f"there is no such cell in study `{prepared.study.id}`",
        location=prepared.study.location,
        hint="; ".join(broken) or "the kernel's Kconfig constraints forbid it",
    )


def _title(prepared: PreparedStudy, question: Question, options: Mapping[str, Option]) -> str:
    patch = prepared.capability.assumes_patch
    kernel = question.program.release + (f" + {patch}" if patch else "")
    changed = ", ".join(
        f"{axis}={option.name}"
        for axis, option in options.items()
        if dict(prepared.study.baseline).get(axis) != option.name
    )
    return f"Linux {kernel}: {changed or 'the baseline cell'}"


def _result(
    prepared: PreparedStudy,
    question: Question,
    options: Mapping[str, Option],
    answer: Answer,
) -> ValidateResult:
    surroundings = {
        name: value for option in options.values() for name, value in option.environment
    }
    cpu = next((option.cpu for option in options.values() if option.cpu), None)
    capability = prepared.capability
    return ValidateResult(
        file=prepared.study.id,
        kernel=question.program.release,
        assumes_patch=capability.assumes_patch,
        cpu=prepared.systems[cpu].names if cpu else (),
        cmdline=command_line_of(options.values()),
        vm=surroundings.get("vm", "default"),
        capability=capability.id,
        predicate_version=prepared.predicate.name,
        answer=answer,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateRequest:
    """What `matrix simulate` was asked: cells of a study, a mechanism variant, how to show it.

    `events` are an order of events to run instead of exploring all orders.
    """

    cells: tuple[str, ...]
    study: str
    variant: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    two_actors: bool = False
    brief: bool = False
    as_json: bool = False
    configs: tuple[Path, ...] = ()


def simulate(request: SimulateRequest) -> str:
    """Return the traces of cells, each step with the state before and after it."""
    prepared = prepare_study(Library(request.configs), request.study)
    scenario = prepared.capability.scenario
    options = scenario_options(scenario, _pairs(request.variant))
    texts = []
    documents = []
    for text in request.cells:
        question, cell, chosen = prepared.cell(parse_cell(prepared.study, text))
        inputs = replace(inputs_of(question, cell, prepared.behaviours), variant=options)
        title = _title(prepared, question, chosen) + _varied(options)
        sources = question.program.operation_sources
        if request.events:
            rehearsal = rehearse(inputs, request.events)
            texts.append(render_rehearsal(title, rehearsal, sources))
            documents.append(rehearsal_document(title, rehearsal, sources))
            continue
        if request.two_actors:
            raced = _race(inputs)
            texts.append(render_two_actors(title, raced, sources, brief=request.brief))
            documents.append(two_actors_document(title, raced, sources))
            continue
        result = prepared.behaviours.exact(inputs)
        documents.append(traces_document(title, result, sources))
        texts.append(
            render_findings(title, result)
            if request.brief
            else render_traces(title, result, sources)
        )
    if request.as_json:
        document = {"schema": "matrix/simulate/1", "cells": documents}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return "\n".join(texts)


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


def _race(inputs: SimulationInputs) -> TwoActorResult:
    """Interleave two actors.

    Raises:
        UndecidedError: MX0710, past the bound on states.
    """
    raced = simulate_two_actors(inputs)
    if not raced.complete:
        raise UndecidedError(
            Diagnostic(
                code="MX0710",
                message=f"two actors passed the bound after {raced.states} states",
                hint="ask about one actor, or about a smaller scenario",
            )
        )
    return raced
