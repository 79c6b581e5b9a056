"""The small study of tests/cases/claims, answered cell by cell: the oracle of the solver's answers.

The concrete flow makes a `.config` and a command line of each cell's options and evaluates them; it
shares no code with regions, rules or claims.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from matrix.analyze.cell.answering import settle
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.space.study import SolvedStudy
from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call, Constant, Expression, Name, Value
from matrix.expr.parser import parse
from matrix.expr.trees import rewrite
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study

CASES = Path(__file__).parents[2] / "cases" / "claims"

Cell = dict[str, str]


def declarations(folder: Path) -> Path:
    """Lay the studies of tests/cases/claims out as a folder of declarations."""
    shutil.copytree(CASES, folder / "matrices", dirs_exist_ok=True)
    return folder


class Answered(Struct, frozen=True, dict=True):
    """A cell of the study with what the concrete flow says of it."""

    cell: Cell
    verdict: str
    evaluation: Evaluation


def completed(evaluation: Evaluation, expression: Expression) -> Iterator[Value]:
    """Yield the value of an expression under every completion of the CPU fields nobody recorded."""
    value = evaluate(expression, evaluation.value)
    atom = next(evaluation.undecided_atoms(expression), None)
    if value is not None or atom is None:
        yield value
        return
    for choice in (False, True):
        yield from completed(evaluation.with_atoms({atom: choice}), expression)


class Enumerated:
    """Every cell of a prepared study, answered one by one."""

    def __init__(self, prepared: PreparedStudy) -> None:
        self.prepared = prepared

    @cached_property
    def solved(self) -> SolvedStudy:
        """The study as the solver answers it."""
        return self.prepared.solve()

    @cached_property
    def cells(self) -> list[Answered]:
        """All cells that exist, in the order of the space."""
        axes = self.prepared.study.axes
        names = [axis.name for axis in axes]
        options = [[option.name for option in axis.options] for axis in axes]
        every = (dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*options))
        return [found for cell in every if (found := self.answer(cell)) is not None]

    def answer(self, cell: Cell) -> Answered | None:
        """Return what the concrete flow says of a cell, None where there is no such cell."""
        answer = self.prepared.answer(cell)
        if answer is None:
            return None
        question, concrete, _ = self.prepared.cell(cell)
        return Answered(
            cell=cell,
            verdict=str(answer.verdict),
            evaluation=Evaluation(question.program.definitions, concrete.variables, concrete.atoms),
        )

    def spelled(self, answered: Answered, name: str) -> str:
        """Return what an axis, a fact or a name of the kernel's is in a cell, as rules spell it."""
        if name in answered.cell:
            return answered.cell[name]
        question, _, _ = self.prepared.cell(answered.cell)
        program = question.program
        expression: Expression | None = program.facts.get(name)
        if expression is None and name not in program.facts:
            written = parse(name)
            if program.lowering.missing(written):
                return "n/a"
            expression = program.lowering.lower(written)
        assert expression is not None
        values = set(completed(answered.evaluation, expression))
        if len(values) > 1:
            return "unknown"
        (value,) = values
        return str(value).lower() if isinstance(value, bool) else str(value)

    def truth(self, answered: Answered, expression: Expression) -> bool:
        """Return the truth of an expression of the kernel's in a cell whose fields are known."""
        question, _, _ = self.prepared.cell(answered.cell)
        lowered = question.program.lowering.lower(expression)
        return truth(evaluate(lowered, answered.evaluation.value)) is True

    def maybe(self, answered: Answered, expression: Expression, *, negated: bool = False) -> bool:
        """Tell whether a claim's expression is true (false) for some completion of the cell."""
        question, concrete, _ = self.prepared.cell(answered.cell)
        for completion in settle(question, concrete, self.prepared.behaviours):
            evaluation = answered.evaluation.with_atoms(dict(completion.assigned))
            result = completion.leaf.result
            violated = {item.invariant for item in result.violations} if result else set()
            for value in self._values(answered, evaluation, violated, expression):
                if value is not negated:
                    return True
        return False

    def _values(
        self,
        answered: Answered,
        evaluation: Evaluation,
        violated: set[str],
        expression: Expression,
    ) -> Iterator[bool]:
        """Yield the truth of a claim's expression under what completes the rest of the fields."""
        question, _, _ = self.prepared.cell(answered.cell)
        facts = question.program.facts

        def resolve(node: Expression) -> Expression:
            match node:
                case Call("violates", (Constant(invariant),)):
                    return Constant(invariant in violated)
                case Name("verdict"):
                    return Constant(answered.verdict)
                case Name(name) if name in answered.cell:
                    return Constant(answered.cell[name])
                case Name(name) if name in facts:
                    return facts[name]
            return node

        resolved = question.program.lowering.lower(rewrite(expression, resolve))
        for value in completed(evaluation, resolved):
            yield truth(value) is True


def enumerated(folder: Path) -> Enumerated:
    """Return the small study, prepared in a folder of its own."""
    return Enumerated(prepare_study(Library((declarations(folder),)), "small"))
