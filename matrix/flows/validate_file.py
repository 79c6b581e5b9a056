"""The answers for one `.config`: on each CPU system of the job, under its command line.

Takes a job and a `.config`, gives one result for each system. CPUs whose properties are equal for
this kernel share one answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import Cell, answer
from matrix.analyze.cell.assemble import (
    asked_of_file,
    config_atoms,
    read_variables,
    surroundings_atoms,
)
from matrix.analyze.cell.fix import find_fixes
from matrix.analyze.cell.question import predicate_version
from matrix.analyze.cell.rebuild import Rebuild
from matrix.analyze.cell.verdict import WORKS, Verdict
from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.expr.nodes import Expression
from matrix.flows.absence import absent_reason
from matrix.flows.deciding_line import deciding_symbol
from matrix.flows.fix_costs import with_costs
from matrix.flows.granule_note import naming_cpus
from matrix.flows.kernel_choice import (
    ChosenKernel,
    absent_whatever_release,
    built_in_line,
    chosen_kernel,
    version_notes,
)
from matrix.flows.stale_names import names_read, stale_names
from matrix.flows.validate_job import ValidateJob
from matrix.flows.validate_result import ValidateResult
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.cpu.resolve import CpuSystem
from matrix.kernel.line.cmdline import read_command_line

# Stands for any parameter that a fix may append to what the boot loader passes.
_APPENDED = "appended"


def answer_file(job: ValidateJob, config: DotConfig) -> list[ValidateResult]:
    """Answer one `.config` on every CPU system.

    Raises:
        InputError: MX0912, MX0913 where its release is not known; what its command line says.
    """
    chosen = _chosen(job, config)
    if chosen is None:
        return [_absent_anyway(job, config, system) for system in job.systems]
    profile = chosen.profile
    question = job.question(profile)
    config = config.typed(question.program.symbols)
    question = asked_of_file(question, config)
    built_in = built_in_line(job.library, profile, config, job.tree)
    line = built_in.readings(job.boot_loader)
    text = line.text
    parsed = [read_command_line(read) for read in (text, *dict(line.others).values())]
    notes = (
        *config.diagnostics,
        *partial_note(config),
        *parsed[0].diagnostics,
        *built_in.notes(line, profile.release),
        *version_notes(chosen, question.program, names_read(question), config),
        *dict.fromkeys(stale_names(job, profile, config, parsed)),
    )
    atoms = config_atoms(question.program, config)
    atoms.update(surroundings_atoms(job.library.architecture(profile.arch), job.surroundings))
    atoms.update(chosen.atoms(question.program))
    variables = read_variables(question.program, profile, line)

    def reline(appended: str) -> Mapping[str, Expression]:
        longer = built_in.readings(f"{job.boot_loader} {appended}")
        return read_variables(question.program, profile, longer)

    # What answer and fixes rest on besides the CPU; files that are alike in it share them. Where
    # the kernel would put an appended parameter (CMDLINE_FORCE: nowhere) decides the fixes.
    appended_to = built_in.readings(f"{job.boot_loader} {_APPENDED}")
    rebuild = Rebuild(question=question, profile=profile, config=config)
    given_atoms = frozenset((*atoms.items(), *((f"file.{k}", v) for k, v in rebuild.gates())))
    rests_on = (profile.id, line, appended_to, bool(config.refused), given_atoms)
    results = []
    for system, cpu in zip(job.systems, job.cpus(profile, question), strict=True):
        key = (rests_on, cpu.detections_key)
        if key not in job.answers:
            cell = Cell(
                variables=variables, atoms={**atoms, **cpu.atoms}, detections=cpu.detections
            )
            given = answer(question, cell, job.behaviours)
            if not job.grouped and given.verdict not in WORKS:
                fixes = find_fixes(rebuild, cell, reline, job.behaviours)
                declared = (job.library.architecture(profile.arch), job.capability)
                given = replace(given, fixes=fixes)
                given = with_costs(given, question, cell, reline, job.behaviours, declared)
                if job.request.pointing:
                    job.deciding[key] = deciding_symbol(rebuild, cell, job.behaviours)
            job.answers[key] = given
        given = job.answers[key]
        noted = (rests_on, system.names)
        if noted not in job.noted:
            job.noted[noted] = naming_cpus(
                given.diagnostics, question, system, variables, atoms, job.granules
            )
        own = job.noted[noted]
        said = (*notes, *system.diagnostics, *(_in_file(note, config) for note in own))
        given = replace(given, diagnostics=said)
        result = _result(job, config, profile.release, system, text, given)
        results.append(
            replace(
                result,
                version=chosen.shown_version,
                read_on=profile.verified_on.version,
                running=config.running,
                decided_by=job.deciding.get(key),
            )
        )
    return results


def _chosen(job: ValidateJob, config: DotConfig) -> ChosenKernel | None:
    """Return the kernel of a file; None where the answer is `absent` whatever the release."""
    asked = job.request.kernel
    if asked != "auto":
        return chosen_kernel(job.library, job.library.kernel_of_version(asked), asked, config)
    release = config.release
    known = job.library.kernels_of(job.architecture.id)
    if release is not None and release in known:
        return chosen_kernel(job.library, known[release], None, config)
    if absent_whatever_release(job.library, job.capability, config, release) is not None:
        return None
    location = Location(file=config.file, line=1 if release else 0, column=1)
    if release is None:
        raise InputError(
            Diagnostic(
                code="MX0912",
                location=location,
                message="the file does not say which kernel release it is for",
                hint=f"give --kernel, one of {', '.join(known)}",
            )
        )
    hint = "decide with --kernel"
    raise InputError(job.library.no_profile(release, job.architecture.id, location, instead=hint))


def _absent_anyway(job: ValidateJob, config: DotConfig, system: CpuSystem) -> ValidateResult:
    note = Diagnostic(
        code="MX0914",
        severity=Severity.NOTE,
        message=f"there is no profile of {_kernel_of(config)}",
        hint="the answer is the same for every release",
    )
    given = Answer(
        basis=job.capability.basis,
        facts=(),
        predicate=None,
        outcome="not-run",
        violations=(),
        advisories=(),
        verdict=Verdict.ABSENT,
        confidence="register",
        reasons=(absent_reason(job.capability, config) or "",),
        unsettled=(),
        diagnostics=(*config.diagnostics, *partial_note(config), note),
    )
    result = _result(job, config, config.release or "unknown", system, job.boot_loader, given)
    return replace(result, version=config.version)


def partial_note(config: DotConfig) -> tuple[Diagnostic, ...]:
    """Return that a file is not a whole `.config` (MX0911), where it is so."""
    if config.complete:
        return ()
    return (
        Diagnostic(
            code="MX0911",
            severity=Severity.NOTE,
            location=Location(file=config.file),
            message=f"the file is not a complete `.config` ({config.completeness})",
            hint="what it does not set is unknown, not off; give the `.config` that was built with",
        ),
    )


def _kernel_of(config: DotConfig) -> str:
    return f"Linux {config.release}" if config.release else "this file's kernel"


def _in_file(note: Diagnostic, config: DotConfig) -> Diagnostic:
    """Return a note with the file it is about; files that are alike share their answers."""
    if note.code != "MX0919":
        return note
    return replace(note, location=Location(file=config.file))


def _result(
    job: ValidateJob, config: DotConfig, release: str, system: CpuSystem, text: str, given: Answer
) -> ValidateResult:
    return ValidateResult(
        file=config.file,
        kernel=release,
        assumes_patch=job.capability.assumes_patch,
        cpu=system.names,
        cmdline=text,
        vm=job.surroundings["vm"],
        capability=job.capability.id,
        predicate_version=predicate_version(job.capability, job.request.predicate).name,
        answer=given,
        surroundings=tuple(
            (axis, str(option))
            for axis, option in surroundings_atoms(job.architecture, job.surroundings).items()
        ),
    )
