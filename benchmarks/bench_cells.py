"""Time and memory of listing cells: columns against a loop that answers one cell at a time.

Run: `python benchmarks/bench_cells.py`. The loop answers cells of the same space, each by the
concrete flow; the ratio compares cells per second in the same run, and the loop's answers, for
cells drawn evenly, are compared with the rows. Seconds are of CPU time, so that what else the
machine does is not counted; the work is done by one thread. Memory is the most so far: it must not
grow with the number of rows. Files are written to a temporary folder.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from matrix.analyze.space.cell_rows import CellRows
from matrix.analyze.space.frame import CHUNK_ROWS, Framing, frames
from matrix.analyze.space.selection import select
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import Location
from matrix.expr.parser import parse
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.render.cell_files import CellFormat, chunk_rows, write_cells
from matrix.schema.values import Condition

# Cells per second, cells per second, times faster: what is to be reached.
FRAME, PARQUET, RATIO = 10_000_000, 3_000_000, 200

# One in so many cells of the loop: most of a space of absent cells would flatter it.
PRESENT = 'kernel == "7.3" && verdict != "absent"'
LOOP_CELLS = 3_000
# Formats, and how many chunks are written of each.
_FILES = (
    (CellFormat.PARQUET, 4),
    (CellFormat.PARQUET, 32),
    (CellFormat.ARROW, 8),
    (CellFormat.CSV, 2),
)

Result = TypeVar("Result")


def main() -> None:
    """Print the figures; exit 1 where one is not reached or the loop disagrees."""
    prepared = prepare_study(Library(()), DEFAULT_STUDY)
    solved, solving = timed(prepared.solve)
    rows, laying = timed(lambda: CellRows(solved))
    print(f"{DEFAULT_STUDY}: {rows.rows:,} cells")
    print(f"solved in {solving:.2f} s, laid out in {laying:.2f} s, {peak():.0f} MB so far")
    reached = []
    for what, part in (("the whole space", rows), (PRESENT, chosen(solved, PRESENT))):
        print(f"\n{what}: {part.rows:,} cells")
        loop = looped(prepared, part)
        reached.append(framed(part, loop))
        reached.append(written(part, loop))
    raise SystemExit(0 if all(reached) else 1)


def chosen(solved: SolvedStudy, text: str) -> CellRows:
    """Return the rows that an expression chooses."""
    location = Location(file="--where", line=1, column=1, text=text)
    condition = Condition(expression=parse(text), text=text, location=location)
    return CellRows(solved, select(solved, condition).region)


def looped(prepared: PreparedStudy, rows: CellRows) -> float:
    """Return the cells per second of the loop; exit where it disagrees with the rows."""
    (columns,) = rows.sample(LOOP_CELLS, 1, LOOP_CELLS)
    frame = Framing(rows.columns).frame(columns).astype(object)
    axes = [axis.name for axis in prepared.study.axes]
    cells = [dict(zip(axes, values, strict=True)) for values in frame[axes].to_numpy().tolist()]
    answers, seconds = timed(lambda: [prepared.answer(cell) for cell in cells])
    said = [answer and (str(answer.verdict), answer.outcome) for answer in answers]
    if said != list(frame[["verdict", "outcome"]].itertuples(index=False, name=None)):
        raise SystemExit("the loop and the rows disagree")
    print(f"loop: {len(cells) / seconds:,.0f} cells per second, {len(cells):,} compared")
    return len(cells) / seconds


def framed(rows: CellRows, loop: float) -> bool:
    """Measure frames of the first rows."""
    enough = True
    for chunks in (4, 80):
        made, seconds = timed(partial(count_framed, rows, chunks * CHUNK_ROWS))
        enough &= said(f"frames of {made:,} cells", made / seconds, loop, FRAME)
    return enough


def count_framed(rows: CellRows, limit: int) -> int:
    """Make the frames of the first rows, one after the other."""
    return sum(map(len, frames(rows, limit=limit)))


def written(rows: CellRows, loop: float) -> bool:
    """Measure files of each format; only Parquet has a figure to reach."""
    enough = True
    with tempfile.TemporaryDirectory() as folder:
        for form, chunks in _FILES:
            path = Path(folder) / "cells"
            made, seconds = timed(partial(write, rows, form, chunks * CHUNK_ROWS, path))
            per_row = path.stat().st_size / made
            least = PARQUET if form is CellFormat.PARQUET else 0
            enough &= said(
                f"{form} of {made:,} ({per_row:.2f} bytes each)", made / seconds, loop, least
            )
    return enough


def write(rows: CellRows, form: CellFormat, limit: int, path: Path) -> int:
    """Write the first rows to a file."""
    with path.open("wb") as file:
        return write_cells(rows.columns, rows.chunks(chunk_rows(form), limit), form, file)


def said(what: str, speed: float, loop: float, least: int) -> bool:
    """Print a speed and its ratio to the loop; tell whether both are enough."""
    enough = not least or (speed >= least and speed >= RATIO * loop)
    print(
        f"{what}: {speed / 1e6:.1f} million per second, {speed / loop:,.0f} times the loop, "
        f"{peak():.0f} MB"
        + (f" (at least {least / 1e6:.0f} million and {RATIO} times)" if least else "")
        + ("" if enough else ": NOT REACHED")
    )
    return enough


def timed(action: Callable[[], Result]) -> tuple[Result, float]:
    """Return the result of an action and its seconds of CPU time, of all threads together."""
    start = time.process_time()
    result = action()
    return result, time.process_time() - start


def peak() -> float:
    """Return the most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
