"""What a report must also say of a study: where an advisory can happen, where a kernel is broken.

Takes a solved study, gives each advisory and each defect with the exact number of cells. The
conditions are those of one cell (`advice.py`), compiled over the space.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from matrix.analyze.cell.advice import defect_of, hanging_on, is_defect, same, with_needs
from matrix.analyze.cell.answering import findings_of
from matrix.analyze.cell.question import Question
from matrix.analyze.facts.kept_simulations import without_capability
from matrix.analyze.space.result import StudyAdvisory, StudyDefect
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.symbolic import KernelRegions
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import Violation
from matrix.explore.simulate import Broken
from matrix.expr.nodes import Constant, Expression
from matrix.expr.trees import names, substitute
from matrix.scenarios import scenario
from matrix.solve.nearest import near_baseline
from matrix.solve.space import Region, union


def study_defects(solved: SolvedStudy, within: Region | None = None) -> tuple[StudyDefect, ...]:
    """Return the violations that kernels have by themselves, with the cells that may meet them.

    Of all cells those in `within` count.
    """
    found = []
    for _, part in solved.kernels:
        regions: dict[Broken, Region] = {}
        for inputs, region in part.classes:
            if not isinstance(inputs, SimulationInputs):
                continue
            for broken in without_capability(scenario(inputs.scenario), inputs):
                regions[broken] = regions.get(broken, solved.backend.nothing()) | region
        for broken, region in regions.items():
            met = (region if within is None else region & within).project_hidden()
            if not met.is_empty():
                defect = defect_of(part.question.program, broken)
                found.append(StudyDefect(defect=defect, cells=met.count()))
    return tuple(found)


def study_advisories(solved: SolvedStudy) -> tuple[StudyAdvisory, ...]:
    """Return what the simulation reports besides, where its condition is not false.

    Cells in which what is unknown decides are counted with the others, and what it is, is said.
    The trace is that of a cell near the baseline.
    """
    alike: dict[tuple[str, str, str], list[tuple[KernelRegions, Violation, Region]]] = {}
    for part, reported, region in _reported(solved):
        may, hangs = _where(solved, part, region, reported)
        if may.is_empty():
            continue
        worded = with_needs(part.question, _near(solved, part, may, reported))
        worded = hanging_on(worded, hangs) if hangs else worded
        key = (worded.invariant, worded.certainty, worded.message)
        alike.setdefault(key, []).append((part, worded, may.project_hidden()))
    return tuple(_joined(solved, seen) for _, seen in sorted(alike.items()))


def _joined(
    solved: SolvedStudy, seen: Sequence[tuple[KernelRegions, Violation, Region]]
) -> StudyAdvisory:
    """Return one advisory over all kernels that have it, with its shortest trace."""
    part, shortest, _ = min(seen, key=lambda item: len(item[1].trace))
    return StudyAdvisory(
        finding=findings_of(part.question, (shortest,))[0],
        cells=union(solved.backend, (region for _, _, region in seen)).count(),
        kernels=tuple(dict.fromkeys(item.question.program.release for item, _, _ in seen)),
    )


def _near(
    solved: SolvedStudy, part: KernelRegions, region: Region, reported: Violation
) -> Violation:
    """Return what is reported as the simulation of a cell near the baseline shows it."""
    cell = near_baseline(region.project_hidden(), solved.study.baseline)
    for inputs, mine in part.classes:
        if not (mine & region).at(cell).is_empty():
            for violation in solved.behaviours.exact(inputs).advisories:
                if same(violation, reported):
                    return violation
    raise AssertionError(f"{reported.invariant} is found in a class and not in its cells")


def _reported(solved: SolvedStudy) -> Iterator[tuple[KernelRegions, Violation, Region]]:
    """Yield per kernel what its classes report besides, with the cells that hidden values split.

    Of several traces the shortest is shown.
    """
    for profile, part in solved.kernels:
        found: dict[tuple[str, object], tuple[Violation, Region]] = {}
        for item in solved.classes:
            if item.profile.id != profile.id:
                continue
            for violation in item.result.advisories:
                key = (violation.invariant, violation.assumption)
                shown, region = found.get(key, (violation, solved.backend.nothing()))
                shown = min(shown, violation, key=lambda one: len(one.trace))
                found[key] = (shown, region | item.region)
        for violation, region in found.values():
            yield part, violation, region


def _where(
    solved: SolvedStudy, part: KernelRegions, region: Region, violation: Violation
) -> tuple[Region, tuple[str, ...]]:
    """Return the part of a region in which something can happen, and what it hangs on there."""
    if is_defect(part.question, violation):
        return region, ()
    rule = part.question.advisories.get(violation.invariant)
    if rule is None:
        return solved.backend.nothing(), ()
    unset = tuple(
        name for name in sorted(names(rule.when)) if name in _unset(solved, part.question)
    )
    readings = [
        part.compiler.where(reading, region) & region for reading in _readings(rule.when, unset)
    ]
    may, must = readings[0], readings[0]
    for reading in readings[1:]:
        may, must = may | reading, must & reading
    hangs = [f"{name}, which no axis sets" for name in unset] if may != must else []
    possible = may.project_hidden()
    # One cell of the study in which it can happen and cannot: fields decide that no axis shows.
    if not (possible & (region - may).project_hidden()).is_empty():
        hangs.append("what nobody recorded of some CPUs")
    return may, tuple(hangs)


def _readings(when: Expression, unset: Sequence[str]) -> Iterator[Expression]:
    """Yield a condition under every value of the symbols that no axis sets."""
    # Few: only symbols that advisories alone read and no axis sets.
    for values in product((True, False), repeat=len(unset)):
        chosen: Mapping[str, Expression] = {
            name: Constant(value) for name, value in zip(unset, values, strict=True)
        }
        yield substitute(when, chosen)


def _unset(solved: SolvedStudy, question: Question) -> frozenset[str]:
    """Return the atoms that advisories alone read and nothing in the study sets.

    A distribution's `.config` is whole: what it does not mention is off.
    """
    if any(axis.kind == "distro" for axis in solved.study.axes):
        return frozenset()
    given = {
        f"CONFIG_{symbol}"
        for axis in solved.study.axes
        for option in axis.options
        for symbol, _ in option.kconfig
    }
    return question.program.advised - given
