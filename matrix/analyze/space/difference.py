"""What changes between two answers: another predicate over the same cells, or another kernel.

Takes solved studies, gives disjoint regions per (verdict there, verdict here). `asked_again` asks a
solved study another predicate without compiling it anew: simulations do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.question import Question, cannot_be_asked, lower_question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.study import SolvedStudy, decide_study
from matrix.analyze.space.symbolic import KernelRegions
from matrix.diagnostics import InputError
from matrix.schema.values import PredicateVersion
from matrix.solve.space import Region


class Difference(Struct, frozen=True, kw_only=True):
    """Cells by how their verdict changes; `changes` are in the order of the verdicts.

    Its regions are disjoint and together `compared`; equal verdicts have a region too. `only_one`
    and `only_other` count cells that only one of two kernels or studies has.
    """

    compared: Region
    changes: tuple[tuple[Verdict, Verdict, Region], ...]
    only_one: int = 0
    only_other: int = 0

    @property
    def changed(self) -> tuple[tuple[Verdict, Verdict, Region], ...]:
        """The changes proper."""
        return tuple(item for item in self.changes if item[0] is not item[1])


def asked_again(solved: SolvedStudy, predicate: PredicateVersion) -> SolvedStudy:
    """Return the same study under another predicate.

    Raises:
        InputError: MX0902, a kernel that has the capability but not what the predicate names.
    """
    kernels = [
        (profile, _with_predicate(part, predicate, solved)) for profile, part in solved.kernels
    ]
    return decide_study(solved.study, solved.backend, kernels, solved.behaviours)


def _with_predicate(
    part: KernelRegions, predicate: PredicateVersion, solved: SolvedStudy
) -> KernelRegions:
    program = part.question.program
    asked = lower_question(program, part.question.capability, predicate)
    question: Question = replace(
        asked, constraints=part.question.constraints, variant=part.question.variant
    )
    if question.predicate is None:
        if part.classes:
            raise InputError(cannot_be_asked(question))
        return replace(part, question=question, predicate=solved.backend.nothing())
    present = solved.backend.nothing()
    for _, region in part.classes:
        present = present | region
    return replace(
        part, question=question, predicate=part.compiler.where(question.predicate, present)
    )


def between_predicates(one: SolvedStudy, other: SolvedStudy) -> Difference:
    """Return how verdicts change from one predicate to another of the same study."""
    return Difference(
        compared=one.valid,
        changes=tuple(changes_between(one.verdicts.items(), other.verdicts.items())),
    )


def between_kernels(solved: SolvedStudy, axis: str, one: str, other: str) -> Difference:
    """Return how verdicts change from kernel `one` to `other`, all other options being equal.

    The regions are of cells of `other`. A cell that only one of them has (options that are one
    `.config` in a release count once there) is counted apart.
    """
    there = _of_kernel(solved, axis, one)
    here = _of_kernel(solved, axis, other)
    all_there = solved.valid.restrict(axis, (one,)).forget((axis,))
    all_here = solved.valid.restrict(axis, (other,)).forget((axis,))
    mine = solved.backend.everything().restrict(axis, (other,))
    return Difference(
        compared=all_there & all_here & mine,
        changes=tuple(
            (before, after, region & mine) for before, after, region in changes_between(there, here)
        ),
        only_one=((all_there - all_here) & mine).count(),
        only_other=((all_here - all_there) & mine).count(),
    )


def _of_kernel(solved: SolvedStudy, axis: str, kernel: str) -> list[tuple[Verdict, Region]]:
    return [
        (verdict, region.restrict(axis, (kernel,)).forget((axis,)))
        for verdict, region in solved.verdicts.items()
    ]


def changes_between(
    before: Iterable[tuple[Verdict, Region]], after: Iterable[tuple[Verdict, Region]]
) -> Iterator[tuple[Verdict, Verdict, Region]]:
    """Yield the pairs of verdicts that occur, with the cells of each."""
    later = tuple(after)
    for old, there in before:
        for new, here in later:
            both = there & here
            if not both.is_empty():
                yield old, new, both
