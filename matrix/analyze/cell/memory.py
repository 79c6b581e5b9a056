"""Answers kept by what they rest on: whoever asks about many cells asks here.

Takes the cells of one question, gives what `answering.answer` gives. An answer rests only on the
names that were read on the way to it; two cells that agree in those have the same one. So a fleet
of a million hosts needs a few thousand evaluations, and a folder of `.config`s one for each way in
which they differ where it matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import Cell, Examined, examine, unknown_answer
from matrix.analyze.cell.assemble import cpu_atoms
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import Question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.evaluation import Evaluation
from matrix.expr.nodes import Constant, Expression, Value
from matrix.kernel.cpu.detection import Detection
from matrix.kernel.cpu.system import CpuSystem

_Kept = TypeVar("_Kept")


class _Values(dict[str, Value | Expression]):
    """The names of a cell; one that nothing was said of is unknown."""

    def __missing__(self, name: str) -> None:
        return None


class _Patterns(Generic[_Kept]):
    """What was worked out, by the names that were read for it and the values they had."""

    def __init__(self) -> None:
        self._patterns: dict[tuple[str, ...], dict[object, _Kept]] = {}

    def find(self, values: _Values) -> Iterator[_Kept]:
        """Yield what was kept for these values, if anything was."""
        for names, kept in self._patterns.items():
            key = _values_of(names, values)
            if key in kept:
                yield kept[key]
                return

    def keep(self, names: frozenset[str], values: _Values, made: _Kept) -> _Kept:
        """Keep what was made of these values, of which `names` were read."""
        pattern = tuple(sorted(names))
        self._patterns.setdefault(pattern, {})[_values_of(pattern, values)] = made
        return made


def _values_of(names: tuple[str, ...], values: _Values) -> object:
    return itemgetter(*names)(values) if names else None


class Surroundings(Struct, frozen=True, kw_only=True, eq=False):
    """A cell without its CPU: its atoms, and the kernel variables that only a CPU decides.

    The other variables stand among the atoms, and so do the definitions that no CPU decides: cells
    that differ in a symbol and not in what the kernel makes of it have the same answer. Constraints
    that no CPU decides are constants of the `question`; cells that agree in these share `kept`, the
    answers without and with details. Those of equal content are one object.
    """

    question: Question
    variables: Mapping[str, Expression]
    atoms: Mapping[str, Value]
    kept: tuple[_Patterns[Examined], _Patterns[Examined]]


class DetectedCpu(Struct, frozen=True, kw_only=True, eq=False):
    """What one kernel detects on a CPU system; those of which it knows the same are one object.

    `knowledge` has a number for each detection: equal ones are known equally well.
    """

    atoms: Mapping[str, Value]
    detections: Mapping[str, Detection]
    knowledge: Mapping[str, Value]


class AnswerMemory:
    """The answers of one question so far."""

    def __init__(self, question: Question, behaviours: Behaviours) -> None:
        self.question = question
        self.behaviours = behaviours
        self._surroundings: dict[object, Surroundings] = {}
        self._by_constraints: dict[
            tuple[Value, ...], tuple[Question, tuple[_Patterns[Examined], _Patterns[Examined]]]
        ] = {}
        self._facts: dict[str, _Patterns[Value]] = {
            name: _Patterns() for name in question.program.facts
        }
        self._numbers: dict[Detection, int] = {}
        self._systems: dict[str, DetectedCpu] = {}
        self._cpus: dict[tuple[Value, ...], DetectedCpu] = {}

    def surroundings(
        self, variables: Mapping[str, Expression], atoms: Mapping[str, Value]
    ) -> Surroundings:
        """Return a cell's part that no CPU changes, with all that follows from it worked out."""
        program = self.question.program
        evaluation = Evaluation(program.definitions, variables, atoms)
        # What came with a point release is named in the reasons, so that it must be seen read.
        others = (program.atoms - atoms.keys()) | program.dated.keys()
        known = {
            **atoms,
            **evaluation.decided_without(others, (*variables, *program.definitions)),
        }
        undecided = {name: item for name, item in variables.items() if name not in known}
        constraints = evaluation.folded_without(others, self.question.constraints)
        folded = tuple(item.value if isinstance(item, Constant) else None for item in constraints)
        content = (frozenset(known.items()), frozenset(undecided.items()), folded)
        if content not in self._surroundings:
            if folded not in self._by_constraints:
                asked = replace(self.question, constraints=constraints)
                self._by_constraints[folded] = asked, (_Patterns(), _Patterns())
            asked, kept = self._by_constraints[folded]
            self._surroundings[content] = Surroundings(
                question=asked, variables=undecided, atoms=known, kept=kept
            )
        return self._surroundings[content]

    def cpu(self, system: CpuSystem) -> DetectedCpu:
        """Return what the kernel detects on a system."""
        if system.spec not in self._systems:
            atoms, detections = cpu_atoms(self.question.program, system)
            knowledge: dict[str, Value] = {
                atom: self._numbers.setdefault(detection, len(self._numbers))
                for atom, detection in detections.items()
            }
            cpu = DetectedCpu(atoms=atoms, detections=detections, knowledge=knowledge)
            self._systems[system.spec] = self._cpus.setdefault(tuple(knowledge.values()), cpu)
        return self._systems[system.spec]

    def answer(self, around: Surroundings, cpu: DetectedCpu, *, detailed: bool) -> Answer:
        """Return the answer of a cell; without `detailed` neither facts nor confidence."""
        atoms = {**around.atoms, **cpu.atoms}
        cell = Cell(variables=around.variables, atoms=atoms, detections=cpu.detections)
        return self._detailed(around, cell, cpu) if detailed else self._plain(around, cell)

    def _detailed(self, around: Surroundings, cell: Cell, cpu: DetectedCpu) -> Answer:
        values = _Values(cell.atoms)
        values.update(cell.variables)
        facts = self._facts_of(cell, values)
        values.update(cpu.knowledge)  # the confidence rests on it
        examined = self._examine(around, cell, values, detailed=True)
        return replace(examined.answer, facts=facts)

    def _plain(self, around: Surroundings, cell: Cell) -> Answer:
        if cell.variables:
            evaluation = Evaluation(self.question.program.definitions, cell.variables, cell.atoms)
            decided = evaluation.decided_without((), cell.variables)
            cell = Cell(
                variables={k: item for k, item in cell.variables.items() if k not in decided},
                atoms={**cell.atoms, **decided},
                detections=cell.detections,
            )
        values = _Values(cell.atoms)
        values.update(cell.variables)
        examined = self._examine(around, cell, values, detailed=False)
        given = examined.answer
        if given.verdict is Verdict.UNKNOWN:
            # What is unknown is said in the names of this very CPU.
            return unknown_answer(
                self.question, examined.completions, cell, notes=given.diagnostics
            )
        return given

    def _facts_of(self, cell: Cell, values: _Values) -> tuple[tuple[str, Value], ...]:
        """Return the facts of a cell, each kept by what it alone reads."""
        evaluation = Evaluation(self.question.program.definitions, cell.variables, cell.atoms)

        def fact(name: str, expression: Expression) -> Value:
            for value in self._facts[name].find(values):
                return value
            value = evaluation.of(expression)
            return self._facts[name].keep(evaluation.reads_of(expression), values, value)

        return tuple((name, fact(name, item)) for name, item in self.question.program.facts.items())

    def _examine(
        self, around: Surroundings, cell: Cell, values: _Values, *, detailed: bool
    ) -> Examined:
        patterns = around.kept[detailed]
        for examined in patterns.find(values):
            return examined
        examined = examine(around.question, cell, self.behaviours, detailed=detailed)
        # An undecided variable is read through its expression, so that only its atoms are noted.
        return patterns.keep(examined.reads | cell.variables.keys(), values, examined)
