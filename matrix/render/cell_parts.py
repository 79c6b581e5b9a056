"""Rows of cells as a folder of Parquet files, each written by one of several processes.

A part is made of the rows, its first one and its number alone, so that whoever makes it makes the
same bytes. It is named by a digest of what the rows are made of, and stands under its name only
when it is whole: a run that ended early is taken up by the same command.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from msgspec import Struct

from matrix.analyze.space.cell_rows import CellRows
from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.folders import regular_files
from matrix.door.output import replacing
from matrix.render.cell_files import CellFormat, chunk_rows, write_cells

# A second of one process: so much work of each is lost at most where one ends.
PART_ROWS = 8 << 20
# The rows that this process makes parts of, where it is one of several.
_SOURCE: list[CellRows] = []


class Part(Struct, frozen=True, kw_only=True):
    """Some rows that stand together, and their file."""

    first: int
    rows: int
    path: Path


class Parts(Struct, frozen=True, kw_only=True):
    """What was written: `kept` parts were there already."""

    rows: int
    parts: int
    kept: int


def write_parts(
    source: CellRows, rows: int, folder: Path, jobs: int, *, size: int = PART_ROWS
) -> Parts:
    """Write the first rows of a source into a folder, `size` of them a file.

    Raises:
        InputError: MX0815, a process ended; MX0816, the folder holds other tables; MX0801, a part
            cannot be written.
    """
    parts = list(_parts(rows, folder, source.digest, size))
    _refuse_others(folder, parts)
    missing = [part for part in parts if not part.path.is_file()]
    workers = max(1, min(jobs, len(missing)))
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _begin, initargs=(source,)
    )
    try:
        problems = dict.fromkeys(item for found in pool.map(_write, missing) for item in found)
    except BrokenProcessPool:
        raise InputError(_ended(folder, parts)) from None
    finally:
        # A part that is being made is finished, also where a signal ends the run.
        pool.shutdown(cancel_futures=True)
    if problems:
        raise InputError(list(problems))
    return Parts(rows=rows, parts=len(parts), kept=len(parts) - len(missing))


def _parts(rows: int, folder: Path, digest: str, size: int) -> Iterator[Part]:
    for first in range(0, max(rows, 1), size):
        count = min(size, rows - first)
        # The number of rows is part of the name: the last part of a run with --limit is shorter.
        name = f"cells-{digest}-{first:015}-{count}.parquet"
        yield Part(first=first, rows=count, path=folder / name)


def _begin(source: CellRows) -> None:
    """Make ready a process that writes parts."""
    # The interrupt of a terminal goes to all processes; the first one says what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _SOURCE.append(source)


def _write(part: Part) -> tuple[Diagnostic, ...]:
    """Write a part; return what is wrong."""
    (source,) = _SOURCE
    chunks = source.part(part.first, part.rows, chunk_rows(CellFormat.PARQUET))
    try:
        with replacing(part.path) as file:
            write_cells(source.columns, chunks, CellFormat.PARQUET, file)
    except InputError as error:
        return error.diagnostics
    return ()


def _refuse_others(folder: Path, parts: list[Part]) -> None:
    """Refuse a folder whose readers would take other tables for parts of this one."""
    if not folder.exists():
        return
    ours = {part.path for part in parts}
    others = [
        path
        for path in (regular_files(folder, hidden=False) if folder.is_dir() else (folder,))
        if path not in ours and (path.suffix == ".parquet" or path == folder)
    ]
    if others:
        raise InputError(
            Diagnostic(
                code="MX0816",
                message=f"`{others[0].name}` is no part of these rows: who reads the folder would "
                "read it, too",
                location=Location(file=str(folder)),
                hint="give a folder of its own, or remove the file",
            )
        )


def _ended(folder: Path, parts: list[Part]) -> Diagnostic:
    whole = sum(part.path.is_file() for part in parts)
    return Diagnostic(
        code="MX0815",
        message=f"a process that writes parts was ended; {whole:,} of {len(parts):,} parts are "
        "whole, and no other file was left",
        location=Location(file=str(folder)),
        hint="the same command takes them up; where memory was short, give fewer --jobs",
    )
