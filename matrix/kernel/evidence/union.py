"""One machine of all that was found: agreeing evidence together, contradicting evidence refused.

Takes findings, gives the same readings as a machine that was probed, each with the line it was read
from; what of them is private is blanked as it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Severity
from matrix.expr.nodes import Scalar
from matrix.expr.position import shown
from matrix.kernel.evidence.collected import Collected
from matrix.kernel.evidence.findings import Finding, Kind
from matrix.kernel.host.kernel_log import LogLines
from matrix.kernel.host.privacy import private_command_line
from matrix.kernel.host.readings import (
    NO_FIELDS,
    NOT_AMONG_EVIDENCE,
    HostReadings,
    Reading,
    unread,
)

# Of a CPU type that is told by its name alone: what stands behind its MIDR.
_MIDR_KEY = "midr="
_UNKNOWN_VERSION = "unknown"
_NAMES: Mapping[Kind, str] = {
    "machine": "the architecture",
    "version": "the kernel's version",
    "cmdline": "the command line",
    "page_size": "the page size",
    "register": "a register",
    "product": "the machine's name",
}


class Machine(Struct, frozen=True, kw_only=True):
    """A machine as evidence shows it: its readings, and what they have no place for.

    `products` is what firmware calls the machine, each with its place; `remarks` are about the
    evidence itself.
    """

    host: HostReadings
    products: tuple[Finding, ...]
    remarks: tuple[Diagnostic, ...]


def machine_of(
    collected: Collected, lines: LogLines, known_parameters: AbstractSet[str], machine: str
) -> Machine:
    """Return the machine that all findings are of; `machine` is its architecture unless one says.

    Raises:
        InputError: MX1431 another architecture's, MX1432 two findings contradict each other.
    """
    findings = collected.findings
    first = _agreed(findings, lines)
    found_machine = first.get(("machine",))
    version = first.get(("version",))
    logs = [item for item in first.values() if item.kind == "line"]
    texts = [str(item.value) for item in logs]
    places = tuple(str(item.place) for item in logs)
    whole = any(read.whole_log for _, read in collected.reads)
    files = ", ".join(dict.fromkeys(item.place.file for item in logs))
    read: dict[str, Any] = {}
    if logs:
        read["log"] = Reading(value=tuple(texts), source=files)
    if line := first.get(("cmdline",)):
        private = private_command_line(str(line.value), known_parameters)
        read["cmdline"] = Reading(value=private, source=str(line.place))
    if size := first.get(("page_size",)):
        read["page_size"] = Reading(value=int(size.value), source=str(size.place))
    why = None if whole else "the log is not whole, so a missing line says nothing"
    host = HostReadings(
        machine=str(found_machine.value) if found_machine else machine,
        version=str(version.value) if version else _UNKNOWN_VERSION,
        cpus=_cpus(first.values()),
        log_complete=whole,
        log_places=places,
        shown=lines.shown(
            texts,
            files,
            complete=whole,
            why_not=why if logs else NOT_AMONG_EVIDENCE,
            places=places,
        ),
        cpu_specs=_specs(first.values()),
        cpu_fields=_fields(first.values()),
        **read,
    )
    return Machine(
        host=host,
        products=tuple(item for item in first.values() if item.kind == "product"),
        remarks=tuple(item for _, read in collected.reads for item in read.remarks),
    )


def _agreed(findings: Sequence[Finding], lines: LogLines) -> dict[tuple[str, ...], Finding]:
    """Return each finding once, by what it is of.

    Raises:
        InputError: MX1432, every pair of lines that contradict each other.
    """
    first: dict[tuple[str, ...], Finding] = {}
    problems: list[Diagnostic] = []
    for item in findings:
        key = (item.kind, *item.of)
        before = first.setdefault(key, item)
        if _same(before, item):
            continue
        problems.append(_contradiction(before, item, _name(item)))
    problems += _contradicting_lines(first.values(), lines)
    problems += _contradicting_types(first)
    if problems:
        raise InputError(problems)
    return first


def _same(one: Finding, other: Finding) -> bool:
    # White space between the words differs with how a log was written down.
    if one.kind in ("cmdline", "product"):
        return str(one.value).split() == str(other.value).split()
    return one.value == other.value


def _name(item: Finding) -> str:
    if item.kind == "register":
        cpu, register = item.of
        return f"{register.upper()} of CPU {cpu}"
    if item.kind == "field":
        return f"what shows {item.of[0]}"
    return _NAMES.get(item.kind, item.kind)


def _contradiction(before: Finding, after: Finding, name: str) -> Diagnostic:
    quoted = shown((before.place.text or "").strip())
    return Diagnostic(
        code="MX1432",
        message=f"{name} is `{_word(after.value)}` here, and `{_word(before.value)}` at "
        f"{before.place}: `{quoted}`",
        location=after.place,
        hint="give evidence of one machine and one boot; leave out what is of another",
    )


def _word(value: Scalar) -> str:
    return f"{value:#x}" if isinstance(value, int) and value > 0xFFFFF else shown(str(value))


def _contradicting_lines(findings: Iterable[Finding], lines: LogLines) -> Iterator[Diagnostic]:
    """Yield the pairs of messages, or flags and a message, that show different values of one."""
    seen = {name: (item.value, item) for name, item in _told_fields(findings).items()}
    for item in findings:
        if item.kind != "line":
            continue
        for row, _ in lines.matches(str(item.value)):
            for name, value in row.shows:
                before_value, before = seen.setdefault(name, (value, item))
                if before_value != value:
                    yield _contradiction(before, item, f"what shows {name}")


def _contradicting_types(first: Mapping[tuple[str, ...], Finding]) -> Iterator[Diagnostic]:
    """Yield the pair of a CPU type and a register where neither list holds the other."""
    registers = {item.value: item for item in first.values() if _is_midr(item)}
    specs = {
        int(midr, 16): item
        for item in first.values()
        if item.kind == "spec"
        for midr in [str(item.value).partition(_MIDR_KEY)[2]]
        if midr
    }
    if not registers or not specs or set(registers) <= set(specs) or set(specs) <= set(registers):
        return
    midr = next(value for value in specs if value not in registers)
    register = next(item for value, item in registers.items() if value not in specs)
    yield _contradiction(register, specs[midr], "a CPU type")


def _is_midr(item: Finding) -> bool:
    return item.kind == "register" and item.of[1].startswith("midr")


def _cpus(findings: Iterable[Finding]) -> Reading[Mapping[int, Mapping[str, int]]]:
    """Return the registers by CPU, of those whose MIDR is told."""
    found: dict[int, dict[str, int]] = {}
    places: list[str] = []
    for item in findings:
        if item.kind == "register":
            found.setdefault(int(item.of[0]), {})[item.of[1]] = int(item.value)
            places.append(str(item.place))
    cpus = {
        cpu: registers
        for cpu, registers in sorted(found.items())
        if any(name.startswith("midr") for name in registers)
    }
    if not cpus:
        return unread("MIDR_EL1", NOT_AMONG_EVIDENCE)
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return Reading(value=cpus, source=", ".join(places[:3]) + more)


def _specs(findings: Iterable[Finding]) -> Reading[tuple[str, ...]]:
    found = [item for item in findings if item.kind == "spec"]
    if not found:
        return unread("lscpu", NOT_AMONG_EVIDENCE)
    return Reading(
        value=tuple(str(item.value) for item in found),
        source=", ".join(str(item.place) for item in found),
    )


def _fields(findings: Iterable[Finding]) -> Reading[Mapping[str, Scalar]]:
    told = _told_fields(findings)
    if not told:
        return NO_FIELDS
    places = dict.fromkeys(str(item.place) for item in told.values())
    return Reading(
        value={name: item.value for name, item in told.items()}, source=", ".join(places)
    )


def _told_fields(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Return what tells each CPU field: flags before parameters of modules."""
    told = [item for item in findings if item.kind == "field"]
    return {item.of[0]: item for item in sorted(told, key=lambda item: item.of[1:] == ())}


def whole_log_note(machine: Machine) -> Diagnostic | None:
    """Return that missing lines of the log say nothing (MX1437), where there is a log."""
    host = machine.host
    if host.log.value is None or host.log_complete:
        return None
    missing = [item.name for item in host.shown if item.kind == "field" and item.value is None]
    if not missing:
        return None
    return Diagnostic(
        code="MX1437",
        severity=Severity.NOTE,
        message=f"the log does not hold a whole boot with its times: that it says nothing of "
        f"{', '.join(missing)} means nothing",
        hint="give the whole log: `dmesg` soon after boot, or `journalctl -k -b`",
    )
