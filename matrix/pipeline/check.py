"""`matrix check`: the user's declarations, every error at once; with claims, whether they hold.

Reads everything, lowers every question and reads every claim, so that what it accepts, every other
command accepts. Nothing is solved unless claims are to be decided: that is for the nightly run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matrix.analyze.claims import ClaimResult, read_claims
from matrix.analyze.question import lower_question
from matrix.diagnostics import Diagnostic, ExitCode, InputError, format_diagnostic
from matrix.pipeline.claims import answer_claims, declared_claims
from matrix.pipeline.knowledge import Library
from matrix.pipeline.reply import Reply
from matrix.pipeline.selection import check_not_empty
from matrix.pipeline.stale_studies import stale_options
from matrix.pipeline.study import PreparedStudy, prepare_study
from matrix.render.cell_text import named_cell


def check(folders: tuple[Path, ...], *, claims: bool) -> Reply:
    """Check declarations and say what was understood; with `claims`, decide those of all studies.

    A claim that is not as expected is a finding (MX0672).

    Raises:
        InputError: everything that is wrong, all at once.
    """
    library = Library(folders)
    studies = _sound_studies(library)
    known = library.knowledge
    count = sum(len(declared_claims(prepared)) for prepared in studies)
    understood = (
        f"{len(known.kernels)} kernels, {len(known.cpus)} CPUs, "
        f"{len(known.capabilities)} capabilities, {len(studies)} studies with {count} claims: "
        "no errors"
    )
    # Ours show on purpose what a kernel refuses; a test looks at them.
    ours = {study.location for study in Library().knowledge.studies} if folders else set()
    mine = [study for study in known.studies if folders and study.location not in ours]
    stale = [item for study in mine for item in stale_options(library, study)]
    said = [*map(format_diagnostic, stale), understood]
    findings: list[Diagnostic] = []
    for prepared in studies if claims else ():
        results = [answer.result for answer in answer_claims(prepared, prepared.solve())]
        wrong = [result for result in results if not result.as_expected]
        if results:
            expected = len(results) - len(wrong)
            said.append(
                f"{prepared.study.id}: {expected} of {len(results)} answers to claims as expected"
            )
        findings.extend(_not_as_expected(prepared, result) for result in wrong)
    return Reply(
        text="",
        exit_code=ExitCode.FINDINGS if findings else ExitCode.OK,
        speech=(*said, *map(format_diagnostic, findings)),
    )


def _sound_studies(library: Library) -> Sequence[PreparedStudy]:
    """Return all studies, prepared.

    Raises:
        InputError: what is wrong with any study, capability or claim.
    """
    problems: list[Diagnostic] = []
    for capability in library.knowledge.capabilities:
        for profile in library.knowledge.kernels:
            for predicate in capability.predicates:
                try:
                    lower_question(library.program(profile), capability, predicate)
                except InputError as error:
                    problems.extend(error.diagnostics)
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
