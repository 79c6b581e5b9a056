"""What was read of one machine: values with where they came from, or why there is none.

`collect` and `bundle` make a `HostReadings`, `evidence` reads it. Values are what JSON can hold, so
that a saved bundle says exactly what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from matrix.expr.nodes import Scalar
from matrix.kernel.host.kernel_log import Shown

_Value = TypeVar("_Value")


class Reading(Struct, Generic[_Value], frozen=True, kw_only=True):
    """One thing read: the value and its source; or None and `why_not`."""

    value: _Value | None
    source: str
    why_not: str | None = None


def unread(source: str, why_not: str) -> Reading[_Value]:
    """Return the reading of something that could not be read."""
    return Reading(value=None, source=source, why_not=why_not)


class KvmAnswers(Struct, frozen=True, kw_only=True):
    """What KVM answered on the fd of a VM and of its vCPU.

    `extensions` are the results of KVM_CHECK_EXTENSION by the capability's name; `registers` the
    system registers of the vCPU by name; `refused` what failed, by its step, with the error's name.
    """

    extensions: Mapping[str, int]
    registers: Mapping[str, int]
    refused: Mapping[str, str]


# Why a reading has no value where nobody could ask the machine.
NOT_AMONG_EVIDENCE = "not among the evidence"
# Only what people hold names CPU types; a machine shows their registers.
NO_SPECS: Reading[tuple[str, ...]] = Reading(value=None, source="lscpu", why_not="not read")
NO_FIELDS: Reading[Mapping[str, Scalar]] = Reading(
    value=None, source="/proc/cpuinfo", why_not="not read"
)


class HostReadings(Struct, frozen=True, kw_only=True):
    """All readings of one machine.

    `cpus` and `cache_types` are by number of the CPU: registers (`midr_el1`, `revidr_el1`) and
    CTR_EL0. `log` are the lines of the kernel log that the model knows, `log_places` where each was
    read (none: all in the source of `log`), `shown` what they show; `log_complete` is whether the
    log still held the whole boot: only then does a missing line mean anything. `cpu_specs` are CPU
    types by name, where no register tells them; `cpu_fields` are fields of every CPU that its flags
    tell. `memfd_secret` is `OK` or the name of an error. `interrupt_controllers` are names of
    /proc/interrupts.
    """

    machine: str
    version: str
    page_size: Reading[int]
    config: Reading[str]
    cmdline: Reading[str]
    cpus: Reading[Mapping[int, Mapping[str, int]]]
    cache_types: Reading[Mapping[int, int]]
    log: Reading[tuple[str, ...]]
    log_complete: bool
    memfd_secret: Reading[str]
    secretmem_enable: Reading[bool]
    seccomp: Reading[bool]
    interrupt_controllers: Reading[tuple[str, ...]]
    kvm: Reading[KvmAnswers]
    log_places: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    cpu_specs: Reading[tuple[str, ...]] = NO_SPECS
    cpu_fields: Reading[Mapping[str, Scalar]] = NO_FIELDS

    def readings(self) -> tuple[tuple[str, Reading[object]], ...]:
        """Return every reading by its name, in a fixed order."""
        return (
            ("config", _plain(self.config)),
            ("cmdline", _plain(self.cmdline)),
            ("cpus", _plain(self.cpus)),
            ("cache_types", _plain(self.cache_types)),
            ("log", _plain(self.log)),
            ("page_size", _plain(self.page_size)),
            ("memfd_secret", _plain(self.memfd_secret)),
            ("secretmem_enable", _plain(self.secretmem_enable)),
            ("seccomp", _plain(self.seccomp)),
            ("interrupt_controllers", _plain(self.interrupt_controllers)),
            ("kvm", _plain(self.kvm)),
        )


def _plain(reading: Reading[_Value]) -> Reading[object]:
    return Reading(value=reading.value, source=reading.source, why_not=reading.why_not)
