"""What the kernel shows as files, read below a root folder: `/`, or a tree that a test made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from matrix.diagnostics import InputError
from matrix.door.bounded import DOTCONFIG
from matrix.door.files import read_regular
from matrix.door.folders import found_below
from matrix.door.stream import decompress
from matrix.expr.nodes import Scalar
from matrix.kernel.cpu.flags import fields_without_flags, parameter_value
from matrix.kernel.host.readings import NO_FIELDS, Reading, unread
from matrix.kernel.host.system_calls import error_name
from matrix.schema.values import Architecture

_CPUINFO = "proc/cpuinfo"
# More than any of these files has.
_MOST_BYTES = 16 << 20


def read_config(root: Path, version: str) -> Reading[str]:
    """Return the running kernel's `.config` from the first place that has it."""
    places = ("proc/config.gz", f"boot/config-{version}", f"lib/modules/{version}/config")
    refused = []
    for place in places:
        source = f"/{place}"
        try:
            data = _bytes(root / place)
            text = decompress(data, source, DOTCONFIG).decode("utf-8", "replace")
        except OSError as error:
            refused.append(f"{source}: {error_name(error.errno)}")
        except InputError as error:
            refused.append(f"{source}: {error.diagnostics[0].message}")
        else:
            return Reading(value=text, source=source)
    return unread("/proc/config.gz", "; ".join(refused))


def read_cmdline(root: Path) -> Reading[str]:
    """Return the command line as the kernel shows it."""
    source = "/proc/cmdline"
    try:
        text = _bytes(root / "proc/cmdline").decode("utf-8", "surrogateescape")
    except OSError as error:
        return unread(source, error_name(error.errno))
    return Reading(value=text.removesuffix("\n"), source=source)


def read_cpus(root: Path) -> Reading[Mapping[int, Mapping[str, int]]]:
    """Return MIDR_EL1 and REVIDR_EL1 of each CPU, from sysfs or, MIDR alone, from cpuinfo."""
    folder = root / "sys/devices/system/cpu"
    found: dict[int, dict[str, int]] = {}
    for place in found_below(folder, "cpu[0-9]*/regs/identification"):
        registers = {}
        for name in ("midr_el1", "revidr_el1"):
            try:
                registers[name] = int(_bytes(place / name), 16)
            except (OSError, ValueError):
                continue
        if "midr_el1" in registers:
            found[int(place.parts[-3].removeprefix("cpu"))] = registers
    if found:
        source = "/sys/devices/system/cpu/cpu*/regs/identification"
        return Reading(value=dict(sorted(found.items())), source=source)
    try:
        text = _bytes(root / _CPUINFO).decode("utf-8", "replace")
    except OSError as error:
        return unread(f"/{_CPUINFO}", error_name(error.errno))
    by_cpuinfo = _midrs_of_cpuinfo(text)
    if not by_cpuinfo:
        return unread(f"/{_CPUINFO}", "neither sysfs nor /proc/cpuinfo shows MIDR_EL1")
    return Reading(value=by_cpuinfo, source=f"/{_CPUINFO}")


def _midrs_of_cpuinfo(text: str) -> dict[int, Mapping[str, int]]:
    """Put MIDR_EL1 together from its parts: c_show(), arch/arm64/kernel/cpuinfo.c."""
    found: dict[int, Mapping[str, int]] = {}
    for block in text.split("\n\n"):
        fields = dict(re.findall(r"^([^\t:]+?)\s*:\s*(\S+)", block, re.MULTILINE))
        try:
            midr = (
                int(fields["CPU implementer"], 16) << 24
                | int(fields["CPU variant"], 16) << 20
                # c_show() prints 8 in place of this field, which is 0xF in all CPUs with ID
                # registers.
                | 0xF << 16
                | int(fields["CPU part"], 16) << 4
                | int(fields["CPU revision"])
            )
            found[int(fields["processor"])] = {"midr_el1": midr}
        except (KeyError, ValueError):
            continue
    return found


def read_cpu_fields(root: Path, architecture: Architecture | None) -> Reading[Mapping[str, Scalar]]:
    """Return the fields of every CPU that the flags of cpuinfo deny, or modules tell."""
    if architecture is None or not (architecture.missing_flags or architecture.module_parameters):
        return NO_FIELDS
    told = dict(_told_by_modules(root, architecture))
    try:
        text = _bytes(root / _CPUINFO).decode("utf-8", "replace")
        flags = re.search(r"^flags\s*:(.*)\n", text, re.MULTILINE)
        why = "there is no line `flags`"
    except OSError as error:
        flags, why = None, error_name(error.errno)
    if flags is None:
        return Reading(value=told, source="/sys/module") if told else unread(f"/{_CPUINFO}", why)
    denied = fields_without_flags(flags[1], architecture)
    source = f"/{_CPUINFO}{', /sys/module' if told else ''}"
    return Reading(value={**told, **denied}, source=source)


def _told_by_modules(root: Path, architecture: Architecture) -> Iterator[tuple[str, Scalar]]:
    for row in architecture.module_parameters:
        module, _, name = row.parameter.partition(".")
        try:
            text = _bytes(root / "sys/module" / module / "parameters" / name).decode("latin-1")
        except OSError:
            continue  # the module is not loaded
        value = parameter_value(text)
        if value is not None:
            yield row.shows, value


def read_boot_log(root: Path) -> Reading[str]:
    """Return the copy of the boot's log that some distributions keep."""
    source = "/var/log/dmesg"
    try:
        return Reading(value=_bytes(root / source[1:]).decode("utf-8", "replace"), source=source)
    except OSError as error:
        return unread(source, error_name(error.errno))


def read_secretmem_enable(root: Path) -> Reading[bool]:
    """Return the parameter secretmem.enable, which only root may read."""
    source = "/sys/module/secretmem/parameters/enable"
    try:
        text = _bytes(root / source[1:]).decode("ascii", "replace").strip()
    except OSError as error:
        return unread(source, error_name(error.errno))
    if text not in ("Y", "N"):
        return unread(source, f"neither Y nor N: {text[:20]!r}")
    return Reading(value=text == "Y", source=source)


def read_seccomp(root: Path) -> Reading[bool]:
    """Return whether a seccomp filter may answer in the kernel's stead."""
    source = "/proc/self/status"
    try:
        match = re.search(rb"^Seccomp:\s*(\d+)", _bytes(root / source[1:]), re.MULTILINE)
    except OSError as error:
        return unread(source, error_name(error.errno))
    if match is None:
        return unread(source, "there is no line `Seccomp`")
    return Reading(value=match[1] != b"0", source=source)


def read_interrupt_controllers(root: Path) -> Reading[tuple[str, ...]]:
    """Return the names of the GICs among the interrupt chips."""
    source = "/proc/interrupts"
    try:
        text = _bytes(root / source[1:]).decode("ascii", "replace")
    except OSError as error:
        return unread(source, error_name(error.errno))
    return Reading(value=tuple(sorted(set(re.findall(r"\bGICv\d|\bGIC-0\b", text)))), source=source)


def _bytes(path: Path) -> bytes:
    return read_regular(path, _MOST_BYTES)
