"""From a machine's readings to a request of `validate`: `.config`, command line, CPUs, settings.

`matrix probe` and `matrix validate --host` share it, so that both give one answer. What the user
says overrides what was read; what was not read is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.expr.nodes import Scalar
from matrix.flows.knowledge import Library
from matrix.flows.validate_job import ValidateRequest, architecture_asked
from matrix.kernel.config.dotconfig import DotConfig, no_dotconfig, read_dotconfig
from matrix.kernel.cpu.candidates import cpu_of_all, named_cpu
from matrix.kernel.cpu.resolve import resolve_system
from matrix.kernel.host.evidence import MACHINE_AXES, Evidence, evidence, surroundings
from matrix.kernel.host.kernel_log import Shown, architecture_of
from matrix.kernel.host.readings import NOT_AMONG_EVIDENCE, HostReadings
from matrix.kernel.line.given_line import given_line
from matrix.kernel.source.version import read_version
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
    host: HostReadings,
    request: ValidateRequest,
    library: Library,
    arch: str,
    *,
    file: str | None = None,
    config: DotConfig | None = None,
    needs_cpu: bool = True,
) -> HostRequest:
    """Return the request for a machine of `arch`; `file` is the bundle that its readings are from.

    `config` stands for the running kernel's `.config` where no reading has it; without `needs_cpu`
    a machine whose CPU nobody told is asked about on every CPU.

    Raises:
        InputError: MX1601 of another architecture, MX1602 no `.config`, MX1603 no CPU; what is
            wrong with them.
    """
    architecture = library.architecture(arch)
    _check_architecture(host, architecture, library, file)
    config = config or _config(host, arch, file)
    notes: list[Diagnostic] = []
    cpus, taken = request.cpus, _TakenCpus(spec="")
    told = host.cpus.value or host.cpu_specs.value or cpu_of_all(library.knowledge, arch)
    if not cpus and (needs_cpu or told):
        taken = _cpu_spec(host, library, architecture, file)
        notes += taken.notes
        cpus = (taken.spec,)
    elif not cpus:
        notes.append(_no_cpu(file))
    cmdline = request.cmdline
    if cmdline is None and request.cmdline_file is None:
        cmdline = host.cmdline.value
        if cmdline is None:
            notes.append(_no_command_line(host, file))
        else:
            cmdline = given_line(cmdline, file=f"{file or host.cmdline.source}")
    settings = _settings(host, request, architecture, notes)
    asked = replace(
        request,
        cpus=cpus,
        cmdline=cmdline,
        settings=settings,
        confidences=tuple(taken.confidences.items()),
    )
    return HostRequest(
        request=asked,
        config=config,
        borrowed=frozenset(taken.borrowed),
        diagnostics=tuple(notes),
    )


def _no_cpu(file: str | None) -> Diagnostic:
    return Diagnostic(
        code="MX1444",
        severity=Severity.NOTE,
        message="nothing tells the CPU: each known one is asked about as it is declared",
        location=_place(file),
        hint="what was found of it is not used then; give --cpu, or the lines of the boot that "
        "name the processors",
    )


def known_version(host: HostReadings) -> str | None:
    """Return the version of a machine's kernel, None where nothing told it."""
    return host.version if read_version(host.version) else None


def _config(host: HostReadings, arch: str, file: str | None) -> DotConfig:
    if host.config.why_not == NOT_AMONG_EVIDENCE:
        return no_dotconfig(file or host.config.source, known_version(host), arch)
    if host.config.value is None:
        raise InputError.of(
            code="MX1602",
            message=f"the running kernel's `.config` cannot be read: {host.config.why_not}",
            hint="`modprobe configs` may provide /proc/config.gz; or give the `.config` to "
            "`matrix validate`",
            location=_place(file),
        )
    config = read_dotconfig(
        host.config.value.encode("utf-8", "surrogateescape"),
        host.config.source,
        arch=arch,
    )
    return replace(config, running=host.version)


