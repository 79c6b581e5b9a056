"""The document of probes: `configs/kernels/probes/<arch>.yaml`, how rows are read from a tree."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from matrix.schema import values
from matrix.schema.documents.fields import (
    AnyScalar,
    Declaration,
    Identifier,
    Text,
    contradiction,
    mapping,
    optional,
    rows,
    said,
    some,
)
from matrix.schema.reading.nodes import Node


class PlaceRow(Declaration):
    """What one piece of a file must have, and must not, for a probe to hold."""

    becomes = values.ProbePlace

    path: Text = Field(alias="in", description="path of a file in the tree")
    piece: Text | None = optional("`function NAME`, `macro NAME` …; left out: the whole file")
    under: Text | None = optional("the `#if` around the piece as C; left out: none")
    has: tuple[Text, ...] = rows("words that stand there without a gap, each after the one before")
    lacks: tuple[Text, ...] = rows("words that stand nowhere there without a gap")
    counts: dict[Text, int] = mapping("name: how often it stands there")


class ProbeRow(Declaration):
    """A value of a row, and where a tree shows it."""

    becomes = values.Probe

    value_: AnyScalar = Field(
        alias="value", description="what the row then says: a mechanism's value, a body as C"
    )
    shown: tuple[PlaceRow, ...] = some("places, all of which hold")

    @model_validator(mode="after")
    def _has_lines(self) -> Self:
        if all(place.piece is None for place in self.shown):
            raise contradiction(
                "no place names a piece: nothing tells which lines show the value",
                key="shown",
                hint="add a place with `piece:`, the function that would be another",
            )
        return self

    def composed(self, at: Node) -> dict[str, object]:
        """Return the value, whose key is a word of every declaration."""
        del at
        return {"value": self.value_}


class ProbesDocument(Declaration):
    """How rows of the profiles of an architecture are read from the source."""

    becomes = values.Probes

    arch: Identifier = said("the architecture")
    probes: dict[Text, Annotated[tuple[ProbeRow, ...], Field(min_length=1)]] = said(
        "row of a profile (`mechanism split_gate`): its values and what shows each"
    )

    def composed(self, at: Node) -> dict[str, object]:
        """Return the probes with the row that each is of."""
        below = at["probes"]
        return {
            "probes": tuple(
                probe.completed(node, row=row)
                for row, listed in self.probes.items()
                for probe, node in zip(listed, below[row].children.values(), strict=True)
            )
        }
