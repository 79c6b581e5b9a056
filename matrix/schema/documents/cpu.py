"""The documents of a CPU, `configs/cpus/<id>.yaml`, and of the sources its fields name."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from matrix.schema import values
from matrix.schema.documents.fields import (
    AnyScalar,
    Declaration,
    Identifier,
    Implementer,
    Midr,
    Part,
    Register,
    RegisterName,
    SourceId,
    Text,
    Word,
    contradiction,
    mapping,
    optional,
    rows,
    said,
)
from matrix.schema.reading.nodes import Node


class MidrDeclaration(Declaration):
    """MIDR_EL1 of a CPU type."""

    implementer: Implementer | None = optional(
        "MIDR_EL1.Implementer, 0x41 is Arm; left out: unknown"
    )
    parts: tuple[Part, ...] = rows("MIDR_EL1.PartNum, 0xd40; left out: unknown")
    seen: tuple[Midr, ...] = rows("values of MIDR_EL1 that were seen")


class CpuFieldDeclaration(Declaration):
    """One field of a CPU: its value, or why it is unknown."""

    becomes = values.FieldValue

    known: AnyScalar | None = Field(
        default=None, alias="value", description="value of the field, a number or its word"
    )
    unknown: Literal["unrecorded", "build-option"] | None = optional(
        "why it is unknown; `build-option`: the integrator chooses"
    )
    confidence: Literal["register", "trm", "log", "inferred", "unknown"] | None = optional(
        "how firm the value is; needed with `value`"
    )
    sources: tuple[SourceId, ...] = rows("ids of configs/cpus/sources.yaml")
    note: Text | None = optional("what a reader should know")

    @model_validator(mode="after")
    def _is_known_or_unknown(self) -> Self:
        if (self.known is None) == (self.unknown is None):
            raise contradiction(
                "a CPU field has `value` or `unknown`, one of them",
                hint="`{value: 1, confidence: trm, sources: [...]}` or `{unknown: unrecorded}`",
            )
        if self.known is not None and self.confidence in (None, "unknown"):
            raise contradiction(
                "a known value needs a confidence: register, trm, log or inferred",
                key="confidence",
            )
        if self.known is not None and self.confidence != "inferred" and not self.sources:
            raise contradiction(f"confidence `{self.confidence}` needs a source", key="confidence")
        return self

    def composed(self, at: Node) -> dict[str, object]:
        """Return what is said of a value that is not known."""
        del at
        return {"confidence": self.confidence or "unknown", "why_unknown": self.unknown}


class CpuDocument(Declaration):
    """One CPU type: a core, a product, or a model of QEMU."""

    becomes = values.Cpu
    stands_at = "id"

    id: Identifier = said("name in SPECs, `neoverse-v1`")
    name: Text = said("name in reports, `Arm Neoverse-V1`")
    vendor: Text = said("who makes it")
    arch: Identifier | None = optional(
        "architecture, `arm64`; may be left out where one alone has these fields"
    )
    aliases: tuple[Identifier, ...] = rows("other names in SPECs")
    groups: tuple[Identifier, ...] = rows("groups it is in, written @server in a SPEC")
    midr: MidrDeclaration = Field(
        default=MidrDeclaration(), description="implementer, part numbers and values of MIDR_EL1"
    )
    fields: dict[Word, CpuFieldDeclaration] = said("CPU fields of the architecture")
    registers: dict[RegisterName, Register] = mapping(
        "raw values of ID registers, `ctr_el0: 0xb444c004`"
    )
    settled_by: dict[Word, tuple[Text, ...]] = mapping("unknown field: SPECs that settle it")
    notes: tuple[Text, ...] = rows("what a reader should know")

    def composed(self, at: Node) -> dict[str, object]:
        """Return what stands one level deeper, under `midr`, and the SPECs in one text a field."""
        del at
        return {
            "implementer": self.midr.implementer,
            "parts": self.midr.parts,
            "midrs": self.midr.seen,
            "settled_by": tuple(
                (field, " or ".join(specs)) for field, specs in self.settled_by.items()
            ),
        }


class SourceDeclaration(Declaration):
    """Where values of CPU fields come from."""

    becomes = values.SourceReference

    kind: Text = said("kind of source: TRM, register dump, dmesg log")
    reference: Text = said("where to find it")
    note: Text | None = optional("what a reader should know")


class SourcesDocument(Declaration):
    """The sources that CPU fields name."""

    sources: dict[SourceId, SourceDeclaration] = said("id: the source")

    def value(self, at: Node) -> tuple[values.SourceReference, ...]:
        """Return the declared sources; `at` is the node the document was read from."""
        return tuple(map(SourceDeclaration.value, self.sources.values(), at.rows("sources")))
