"""What something costs besides: a row of capabilities and facts."""

from __future__ import annotations

from pydantic import Field

from matrix.schema import values
from matrix.schema.documents.fields import Declaration, Source, Text


class CostDeclaration(Declaration):
    """What a change costs, and who says so."""

    becomes = values.Cost
    stands_at = "note"

    note: Text = Field(
        description="the cost in a sentence; numbers with what they were measured on"
    )
    source: Source = Field(description="path:line, mail or paper that says so")
