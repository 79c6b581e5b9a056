"""`matrix check`: the user's declarations, every error at once; with claims, whether they hold.

Reads everything, lowers every question and reads every claim, so that what it accepts, every other
command accepts. Nothing is solved unless claims are to be decided: that is for the nightly run.
A study's options that none of its kernels reads are a mistake, or have become one: a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.question import lower_question, repeats_predicate
from matrix.analyze.facts.scenario_words import unknown_names
from matrix.analyze.proof.claims import ClaimResult, read_claims
from matrix.analyze.space.cell_text import named_cell
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    Gathered,
    InputError,
    UndecidedError,
)
from matrix.flows.claims import answer_claims, declared_claims
from matrix.flows.knowledge import Library
from matrix.flows.selection import check_not_empty, without_cells
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.kernel.line.cmdline import read_command_line
from matrix.schema.sources import sources_without_lines
from matrix.schema.values import Capability, KernelProfile, MatrixStudy, Option


def stale_options(library: Library, study: MatrixStudy) -> Iterator[Diagnostic]:
    """Yield a warning for each symbol, parameter or value that no kernel of a study has."""
    ids = {option.kernel for axis in study.axes for option in axis.options if option.kernel}
    kernels = [one for one in library.kernels_of(study.arch).values() if one.id in ids]
    if not kernels:
        return
    for axis in study.axes:
        for option in axis.options:
            if axis.kind == "kconfig":
                yield from _symbols(library, kernels, option)
            if option.cmdline:
                yield from _parameters(library, kernels, option, option.cmdline)


def _symbols(
    library: Library, kernels: Sequence[KernelProfile], option: Option
) -> Iterator[Diagnostic]:
    history = library.name_history(kernels[0].arch, of_kernels=False)
    for symbol, value in option.kconfig:
        if value != "n" and all(symbol in history.symbols_lacking(one) for one in kernels):
            standing = history.of_symbol(symbol, kernels[-1])
            yield Diagnostic.warning(
                code="MX1706",
                location=option.location,
                message=f"no kernel of the study has CONFIG_{symbol}: {standing.sentence()}",
                hint="remove it from the option, or add a kernel that has it",
            )


def _parameters(
    library: Library, kernels: Sequence[KernelProfile], option: Option, text: str
) -> Iterator[Diagnostic]:
    history = library.name_history(kernels[0].arch, of_kernels=False)
    line = read_command_line(text)
    # Word by word: of a line that a kernel reads in part, the rest is still idle.
    for index in range(len(line.early)):
        one = replace(line, early=line.early[index : index + 1])
        said = [next(history.line(kernel, one, one.locate), None) for kernel in kernels]
        last = said[-1]
        if last is not None and all(said):
            yield replace(
                last,
                code="MX1706",
                location=option.location,
                message=f"no kernel of the study reads it: {last.message}",
            )


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
    mine = [one for one in studies if folders and one.study.location not in ours]
    idle = [item for one in mine for item in stale_options(library, one.study)]
    idle += [item for one in mine for item in (*without_cells(one), *_repeated_truth(one))]
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
        diagnostics=(*idle, *findings),
        exit_code=ExitCode.FINDINGS if findings else ExitCode.OK,
        decided=decided if claims else None,
    )


def _sound_studies(library: Library) -> Sequence[PreparedStudy]:
    """Return all studies, prepared.

    Raises:
        InputError: what is wrong with any study, capability or claim.
    """
    known = library.knowledge
    wrong = Gathered(unknown_names(known.kernels, known.architectures))
    wrong.problems += [item for one in known.kernels for item in sources_without_lines(one)]
    # Also of an architecture that no study asks about.
    for profile in known.kernels:
        wrong.of(partial(library.program, profile))
    for capability in known.capabilities:
        wrong.problems += _unanswerable(library, capability)
    studies = [wrong.of(partial(_sound, library, study)) for study in known.studies]
    wrong.refuse()
    return [one for one in studies if one is not None]


def _sound(library: Library, study: MatrixStudy) -> PreparedStudy:
    prepared = prepare_study(library, study.id)
    questions = [prepared.questions[profile.id] for profile in prepared.kernels]
    read_claims(study, questions, declared_claims(prepared))
    check_not_empty(prepared)
    return prepared


def _repeated_truth(prepared: PreparedStudy) -> Iterator[Diagnostic]:
    """Yield a warning where the truth of a study's capability is its predicate once more."""
    if all(map(repeats_predicate, prepared.questions.values())):
        yield Diagnostic.warning(
            code="MX0694",
            location=prepared.capability.truth[0].condition.location,
            message=f"the truth of `{prepared.capability.id}` repeats predicate "
            f"`{prepared.predicate.name}`: no cell can be unsound or overstrict",
            hint="write what must hold where the check says yes, from other code than the check; "
            "or leave `truth` out, for answers that are granted and not-granted",
        )


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
