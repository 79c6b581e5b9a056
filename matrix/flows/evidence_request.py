"""From what people hold of a machine to a request of `validate` or `probe`.

Takes the files, gives the machine's readings as `matrix probe --save` writes them, and the request
that they make. A file that is no evidence is left to its own reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.flows.host_request import (
    HostRequest,
    known_parameters,
    known_version,
    request_of_host,
    with_host,
)
from matrix.flows.knowledge import Library
from matrix.flows.validate_job import ValidateRequest, architecture_asked
from matrix.kernel.config.dotconfig import DotConfig, no_dotconfig, read_dotconfig
from matrix.kernel.cpu.resolve import machine_key, machine_named, virtual_note
from matrix.kernel.evidence.collected import Collected, collect_evidence
from matrix.kernel.evidence.findings import Asked
from matrix.kernel.evidence.union import Machine, machine_of, whole_log_note
from matrix.kernel.host.kernel_log import log_lines
from matrix.kernel.host.readings import Reading
from matrix.kernel.source.version import read_version


class EvidenceMachine(Struct, frozen=True, kw_only=True):
    """A machine that evidence shows: readings, the `.config`s that came with it, remarks.

    `file` names the evidence, for answers that have no `.config` to name.
    """

    arch: str
    machine: Machine
    configs: tuple[DotConfig, ...]
    file: str
    remarks: tuple[Diagnostic, ...]


def asked_of(library: Library, arch: str | None = None, boot: int | None = None) -> Asked:
    """Return what the readers of evidence are told; of the usual architecture unless one is."""
    return Asked(
        knowledge=library.knowledge,
        arch=arch or library.arch,
        boot=boot,
        asking=library.asking,
    )


def read_evidence(
    paths: Sequence[str], library: Library, asked: Asked, *, within: Path | None = None
) -> EvidenceMachine:
    """Return the machine that the files show; `within` as `collect_evidence`.

    Raises:
        InputError: MX1430 to MX1435, MX1445: what is wrong with the files, all at once.
    """
    collected = collect_evidence(paths, asked, within=within)
    return machine_shown(collected, paths[0], library, asked)


def machine_shown(
    collected: Collected, first: str, library: Library, asked: Asked
) -> EvidenceMachine:
    """Return the machine that collected evidence shows; `first` names it where nothing else does.

    Raises:
        InputError: MX1431, MX1432, and MX1435 for a boot of no log.
    """
    architecture, boot = asked.architecture, asked.boot
    lines = log_lines(architecture)
    machine = machine_of(collected, lines, known_parameters(library), architecture.machines[0])
    _check_machine(machine, collected, asked)
    machine = _with_product(machine, library, asked.arch)
    remarks = [*machine.remarks]
    if (note := whole_log_note(machine)) is not None:
        remarks.append(note)
    if boot is not None and machine.host.log.value is None:
        raise InputError(
            Diagnostic(
                code="MX1435",
                message=f"--boot {boot} is asked for, and there is no boot log",
                location=Location(file=first),
                hint="leave it out, or give the log",
            )
        )
    return EvidenceMachine(
        arch=asked.arch,
        machine=machine,
        configs=tuple(_configs(collected, machine, asked.arch)),
        file=collected.reads[0][0] if collected.reads else first,
        remarks=tuple(remarks),
    )


def _with_product(machine: Machine, library: Library, arch: str) -> Machine:
    """Return a machine with the CPU types of its product, where firmware names a declared one.

    A name that MIDRs or lscpu deny is not looked at: it only tells CPUs apart that they leave open.
    """
    host, knowledge = machine.host, library.knowledge
    for item in machine.products:
        words = machine_key(str(item.value)).split("-")
        # The most words first: a product's name may begin with another product's.
        parts = ("-".join(words[i:j]) for j in range(len(words), 0, -1) for i in range(j))
        named = ((part, machine_named(part, knowledge, arch)) for part in parts)
        word, found = next((one for one in named if one[1]), ("", None))
        if found is not None:
            note = virtual_note(word, found)
            said = () if note is None else (replace(note, location=item.place),)
            specs = (*(host.cpu_specs.value or ()), *found.cpu.split("+"))
            source = str(item.place) if host.cpu_specs.value is None else host.cpu_specs.source
            return replace(
                machine,
                remarks=(*machine.remarks, *said),
                host=replace(host, cpu_specs=Reading(value=specs, source=source)),
            )
    return machine


def _check_machine(machine: Machine, collected: Collected, asked: Asked) -> None:
    """Refuse evidence that says it is of another architecture.

    Raises:
        InputError: MX1431.
    """
    name = machine.host.machine
    if name in asked.architecture.machines:
        return
    place = next((item.place for item in collected.findings if item.kind == "machine"), None)
    raise InputError(
        Diagnostic(
            code="MX1431",
            message=f"this is the evidence of a machine of {name}, not of {asked.arch}",
            location=place,
            hint=asked.another(name),
        )
    )


def _configs(collected: Collected, machine: Machine, arch: str) -> list[DotConfig]:
    """Return the `.config`s among the evidence: of the kernel that runs, where one is named so."""
    version = machine.host.version
    named = [item for item in collected.configs if item.file.endswith(f"-{version}")]
    return [
        replace(
            read_dotconfig(item.data, item.file, arch=arch),
            running=version if named and read_version(version) else None,
        )
        for item in named or collected.configs
    ]


def with_machine(
    request: ValidateRequest, host: Path | None, evidence: Sequence[str], boot: int | None
) -> ValidateRequest:
    """Return the request that `--host` or `--evidence` makes of a user's; a host may be either.

    Raises:
        InputError: as `with_evidence` and `with_host`.
    """
    if host is None:
        return with_evidence(request, evidence, boot)
    library = Library(request.configs)
    shown = host_evidence(host, library, request, boot)
    return with_host(request, host) if shown is None else _with_shown(request, shown, library)


def host_evidence(
    path: Path, library: Library, request: ValidateRequest, boot: int | None
) -> EvidenceMachine | None:
    """Return the machine that evidence given to `--host` shows; None for a saved machine.

    Raises:
        InputError: as `read_evidence`.
    """
    name, asked = str(path), asked_of(library, architecture_asked(request, library), boot)
    if path.is_dir():
        return read_evidence((name,), library, asked)
    collected = collect_evidence((), asked, (name,))
    return None if collected.passed else machine_shown(collected, name, library, asked)


def with_evidence(
    request: ValidateRequest, paths: Sequence[str], boot: int | None = None
) -> ValidateRequest:
    """Return the request that evidence makes of a user's: what the user says overrides it.

    Raises:
        InputError: what is wrong with the evidence, or its machine cannot be answered.
    """
    library = Library(request.configs)
    others = tuple(file for file in request.files if file not in paths)
    asked = asked_of(library, architecture_asked(request, library), boot)
    collected = collect_evidence(paths, asked, others)
    shown = machine_shown(collected, (*paths, *others)[0], library, asked)
    return _with_shown(replace(request, files=collected.passed), shown, library)


def _with_shown(
    request: ValidateRequest, shown: EvidenceMachine, library: Library
) -> ValidateRequest:
    """Return the request that the machine of evidence makes of a user's.

    Raises:
        InputError: the machine cannot be answered.
    """
    files, arch = request.files, shown.arch
    try:
        # Every CPU is asked about where a `.config` is given and nothing tells the CPU.
        any_cpu = bool(files or shown.configs)
        found = host_request(shown, request, library, needs_cpu=not any_cpu)
    except InputError as error:
        raise InputError((*error.diagnostics, *shown.remarks)) from None
    notes = (*shown.remarks, *found.diagnostics)
    inputs: tuple[DotConfig, ...] = shown.configs
    running = known_version(shown.machine.host)
    if not files and not inputs:
        inputs = (found.config,)
        notes = (*notes, _no_config(shown))
        if request.kernel == "auto" and running is None:
            # Nothing tells the release: each one is answered.
            inputs = tuple(
                no_dotconfig(shown.file, release, arch) for release in library.kernels_of(arch)
            )
    return replace(
        found.request,
        inputs=inputs,
        notes=notes,
        running=running,
        # matrix.toml says nothing about somebody else's machine.
        given=request.given | _read_fields(found.request, request),
    )


def host_request(
    shown: EvidenceMachine, request: ValidateRequest, library: Library, *, needs_cpu: bool = True
) -> HostRequest:
    """Return what is asked of the machine: with its own `.config`, or as far as its version goes.

    Raises:
        InputError: MX1603 where neither evidence nor user names a CPU.
    """
    host = shown.machine.host
    config = shown.configs[0] if shown.configs else None
    return request_of_host(
        host, request, library, shown.arch, file=shown.file, config=config, needs_cpu=needs_cpu
    )


def _read_fields(read: ValidateRequest, asked: ValidateRequest) -> frozenset[str]:
    names = ("cpus", "cmdline", "settings")
    return frozenset(name for name in names if getattr(read, name) != getattr(asked, name))


def _no_config(shown: EvidenceMachine) -> Diagnostic:
    known = known_version(shown.machine.host) or "VERSION"
    return Diagnostic(
        code="MX1442",
        severity=Severity.NOTE,
        message="there is no `.config` among the evidence: what it decides is unknown",
        location=Location(file=shown.file),
        hint=f"give it as well: /boot/config-{known} or /proc/config.gz",
    )
