"""A study: from its name to a `StudyResult`.

Lowers the capability's question for every kernel of the study, solves the space, answers the cells
of the declared tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from matrix.analyze.answer import Answer
from matrix.analyze.assemble import StudyCells, command_line_of, study_options
from matrix.analyze.behaviour import Behaviours
from matrix.analyze.cell import Cell, answer, exists
from matrix.analyze.facts import FactProgram
from matrix.analyze.question import Question, lower_question, predicate_version
from matrix.analyze.result import StudyResult, TableCell
from matrix.analyze.study import SolvedStudy, solve_study
from matrix.analyze.summary import summarise
from matrix.analyze.verdict import Verdict
from matrix.diagnostics import Diagnostic, InputError, unknown_word_hint
from matrix.expr.nodes import Value
from matrix.kernel.cpu import canonical_system, resolve_system
from matrix.kernel.system import CpuSystem
from matrix.pipeline.knowledge import Library, release_key
from matrix.pipeline.reply import Reply
from matrix.render.columns import align
from matrix.render.text import hanging
from matrix.schema.values import (
    Architecture,
    Axis,
    Capability,
    KernelProfile,
    MatrixStudy,
    Option,
    PredicateVersion,
)


class PreparedStudy(Struct, frozen=True, kw_only=True):
    """A study with everything it names looked up and lowered."""

    library: Library
    study: MatrixStudy
    predicate: PredicateVersion
    architecture: Architecture
    kernels: tuple[KernelProfile, ...]
    questions: Mapping[str, Question]
    systems: Mapping[str, CpuSystem]
    behaviours: Behaviours
    cells: StudyCells

    @property
    def capability(self) -> Capability:
        """The capability that the study asks about."""
        return self.library.capability(self.study.capability)

    def solve(self) -> SolvedStudy:
        """Return the verdict regions of the whole space.

        Raises:
            InputError: MX0661, where the constraints leave no cell.
        """
        solved = self._solve(self.kernels)
        if solved.valid.is_empty():
            from matrix.pipeline.selection import contradictory_study

            raise contradictory_study(self)
        return solved

    def solve_kernel(self, profile: KernelProfile) -> SolvedStudy:
        """Return the verdict regions of one kernel's part of the space."""
        return self._solve((profile,))

    def _solve(self, kernels: Sequence[KernelProfile]) -> SolvedStudy:
        pairs = [(profile, self.questions[profile.id]) for profile in kernels]
        return solve_study(self.study, pairs, self.architecture, self.systems, self.behaviours)

    def kernel_of(self, options: Mapping[str, Option]) -> KernelProfile:
        """Return the kernel that one option per axis chooses."""
        chosen = next(option.kernel for option in options.values() if option.kernel)
        return next(profile for profile in self.kernels if profile.id == chosen)

    def system(self, options: Mapping[str, Option]) -> CpuSystem | None:
        """Return the CPU system that one option per axis chooses."""
        spec = next((option.cpu for option in options.values() if option.cpu), None)
        return None if spec is None else self.systems[spec]

    def cell(self, chosen: Mapping[str, str]) -> tuple[Question, Cell, Mapping[str, Option]]:
        """Return the cell that differs from the baseline in the options chosen."""
        options = study_options(self.study, chosen)
        profile = self.kernel_of(options)
        question = self.questions[profile.id]
        cell = self.cells.cell(question.program, profile, options)
        return question, cell, options

    def answer(self, chosen: Mapping[str, str], *, detailed: bool = False) -> Answer | None:
        """Return the answer of a cell; None where no such cell can exist."""
        question, cell, _ = self.cell(chosen)
        return self.answer_cell(question, cell, detailed=detailed)

    def answer_cell(
        self, question: Question, cell: Cell, *, detailed: bool = False
    ) -> Answer | None:
        """Return the answer of a cell made by `cell`; None where it cannot exist."""
        if not exists(question, cell, self.behaviours):
            return None
        return answer(question, cell, self.behaviours, detailed=detailed)


def prepare_study(library: Library, name: str, predicate: str | None = None) -> PreparedStudy:
    """Look a study up and lower what it asks.

    Raises:
        InputError: an unknown study or predicate, and what lowering finds wrong.
    """
    study = library.study(name)
    capability = library.capability(study.capability)
    version = predicate_version(capability, predicate or study.predicate)
    # Several distributions share a kernel.
    kernel_ids = dict.fromkeys(
        option.kernel for axis in study.axes for option in axis.options if option.kernel
    )
    named = (library.kernel(kernel_id) for kernel_id in kernel_ids)
    kernels = tuple(sorted(named, key=lambda profile: release_key(profile.release)))
    architecture = library.architecture(kernels[0].arch)
    specs = [option.cpu for axis in study.axes for option in axis.options if option.cpu]
    _refuse_idle_constraints(study, [library.program(profile) for profile in kernels])
    systems = {spec: resolve_system(spec, library.knowledge, architecture) for spec in specs}
    return PreparedStudy(
        library=library,
        study=study,
        predicate=version,
        architecture=architecture,
        kernels=kernels,
        questions={
            profile.id: lower_question(
                library.program(profile), capability, version, study.constraints
            )
            for profile in kernels
        },
        systems=systems,
        behaviours=Behaviours(),
        cells=StudyCells(systems, architecture),
    )


