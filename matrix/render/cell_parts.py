"""Rows of cells as a folder of Parquet files, each written by one of several workers.

A part is made of the rows, its first one and its number alone, so that whoever makes it makes the
same bytes. It is named by a digest of what the rows are made of, and stands under its name only
when it is whole: a run that ended early is taken up by the same command.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct

from matrix.analyze.space.cell_rows import CellRows
from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.folders import regular_files
from matrix.door.output import replacing
from matrix.door.processes import EndedError, Workers
from matrix.render.cell_files import CellFormat, chunk_rows, write_cells

# A second of one process: so much work of each is lost at most where one ends.
PART_ROWS = 8 << 20


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
    source: CellRows,
    rows: int,
    folder: Path,
    workers: Workers,
    *,
    size: int = PART_ROWS,
    note: Callable[[str], object] = str,
) -> Parts:
    """Write the first rows of a source into a folder, `size` of them a file.

    `note` is told how far it is.

    Raises:
        InputError: MX0815, work that ended early; MX0816, the folder holds other tables; MX0801, a
            part cannot be written; what is wrong with the workers.
    """
    parts = list(_parts(rows, folder.absolute(), source.digest, size))
    missing = [part for part in parts if not part.path.is_file()]
    return write_missing(write_part, source, parts, missing, folder, workers, note)


class Rows(Protocol):
    """Rows that stand together, and their file."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    @property
    def path(self) -> Path:
        """The file, whole or not there."""


_Source = TypeVar("_Source")
_Rows = TypeVar("_Rows", bound=Rows)


def write_missing(
    write: Callable[[_Source, _Rows], tuple[Diagnostic, ...]],
    source: _Source,
    parts: Sequence[_Rows],
    missing: Sequence[_Rows],
    folder: Path,
    workers: Workers,
    note: Callable[[str], object],
) -> Parts:
    """Have the missing ones of all parts of a folder written.

    `write` is a function of a module; it returns what is wrong.

    Raises:
        InputError: as `write_parts`.
    """
    _refuse_others(folder, parts)
    kept = len(parts) - len(missing)
    done = kept
    try:
        with contextlib.closing(workers.results(write, source, missing, folder)) as found:
            for wrong in found if missing else ():
                if wrong:
                    hint = "the same command takes them up, once they can be"
                    ended = EndedError("a part could not be written", hint)
                    raise InputError([*wrong, _ended(folder, parts, ended)])
                done += 1
                note(f"{done:,} of {len(parts):,} parts")
    except EndedError as error:
        raise InputError(_ended(folder, parts, error)) from None
    return Parts(rows=sum(part.rows for part in parts), parts=len(parts), kept=kept)


def _parts(rows: int, folder: Path, digest: str, size: int) -> Iterator[Part]:
    for first in range(0, max(rows, 1), size):
        count = min(size, rows - first)
        # The number of rows is part of the name: the last part of a run with --limit is shorter.
        name = f"cells-{digest}-{first:015}-{count}.parquet"
        yield Part(first=first, rows=count, path=folder / name)


def write_part(source: CellRows, part: Part) -> tuple[Diagnostic, ...]:
    """Write a part; return what is wrong."""
    chunks = source.part(part.first, part.rows, chunk_rows(CellFormat.PARQUET))
    try:
        with replacing(part.path) as file:
            write_cells(source.columns, chunks, CellFormat.PARQUET, file)
    except InputError as error:
        return error.diagnostics
    return ()


def _refuse_others(folder: Path, parts: Sequence[Rows]) -> None:
    """Refuse a folder whose readers would take other tables for parts of this one."""
    if not folder.exists():
        return
    ours = {part.path for part in parts}
    others = [
        path
        for path in (regular_files(folder, hidden=False) if folder.is_dir() else (folder,))
        if path.absolute() not in ours and (path.suffix == ".parquet" or path == folder)
    ]
    if others:
        raise InputError.of(
            code="MX0816",
            message=f"`{others[0].name}` is no part of these rows: who reads the folder would "
            "read it, too",
            location=Location(file=str(folder)),
            hint="give a folder of its own, or remove the file",
        )


def _ended(folder: Path, parts: Sequence[Rows], error: EndedError) -> Diagnostic:
    whole = sum(part.path.is_file() for part in parts)
    return Diagnostic(
        code="MX0815",
        message=f"{error}; {whole:,} of {len(parts):,} parts are whole",
        location=Location(file=str(folder)),
        hint=error.hint,
    )
