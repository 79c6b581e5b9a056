"""`.config` files, CPUs and a command line in; answers out.

For each file: read it, find the kernel profile, work out the command line the kernel sees, make a
cell per CPU system, answer it. CPUs whose properties are equal for this kernel share one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from matrix.analyze.answer import Answer
from matrix.analyze.assemble import config_atoms, cpu_atoms, surroundings_atoms, variables_of
from matrix.analyze.behaviour import Behaviours
from matrix.analyze.cell import Cell, answer
from matrix.analyze.fix import find_fixes
from matrix.analyze.question import Question, lower_question, predicate_version
from matrix.analyze.verdict import Verdict
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    Location,
    Severity,
    format_diagnostic,
    worst,
)
from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call, Expression, Value
from matrix.expr.printer import to_c
from matrix.expr.trees import names
from matrix.kernel.cmdline import (
    effective_command_line,
    ignored_boot_loader_line,
    read_command_line,
)
from matrix.kernel.cpu import CpuSystem, default_cpus, expand_group, resolve_system
from matrix.kernel.detection import Detection
from matrix.kernel.dotconfig import DotConfig, load_dotconfig
from matrix.pipeline.arguments import (
    boot_loader_text,
    check_verdicts,
    choose_surroundings,
    expand_files,
)
from matrix.pipeline.knowledge import Library
from matrix.pipeline.tree_check import tree_check
from matrix.render.json import ValidateResult, dump, validate_document
from matrix.render.text import render_answer, render_grouped
from matrix.schema.values import Capability, KernelProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateRequest:
    """What `matrix validate` was asked."""

    files: tuple[str, ...]
    kernel: str = "auto"
    cpus: tuple[str, ...] = ()
    cmdline: str | None = None
    cmdline_file: Path | None = None
    capability: str = "gmem-no-direct-map"
    predicate: str | None = None
    vm: str = "default"
    settings: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ("unsound",)
    configs: tuple[Path, ...] = ()
    tree: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOutcome:
    """The answers, what is to be said beside them, and the exit code."""

    results: tuple[ValidateResult, ...]
    grouped: bool
    speech: tuple[str, ...]
    exit_code: ExitCode

    def json_text(self) -> str:
        """Return the JSON document of all answers."""
        return dump(validate_document(self.results))

    def text(self, *, colour: bool, verbose: bool) -> str:
        """Return the answers for a reader: one by one, or grouped by verdict per file."""
        if not self.grouped:
            return "\n".join(
                render_answer(_title(result), result.answer, colour=colour, verbose=verbose)
                for result in self.results
            )
        by_file: dict[str, list[ValidateResult]] = {}
        for result in self.results:
            by_file.setdefault(result.file, []).append(result)
        return "\n".join(
            render_grouped(
                _file_title(results[0]),
                [("+".join(result.cpu), result.answer) for result in results],
                colour=colour,
            )
            for results in by_file.values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cpu:
    """What one kernel detects on one CPU system; equal keys mean equally known systems."""

    atoms: Mapping[str, Value]
    detections: Mapping[str, Detection]
    detections_key: int


# Kernel profile, command line, the same with a parameter appended, settings; the CPU system's key.
_AnswerKey = tuple[tuple[str, str, str, frozenset[tuple[str, Value]]], int]
# Stands for any parameter that a fix may append to what the boot loader passes.
_APPENDED = "appended"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is equal for every file of one request."""

    library: Library
    request: ValidateRequest
    capability: Capability
    systems: tuple[CpuSystem, ...]
    surroundings: Mapping[str, str]
    boot_loader: str
    behaviours: Behaviours
    questions: dict[str, Question] = field(default_factory=dict)
    cpus_by_kernel: dict[str, tuple[_Cpu, ...]] = field(default_factory=dict)
    answers: dict[_AnswerKey, Answer] = field(default_factory=dict)

    @property
    def grouped(self) -> bool:
        """Whether nobody named a CPU, so that all are answered and shown in groups."""
        return not self.request.cpus

    def question(self, profile: KernelProfile) -> Question:
        """Return the capability's question for a kernel, lowered once."""
        if profile.id not in self.questions:
            self.questions[profile.id] = lower_question(
                self.library.program(profile),
                self.capability,
                predicate_version(self.capability, self.request.predicate),
            )
        return self.questions[profile.id]

    def cpus(self, profile: KernelProfile, question: Question) -> tuple[_Cpu, ...]:
        """Return what a kernel detects on each system, worked out once."""
        if profile.id not in self.cpus_by_kernel:
            keys: dict[frozenset[tuple[str, Detection]], int] = {}
            found = []
            for system in self.systems:
                atoms, detections = cpu_atoms(question.program, system)
                key = keys.setdefault(frozenset(detections.items()), len(keys))
                found.append(_Cpu(atoms=atoms, detections=detections, detections_key=key))
            self.cpus_by_kernel[profile.id] = tuple(found)
        return self.cpus_by_kernel[profile.id]


