"""The document of a distribution's kernel: `configs/distros/<id>.yaml`.

`matrix distros import` writes these; a person may, too. Which profile answers for a release that
has none is `matrix.schema.checking.distro_axis`'s.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from matrix.schema import values
from matrix.schema.documents.fields import (
    AnyScalar,
    Declaration,
    Identifier,
    Release,
    SymbolName,
    Text,
    optional,
    said,
)
from matrix.schema.reading.nodes import Node


class InputDeclaration(Declaration):
    """The file that the symbols were read from."""

    file: Text = said("its name, or `package!member`; no folders")
    version: Text | None = optional("full version in its header, if any")
    sha256: Annotated[str, StringConstraints(pattern=values.SHA256_PATTERN)] = said(
        "SHA-256 of the file, as sha256sum prints it"
    )


class DistroDocument(Declaration):
    """What the model reads of one kernel configuration of a distribution."""

    becomes = values.Distro
    stands_at = "id"

    id: Identifier = said("name in studies, `debian-13-cloud`")
    name: Text = said("name in reports, `Debian 13`")
    flavour: Text = said("which of its kernels: `cloud`, `64k`, `default`")
    arch: Identifier = said("id of the architecture, `arm64`")
    release: Release = said('kernel release, quoted: "6.12"')
    kind: Literal["complete", "partial"] = said(
        "complete: a symbol that is missing is off; partial: it is unknown"
    )
    input: InputDeclaration = said("what it was read from")
    command_line: Text | None = optional("CONFIG_CMDLINE; recorded, studies do not apply it")
    kconfig: dict[SymbolName, AnyScalar] = said(
        'symbol: "y", "n", "m" or a number, for those the file mentions'
    )

    def composed(self, at: Node) -> dict[str, object]:
        """Return what was read from which file."""
        del at
        return {
            "complete": self.kind == "complete",
            "file": self.input.file,
            "version": self.input.version,
            "sha256": self.input.sha256,
        }
