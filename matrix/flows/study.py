"""A study: from its name to a `StudyResult`.

Lowers the capability's question for every kernel of the study, solves the space, answers the cells
of the declared tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import Cell, answer, exists
from matrix.analyze.cell.assemble import (
    StudyCells,
    command_line_of,
    open_fields,
    study_options,
)
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import (
    BOOTS,
    Question,
    lower_question,
    predicate_version,
    refuse_lacking_truth,
)
from matrix.analyze.facts.program import FactProgram
from matrix.analyze.space.result import StudyResult, TableCell
from matrix.analyze.space.study import SolvedStudy, solve_study
from matrix.analyze.space.summary import summarise
from matrix.diagnostics import Diagnostic, refuse
from matrix.expr.nodes import Constant
from matrix.expr.parser import parse
from matrix.flows.knowledge import Library, release_key
from matrix.kernel.cpu.system import CpuSystem
from matrix.schema.values import (
    Architecture,
    Capability,
    Condition,
    KernelProfile,
    MatrixStudy,
    Option,
    PredicateVersion,
)
from matrix.solve.space import Region


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
            from matrix.flows.selection import contradictory_study

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
    study = _booting(library, library.study(name))
    capability = library.capability(study.capability)
    version = predicate_version(capability, predicate or study.predicate)
    # Several distributions share a kernel.
    kernel_ids = dict.fromkeys(
        option.kernel for axis in study.axes for option in axis.options if option.kernel
    )
    mine = {profile.id: profile for profile in library.kernels_of(study.arch).values()}
    named = (mine[kernel_id] for kernel_id in kernel_ids)
    kernels = tuple(sorted(named, key=lambda profile: release_key(profile.release)))
    architecture = library.architecture(study.arch)
    specs = [option.cpu for axis in study.axes for option in axis.options if option.cpu]
    _refuse_idle_constraints(study, [library.program(profile) for profile in kernels])
    systems = library.systems(specs, study.arch)
    questions = {
        profile.id: lower_question(library.program(profile), capability, version, study.constraints)
        for profile in kernels
    }
    refuse_lacking_truth(questions.values())
    return PreparedStudy(
        library=library,
        study=study,
        predicate=version,
        architecture=architecture,
        kernels=kernels,
        questions=questions,
        systems=systems,
        behaviours=Behaviours(),
        cells=StudyCells(systems, architecture),
    )


def _booting(library: Library, study: MatrixStudy) -> MatrixStudy:
    """Return a study with the constraint that its kernels boot, if it does not state that itself.

    Of one cell `explain` and the tables say that the kernel cannot boot: no count may hold it.
    """
    stated = {condition.text for condition in study.constraints}
    if BOOTS in stated or not any(axis.kind == "cpu" for axis in study.axes):
        return study
    ids = {option.kernel for axis in study.axes for option in axis.options}
    programs = [
        library.program(profile)
        for profile in library.kernels_of(study.arch).values()
        if profile.id in ids
    ]
    # An architecture with one page size says `true`: there is nothing to state.
    if all(isinstance(program.definitions.get(BOOTS), Constant | None) for program in programs):
        return study
    condition = Condition(
        text=BOOTS,
        expression=parse(BOOTS),
        location=study.location,
        because="a kernel boots only on a CPU with its translation granule",
    )
    return replace(study, constraints=(*study.constraints, condition))


def _refuse_idle_constraints(study: MatrixStudy, programs: Sequence[FactProgram]) -> None:
    """Refuse a constraint that no kernel of the study knows the names of: it would do nothing.

    Raises:
        InputError: MX0608, all such constraints at once.
    """
    problems = []
    for condition in study.constraints:
        lacking = [program.lacks(condition) for program in programs]
        if all(lacking):
            # Where each kernel lacks another name, what the newest lacks.
            names = sorted(frozenset.intersection(*lacking) or lacking[-1])
            problems.append(
                Diagnostic(
                    code="MX0608",
                    location=condition.location,
                    message=f"no kernel of the study has `{'`, `'.join(names)}`",
                    hint="constraints are over facts, Kconfig symbols and environment axes",
                )
            )
    refuse(problems)


def run_study(library: Library, name: str, predicate: str | None = None) -> StudyResult:
    """Return everything that is said of a study without its proofs."""
    prepared = prepare_study(library, name, predicate)
    return study_result(prepared, prepared.solve())


def study_result(
    prepared: PreparedStudy, solved: SolvedStudy, within: Region | None = None
) -> StudyResult:
    """Return the result of a study that was solved.

    Only cells `within` a region are counted.
    """
    return summarise(
        solved,
        prepared.questions,
        prepared.kernels,
        prepared.architecture,
        prepared.predicate,
        table_cells(prepared),
        prepared.library.knowledge.digest,
        within,
    )


def table_cells(prepared: PreparedStudy) -> Callable[[Mapping[str, str]], TableCell | None]:
    """Return what answers the cells of tables."""
    # CPUs that are alike to a kernel, and lack the same fields, share the answer of a column.
    shared: dict[object, TableCell | None] = {}

    def answer_cell(chosen: Mapping[str, str]) -> TableCell | None:
        question, cell, options = prepared.cell(chosen)
        line = command_line_of(options.values())
        atoms = frozenset(cell.atoms.items())
        # A study has one profile of a release, so the release stands for its program.
        key = (question.program.release, line, atoms, open_fields(cell.detections))
        if key not in shared:
            found = prepared.answer_cell(question, cell)
            shared[key] = (
                None if found is None else TableCell(verdict=found.verdict, reason=found.reasons[0])
            )
        return shared[key]

    return answer_cell
