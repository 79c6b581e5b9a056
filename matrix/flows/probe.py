"""One machine in, this one or a saved one; the model's answer beside what the machine shows out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.comparison import Agreement, Line, ModelAnswers, compare, observed_alone
from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    Severity,
    format_diagnostic,
    worst,
)
from matrix.flows.host_request import HostRequest, known_parameters, request_of_host
from matrix.flows.knowledge import Library
from matrix.flows.validate_file import answer_file
from matrix.flows.validate_job import ValidateJob, ValidateRequest, prepare
from matrix.flows.validate_result import ValidateResult
from matrix.kernel.host.bundle import dump_bundle, load_bundle
from matrix.kernel.host.collect import collect
from matrix.kernel.host.readings import HostReadings
from matrix.kernel.host.system_calls import System

# The capabilities whose gates a machine shows, whichever was asked about.
_MEMFD_SECRET, _GUEST_MEMFD = "memfd-secret", "gmem-no-direct-map"
_PFNMAP = "kvm_supports_cacheable_pfnmap()"


class ProbeRequest(Struct, frozen=True, kw_only=True):
    """What `matrix probe` was asked: `asked` as validate would be, but for the files.

    `bundle` is a machine saved elsewhere; None is this one, read below `root` and by `system`.
    """

    asked: ValidateRequest = field(default_factory=lambda: ValidateRequest(files=()))
    bundle: Path | None = None
    root: Path = Path("/")
    system: System | None = None


class ProbeOutcome(Struct, frozen=True, kw_only=True):
    """The readings, the model's answer, the comparison, what is to be said, and the exit code.

    `result` is None where the machine cannot be answered; `diagnostics` then say why.
    """

    host: HostReadings
    result: ValidateResult | None
    lines: tuple[Line, ...]
    diagnostics: tuple[Diagnostic, ...]
    exit_code: ExitCode

    @property
    def speech(self) -> tuple[str, ...]:
        """What to say beside the answer."""
        return tuple(dict.fromkeys(map(format_diagnostic, self.diagnostics)))

    def bundle(self) -> str:
        """Return the readings as the text of a bundle."""
        return dump_bundle(self.host)

    def render(self, form: str, *, colour: bool = False, verbose: bool = False) -> str:
        """Return the outcome as text or JSON."""
        from matrix.render import probe as shown

        if form == "json":
            return shown.probe_json(self.host, self.result, self.lines, self.diagnostics)
        return shown.probe_text(self.host, self.result, self.lines, colour=colour, verbose=verbose)


def probe(request: ProbeRequest) -> ProbeOutcome:
    """Read a machine, answer it, and compare.

    A machine that cannot be answered is still observed: the reasons are in `diagnostics`.

    Raises:
        InputError: where the request is wrong (CPU, capability, setting) or the bundle is.
    """
    library = Library(request.asked.configs)
    prepare(replace(request.asked, cmdline=None, cmdline_file=None))  # what the user wrote is right
    if request.bundle is not None:
        host = load_bundle(request.bundle)
    else:
        host = collect(known_parameters(library), root=request.root, system=request.system)
    file = str(request.bundle) if request.bundle else None
    try:
        found = request_of_host(host, request.asked, library, file=file)
        job = prepare(found.request)
        (result,) = answer_file(job, found.config)
    except InputError as error:
        return ProbeOutcome(
            host=host,
            result=None,
            lines=observed_alone(host),
            diagnostics=error.diagnostics,
            exit_code=ExitCode.INPUT,
        )
    lines = compare(_model(job, found, result), host)
    codes = tuple(_codes(request.asked, result, lines))
    diagnostics = (*found.diagnostics, *result.answer.diagnostics)
    if any(item.severity is Severity.ERROR for item in diagnostics):
        codes = (*codes, ExitCode.INPUT)
    return ProbeOutcome(
        host=host, result=result, lines=lines, diagnostics=diagnostics, exit_code=worst(codes)
    )


def _model(job: ValidateJob, found: HostRequest, result: ValidateResult) -> ModelAnswers:
    profile = job.library.kernels_of(job.architecture.id).get(result.kernel)
    return ModelAnswers(
        facts=result.answer.facts,
        memfd_secret=_answer(job, found, _MEMFD_SECRET),
        guest_memfd=_answer(job, found, _GUEST_MEMFD),
        borrowed=found.borrowed,
        offers_pfnmap=profile is not None
        and any(function.signature == _PFNMAP for function in profile.functions),
    )


def _answer(job: ValidateJob, found: HostRequest, capability: str) -> Answer:
    """Return the answer about a capability, for the VM that was observed: a default one."""
    other = replace(
        job,
        capability=job.library.capability(capability),
        request=replace(job.request, capability=capability, predicate=None),
        surroundings={**job.surroundings, "vm": "default"},
        questions={},
        cpus_by_kernel={},
        answers={},
        deciding={},
    )
    (result,) = answer_file(other, found.config)
    return result.answer


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
