"""From a machine's readings to a request of `validate`: `.config`, command line, CPUs, settings.

`matrix probe` and `matrix validate --host` share it, so that both give one answer. What the user
says overrides what was read; what was not read is said.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.flows.knowledge import Library
from matrix.flows.validate_job import ValidateRequest
from matrix.kernel.config.dotconfig import DotConfig, read_dotconfig
from matrix.kernel.cpu.resolve import resolve_system
from matrix.kernel.host.evidence import Evidence, evidence, surroundings
from matrix.kernel.host.readings import ARM64, HostReadings
from matrix.kernel.line.given_line import given_line
from matrix.schema.cpu_fields import decode_field
from matrix.schema.values import Architecture

# A CPU field, the fact that shows it, and its values where the fact is true and false.
_SHOWN_BY: tuple[tuple[str, str], ...] = (("fwb", "has_stage2_fwb"), ("dic", "has_cache_dic"))
_CTR_FIELDS = {"idc": "has_cache_idc", "l1ip": "icache_is_aliasing"}


class HostRequest(Struct, frozen=True, kw_only=True):
    """What to ask of one machine.

    `borrowed` are facts for which a CPU field that nobody recorded was taken from the machine.
    """

    request: ValidateRequest
    config: DotConfig
    borrowed: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]


def known_parameters(library: Library) -> frozenset[str]:
    """Return the boot parameters that some release's answer may rest on."""
    return frozenset(
        parameter.name for profile in library.knowledge.kernels for parameter in profile.parameters
    )


def request_of_host(
    host: HostReadings, request: ValidateRequest, library: Library, *, file: str | None = None
) -> HostRequest:
    """Return the request for a machine; `file` is the bundle that its readings came from.

    Raises:
        InputError: MX1601 not arm64, MX1602 no `.config`, MX1603 no CPU; what is wrong with them.
    """
    check_architecture(host, file)
    if host.config.value is None:
        raise InputError(
            Diagnostic(
                code="MX1602",
                message=f"the running kernel's `.config` cannot be read: {host.config.why_not}",
                hint="`modprobe configs` may provide /proc/config.gz; or give the `.config` to "
                "`matrix validate`",
                location=_place(file),
            )
        )
    config = read_dotconfig(
        host.config.value.encode("utf-8", "surrogateescape"),
        host.config.source,
        arch=library.arch,
    )
    config = replace(config, running=host.version)
    notes: list[Diagnostic] = []
    cpus, borrowed = request.cpus, frozenset[str]()
    if not cpus:
        spec, borrowed = _cpu_spec(host, library, file)
        cpus = (spec,)
    cmdline = request.cmdline
    if cmdline is None and request.cmdline_file is None:
        cmdline = host.cmdline.value
        if cmdline is None:
            notes.append(_no_command_line(host, file))
        else:
            cmdline = given_line(cmdline, file=f"{file or host.cmdline.source}")
    settings = _settings(host, request, notes)
    asked = replace(request, cpus=cpus, cmdline=cmdline, settings=settings)
    return HostRequest(request=asked, config=config, borrowed=borrowed, diagnostics=tuple(notes))


def with_host(request: ValidateRequest, bundle: Path) -> ValidateRequest:
    """Return the request that `validate --host` makes of a bundle: its machine is one more input.

    Raises:
        InputError: the bundle is wrong, or its machine cannot be answered.
    """
    from matrix.kernel.host.bundle import load_bundle

    found = request_of_host(
        load_bundle(bundle), request, Library(request.configs), file=str(bundle)
    )
    return replace(
        found.request,
        inputs=(found.config,),
        notes=found.diagnostics,
        # matrix.toml says nothing about somebody else's machine.
        given=request.given | {"cpus", "cmdline", "settings"},
    )


def check_architecture(host: HostReadings, file: str | None = None) -> None:
    """Check that the model knows the machine at all.

    Raises:
        InputError: MX1601, it is not arm64.
    """
    if host.machine != ARM64:
        raise InputError(
            Diagnostic(
                code="MX1601",
                message=f"the machine is {host.machine}: the model knows {ARM64} (arm64) only",
                hint="run `matrix probe --save FILE` on an arm64 machine and give FILE to --host, "
                "or answer a `.config` with `matrix validate`",
                location=_place(file),
            )
        )


