"""A solved study, put into the words of a report.

Takes `SolvedStudy`, gives `StudyResult`: exact counts, causes, groups of behaviour classes that
broke the same way, reasons of absence, what each axis changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from matrix.analyze.cell.advice import is_defect
from matrix.analyze.cell.answering import findings_of
from matrix.analyze.cell.question import Question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.beside import with_what_works
from matrix.analyze.space.cause import Conditions, causes, of_cell
from matrix.analyze.space.influence import influences
from matrix.analyze.space.nearest import with_doubles
from matrix.analyze.space.result import ClassGroup, Counts, Diagram, StudyResult, TableCell
from matrix.analyze.space.study import ClassRegion, SolvedStudy
from matrix.analyze.space.study_advice import study_advisories, study_defects
from matrix.analyze.space.tables import study_tables
from matrix.explore.outcome import Violation
from matrix.expr.printer import to_c
from matrix.schema.values import Architecture, KernelProfile, PredicateVersion
from matrix.solve.layers import layers_of
from matrix.solve.nearest import changes, near_baseline
from matrix.solve.space import Region, in_several, union

# How one violation looks: invariant, assumption, the operations of its trace.
Signature = tuple[tuple[str, str, tuple[str, ...]], ...]


def summarise(
    solved: SolvedStudy,
    questions: Mapping[str, Question],
    profiles: tuple[KernelProfile, ...],
    architecture: Architecture,
    predicate: PredicateVersion,
    answer_cell: Callable[[Mapping[str, str]], TableCell | None],
    digest: str,
    within: Region | None = None,
) -> StudyResult:
    """Return everything a report says of a study; its cells are counted `within` a part of them."""
    study = solved.study
    results = solved.behaviours.results
    found = causes(solved)
    return StudyResult(
        study=study,
        capability=next(iter(questions.values())).capability,
        predicate=predicate.name,
        predicate_text=to_c(predicate.condition.expression),
        architecture=architecture,
        kernels=profiles,
        combinations=math.prod(len(axis.options) for axis in study.axes),
        cells=(solved.valid if within is None else solved.valid & within).count(),
        behaviour_classes=len(results),
        states=sum(result.states for result in results),
        transitions=sum(result.transitions for result in results),
        counts=_counts(solved, within),
        counts_by_kernel=_counts_by_kernel(solved, within),
        tables=study_tables(solved, answer_cell, [region for _, region in found]),
        groups=_groups(solved, [region for _, region in found]),
        absent_reasons=_absent_reasons(solved),
        influences=influences(solved),
        digest=digest,
        causes=tuple(with_what_works(solved, cause) for cause, _ in found),
        advisories=study_advisories(solved),
        defects=study_defects(solved),
        diagram=_diagram(solved, [region for _, region in found]),
    )


def _diagram(solved: SolvedStudy, causes: Sequence[Region]) -> Diagram:
    """Return the verdict of every cell with its causes, equal parts shared.

    Options that are one `.config` in a release lead to the same answer there.
    """
    verdicts = tuple(solved.verdicts)
    labels: dict[tuple[Verdict, tuple[int, ...]], int] = {}

    def label(numbers: tuple[int, ...]) -> int:
        verdict, *rest = numbers
        # Regions are numbered verdicts first, causes behind them; a cell is in one verdict, so the
        # first number is the verdict and what follows are causes, told from 1.
        said = (verdicts[verdict], tuple(number - len(verdicts) + 1 for number in rest))
        return labels.setdefault(said, len(labels))

    # Whoever looks a cell up may name an option that the study does not count.
    regions = [with_doubles(solved, cells) for cells in (*solved.verdicts.values(), *causes)]
    layers = layers_of(solved.backend.space, regions, label)
    return Diagram(layers=layers, labels=tuple(labels))


def _counts(solved: SolvedStudy, within: Region | None) -> Counts:
    return tuple((verdict, solved.count(verdict, within)) for verdict in solved.verdicts)


def _counts_by_kernel(solved: SolvedStudy, within: Region | None) -> tuple[tuple[str, Counts], ...]:
    axis = next((axis for axis in solved.study.axes if axis.kind == "kernel"), None)
    if axis is None:
        return ()
    everything = solved.backend.everything() if within is None else within
    return tuple(
        (option.name, _counts(solved, everything.restrict(axis.name, (option.name,))))
        for option in axis.options
    )


def _absent_reasons(solved: SolvedStudy) -> tuple[tuple[str, int], ...]:
    counted = ((reason, region.count()) for reason, region in solved.absent)
    return tuple(
        sorted(((reason, cells) for reason, cells in counted if cells), key=lambda item: -item[1])
    )


def _groups(solved: SolvedStudy, causes: Sequence[Region]) -> tuple[ClassGroup, ...]:
    """Return the classes that share verdict and findings, the verdicts in their order."""
    members: dict[tuple[Verdict, Signature, tuple[str, ...]], list[ClassRegion]] = {}
    question = solved.kernels[0][1].question  # what can be violated is the capability's
    for item in solved.classes:
        key = (item.verdict, _signature(item.result.violations), _own_defects(question, item))
        members.setdefault(key, []).append(item)
    regions = {key: _visible(solved, key[0], classes) for key, classes in members.items()}
    ambiguous = _ambiguous(solved)
    order = list(Verdict)
    conditions = Conditions(solved)
    groups = [
        replace(
            _group(solved, key[0], classes, regions[key], regions[key] - ambiguous, conditions),
            causes=_numbers(causes, regions[key]) if key[0] is Verdict.UNSOUND else (),
        )
        for key, classes in members.items()
        if not regions[key].is_empty()
    ]
    return tuple(sorted(groups, key=lambda group: (order.index(group.verdict), -group.cells)))


def _numbers(causes: Sequence[Region], region: Region) -> tuple[int, ...]:
    """Return the numbers, from 1, of the causes that some cell of a region has."""
    return tuple(
        number for number, cause in enumerate(causes, start=1) if not (cause & region).is_empty()
    )


def _own_defects(question: Question, item: ClassRegion) -> tuple[str, ...]:
    """Return the invariants that the kernel of a class violates by itself."""
    found = (
        violation.invariant
        for violation in item.result.advisories
        if is_defect(question, violation)
    )
    return tuple(dict.fromkeys(found))


def _signature(violations: tuple[Violation, ...]) -> Signature:
    return tuple(
        (
            violation.invariant,
            violation.certainty,
            tuple(operation.name for step in violation.trace for operation in step.operations),
        )
        for violation in violations
    )


def _visible(solved: SolvedStudy, verdict: Verdict, classes: list[ClassRegion]) -> Region:
    """Return the cells of some classes that have a verdict."""
    region = union(solved.backend, (item.region for item in classes))
    return region.project_hidden() & solved.verdicts[verdict]


def _group(
    solved: SolvedStudy,
    verdict: Verdict,
    classes: list[ClassRegion],
    region: Region,
    clear: Region,
    conditions: Conditions,
) -> ClassGroup:
    """Return the group of some classes; the example is one of its `clear` cells if there are any.

    These are simulated in one way, whatever the properties are that nobody recorded.
    """
    cell = near_baseline(region if clear.is_empty() else clear, solved.study.baseline)
    question, inputs = of_cell(solved, classes, cell)
    shown = solved.behaviours.exact(inputs)
    kernels = dict.fromkeys(item.profile.release for item in classes)
    return ClassGroup(
        verdict=verdict,
        cells=region.count(),
        classes=len({item.inputs for item in classes}),
        kernels=tuple(kernels),
        conditions=conditions.shared(classes),
        example=tuple(changes(cell, dict(solved.study.baseline)).items()),
        settled=not clear.is_empty(),
        findings=findings_of(question, shown.violations),
        defects=_own_defects(question, classes[0]),
    )


def _ambiguous(solved: SolvedStudy) -> Region:
    """Return the cells in which something that nobody recorded changes what is simulated."""
    return in_several(
        solved.backend,
        (region.project_hidden() for _, part in solved.kernels for _, region in part.classes),
    )