def validate(request: ValidateRequest) -> ValidateOutcome:
    """Answer every file of a request.

    A file that is wrong is said and does not keep the others from their answer.

    Raises:
        InputError: where the request itself is wrong (CPU, capability, setting, command line).
    """
    job = _prepare(request)
    tree = tree_check(request.tree, job.library)
    results: list[ValidateResult] = []
    speech: list[str] = []
    codes: list[ExitCode] = []
    for file in expand_files(request.files):
        try:
            config = load_dotconfig(file)
            if tree is not None:
                against_tree = tree.diagnostics(config)
                speech.extend(map(format_diagnostic, against_tree))
                codes.extend(map(tree.exit_code, against_tree))
            found = _answer_file(job, config)
            results.extend(found)
            speech.extend(
                format_diagnostic(item) for result in found for item in result.answer.diagnostics
            )
        except InputError as error:
            speech.extend(format_diagnostic(item) for item in error.diagnostics)
            codes.append(ExitCode.INPUT)
    for result in results:
        verdict = result.answer.verdict
        if verdict in request.fail_on:
            codes.append(ExitCode.FINDINGS)
        if verdict is Verdict.UNKNOWN and request.cpus:
            codes.append(ExitCode.UNDECIDED)
    return ValidateOutcome(
        results=tuple(results),
        grouped=job.grouped,
        speech=tuple(dict.fromkeys(speech)),
        exit_code=worst(codes),
    )


def _prepare(request: ValidateRequest) -> _Job:
    library = Library(request.configs)
    capability = library.capability(request.capability)
    predicate_version(capability, request.predicate)
    check_verdicts(request.fail_on)
    named = request.cpus or default_cpus(library.knowledge)
    specs = [spec for text in named for spec in expand_group(text, library.knowledge)]
    architecture = library.architecture("arm64")
    systems = tuple(resolve_system(spec, library.knowledge, architecture) for spec in specs)
    return _Job(
        library=library,
        request=request,
        capability=capability,
        systems=systems,
        surroundings=choose_surroundings(architecture, (f"vm={request.vm}", *request.settings)),
        boot_loader=boot_loader_text(request.cmdline, request.cmdline_file),
        behaviours=Behaviours(),
    )


