"""One machine in, this one or a saved one; the model's answer beside what the machine shows out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.comparison import Agreement, Line, ModelAnswers, compare, observed_alone
from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import Diagnostic, ExitCode, InputError, Severity, worst
from matrix.flows.evidence_request import host_evidence, host_request
from matrix.flows.host_request import HostRequest, known_parameters, request_of_host
from matrix.flows.knowledge import Library
from matrix.flows.validate import answers_of
from matrix.flows.validate_job import ValidateRequest, architecture_asked, prepare
from matrix.flows.validate_result import ValidateResult
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.host.bundle import load_bundle
from matrix.kernel.host.collect import collect
from matrix.kernel.host.kernel_log import architecture_of
from matrix.kernel.host.readings import HostReadings
from matrix.kernel.host.system_calls import System

_PFNMAP = "kvm_supports_cacheable_pfnmap()"


class ProbeRequest(Struct, frozen=True, kw_only=True):
    """What `matrix probe` was asked: `asked` as validate would be, but for the files.

    `bundle` is a machine saved elsewhere, or evidence of one (of a log with several boots number
    `boot`); None is this one, read below `root` and by `system`.
    """

    asked: ValidateRequest = field(default_factory=lambda: ValidateRequest(files=()))
    bundle: Path | None = None
    root: Path = Path("/")
    system: System | None = None
    boot: int | None = None


class ProbeOutcome(Struct, frozen=True, kw_only=True):
    """The readings, the model's answer, the comparison, what is to be said, and the exit code.

    `result` is None where the machine cannot be answered; `diagnostics` then say why.
    """

    host: HostReadings
    result: ValidateResult | None
    lines: tuple[Line, ...]
    diagnostics: tuple[Diagnostic, ...]
    exit_code: ExitCode


def probe(request: ProbeRequest) -> ProbeOutcome:
    """Read a machine, answer it, and compare.

    A machine that cannot be answered is still observed: the reasons are in `diagnostics`.

    Raises:
        InputError: where the request is wrong (CPU, capability, setting) or the bundle is.
    """
    library = Library(request.asked.configs)
    prepare(replace(request.asked, cmdline=None, cmdline_file=None))  # what the user wrote is right
    shown = None
    arch = architecture_asked(request.asked, library)
    known = library.knowledge.architectures
    if request.bundle is None:
        host = collect(known_parameters(library), known, root=request.root, system=request.system)
    elif (shown := host_evidence(request.bundle, library, request.asked, request.boot)) is not None:
        host = shown.machine.host
    else:
        host = load_bundle(request.bundle, known)
    file = str(request.bundle) if request.bundle else None
    try:
        if shown is None:
            found = request_of_host(host, request.asked, library, arch, file=file)
        else:
            found = host_request(shown, request.asked, library)
        result = _answer(found.request, found.config)
    except InputError as error:
        return ProbeOutcome(
            host=host,
            result=None,
            lines=observed_alone(host, architecture_of(host.machine, known)),
            diagnostics=error.diagnostics,
            exit_code=ExitCode.INPUT,
        )
    compared = compare(_model(library, found, result), host)
    codes = tuple(_codes(request.asked, result, compared))
    remarks = () if shown is None else shown.remarks
    diagnostics = (*remarks, *found.diagnostics, *result.answer.diagnostics)
    if any(item.severity is Severity.ERROR for item in diagnostics):
        codes = (*codes, ExitCode.INPUT)
    return ProbeOutcome(
        host=host, result=result, lines=compared, diagnostics=diagnostics, exit_code=worst(codes)
    )


def _answer(request: ValidateRequest, config: DotConfig) -> ValidateResult:
    (result,) = answers_of(prepare(request), config, {}, {})
    return result


def _model(library: Library, found: HostRequest, result: ValidateResult) -> ModelAnswers:
    """Return what the model says of all that a machine shows, for a default VM."""
    settings = tuple(text for text in found.request.settings if not text.startswith("vm="))

    arch = architecture_asked(found.request, library)
    observed = {
        item.observed_by: item.id
        for item in library.knowledge.capabilities
        if library.arch_of(item) == arch
    }

    def about(what: str) -> Answer | None:
        if what not in observed:
            return None
        request = replace(
            found.request, capability=observed[what], predicate=None, vm=None, settings=settings
        )
        return _answer(request, found.config).answer

    profile = library.kernels_of(arch).get(result.kernel)
    return ModelAnswers(
        facts=result.answer.facts,
        memfd_secret=about("memfd_secret"),
        guest_memfd=about("guest_memfd"),
        borrowed=found.borrowed,
        offers_pfnmap=profile is not None
        and any(function.signature == _PFNMAP for function in profile.functions),
    )


def _codes(
    asked: ValidateRequest, result: ValidateResult, lines: tuple[Line, ...]
) -> Iterator[ExitCode]:
    if any(line.agreement is Agreement.DISAGREE for line in lines):
        yield ExitCode.FINDINGS
    if not asked.fail_on:
        return
    if result.answer.verdict in asked.fail_on:
        yield ExitCode.FINDINGS
    if result.answer.verdict is Verdict.UNKNOWN:
        yield ExitCode.UNDECIDED
