"""Counts of a study as a document, as JSON (`matrix/count/1`) and as rows of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from matrix.analyze.cell.verdict import Verdict
from matrix.flows.count import Count
from matrix.render.document import Block, Document, Inline, Paragraph, Section, Table, verdict_word
from matrix.render.json import Json
from matrix.render.study_answer import answer_document, answer_values, left_out

COUNT_SCHEMA = "matrix/count/1"


def count_document(found: Count) -> Document:
    """Return the cells of each verdict, in all or in each group, and of all."""
    table = _groups(found) if found.by else _verdicts(found)
    classes = "behaviour class" if found.behaviour_classes == 1 else "behaviour classes"
    total = f"{found.cells:,} cells, {found.behaviour_classes} {classes}"
    groups = f", {len(found.groups):,} groups" if found.by else ""
    where = (f"Only cells in which `{found.where.text}` is true.",) if found.where else ()
    lines = (f"{total}{groups}", *where, *left_out(found.selection))
    blocks: list[Block] = [table, *(Paragraph(text=line) for line in lines)]
    return answer_document(found, [Section(blocks=tuple(blocks))])


def _verdicts(found: Count) -> Table:
    rows = ((verdict_word(word), f"{cells:,}") for word, cells in found.verdicts.items())
    return Table(header=("verdict", "cells"), rows=tuple(rows))


def _groups(found: Count) -> Table:
    """Return a row a group, a column for each verdict that some of them have."""
    shown = [verdict for verdict, cells in found.verdicts.items() if cells]

    def row(options: Iterable[str], verdicts: Mapping[Verdict, int], cells: int) -> list[Inline]:
        numbers = (verdicts.get(verdict, 0) for verdict in shown)
        return [*options, *(f"{number:,}" for number in (*numbers, cells))]

    rows = [row(options, counts, sum(counts.values())) for options, counts in found.groups]
    return Table(
        header=(*found.by, *map(verdict_word, shown), "cells"),
        rows=tuple(map(tuple, rows)),
        align="l" * len(found.by) + "r" * (len(shown) + 1),
    )


def count_values(found: Count) -> dict[str, Json]:
    """Return the values of the JSON document."""
    values: dict[str, Json] = {
        "schema": COUNT_SCHEMA,
        "cells": found.cells,
        "behaviour_classes": found.behaviour_classes,
        "verdicts": _words(found.verdicts),
    }
    if found.where is not None:
        values["where"] = found.where.text
    if found.selection is not None:
        values["undecided"] = found.selection.undecided
        values["lacking"] = {release: list(names) for release, names in found.selection.lacking}
    if found.by:
        values["by"] = list(found.by)
        values["groups"] = [
            {
                "at": dict(zip(found.by, options, strict=True)),
                "cells": sum(counts.values()),
                "verdicts": _words(counts),
            }
            for options, counts in found.groups
        ]
    return answer_values(found, values)


def _words(verdicts: Mapping[Verdict, int]) -> dict[str, Json]:
    return {str(verdict): cells for verdict, cells in verdicts.items()}


def count_csv(found: Count) -> str:
    """Return a row for each verdict that some cells of a group have (RFC 4180)."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*found.by, "verdict", "cells"])
    writer.writerows(_rows(found))
    return file.getvalue()


def _rows(found: Count) -> Iterator[tuple[object, ...]]:
    for options, counts in found.groups if found.by else (((), found.verdicts),):
        for verdict, cells in counts.items():
            if cells:
                yield (*options, verdict, cells)
