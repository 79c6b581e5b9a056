"""One cell in full, or one diagnostic code.

`explain` shows how the kernel comes to its answer (every fact with its source line), what the
simulation finds, and what would fix it; `simulate` shows each trace step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Defect
from matrix.analyze.cell.answering import exists, inputs_of, said_besides
from matrix.analyze.cell.assemble import command_line_of
from matrix.analyze.cell.question import simulated_scenario
from matrix.analyze.cell.settings import study_settings
from matrix.analyze.cell.verdict import WORKS, Verdict
from matrix.analyze.space.explanation import Explanation, derive_answer
from matrix.analyze.space.nearest import NearestCells, nearest_supported
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import (
    Diagnostic,
    InputError,
    UndecidedError,
    did_you_mean,
    refuse,
    unknown_word_hint,
)
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
from matrix.schema.values import Capability, KernelProfile
from matrix.solve.nearest import changes


def explain(
    cell: str, study: str, *, configs: tuple[Path, ...], predicate: str | None
) -> Explanation:
    """Return the explanation of a cell, `axis=option,…`."""
    prepared = prepare_study(Library(configs), study, predicate)
    return explain_cell(prepared, parse_cell(prepared, cell))


def is_code(what: str) -> bool:
    """Tell whether a diagnostic code (`MX0104`) is asked about, and no cell."""
    return what.upper().startswith("MX") and "=" not in what


def explain_code(code: str) -> tuple[str, str]:
    """Return the title of a diagnostic code and what it means.

    Raises:
        InputError: MX0916, there is no such code.
    """
    if code not in codes():
        raise InputError.of(
            code="MX0916",
            message=f"unknown diagnostic code `{code}`",
            hint=did_you_mean(code, codes()) or "docs/diagnostics.md lists all codes",
        )
    return codes()[code]


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


class SimulateRequest(Struct, frozen=True, kw_only=True):
    """What `matrix simulate` was asked: cells of a study, a mechanism variant, which run.

    A `variant` is a version of the series or `option=value`, which changes that version.
    `events` are an order of events to run instead of exploring all orders. What the simulation
    finds does not depend on the predicate: a `predicate` that is named is answered beside it.
    """

    cells: tuple[str, ...]
    study: str
    predicate: str | None = None
    variant: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    two_actors: bool = False
    configs: tuple[Path, ...] = ()


class SimulatedCell(Struct, frozen=True, kw_only=True):
    """What the simulation of one cell finds: of all orders of events, of one, or of two actors.

    `changed` are the options that differ from the baseline's, `variant` those of the mechanism
    that were asked for besides the version of the series, `assumes_patch`.
    `predicate` is what its version answers there; `violated` whether what it is asked about fails.
    `sources` has the kernel line of each micro-operation.
    """

    kernel: str
    assumes_patch: str | None
    changed: Mapping[str, str]
    variant: tuple[tuple[str, str], ...]
    predicate_version: str
    predicate: bool | None
    violated: bool
    defects: tuple[Defect, ...]
    run: SimulationResult | Rehearsal | TwoActorResult
    sources: Mapping[str, str]


def simulate(request: SimulateRequest) -> tuple[SimulatedCell, ...]:
    """Return the traces of cells, each step with the state before and after it."""
    prepared = prepare_study(Library(request.configs), request.study, request.predicate)
    scenario = simulated_scenario(prepared.capability)
    series, asked = _variant(prepared.capability, request.variant)
    mechanism = dict(prepared.capability.mechanism(series)) | dict(asked)
    scenario.chosen(asked)  # an option that is given twice
    variant = scenario.chosen(mechanism.items())
    varied = tuple(item for item in variant if item in asked)
    return tuple(
        _simulated(prepared, scenario, request, parse_cell(prepared, text), variant, varied, series)
        for text in request.cells
    )


def _simulated(
    prepared: PreparedStudy,
    scenario: AnyScenario,
    request: SimulateRequest,
    asked: Mapping[str, str],
    variant: tuple[tuple[str, str], ...],
    varied: tuple[tuple[str, str], ...],
    series: str | None,
) -> SimulatedCell:
    question, cell, options = prepared.cell(asked)
    if not exists(question, cell, prepared.behaviours):
        raise no_such_cell(prepared, asked)
    inputs = replace(inputs_of(question, cell, prepared.behaviours), variant=variant)
    answer = prepared.answer_cell(question, cell)
    result, defects = said_besides(question, cell, prepared.behaviours, inputs)
    run: SimulationResult | Rehearsal | TwoActorResult = result
    if request.events:
        run = _kept(scenario, rehearse(scenario, result.inputs, request.events), result)
    elif request.two_actors:
        run = _race(scenario, result.inputs)
    names = {axis: option.name for axis, option in options.items()}
    return SimulatedCell(
        kernel=question.program.release,
        assumes_patch=series,
        changed=changes(names, dict(prepared.study.baseline)),
        variant=varied,
        predicate_version=prepared.predicate.name,
        predicate=None if answer is None else answer.predicate,
        violated=bool(result.violations),
        defects=defects,
        run=run,
        sources={
            name: source
            for name, source in question.operation_sources.items()
            if series == prepared.capability.assumes_patch or name not in _of_series(scenario)
        },
    )


def _of_series(scenario: AnyScenario) -> frozenset[str]:
    """Return the micro-operations whose lines are those of the assumed version of the series."""
    return frozenset(item.name for item in scenario.operations if item.where == "series")


def _kept(scenario: AnyScenario, rehearsal: Rehearsal, result: SimulationResult) -> Rehearsal:
    """Return what a chosen order finds without advisories whose condition is false."""
    can_happen = {*scenario.invariant_names, *(item.invariant for item in result.advisories)}
    return replace(
        rehearsal, found=tuple(item for item in rehearsal.found if item[0] in can_happen)
    )


def _variant(
    capability: Capability, texts: tuple[str, ...]
) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """Return the version of the series that is asked for, or that is assumed, and the options.

    Raises:
        InputError: MX0705, neither; MX0704, two versions.
    """
    declared = [version.name for version in capability.series]
    pairs = [(name, value) for name, given, value in map(_parted, texts) if given]
    named = [text for text in dict.fromkeys(texts) if "=" not in text]
    wrong = [
        Diagnostic(
            code="MX0705",
            message=f"`{text}` is neither option=value nor a version of the series",
            hint=unknown_word_hint(text, declared, "versions")
            if declared
            else "a mechanism variant is written option=value, such as guest=no-exec",
        )
        for text in named
        if text not in declared
    ]
    if not wrong and len(named) > 1:
        wrong = [
            Diagnostic(
                code="MX0704",
                message=f"two versions of the series are given, `{named[0]}` and `{named[1]}`",
                hint="leave one of them",
            )
        ]
    refuse(wrong)
    return named[0] if named else capability.assumes_patch, tuple(pairs)


def _parted(text: str) -> tuple[str, str, str]:
    return text.partition("=")


def _race(scenario: AnyScenario, inputs: SimulationInputs) -> TwoActorResult:
    """Interleave two actors.

    Raises:
        UndecidedError: MX0710, past the bound on states.
    """
    raced = simulate_two_actors(scenario, inputs)
    if not raced.complete:
        raise UndecidedError.of(
            code="MX0710",
            message=f"two actors passed the bound after {raced.states} states",
            hint="ask about one actor, or about a smaller scenario",
        )
    return raced