def with_host(request: ValidateRequest, bundle: Path) -> ValidateRequest:
    """Return the request that `validate --host` makes of a bundle: its machine is one more input.

    Raises:
        InputError: the bundle is wrong, or its machine cannot be answered.
    """
    from matrix.kernel.host.bundle import load_bundle

    library = Library(request.configs)
    host = load_bundle(bundle, library.knowledge.architectures)
    arch = architecture_asked(request, library)
    found = request_of_host(host, request, library, arch, file=str(bundle))
    return replace(
        found.request,
        inputs=(found.config,),
        notes=found.diagnostics,
        # matrix.toml says nothing about somebody else's machine.
        given=request.given | {"cpus", "cmdline", "settings"},
    )


def _check_architecture(
    host: HostReadings, architecture: Architecture, library: Library, file: str | None
) -> None:
    """Check that the machine is of the architecture that is asked about.

    Raises:
        InputError: MX1601.
    """
    if host.machine in architecture.machines:
        return
    hint = f"give --host what `matrix probe --save FILE` saved on a machine of {architecture.id}"
    other = architecture_of(host.machine, library.knowledge.architectures)
    if other is not None and (asking := library.asking[other.id]):
        hint = f"ask about --capability {' or '.join(asking)}; or {hint}"
    raise InputError.of(
        code="MX1601",
        message=f"the machine is {host.machine}, and the capability is asked about "
        f"{architecture.id}",
        hint=hint,
        location=_place(file),
    )


def _place(file: str | None) -> Location | None:
    return None if file is None else Location(file=file)


class _TakenCpus(Struct, kw_only=True):
    """The SPEC of a machine's CPU types: what of it is the machine's, how firm, what to say."""

    spec: str
    borrowed: set[str] = field(default_factory=set)
    confidences: dict[str, str] = field(default_factory=dict)
    notes: list[Diagnostic] = field(default_factory=list)


def _cpu_spec(
    host: HostReadings, library: Library, architecture: Architecture, file: str | None
) -> _TakenCpus:
    """Return the SPEC of the machine's CPU types, and what was borrowed from the machine for it."""
    by_midr: dict[int, list[int]] = {}
    for number, registers in (host.cpus.value or {}).items():
        by_midr.setdefault(registers["midr_el1"], []).append(number)
    types = [(_midr_spec(midr), numbers) for midr, numbers in by_midr.items()]
    types = types or [(_of_midr(spec), []) for spec in host.cpu_specs.value or ()]
    any_cpu = cpu_of_all(library.knowledge, architecture.id)
    types = types or ([(any_cpu, [])] if any_cpu else [])
    if not types:
        raise InputError.of(
            code="MX1603",
            message=f"MIDR_EL1 of no CPU can be read: {host.cpus.why_not}",
            hint="name the CPU with --cpu; `matrix cpus list` shows what is known",
            location=_place(file),
        )
    knowledge = library.knowledge_of(architecture.id)
    taken = _TakenCpus(spec="")
    told = [spec.partition(",")[0] for spec in host.cpu_specs.value or ()]
    specs = []
    for given, numbers in types:
        named = named_cpu(given, knowledge, architecture, told)
        spec = named.spec
        (cpu,) = resolve_system(spec, knowledge, architecture).cpus
        recorded = {item.name: item.value for item in cpu.fields}
        for item in _fields_of(host, numbers, architecture, alone=len(types) == 1):
            if recorded[item.name] is None:
                spec += f",{item.name}={item.value}"
                taken.borrowed.add(item.fact)
                recorded[item.name] = item.value
            # A declaration gives way to the kernel's own words alone, and not in silence.
            elif recorded[item.name] != item.value and item.confidence == "log":
                spec += f",{item.name}={item.value}"
                taken.notes.append(_against_declaration(item, recorded[item.name], cpu.name))
            else:
                continue
            if item.confidence is not None:
                taken.confidences[item.name] = item.confidence
            if item.confidence == "inferred":
                taken.notes.append(_inferred(item))
        undecided = [name for name in named.differ if recorded[name] is None]
        if undecided:
            source = host.cpus.source if host.cpus.value else host.cpu_specs.source
            taken.notes.append(named.note(undecided, architecture, source))
        specs.append(spec)
    taken.spec = "+".join(specs)
    return taken


def _of_midr(spec: str) -> str:
    """Return a CPU type by its MIDR where that is told, however somebody calls the core."""
    name, comma, midr = spec.partition(",")
    return midr if comma else name


