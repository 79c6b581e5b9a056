"""One cell explained: its answer, how the kernel comes to it, and the nearest cells that work.

Takes a question and a cell with what set its names, gives the derivations that a reader needs for
the verdict: the requirement that fails where the capability is absent, the predicate, and where the
answer is unknown the simulation inputs that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import Cell
from matrix.analyze.cell.derivation import CellSettings, Derivation, Derivations
from matrix.analyze.cell.question import BOOTS, Question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.space.nearest import NearestCells
from matrix.expr.evaluation import truth
from matrix.expr.nodes import Call
from matrix.schema.values import Architecture, Condition, KernelProfile, PredicateVersion


class Derived(Struct, frozen=True, kw_only=True):
    """A derivation under the name by which the declarations know it, with their source."""

    title: str
    source: str | None
    tree: Derivation


class Explanation(Struct, frozen=True, kw_only=True):
    """All that `explain` says of one cell.

    `chosen` are the options that differ from the study's baseline. `nearest` is None where the cell
    is supported, and where no cell of the study is.
    """

    study: str
    cell: Mapping[str, str]
    chosen: Mapping[str, str]
    kernel: str
    assumes_patch: str | None
    cpu: tuple[str, ...]
    cmdline: str
    capability: str
    predicate_version: str
    answer: Answer
    derived: tuple[Derived, ...]
    nearest: NearestCells | None


def derive_answer(
    question: Question,
    profile: KernelProfile,
    architecture: Architecture,
    predicate: PredicateVersion,
    cell: Cell,
    settings: CellSettings,
    verdict: Verdict,
) -> tuple[Derived, ...]:
    """Return the derivations that matter for a cell's verdict."""
    evaluation = Evaluation(question.program.definitions, cell.variables, cell.atoms)
    derivations = Derivations(question.program, profile, architecture, evaluation, settings)
    derived = list(_requirements(question, evaluation, derivations))
    if question.predicate is not None:
        asked = ", were it asked" if verdict is Verdict.ABSENT else ""
        derived.append(
            _derived(derivations, f"predicate {predicate.name}{asked}", predicate.condition)
        )
    if verdict is not Verdict.ABSENT:
        derived += (
            _derived(derivations, f"truth {part.id}", part.condition)
            for part in question.capability.truth
        )
    if verdict is Verdict.UNKNOWN and question.capability.scenario is not None:
        derived += _open_inputs(question, architecture, evaluation, derivations)
    return tuple(derived)


def _derived(derivations: Derivations, title: str, condition: Condition) -> Derived:
    tree = derivations.derive(condition.expression)
    return Derived(title=title, source=condition.source, tree=tree)


def _requirements(
    question: Question, evaluation: Evaluation, derivations: Derivations
) -> Iterator[Derived]:
    """Yield what must hold before the predicate is asked, up to the first that does not."""
    boots = Call(BOOTS.removesuffix("()"), ())
    if truth(evaluation.of(question.boots)) is False:
        yield Derived(title="requirement", source=None, tree=derivations.derive(boots))
        return
    declared = question.capability.requires
    for requirement, lowered in zip(declared, question.requirements, strict=True):
        if lowered.expression is None:
            continue
        holds = truth(evaluation.of(lowered.expression))
        if holds is not True:
            yield _derived(derivations, "requirement", requirement.condition)
        if holds is False:
            return


def _open_inputs(
    question: Question,
    architecture: Architecture,
    evaluation: Evaluation,
    derivations: Derivations,
) -> Iterator[Derived]:
    """Yield the simulation inputs whose value nobody knows."""
    for row in architecture.simulation:
        lowered = question.program.simulation.get(row.name)
        missing = question.program.lowering.missing(row.condition.expression)
        if lowered is None or missing or evaluation.of(lowered) is not None:
            continue
        yield Derived(
            title=f"simulation input {row.name}",
            source=None,
            tree=derivations.derive(row.condition.expression),
        )
