"""Answers kept by what they rest on, for those who ask about very many cells.

Takes the cells of one question, gives what `answering.answer` gives without details. An answer
rests only on the atoms that were read on the way to it; two cells that agree in those have the same
one. So a fleet of a million hosts needs a few thousand evaluations.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

from msgspec import Struct

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import Cell, Examined, examine, unknown_answer
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import Question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.evaluation import Evaluation
from matrix.expr.nodes import Expression, Value
from matrix.kernel.cpu.detection import Detection


class _Values(dict[str, Value | Expression]):
    """The names of a cell; one that nothing was said of is unknown."""

    def __missing__(self, name: str) -> None:
        return None


class Situation(Struct, frozen=True, kw_only=True):
    """A cell without its CPU: its atoms and the kernel variables that are decided without one.

    `variables` are the others.
    """

    variables: Mapping[str, Expression]
    atoms: Mapping[str, Value]


class AnswerMemory:
    """The answers of one question so far."""

    __slots__ = ("_behaviours", "_patterns", "_question")

    def __init__(self, question: Question, behaviours: Behaviours) -> None:
        self._question = question
        self._behaviours = behaviours
        # The names an answer rests on, and the answers by their values.
        self._patterns: dict[tuple[str, ...], dict[object, Examined]] = {}

    def situation(
        self, variables: Mapping[str, Expression], atoms: Mapping[str, Value]
    ) -> Situation:
        """Return a cell's part that no CPU changes, with each kernel variable worked out."""
        evaluation = Evaluation(self._question.program.definitions, variables, atoms)
        values = {name: evaluation.value(name) for name in variables}
        decided = {name: value for name, value in values.items() if value is not None}
        return Situation(
            variables={name: item for name, item in variables.items() if name not in decided},
            atoms={**atoms, **decided},
        )

    def answer(
        self,
        situation: Situation,
        cpu: Mapping[str, Value],
        detections: Mapping[str, Detection],
    ) -> Answer:
        """Return the answer of a situation on a CPU system, without facts and confidence."""
        atoms = {**situation.atoms, **cpu}
        variables: Mapping[str, Expression] = situation.variables
        if variables:
            evaluation = Evaluation(self._question.program.definitions, variables, atoms)
            worked_out = {name: evaluation.value(name) for name in variables}
            atoms.update((name, value) for name, value in worked_out.items() if value is not None)
            variables = {name: item for name, item in variables.items() if worked_out[name] is None}
        cell = Cell(variables=variables, atoms=atoms, detections=detections)
        examined = self._examine(cell)
        if examined.answer.verdict is Verdict.UNKNOWN:
            said = examined.answer.diagnostics
            return unknown_answer(self._question, examined.completions, cell, notes=said)
        return examined.answer

    def _examine(self, cell: Cell) -> Examined:
        known = _Values(cell.atoms)
        known.update(cell.variables)
        for pattern, answers in self._patterns.items():
            kept = answers.get(_values_of(pattern, known))
            if kept is not None:
                return kept
        examined = examine(self._question, cell, self._behaviours, detailed=False)
        # An undecided variable is read through its expression, so that only its atoms are noted.
        pattern = tuple(sorted(examined.reads | cell.variables.keys()))
        self._patterns.setdefault(pattern, {})[_values_of(pattern, known)] = examined
        return examined


def _values_of(pattern: tuple[str, ...], known: _Values) -> object:
    return itemgetter(*pattern)(known) if pattern else None