def _midr_spec(midr: int) -> str:
    return f"midr={midr:#010x}"


def _against_declaration(item: _Field, recorded: object, cpu: str) -> Diagnostic:
    return Diagnostic(
        code="MX1441",
        severity=Severity.WARNING,
        message=f"{item.source} shows `{item.name}` = {item.value}, and what is declared of {cpu} "
        f"says {recorded}: the kernel's word counts",
        hint="the declaration may be wrong, or the log is of another machine",
    )


def _inferred(item: _Field) -> Diagnostic:
    return Diagnostic(
        code="MX1440",
        severity=Severity.NOTE,
        message=f"`{item.name}` = {item.value} is inferred: the log holds the whole boot, and no "
        "line that says otherwise",
        hint="`matrix probe` on the machine reads the register",
    )


class _Field(Struct, frozen=True, kw_only=True):
    """A field of a CPU type as the machine shows it, with the fact that shows it.

    `confidence` is `log` or `inferred` where evidence tells it, None where the machine was asked.
    """

    name: str
    fact: str
    value: Scalar
    confidence: str | None = None
    source: str = ""


def _fields_of(
    host: HostReadings, numbers: list[int], architecture: Architecture, *, alone: bool
) -> list[_Field]:
    """Return the fields of one CPU type as the machine shows them, each once.

    A system-wide yes is a yes of each type; a no is one type's only where there is but one.
    """
    fields = {item.name for item in architecture.fields}
    found: dict[str, _Field] = {}
    for item in (
        *_by_facts(host, alone=alone),
        *(_of_every_cpu(host) if alone else ()),
        *_by_cache_types(host, numbers, architecture),
    ):
        # The first that tells a field counts.
        if item.name in fields:
            found.setdefault(item.name, item)
    return list(found.values())


def _by_facts(host: HostReadings, *, alone: bool) -> Iterator[_Field]:
    shown = evidence(host)
    told = {item.name: item for item in host.shown if item.kind == "field"}
    for name, fact in _SHOWN_BY:
        values = {item.value for item in shown if item.fact == fact and item.value is not None}
        if values == {True} or (values == {False} and alone):
            line = told.get(name) if host.log_places else None
            yield _Field(
                name=name,
                fact=fact,
                value=int(True in values),
                confidence=None if line is None else _how(line),
                source="" if line is None else line.source,
            )


def _of_every_cpu(host: HostReadings) -> Iterator[_Field]:
    """Yield what the log says of each CPU, and then what flags and modules say."""
    facts = dict(_SHOWN_BY)
    for item in host.shown:
        if item.kind == "field" and item.value is not None and item.name not in facts:
            yield _Field(
                name=item.name,
                fact=item.name,
                value=item.value,
                confidence=_how(item) if host.log_places else None,
                source=item.source,
            )
    for name, value in (host.cpu_fields.value or {}).items():
        yield _Field(
            name=name, fact=name, value=value, confidence="log", source=host.cpu_fields.source
        )


def _how(line: Shown) -> str:
    return "inferred" if line.inferred else "log"


def _by_cache_types(
    host: HostReadings, numbers: list[int], architecture: Architecture
) -> Iterator[_Field]:
    registers = {
        register for number, register in (host.cache_types.value or {}).items() if number in numbers
    }
    # CPUs of one type that read differently say nothing of the type.
    if len(registers) != 1:
        return
    (register,) = registers
    for field_ in architecture.fields:
        fact = _CTR_FIELDS.get(field_.name)
        if fact is None or not field_.settable:
            continue
        value = decode_field(field_, register)
        if value is not None:
            yield _Field(name=field_.name, fact=fact, value=value)


def _settings(
    host: HostReadings,
    request: ValidateRequest,
    architecture: Architecture,
    notes: list[Diagnostic],
) -> tuple[str, ...]:
    given = {setting.partition("=")[0] for setting in request.settings}
    axes = {item.name for item in architecture.environment}
    shown: dict[str, Evidence] = surroundings(host)
    seen = {name: item for name, item in shown.items() if name in axes}
    unseen = sorted(axes & MACHINE_AXES - seen.keys() - given)
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
