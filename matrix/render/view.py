"""A view of a study as a document, as JSON (`matrix/view/1`) and as rows of CSV.

Every form says what the view fixes: in sentences, in a value, or as columns of their own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from matrix.analyze.space.result import TableCell
from matrix.flows.view import ViewAnswer
from matrix.render.document import (
    Block,
    Document,
    Inline,
    List,
    Paragraph,
    Run,
    Section,
    Table,
    plain,
)
from matrix.render.grid import Entry, Grid, build_grid, study_wording
from matrix.render.json import Json, fields
from matrix.render.quantities import NOTHING
from matrix.render.study_answer import answer_document, answer_values, left_out

VIEW_SCHEMA = "matrix/view/1"


def view_document(found: ViewAnswer) -> Document:
    """Return the table of a view with all that it fixes, and what its cells refer to."""
    grid = build_grid(found.table, study_wording(found.study, found.patch))
    lacking = "no cell that is asked for" if found.table.where else "no such cell"
    gaps = (f"{NOTHING}: {lacking}, whatever the other options.",) if grid.has_gaps else ()
    asked = f"Verdicts of `{found.predicate.name}` in the study `{found.study.id}`."
    table = Table(
        header=(plain(grid.row_title), *(plain(": ".join(c.texts)) for c in grid.columns)),
        rows=tuple(
            (
                plain(grid.separator.join(line.labels)),
                *(_entry(entry, found.view.shows) for entry in line.entries),
            )
            for line in grid.lines
        ),
        answers=True,
    )
    blocks: list[Block] = [
        Paragraph(text=" ".join((asked, *grid.caption, *left_out(found.selection), *gaps))),
        table,
    ]
    notes = _notes(grid)
    if notes:
        blocks.append(Section(blocks=(List(items=notes),)))
    return answer_document(found, blocks, f"{found.study.title}: {found.view.title}")


def _entry(entry: Entry | None, shows: str) -> tuple[Run, ...]:
    if entry is None:
        return (Run(NOTHING),)
    if shows == "cells":
        words = [(Run(str(word), "verdict"), Run(f" {number:,}")) for word, number in entry.counts]
        return tuple(run for at, pair in enumerate(words) for run in (*_comma(at), *pair))
    counted = dict(entry.counts)
    notes = [str(entry.note)] if entry.note else []
    if sum(counted.values()) > 1:
        notes = [f"{counted[entry.verdict]:,} of {sum(counted.values()):,}"]
    told = ", ".join([*notes, *entry.marks])
    return (Run(str(entry.verdict), "verdict"), *([Run(f" ({told})")] if told else []))


def _comma(at: int) -> tuple[Run, ...]:
    return (Run(", "),) if at else ()


def _notes(grid: Grid) -> tuple[Inline, ...]:
    reasons = [f"{note.number}. {note.verdict}: {note.reason}" for note in grid.notes]
    return (*reasons, *(f"({mark.letter}) {mark.text}" for mark in grid.marks))


def view_values(found: ViewAnswer) -> dict[str, Json]:
    """Return the values of the JSON document, a cell of the table each."""
    table, view = found.table, found.view
    values: dict[str, Json] = {
        "schema": VIEW_SCHEMA,
        "study": found.study.id,
        "predicate": found.predicate.name,
        "assumes_patch": found.patch,
        "view": view.id,
        **fields(view, "title rows columns"),
        "fixed": dict(table.fixed),
        "over": list(table.over),
        "only": {axis: list(patterns) for axis, patterns in table.only},
        "where": table.where or None,
        "order": view.order,
        "shows": view.shows,
        "cells": [
            {"at": {view.rows: row, **dict(zip(view.columns, column, strict=True))}, **_cell(cell)}
            for row, column, cell in _cells(found)
        ],
    }
    return answer_values(found, values)


def _cell(cell: TableCell | None) -> dict[str, Json]:
    """Return what is known of a cell; its verdict is null where there is none."""
    if cell is None:
        return {"verdict": None}
    if cell.counts:
        return {
            "verdict": str(cell.verdict),
            "counts": {str(word): number for word, number in cell.counts},
        }
    return {
        "verdict": str(cell.verdict),
        "reason": cell.reason,
        "instead": dict(cell.instead),
        "otherwise": [
            {
                "verdict": str(mark.verdict),
                "with": {axis: list(options) for axis, options in mark.change},
            }
            for mark in cell.marks
        ],
    }


def _cells(found: ViewAnswer) -> Iterator[tuple[str, tuple[str, ...], TableCell | None]]:
    table = found.table
    for group, cells in zip(table.row_groups, table.cells, strict=True):
        for row in group:
            for column, cell in zip(table.columns, cells, strict=True):
                yield row, column, cell


def view_csv(found: ViewAnswer) -> str:
    """Return a row a cell (RFC 4180): row, columns, every fixed option, verdict, number or reason.

    A cell that does not exist has no row. A view of many cells has one row a verdict that some of
    them have.
    """
    table, view = found.table, found.view
    counted = view.shows != "verdict"
    file = io.StringIO()
    writer = csv.writer(file)
    fixed = dict(table.fixed)
    writer.writerow([view.rows, *view.columns, *fixed, "verdict", "cells" if counted else "reason"])
    for row, column, cell in _cells(found):
        place = [row, *column]
        if cell is None:
            continue
        if counted:
            for word, number in cell.counts:
                writer.writerow([*place, *fixed.values(), word, number])
        else:
            there = {**fixed, **dict(cell.instead)}
            writer.writerow([*place, *there.values(), cell.verdict, cell.reason])
    return file.getvalue()
