"""The document of a toolchain: `configs/toolchains/<id>.yaml`."""

from __future__ import annotations

from pydantic import Field

from matrix.schema import values
from matrix.schema.documents.fields import Declaration, Identifier, Text, Word
from matrix.schema.reading.nodes import Node


class ToolchainDocument(Declaration):
    """What a compiler and its like answer to the questions of a Kconfig tree."""

    id: Identifier = Field(description="name of the toolchain, `gcc-12-aarch64`")
    arch: Identifier = Field(description="id of the architecture it builds for")
    description: Text = Field(description="which programs, of which versions")
    environment: dict[Word, str] = Field(
        description="variables of the kernel's build that the questions read: CC, LD …"
    )
    answers: dict[str, tuple[str, ...]] = Field(
        description="answer to macro calls, as Kconfig writes them between `$(` and `)`"
    )

    def value(self, at: Node) -> values.Toolchain:
        """Return the declared toolchain; `at` is the node the document was read from."""
        return values.Toolchain(
            id=self.id,
            arch=self.arch,
            description=self.description,
            environment=tuple(self.environment.items()),
            answers=tuple(
                (call, answer) for answer, calls in self.answers.items() for call in calls
            ),
            location=at["id"].location,
        )