def _refuse_idle_constraints(study: MatrixStudy, programs: Sequence[FactProgram]) -> None:
    """Refuse a constraint that no kernel of the study knows the names of: it would do nothing.

    Raises:
        InputError: MX0608, all such constraints at once.
    """
    problems = []
    for condition in study.constraints:
        lacking = [program.lacks(condition) for program in programs]
        if all(lacking):
            names = sorted(frozenset.intersection(*lacking) or lacking[-1])
            problems.append(
                Diagnostic(
                    code="MX0608",
                    location=condition.location,
                    message=f"no kernel of the study has `{'`, `'.join(names)}`",
                    hint="constraints are over facts, Kconfig symbols and environment axes",
                )
            )
    if problems:
        raise InputError(problems)


def run_study(library: Library, name: str, predicate: str | None = None) -> StudyResult:
    """Return everything that is said of a study without its proofs."""
    prepared = prepare_study(library, name, predicate)
    return study_result(prepared, prepared.solve())


def study_result(prepared: PreparedStudy, solved: SolvedStudy) -> StudyResult:
    """Return the result of a study that was solved."""
    return summarise(
        solved,
        prepared.questions,
        prepared.kernels,
        prepared.architecture,
        prepared.predicate,
        _table_cells(prepared),
        prepared.library.knowledge.digest,
    )


def _table_cells(prepared: PreparedStudy) -> Callable[[Mapping[str, str]], TableCell | None]:
    # CPUs that are alike to a kernel share the answer of a table's column.
    shared: dict[tuple[str, str, frozenset[tuple[str, Value]]], TableCell | None] = {}

    def answer_cell(chosen: Mapping[str, str]) -> TableCell | None:
        question, cell, options = prepared.cell(chosen)
        line = command_line_of(options.values())
        key = (question.program.release, line, frozenset(cell.atoms.items()))
        if key not in shared:
            found = prepared.answer_cell(question, cell)
            shared[key] = (
                None if found is None else TableCell(verdict=found.verdict, reason=found.reasons[0])
            )
        return shared[key]

    return answer_cell


def parse_cell(prepared: PreparedStudy, text: str) -> dict[str, str]:
    """Return the options that `axis=option,axis=option` chooses; quotes protect commas.

    A CPU may be called by any of its names, and the types of a system stand in any order; the
    answer has the name of the study's option.

    Raises:
        InputError: MX0604 malformed, MX0605 unknown axis, MX0606 unknown option; all at once.
    """
    import re

    study = prepared.study
    axes = {axis.name: axis for axis in study.axes}
    chosen: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for item in re.findall(r'(?:[^,"]|"[^"]*")+', text):
        name, separator, raw = item.strip().partition("=")
        option = raw.strip('"')
        if not separator:
            problems.append(
                Diagnostic(
                    code="MX0604",
                    message=f"`{item}` is not axis=option",
                    hint="a cell is written axis=option,axis=option",
                )
            )
        elif name not in axes:
            problems.append(unknown_axis(study, name, instead=_field_hint(prepared, name, item)))
        elif option in (known.name for known in axes[name].options):
            chosen[name] = option
        elif (same := _same_system(prepared, axes[name], option)) is not None:
            chosen[name] = same
        else:
            problems.append(unknown_option(axes[name], option))
    if problems:
        raise InputError(problems)
    return chosen


def unknown_axis(study: MatrixStudy, name: str, *, instead: str | None = None) -> Diagnostic:
    """Return the diagnostic of an axis that a study lacks (MX0605); `instead` is a better hint."""
    return Diagnostic(
        code="MX0605",
        message=f"unknown axis `{name}` of study `{study.id}`",
        hint=instead or unknown_word_hint(name, [axis.name for axis in study.axes], "axes"),
    )


def unknown_option(axis: Axis, option: str) -> Diagnostic:
    """Return the diagnostic of an option that an axis lacks (MX0606)."""
    known = [item.name for item in axis.options]
    return Diagnostic(
        code="MX0606",
        message=f"unknown option `{option}` of axis `{axis.name}`",
        hint=unknown_word_hint(option, known, f"options of {axis.name}"),
    )


def _same_system(prepared: PreparedStudy, axis: Axis, spec: str) -> str | None:
    """Return the option that is the CPU system of a SPEC written otherwise, None without one."""
    if axis.kind != "cpu":
        return None
    knowledge = prepared.library.knowledge
    wanted = canonical_system(spec, knowledge)
    for option in axis.options:
        if option.cpu is not None and canonical_system(option.cpu, knowledge) == wanted:
            return option.name
    return None


def _field_hint(prepared: PreparedStudy, name: str, item: str) -> str | None:
    """Return the hint for who changes a field of a CPU in a cell, as a SPEC can."""
    if name not in {field.name for field in prepared.architecture.fields}:
        return None
    return (
        f"`{name}` is a field of a CPU, and the CPUs of a study are the ones that it lists; "
        f"`matrix validate FILE --cpu NAME,{item.strip()}` asks about a changed one"
    )


def count(name: str, *, configs: tuple[Path, ...], predicate: str | None, as_json: bool) -> Reply:
    """Return the exact counts of a study per verdict, as text or JSON."""
    prepared = prepare_study(Library(configs), name, predicate)
    solved = prepared.solve()
    counts = {verdict.value: solved.count(verdict) for verdict in Verdict}
    cells = solved.valid.count()
    classes = len(prepared.behaviours)
    if as_json:
        document = {
            "schema": "matrix/count/1",
            "cells": cells,
            "behaviour_classes": classes,
            "verdicts": counts,
        }
        return Reply(text=json.dumps(document, indent=2) + "\n")
    rows = [(verdict, f"{number:,}") for verdict, number in counts.items()]
    table = align(("verdict", "cells"), rows)
    title = f"{prepared.study.title}, predicate {prepared.predicate.name}"
    head = "\n".join(hanging(title, "", "  "))
    return Reply(text=f"{head}\n\n{table}{cells:,} cells, {classes} behaviour classes\n")
