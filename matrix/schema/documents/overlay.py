"""The document of an overlay, `configs/overlays/<id>.yaml`: rows that are added to profiles."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from matrix.schema import values
from matrix.schema.documents.architecture import FactRow, FieldDeclaration
from matrix.schema.documents.fields import (
    Declaration,
    Identifier,
    Release,
    Releases,
    SymbolName,
    mapping,
    rows,
    said,
    written_form,
)
from matrix.schema.documents.kernel import ConstraintDeclaration, ProfileRows, SymbolDeclaration
from matrix.schema.reading.nodes import Node


class ReleaseSpan(Declaration):
    """Releases between two, both included."""

    first: Release | None = Field(default=None, alias="from", description='first release: "6.12"')
    last: Release | None = Field(default=None, alias="to", description='last release: "7.2"')


class OverlayKconfig(Declaration):
    """Kconfig symbols and constraints that are added."""

    symbols: dict[SymbolName, SymbolDeclaration] = mapping(
        "symbols the model reads, without `CONFIG_`"
    )
    constraints: tuple[ConstraintDeclaration, ...] = rows(
        "what every realizable `.config` satisfies"
    )


class OverlayDocument(ProfileRows):
    """Rows that are added to the profiles of a range of releases, and facts of an architecture."""

    becomes = values.Overlay
    stands_at = "id"

    id: Identifier = said("name of the overlay")
    arch: Identifier = said("id of the architecture, `arm64`")
    releases: Annotated[
        Annotated[Releases, Tag("<word>")]
        | Annotated[
            Annotated[tuple[Release, ...], Field(min_length=1)],
            Tag("<list>"),
        ]
        | Annotated[ReleaseSpan, Tag("<mapping>")],
        Discriminator(written_form),
    ] = Field(
        default="all",
        description='releases it is for: `all`, "6.12", ">=6.12", a list of releases, or '
        '`{from: "6.12", to: "7.2"}`',
    )
    kconfig: OverlayKconfig = Field(
        default=OverlayKconfig(), description="Kconfig symbols and constraints that are added"
    )
    fields: tuple[FieldDeclaration, ...] = rows("CPU fields that are added to the architecture")
    facts: tuple[FactRow, ...] = rows("public facts that are added to the architecture")

    def composed(self, at: Node) -> dict[str, object]:
        """Return what stands one level deeper, under `kconfig`, and the boot parameters."""
        below = at.get("kconfig")
        added = self.kconfig.values_at(below, "symbols", "constraints") if below else {}
        return {"symbols": (), "constraints": (), **added, **super().composed(at)}