def _answer_file(job: _Job, config: DotConfig) -> list[ValidateResult]:
    profile = _profile(job, config)
    if profile is None:
        return [_absent_anyway(job, config, system) for system in job.systems]
    text = effective_command_line(job.boot_loader, config)
    line = read_command_line(text)
    ignored = ignored_boot_loader_line(job.boot_loader, config)
    notes = (
        *config.diagnostics,
        *_partial_note(config),
        *line.diagnostics,
        *((ignored,) if ignored else ()),
    )
    question = job.question(profile)
    atoms = config_atoms(question.program, config)
    atoms.update(surroundings_atoms(job.library.architecture(profile.arch), job.surroundings))
    variables = variables_of(question.program, profile, line)

    def reline(appended: str) -> Mapping[str, Expression]:
        longer = effective_command_line(f"{job.boot_loader} {appended}", config)
        return variables_of(question.program, profile, longer)

    # What answer and fixes rest on besides the CPU; files that are alike in it share them. Where
    # the kernel would put an appended parameter (CMDLINE_FORCE: nowhere) decides the fixes.
    appended_to = effective_command_line(f"{job.boot_loader} {_APPENDED}", config)
    rests_on = (profile.id, text, appended_to, frozenset(atoms.items()))
    results = []
    for system, cpu in zip(job.systems, job.cpus(profile, question), strict=True):
        key = (rests_on, cpu.detections_key)
        if key not in job.answers:
            cell = Cell(
                variables=variables, atoms={**atoms, **cpu.atoms}, detections=cpu.detections
            )
            given = answer(question, cell, job.behaviours)
            if not job.grouped and given.verdict is not Verdict.SUPPORTED:
                fixes = find_fixes(question, profile, cell, reline, job.behaviours)
                given = replace(given, fixes=fixes)
            job.answers[key] = given
        given = job.answers[key]
        said = (*notes, *system.diagnostics, *given.diagnostics)
        given = replace(given, diagnostics=said)
        results.append(_result(job, config, profile.release, system, text, given))
    return results


def _profile(job: _Job, config: DotConfig) -> KernelProfile | None:
    """Return the profile of a file; None where the answer is `absent` whatever the release."""
    if job.request.kernel != "auto":
        return job.library.kernel(job.request.kernel)
    release = config.release
    if release is not None and release in job.library.kernels_by_release:
        return job.library.kernels_by_release[release]
    if _absent_reason(job.capability, config) is not None:
        return None
    location = Location(file=config.file, line=1 if release else 0, column=1)
    if release is None:
        raise InputError(
            Diagnostic(
                code="MX0912",
                location=location,
                message="the file does not say which kernel release it is for",
                hint=f"give --kernel, one of {', '.join(job.library.kernels_by_release)}",
            )
        )
    near = " and ".join(job.library.neighbours(release))
    raise InputError(
        Diagnostic(
            code="MX0913",
            location=location,
            message=f"there is no profile of Linux {release}",
            hint=f"the nearest profiles are {near}; decide with --kernel",
        )
    )


def _absent_reason(capability: Capability, config: DotConfig) -> str | None:
    """Return why the capability is absent from what the file alone says, or None."""
    for requirement in capability.requires:
        expression: Expression = requirement.condition.expression
        symbols = names(expression)
        if not symbols or not all(name.startswith("CONFIG_") for name in symbols):
            continue
        value = evaluate(expression, config.value, lambda call: _is_enabled(config, call))
        if truth(value) is False:
            return requirement.otherwise
    return None


def _is_enabled(config: DotConfig, call: Call) -> Value:
    """Return what IS_ENABLED() of a symbol is: `m` is set, too."""
    value = config.value(to_c(call.arguments[0]))
    return None if value is None else value is not False


def _absent_anyway(job: _Job, config: DotConfig, system: CpuSystem) -> ValidateResult:
    note = Diagnostic(
        code="MX0914",
        severity=Severity.NOTE,
        message=f"there is no profile of {_kernel_of(config)}",
        hint="the answer is the same for every release",
    )
    given = Answer(
        facts=(),
        predicate=None,
        outcome="not-run",
        violations=(),
        advisories=(),
        verdict=Verdict.ABSENT,
        confidence="register",
        reasons=(_absent_reason(job.capability, config) or "",),
        unsettled=(),
        diagnostics=(*config.diagnostics, *_partial_note(config), note),
    )
    text = effective_command_line(job.boot_loader, config)
    return _result(job, config, config.release or "unknown", system, text, given)


def _partial_note(config: DotConfig) -> tuple[Diagnostic, ...]:
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


def _result(
    job: _Job, config: DotConfig, release: str, system: CpuSystem, text: str, given: Answer
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
    )


def _title(result: ValidateResult) -> str:
    return f"{_file_title(result)}, {' + '.join(result.cpu)}"


def _file_title(result: ValidateResult) -> str:
    patch = f" + {result.assumes_patch}" if result.assumes_patch else ""
    return f"{result.file}: Linux {result.kernel}{patch}"
