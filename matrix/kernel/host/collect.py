"""Everything that can be read of this machine without rights, and with them a little more."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from msgspec.structs import replace

from matrix.kernel.host import files
from matrix.kernel.host.kernel_log import LogLines, architecture_of, log_lines
from matrix.kernel.host.privacy import private_command_line, private_config
from matrix.kernel.host.readings import HostReadings, Reading, unread
from matrix.kernel.host.system_calls import LiveSystem, System
from matrix.schema.values import Architecture


def collect(
    known_parameters: AbstractSet[str],
    architectures: Sequence[Architecture],
    *,
    root: Path = Path("/"),
    system: System | None = None,
) -> HostReadings:
    """Read a machine; of its command line only `known_parameters` keep their values.

    `architectures` say what to look for on the machine's own, `root` is where the kernel's files
    are, `system` whom to ask by system calls: this machine. What cannot be read is said in its
    reading; nothing is raised.
    """
    asked = system or LiveSystem()
    machine, version = asked.names()
    architecture = architecture_of(machine, architectures)
    lines = log_lines(architecture)
    config = files.read_config(root, version)
    # Private from the first: readings are saved and sent.
    if config.value is not None:
        config = replace(config, value=private_config(config.value, known_parameters))
    cmdline = files.read_cmdline(root)
    if cmdline.value is not None:
        cmdline = replace(cmdline, value=private_command_line(cmdline.value, known_parameters))
    log = _log(root, asked, lines)
    complete = lines.holds_whole_boot(log.value or ())
    return HostReadings(
        machine=machine,
        version=version,
        page_size=asked.page_size(),
        config=config,
        cmdline=cmdline,
        cpus=files.read_cpus(root),
        cpu_fields=files.read_cpu_fields(root, architecture),
        cache_types=asked.cache_types(),
        log=log,
        log_complete=complete,
        shown=lines.shown(log.value or (), log.source, complete=complete, why_not=log.why_not),
        memfd_secret=asked.memfd_secret(),
        secretmem_enable=files.read_secretmem_enable(root),
        seccomp=files.read_seccomp(root),
        interrupt_controllers=files.read_interrupt_controllers(root),
        kvm=asked.kvm(),
    )


def _log(root: Path, system: System, lines: LogLines) -> Reading[tuple[str, ...]]:
    """Return the known lines of the log, from the copy of the boot where the buffer has lost it."""
    buffer, kept = system.kernel_log(), files.read_boot_log(root)
    found = [
        Reading(value=lines.known(reading.value), source=reading.source)
        for reading in (buffer, kept)
        if reading.value is not None
    ]
    if not found:
        return unread(buffer.source, f"{buffer.why_not}; {kept.source}: {kept.why_not}")
    # Of two that hold the whole boot the buffer, which is the first of them.
    return max(found, key=lambda reading: lines.holds_whole_boot(reading.value or ()))
