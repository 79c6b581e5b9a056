"""`matrix check`: the user's declarations, every error at once; with claims, whether they hold.

Reads everything, lowers every question and reads every claim, so that what it accepts, every other
command accepts. Nothing is solved unless claims are to be decided: that is for the nightly run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from matrix.analyze.cell.question import lower_question
from matrix.analyze.facts.scenario_words import unknown_names
from matrix.analyze.proof.claims import ClaimResult, read_claims
from matrix.analyze.space.cell_text import named_cell
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    UndecidedError,
)
from matrix.flows.claims import answer_claims, declared_claims
from matrix.flows.knowledge import Library
from matrix.flows.selection import check_not_empty
from matrix.flows.stale_studies import stale_options
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.schema.sources import sources_without_lines
from matrix.schema.values import Capability


class Checked(Struct, frozen=True, kw_only=True):
    """What `matrix check` found: how much was read, None where it is wrong, and all diagnostics.

    `decided` has, for each study with claims, how many answers there are and how many are as
    expected; it is None unless claims were to be decided.
    """

    counts: Mapping[str, int] | None
    diagnostics: tuple[Diagnostic, ...]
    exit_code: ExitCode
    decided: Mapping[str, tuple[int, int]] | None = None


def check(folders: tuple[Path, ...], *, claims: bool, collect: bool = False) -> Checked:
    """Check declarations; with `claims`, decide those of all studies.

    A claim that is not as expected is a finding (MX0672). With `collect` what is wrong with the
    declarations is in the value, so that a program can read it.

    Raises:
        InputError: everything that is wrong, all at once; not with `collect`.
    """
    try:
        return _check(folders, claims=claims)
    except InputError as error:
        if not collect or isinstance(error, UndecidedError):
            raise
        return Checked(counts=None, diagnostics=tuple(error.diagnostics), exit_code=ExitCode.INPUT)


def _check(folders: tuple[Path, ...], *, claims: bool) -> Checked:
    library = Library(folders)
    known = library.knowledge
    studies = _sound_studies(library)
    counts = {
        "kernels": len(known.kernels),
        "cpus": len(known.cpus),
        "capabilities": len(known.capabilities),
        "studies": len(studies),
        "claims": sum(len(declared_claims(prepared)) for prepared in studies),
    }
    # Ours show on purpose what a kernel refuses; a test looks at them.
    ours = {study.location for study in Library().knowledge.studies} if folders else set()
    mine = [study for study in known.studies if folders and study.location not in ours]
    stale = [item for study in mine for item in stale_options(library, study)]
    findings: list[Diagnostic] = []
    decided: dict[str, tuple[int, int]] = {}
    for prepared in studies if claims else ():
        results = [answer.result for answer in answer_claims(prepared, prepared.solve())]
        wrong = [result for result in results if not result.as_expected]
        if results:
            decided[prepared.study.id] = (len(results), len(results) - len(wrong))
        findings.extend(_not_as_expected(prepared, result) for result in wrong)
    return Checked(
        counts=counts,
        diagnostics=(*stale, *findings),
        exit_code=ExitCode.FINDINGS if findings else ExitCode.OK,
        decided=decided if claims else None,
    )


def _sound_studies(library: Library) -> Sequence[PreparedStudy]:
    """Return all studies, prepared.

    Raises:
        InputError: what is wrong with any study, capability or claim.
    """
    known = library.knowledge
    problems = list(unknown_names(known.kernels, known.architectures))
    problems += [item for one in known.kernels for item in sources_without_lines(one)]
    # Also of an architecture that no study asks about.
    for profile in known.kernels:
        try:
            library.program(profile)
        except InputError as error:
            problems.extend(error.diagnostics)
    for capability in known.capabilities:
        problems += _unanswerable(library, capability)
    studies = []
    for study in library.knowledge.studies:
        try:
            prepared = prepare_study(library, study.id)
            questions = [prepared.questions[profile.id] for profile in prepared.kernels]
            read_claims(study, questions, declared_claims(prepared))
            check_not_empty(prepared)
        except InputError as error:
            problems.extend(error.diagnostics)
        else:
            studies.append(prepared)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))
    return studies


def _unanswerable(library: Library, capability: Capability) -> Sequence[Diagnostic]:
    """Return why a capability cannot be asked about, on the architectures of its studies.

    One that no study asks about must be right on one of them; else the usual one says what is not.
    """
    known = library.knowledge
    asked = {study.arch for study in known.studies if study.capability == capability.id}
    found: dict[str, list[Diagnostic]] = {}
    for profile in known.kernels:
        if asked and profile.arch not in asked:
            continue
        problems = found.setdefault(profile.arch, [])
        for predicate in capability.predicates:
            try:
                lower_question(library.program(profile), capability, predicate)
            except InputError as error:
                problems.extend(error.diagnostics)
    if asked:
        return [problem for problems in found.values() for problem in problems]
    return [] if not all(found.values()) else found[library.arch]


def _not_as_expected(prepared: PreparedStudy, result: ClaimResult) -> Diagnostic:
    where = ", ".join(result.kernels)
    if result.witness is None:
        hint = f"it was shown for {result.cells:,} cells"
    else:
        cell = named_cell(result.witness, dict(prepared.study.baseline))
        hint = f"{result.cells:,} cells break it; the nearest: {cell}"
    return Diagnostic(
        code="MX0672",
        location=result.claim.statement.location,
        message=f"claim `{result.claim.id}` of `{prepared.study.id}` is {result.status} on "
        f"{where}, and expected to be {result.expected}",
        hint=hint,
    )
