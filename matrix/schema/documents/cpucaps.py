"""The part of a document that declares a cpucap: a property of the CPUs that the kernel detects."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from matrix.schema import values
from matrix.schema.documents.fields import (
    CExpression,
    Declaration,
    Implementer,
    Part,
    Revision,
    Source,
    Word,
    contradiction,
    optional,
    rows,
    said,
)
from matrix.schema.reading.nodes import Node


class MidrRangeDeclaration(Declaration):
    """CPUs of one model, by the fields of MIDR_EL1."""

    becomes = values.MidrRange

    name: Word = said("the kernel's macro, `MIDR_CORTEX_X4`")
    implementer: Implementer = said("MIDR_EL1.Implementer, 0x41 is Arm")
    part: Part = said("MIDR_EL1.PartNum, 0xd82")
    lowest: Revision = Field(default="r0p0", description="lowest variant and revision, r0p0")
    highest: Revision = Field(default="r15p15", description="highest variant and revision, r15p15")

    def composed(self, at: Node) -> dict[str, object]:
        """Return both bounds as numbers."""
        del at
        return {"lowest": _revision(self.lowest), "highest": _revision(self.highest)}

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if _revision(self.lowest) > _revision(self.highest):
            raise contradiction(
                "`lowest` is above `highest`: no CPU is in this range", key="lowest"
            )
        return self


class CapDeclaration(Declaration):
    """A property of the CPUs: a field of theirs, a list of MIDRs, or both."""

    becomes = values.CpuCap
    grounds = False

    field: Word | None = optional("CPU field of the architecture")
    minimum: int | None = optional("lowest value of the field that counts")
    values_: tuple[Word, ...] = Field(
        default=(), alias="values", description="words of the field that count"
    )
    midrs: tuple[MidrRangeDeclaration, ...] = rows(
        "CPU models that have it whatever the field says"
    )
    scope: Literal["every_cpu", "boot_cpu", "any_cpu"] = said(
        "how the CPUs of a system combine; `any_cpu`: one is enough"
    )
    kconfig: CExpression | None = optional(
        "C expression over IS_ENABLED(CONFIG_X) that must hold too"
    )
    unless: CExpression | None = optional(
        "C expression; where it holds the property is not detected"
    )
    source: Source = said("path:line of the entry in the kernel")

    @model_validator(mode="after")
    def _says_what_counts(self) -> Self:
        if self.field is None and not self.midrs:
            raise contradiction("neither `field` nor `midrs` says which CPUs have this property")
        tests = (self.minimum is not None) + bool(self.values_)
        if self.field is not None and tests != 1:
            raise contradiction(
                f"the field `{self.field}` needs either `minimum` or `values`",
                key="field",
                hint="`minimum` for a field of numbers, `values` for a field of words",
            )
        if self.field is None and tests:
            raise contradiction("`minimum` and `values` need the `field` they are about")
        return self


class NamedCapDeclaration(CapDeclaration):
    """A cpucap in a list, with its name."""

    stands_at = "name"

    name: Word = said("name of the property")


def _revision(text: str) -> tuple[int, int]:
    """Return variant and revision.

    >>> _revision("r0p3")
    (0, 3)
    """
    variant, _, revision = text.removeprefix("r").partition("p")
    return int(variant), int(revision)
