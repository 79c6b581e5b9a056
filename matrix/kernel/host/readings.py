"""What was read of one machine: values with where they came from, or why there is none.

`collect` and `bundle` make a `HostReadings`, `evidence` reads it. Values are what JSON can hold, so
that a saved bundle says exactly what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

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
    /proc/interrupts. What is not given was not read.
    """

    machine: str
    version: str
    config: Reading[str] = unread("`.config`", NOT_AMONG_EVIDENCE)
    cmdline: Reading[str] = unread("/proc/cmdline", NOT_AMONG_EVIDENCE)
    cpus: Reading[Mapping[int, Mapping[str, int]]] = unread("MIDR_EL1", NOT_AMONG_EVIDENCE)
    cache_types: Reading[Mapping[int, int]] = unread("CTR_EL0", NOT_AMONG_EVIDENCE)
    log: Reading[tuple[str, ...]] = unread("kernel log", NOT_AMONG_EVIDENCE)
    page_size: Reading[int] = unread("page size", NOT_AMONG_EVIDENCE)
    memfd_secret: Reading[str] = unread("memfd_secret(2)", NOT_AMONG_EVIDENCE)
    secretmem_enable: Reading[bool] = unread("the parameter secretmem.enable", NOT_AMONG_EVIDENCE)
    seccomp: Reading[bool] = unread("/proc/self/status", NOT_AMONG_EVIDENCE)
    interrupt_controllers: Reading[tuple[str, ...]] = unread("/proc/interrupts", NOT_AMONG_EVIDENCE)
    kvm: Reading[KvmAnswers] = unread("/dev/kvm", NOT_AMONG_EVIDENCE)
    log_complete: bool
    log_places: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    cpu_specs: Reading[tuple[str, ...]] = NO_SPECS
    cpu_fields: Reading[Mapping[str, Scalar]] = NO_FIELDS

    def readings(self) -> tuple[tuple[str, Reading[Any]], ...]:
        """Return every reading of a machine by its name, in a fixed order."""
        return tuple(
            (name, value)
            for name, value in asdict(self).items()
            if isinstance(value, Reading) and name not in ("cpu_specs", "cpu_fields")
        )
