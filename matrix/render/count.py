"""Counts of a study as a document and as JSON (`matrix/count/1`)."""

from __future__ import annotations

from matrix.flows.count import Count
from matrix.render.document import Document, Paragraph, Section, Table, verdict_word
from matrix.render.json import Json
from matrix.render.study_answer import answer_document, answer_values

COUNT_SCHEMA = "matrix/count/1"


def count_document(found: Count) -> Document:
    """Return the cells of each verdict, and of all."""
    table = Table(
        header=("verdict", "cells"),
        rows=tuple(
            (verdict_word(verdict), f"{cells:,}") for verdict, cells in found.verdicts.items()
        ),
    )
    total = f"{found.cells:,} cells, {found.behaviour_classes} behaviour classes"
    return answer_document(found, [Section(blocks=(table, Paragraph(text=total)))])


def count_values(found: Count) -> dict[str, Json]:
    """Return the values of the JSON document."""
    values: dict[str, Json] = {
        "schema": COUNT_SCHEMA,
        "cells": found.cells,
        "behaviour_classes": found.behaviour_classes,
        "verdicts": {str(verdict): cells for verdict, cells in found.verdicts.items()},
    }
    return answer_values(found, values)
