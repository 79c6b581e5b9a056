"""One cell in full, or one diagnostic code.

`explain` shows how the kernel comes to its answer (every fact with its source line), what the
simulation finds, and what would fix it; `simulate` shows each trace step by step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from matrix.analyze.answer import Answer
from matrix.analyze.assemble import command_line_of, variables_of
from matrix.analyze.cell import Cell, exists, inputs_of
from matrix.analyze.fix import find_fixes
from matrix.analyze.question import Question
from matrix.analyze.verdict import Verdict
from matrix.diagnostics import Diagnostic, InputError, did_you_mean
from matrix.diagnostics.codes import CODES
from matrix.expr.nodes import Expression
from matrix.pipeline.knowledge import Library
from matrix.pipeline.study import PreparedStudy, parse_cell, prepare_study
from matrix.render.json import ValidateResult, dump, validate_document
from matrix.render.text import render_answer
from matrix.render.traces import render_findings, render_traces, traces_document
from matrix.schema.values import Option
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
    patch = prepared.library.capability(prepared.study.capability).assumes_patch
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
    capability = prepared.library.capability(prepared.study.capability)
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


def simulate(
    cells: tuple[str, ...],
    study: str,
    *,
    variant: tuple[str, ...],
    configs: tuple[Path, ...],
    as_json: bool,
    brief: bool,
) -> str:
    """Return the traces of cells, each step with the state before and after it.

    `brief` leaves the traces out of the text.
    """
    prepared = prepare_study(Library(configs), study)
    scenario = prepared.library.capability(prepared.study.capability).scenario
    options = scenario_options(scenario, _pairs(variant))
    documents = []
    texts = []
    for text in cells:
        question, cell, chosen = prepared.cell(parse_cell(prepared.study, text))
        inputs = inputs_of(question, cell, prepared.behaviours)
        result = prepared.behaviours.exact(replace(inputs, variant=options))
        title = _title(prepared, question, chosen) + _varied(options)
        sources = question.program.operation_sources
        texts.append(
            render_findings(title, result) if brief else render_traces(title, result, sources)
        )
        documents.append(traces_document(title, result, sources))
    if as_json:
        return (
            json.dumps(
                {"schema": "matrix/simulate/1", "cells": documents}, indent=2, ensure_ascii=False
            )
            + "\n"
        )
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
