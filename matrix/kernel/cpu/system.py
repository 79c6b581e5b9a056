"""The CPUs of one system, with every field of the architecture known or unknown.

`resolve.py` makes these values from a SPEC and the declared CPUs; `detection.py` tells from them
which cpucaps the kernel detects. Here stand the values themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic
from matrix.expr.nodes import Scalar
from matrix.schema.cpu_fields import GIVEN, BrokenRuleError, model_of, propagate
from matrix.schema.values import Architecture, FieldValue, MidrRange

# What an answer depends on besides fields: MIDR_EL1's model, variant and revision.
MIDR = "midr"

# MIDR_EL1.Architecture of every arm64 CPU; a MIDR without it is in no range of the kernel's
# (MIDR_CPU_MODEL_MASK, arch/arm64/include/asm/cputype.h).
_ARCHITECTURE_FROM_FEATURES = 0xF


class Midr(Struct, frozen=True, kw_only=True):
    """What is known of MIDR_EL1: its exact values, or at least its models (implementer, part).

    Several `exact` values are the revisions (or core types) seen: the CPU may be any of them.
    Without both, nothing is known.
    """

    exact: tuple[int, ...] = ()
    models: tuple[tuple[int, int], ...] = ()
    confidence: str = "unknown"

    def in_ranges(self, ranges: tuple[MidrRange, ...]) -> bool | None:
        """Return whether the CPU is in one of the ranges; None where its revision decides."""
        if not ranges:
            return False
        answers: set[bool | None]
        if self.exact:
            answers = {_matches(midr, ranges) for midr in self.exact}
        elif self.models:
            answers = {_model_matches(model, ranges) for model in self.models}
        else:
            return None
        return answers.pop() if len(answers) == 1 else None


def _matches(midr: int, ranges: tuple[MidrRange, ...]) -> bool:
    if midr >> 16 & 0xF != _ARCHITECTURE_FROM_FEATURES:
        return False
    # As the kernel does, which compares both as one number with the variant above.
    revision = (midr >> 20 & 0xF, midr & 0xF)
    return any(
        (item.implementer, item.part) == model_of(midr) and item.lowest <= revision <= item.highest
        for item in ranges
    )


def _model_matches(model: tuple[int, int], ranges: tuple[MidrRange, ...]) -> bool | None:
    """Return the answer common to every revision of a model, None where they differ."""
    own = tuple(item for item in ranges if (item.implementer, item.part) == model)
    if not own:
        return False
    # Variant and revision are four bits each, so trying all is cheaper than comparing intervals.
    every_revision = all(
        any(item.lowest <= (variant, revision) <= item.highest for item in own)
        for variant in range(16)
        for revision in range(16)
    )
    return True if every_revision else None


class SystemCpu(Struct, frozen=True, kw_only=True):
    """One CPU type of a system.

    `name` is its SPEC in the declared spelling (`neoverse-n2,dic=0`), `declared` the ids of the
    declared CPUs it stands for: one; none for `free`; several for a MIDR they share. `fields` has
    every field of the architecture in its order. `settled_by` are (field, SPEC) pairs.
    """

    name: str
    declared: tuple[str, ...]
    fields: tuple[FieldValue, ...]
    midr: Midr
    settled_by: tuple[tuple[str, str], ...]

    def field(self, name: str) -> FieldValue | None:
        """Return a field by name, None where the architecture has no such field."""
        return next((item for item in self.fields if item.name == name), None)


class CpuSystem(Struct, frozen=True, kw_only=True):
    """The CPU types of one system; the first is the one that boots the kernel."""

    cpus: tuple[SystemCpu, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The SPECs of the CPU types, in order."""
        return tuple(cpu.name for cpu in self.cpus)

    @property
    def spec(self) -> str:
        """The SPEC of the system, in the declared spelling."""
        return "+".join(self.names)


def assume(
    system: CpuSystem, architecture: Architecture, values: Mapping[tuple[int, str], Scalar]
) -> CpuSystem | None:
    """Return the system with unknown fields set, None where a rule forbids these values.

    The keys are (index of the CPU, field).
    """
    cpus: list[SystemCpu] = []
    for index, cpu in enumerate(system.cpus):
        fields = {item.name: item for item in cpu.fields if item.value is not None}
        for (at, name), value in values.items():
            if at == index:
                fields[name] = FieldValue(name=name, value=value, confidence=GIVEN, sources=())
        try:
            fields = propagate(fields, architecture)
        except BrokenRuleError:
            return None
        cpus.append(replace(cpu, fields=tuple(fields.get(item.name, item) for item in cpu.fields)))
    return replace(system, cpus=tuple(cpus))
