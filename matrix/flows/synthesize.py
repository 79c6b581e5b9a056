"""`matrix synthesize`: the predicate the kernel should have, beside those that were proposed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.proof.synthesis import (
    ComparedPredicate,
    Elsewhere,
    Synthesis,
    declared_synthesis,
    synthesise,
)
from matrix.analyze.space.difference import asked_again
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import Diagnostic, InputError, refuse, unknown_word_hint
from matrix.flows.cell_argument import unknown_axis, unknown_option
from matrix.flows.knowledge import Library, nearest_releases
from matrix.flows.other_studies import OtherStudies
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.flows.study_answer import StudyAnswer
from matrix.schema.values import MatrixStudy
from matrix.solve.space import Region

# The word for every option of an axis.
ALL = "all"


class SynthesizedCheck(StudyAnswer, frozen=True, kw_only=True):
    """The weakest sound predicate of a study, and others of the capability beside it.

    `asked` are the axes that were narrowed and to what; `cells` is how many are left then.
    `elsewhere` are other studies in which the predicate is unsound, looked for where nothing was
    narrowed.
    """

    asked: tuple[tuple[str, tuple[str, ...]], ...]
    cells: int
    synthesis: Synthesis
    compared: tuple[ComparedPredicate, ...]
    elsewhere: tuple[Elsewhere, ...] = ()


def synthesize(
    name: str, *, kernels: Sequence[str], vms: Sequence[str], configs: tuple[Path, ...]
) -> SynthesizedCheck:
    """Return the weakest sound predicate for some kernels and kinds of VM of a study.

    Raises:
        InputError: MX0605 and MX0606 for axes and options the study lacks, MX0622 where the
            capability is absent from all that was asked for.
    """
    prepared = prepare_study(Library(configs), name)
    declared_synthesis(prepared.capability)
    asked = []
    if kernels and ALL not in kernels:
        asked.append(chosen_kernels(prepared, kernels))
    if vms and ALL not in vms:
        asked.append(("vm", chosen_options(prepared.study, "vm", vms)))
    solved = prepared.solve()
    within = solved.valid
    for axis, options in asked:
        within = within.restrict(axis, options)
    found, compared = compare_predicates(prepared, solved, within)
    # Who asks for some kernels or kinds of VM knows that the answer is for these.
    refuting = () if asked else OtherStudies(prepared.library).refuting(name, found.predicate)
    return SynthesizedCheck(
        study=prepared.study,
        predicate=prepared.predicate,
        asked=tuple(asked),
        cells=within.count(),
        synthesis=found,
        compared=compared,
        elsewhere=refuting,
        defects=study_defects(solved, within),
    )


def compare_predicates(
    prepared: PreparedStudy, solved: SolvedStudy, within: Region
) -> tuple[Synthesis, tuple[ComparedPredicate, ...]]:
    """Return the synthesised predicate, and all of the capability beside it, the study's first.

    Raises:
        InputError: MX0622, where the capability is absent from every cell.
    """
    capability = prepared.capability
    found = synthesise(solved, declared_synthesis(capability), within)
    versions = (
        prepared.predicate,
        *(item for item in capability.predicates if item.name != prepared.predicate.name),
        found.predicate,
    )
    return found, tuple(
        compared_predicate(version.name, solved, asked_again(solved, version), within)
        for version in versions
    )


def compared_predicate(
    name: str, before: SolvedStudy, after: SolvedStudy, within: Region
) -> ComparedPredicate:
    """Return the verdicts of a study within a region, and what it gains and loses."""
    old, new = before.verdicts[Verdict.SUPPORTED], after.verdicts[Verdict.SUPPORTED]
    return ComparedPredicate(
        name=name,
        verdicts={verdict: after.count(verdict, within) for verdict in after.verdicts},
        gained=((new - old) & within).count(),
        lost=((old - new) & within).count(),
    )


def chosen_options(study: MatrixStudy, name: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return options of an axis that a user chose.

    Raises:
        InputError: MX0605 no such axis, MX0606 for each option it does not have.
    """
    axes = {axis.name: axis for axis in study.axes}
    if name not in axes:
        raise InputError(unknown_axis(study, name))
    known = [option.name for option in axes[name].options]
    refuse([unknown_option(axes[name], option) for option in wanted if option not in known])
    return tuple(wanted)


def chosen_kernels(prepared: PreparedStudy, wanted: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the axis that chooses the kernel, and its options of the releases that a user chose.

    Raises:
        InputError: MX0606, for each release that the study does not ask about.
    """
    axis = next(axis for axis in prepared.study.axes if axis.chooses_kernel)
    releases = {profile.id: profile.release for profile in prepared.kernels}
    unknown = [word for word in wanted if word not in releases.values()]
    refuse([_unknown_release(prepared, word) for word in unknown])
    return axis.name, tuple(
        option.name for option in axis.options if releases[option.kernel or ""] in wanted
    )


def _unknown_release(prepared: PreparedStudy, word: str) -> Diagnostic:
    known = [profile.release for profile in prepared.kernels]
    return Diagnostic(
        code="MX0606",
        message=f"study `{prepared.study.id}` has no Linux `{word}`",
        hint=nearest_releases(word, known, "release") or unknown_word_hint(word, known, "releases"),
    )
