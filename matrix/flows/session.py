"""What one run asks of studies, cells and `.config`s: blocks of documents, and programs.

Takes a study's name with what is asked, gives the values that reports are made of; one cell, or a
`.config` with CPUs, likewise. Everything is looked up and solved once for all that one run asks.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.space.result import StudyResult
from matrix.analyze.space.selection import select
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import Diagnostic, InputError, Location, refuse
from matrix.expr.parser import parse
from matrix.flows.cell_argument import parse_cell
from matrix.flows.knowledge import Library
from matrix.flows.selection import no_such_cell
from matrix.flows.study import PreparedStudy, prepare_study, study_result
from matrix.flows.validate import answers_of
from matrix.flows.validate_inputs import read_inputs
from matrix.flows.validate_job import ValidateRequest, prepare
from matrix.flows.validate_result import ValidateResult
from matrix.flows.view import Asked, ViewAnswer, viewed
from matrix.schema.location import readable_file
from matrix.schema.values import Condition


class ViewedCell(Struct, frozen=True, kw_only=True):
    """One cell's answer: `chosen` are the options that depart from the baseline."""

    study: str
    kernel: str
    assumes_patch: str | None
    chosen: tuple[tuple[str, str], ...]
    answer: Answer


class Session:
    """What one run asks of studies; each is lowered and solved once."""

    def __init__(self, configs: tuple[Path, ...] = ()) -> None:
        self.configs = configs
        self.library = Library(configs)
        self._prepared: dict[str, PreparedStudy] = {}
        self._solved: dict[str, SolvedStudy] = {}
        self._results: dict[tuple[str, str], StudyResult] = {}

    def prepared(self, name: str) -> PreparedStudy:
        """Return a study looked up; InputError where there is none."""
        if name not in self._prepared:
            self._prepared[name] = prepare_study(self.library, name)
        return self._prepared[name]

    def solved(self, name: str) -> SolvedStudy:
        """Return the verdict regions of a study; raises as `prepared`."""
        if name not in self._solved:
            self._solved[name] = self.prepared(name).solve()
        return self._solved[name]

    def result(self, name: str, where: str = "", place: Location | None = None) -> StudyResult:
        """Return a study's result; only cells in which the expression `where` is true are counted.

        Raises:
            InputError: as `prepared`; what is wrong with the expression, at `place`.
        """
        if (name, where) not in self._results:
            solved = self.solved(name)
            within = select(solved, _condition(where, place)).region if where else None
            self._results[name, where] = study_result(self.prepared(name), solved, within)
        return self._results[name, where]

    def view(self, name: str, asked: Asked) -> ViewAnswer:
        """Return a view of a study; raises as `prepared` and `flows.view.view`."""
        return viewed(self.prepared(name), lambda: self.solved(name), asked)

    def cell(self, name: str, text: str, *, detailed: bool = False) -> ViewedCell:
        """Return the answer of one cell, `axis=option,…`, the rest from the baseline.

        What could be violated has its traces where the answer is `detailed`.

        Raises:
            InputError: as `prepared`; MX0607, no such cell.
        """
        prepared = self.prepared(name)
        chosen = parse_cell(prepared, text)
        question, cell, _ = prepared.cell(chosen)
        found = prepared.answer_cell(question, cell, detailed=detailed)
        if found is None:
            raise no_such_cell(prepared, chosen)
        baseline = dict(prepared.study.baseline)
        return ViewedCell(
            study=name,
            kernel=question.program.release,
            assumes_patch=prepared.capability.assumes_patch,
            chosen=tuple((axis, name) for axis, name in chosen.items() if baseline[axis] != name),
            answer=found,
        )

    def file(
        self, path: str, capability: str, cpus: tuple[str, ...] = ()
    ) -> tuple[ValidateResult, ...]:
        """Return the answers for a `.config` on CPUs or `@groups`; on every declared one for none.

        What matrix.toml or a baseline says does not count here: a document shows the answers.

        Raises:
            InputError: a file that cannot be read, a CPU that does not exist.
        """
        request = ValidateRequest(
            files=(path,), cpus=cpus, capability=capability, configs=self.configs
        )
        job = prepare(request)
        results: list[ValidateResult] = []
        problems: list[Diagnostic] = []
        for config in read_inputs(request.files, job.architecture.id, job.machines):
            if isinstance(config, InputError):
                problems += config.diagnostics
            else:
                results += answers_of(job, config, {}, {})
        refuse(problems)
        return tuple(results)

    def declared_in(self, name: str) -> tuple[str, ...]:
        """Return the files whose change can change what is said of a study."""
        prepared = self.prepared(name)
        cpus = {cpu.split(",")[0] for item in prepared.systems.values() for cpu in item.names}
        known = self.library.knowledge
        places = [
            prepared.study.location,
            prepared.capability.location,
            prepared.architecture.location,
            *(profile.location for profile in prepared.kernels),
            *(cpu.location for cpu in known.cpus if {cpu.id, *cpu.aliases} & cpus),
        ]
        names = dict.fromkeys(place.file for place in places)
        return tuple(str(readable_file(name).absolute()) for name in names)


def _condition(text: str, place: Location | None) -> Condition:
    location = place or Location(file="where", line=1, column=1, length=len(text), text=text)
    try:
        expression = parse(text, Location(file="where", line=1, column=1, text=text))
    except InputError as error:
        raise InputError([replace(item, location=location) for item in error.diagnostics]) from None
    return Condition(expression=expression, text=text, location=location)