def _place(file: str | None) -> Location | None:
    return None if file is None else Location(file=file)


def _cpu_spec(host: HostReadings, library: Library, file: str | None) -> tuple[str, frozenset[str]]:
    """Return the SPEC of the machine's CPU types, and what was borrowed from the machine for it."""
    by_midr: dict[int, list[int]] = {}
    for number, registers in (host.cpus.value or {}).items():
        by_midr.setdefault(registers["midr_el1"], []).append(number)
    if not by_midr:
        raise InputError(
            Diagnostic(
                code="MX1603",
                message=f"MIDR_EL1 of no CPU can be read: {host.cpus.why_not}",
                hint="name the CPU with --cpu; `matrix cpus list` shows what is known",
                location=_place(file),
            )
        )
    architecture = library.architecture(library.arch)
    specs = []
    borrowed: set[str] = set()
    for midr, numbers in by_midr.items():
        spec = _named(midr, library, architecture)
        (cpu,) = resolve_system(spec, library.knowledge_of(architecture.id), architecture).cpus
        unknown = [item.name for item in cpu.fields if item.value is None]
        for name, fact, value in _fields_of(host, numbers, architecture, alone=len(by_midr) == 1):
            if name in unknown:
                spec += f",{name}={value}"
                borrowed.add(fact)
        specs.append(spec)
    return "+".join(specs), frozenset(borrowed)


def _named(midr: int, library: Library, architecture: Architecture) -> str:
    spec = f"midr={midr:#010x}"
    try:
        (cpu,) = resolve_system(spec, library.knowledge_of(architecture.id), architecture).cpus
    except InputError as error:
        if {item.code for item in error.diagnostics} != {"MX0508"}:
            raise
        return f"free,{spec}"  # no declared CPU has this MIDR
    # Several declared CPUs may share a MIDR: then none is named.
    return f"{cpu.declared[0]},{spec}" if len(cpu.declared) == 1 else spec


def _fields_of(
    host: HostReadings, numbers: list[int], architecture: Architecture, *, alone: bool
) -> list[tuple[str, str, object]]:
    """Return (field, fact, value) of one CPU type as the machine shows it.

    A system-wide yes is a yes of each type; a no is one type's only where there is but one.
    """
    found: list[tuple[str, str, object]] = []
    shown = evidence(host)
    for name, fact in _SHOWN_BY:
        values = {item.value for item in shown if item.fact == fact and item.value is not None}
        if values == {True} or (values == {False} and alone):
            found.append((name, fact, int(True in values)))
    registers = {
        register for number, register in (host.cache_types.value or {}).items() if number in numbers
    }
    if len(registers) == 1:
        (register,) = registers
        for field in architecture.fields:
            if field.name in _CTR_FIELDS and field.settable:
                value = decode_field(field, register)
                if value is not None:
                    found.append((field.name, _CTR_FIELDS[field.name], value))
    return found


def _settings(
    host: HostReadings, request: ValidateRequest, notes: list[Diagnostic]
) -> tuple[str, ...]:
    given = {setting.partition("=")[0] for setting in request.settings}
    seen: dict[str, Evidence] = surroundings(host)
    unseen = [name for name in ("entry", "gic", "realm") if name not in seen.keys() | given]
    if unseen:
        notes.append(
            Diagnostic(
                code="MX1621",
                severity=Severity.NOTE,
                message=f"what was read does not tell {', '.join(unseen)}: the usual is taken",
                hint=f"with rights to read the kernel log it would; or give --set {unseen[0]}=…",
            )
        )
    read = tuple(f"{name}={item.value}" for name, item in seen.items() if name not in given)
    return (*read, *request.settings)


def _no_command_line(host: HostReadings, file: str | None) -> Diagnostic:
    return Diagnostic(
        code="MX1620",
        severity=Severity.WARNING,
        message=f"the command line could not be read ({host.cmdline.why_not}): none is assumed",
        hint="give it with --cmdline",
        location=_place(file),
    )
