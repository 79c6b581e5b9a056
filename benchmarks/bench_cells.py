"""Listing cells: rows a second.

Baselines: a loop that answers one cell at a time by the concrete flow, whose answers are compared
with the rows; NumPy, which copies the same columns; DuckDB, where it is installed, which joins the
options of the same axes, without any answer, and writes as many rows to Parquet.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measuring import Figure, cpu, figure
from matrix.analyze.space.cell_rows import CellRows
from matrix.analyze.space.frame import CHUNK_ROWS, Framing, frames
from matrix.analyze.space.selection import select
from matrix.diagnostics import Location
from matrix.expr.parser import parse
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.render.cell_files import CellFormat, chunk_rows, write_cells
from matrix.schema.values import Condition

# One in so many cells of the loop: most of a space of absent cells would flatter it.
PRESENT = 'kernel == "7.3" && verdict != "absent"'
LOOP_CELLS = 3_000
FRAMED = 40 * CHUNK_ROWS
# Formats, and how many chunks are written of each.
FORMATS = ((CellFormat.PARQUET, 32), (CellFormat.ARROW, 8), (CellFormat.CSV, 2))
JOINED = 32 * CHUNK_ROWS


def figures() -> Iterator[Figure]:
    """Measure; SystemExit where the loop and the rows disagree."""
    prepared = prepare_study(Library(()), DEFAULT_STUDY)
    solved = prepared.solve()
    location = Location(file="--where", line=1, column=1, text=PRESENT)
    chosen = Condition(expression=parse(PRESENT), text=PRESENT, location=location)
    present = CellRows(solved, select(solved, chosen).region)
    for what, rows in (("all cells", CellRows(solved)), ("present cells", present)):
        loop = "a loop over the cells", looped(prepared, rows)
        yield figure(f"{what}, one by one", loop[1], "rows/s")
        speed = framed(rows)
        yield figure(f"{what}, frames", speed, "rows/s", least=1e7)
        yield figure(f"{what}, frames", speed, "rows/s", beside=loop, least=200)
        yield figure(f"{what}, frames", speed, "rows/s", beside=("a NumPy copy", copied(rows)))
        for form, chunks in FORMATS:
            speed = written(rows, form, chunks * CHUNK_ROWS)
            yield figure(f"{what}, {form}", speed, "rows/s", beside=loop)
            if form is CellFormat.PARQUET and importlib.util.find_spec("duckdb") is not None:
                join = "a DuckDB join", joined(rows)
                yield figure(f"{what}, {form}", speed, "rows/s", beside=join)


def framed(rows: CellRows) -> float:
    """Return the rows per second of frames."""
    _, seconds = cpu(lambda: sum(map(len, frames(rows, limit=FRAMED))))
    return FRAMED / seconds


def looped(prepared: PreparedStudy, rows: CellRows) -> float:
    """Return the cells per second of the loop; exit where it disagrees with the rows."""
    (columns,) = rows.sample(LOOP_CELLS, 1, LOOP_CELLS)
    frame = Framing(rows.columns).frame(columns).astype(object)
    axes = [axis.name for axis in prepared.study.axes]
    cells = [dict(zip(axes, values, strict=True)) for values in frame[axes].to_numpy().tolist()]
    answers, seconds = cpu(lambda: [prepared.answer(cell) for cell in cells])
    said = [answer and (str(answer.verdict), answer.outcome) for answer in answers]
    if said != list(frame[["verdict", "outcome"]].itertuples(index=False, name=None)):
        raise SystemExit("the loop and the rows disagree")
    return len(cells) / seconds


def copied(rows: CellRows) -> float:
    """Return the rows per second of copying columns that are there already."""
    chunk = next(iter(rows.chunks(CHUNK_ROWS)))
    _, seconds = cpu(lambda: [[np.copy(column) for column in chunk] for _ in range(20)])
    return 20 * len(chunk[0]) / seconds


def written(rows: CellRows, form: CellFormat, limit: int) -> float:
    """Return the rows per second that are written to a file."""
    with tempfile.TemporaryFile() as file:
        write = partial(write_cells, rows.columns, form=form, file=file)
        made, seconds = cpu(lambda: write(chunks=rows.chunks(chunk_rows(form), limit)))
    return made / seconds


def joined(rows: CellRows) -> float:
    """Return the rows per second that DuckDB makes of the options of all axes, one thread."""
    import duckdb

    database = duckdb.connect(config={"threads": 1})
    database.execute("SET enable_progress_bar = false")
    names = [f'"{column.name}"' for column in rows.columns]
    for name, column in zip(names, rows.columns, strict=True):
        words = ", ".join(f"('{text.replace(chr(39), chr(39) * 2)}')" for text in column.texts)
        made = f"SELECT * FROM (VALUES {words}) t({name})"  # noqa: S608 - our own names
        database.execute(f"CREATE TABLE {name} AS {made}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "joined.parquet"
        asked = f"SELECT * FROM {', '.join(names)} LIMIT {JOINED}"  # noqa: S608 - our own names
        _, seconds = cpu(lambda: database.execute(f"COPY ({asked}) TO '{path}'"))
    return JOINED / seconds
