"""`matrix cells`: the cells of a study as rows: all, the first ones, a fair or a covering choice.

The rows are made while they are written, so that memory does not depend on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from matrix.analyze.space.cell_rows import ANSWER_COLUMNS, CellColumn, CellRows
from matrix.diagnostics import (
    Diagnostic,
    Gathered,
    UndecidedError,
    unknown_word_hint,
)
from matrix.door.output import check_writable
from matrix.flows.knowledge import Library
from matrix.flows.selection import chosen_cells, where_condition
from matrix.flows.study import prepare_study
from matrix.schema.values import MatrixStudy
from matrix.solve.covering import CoveringArray, covering_array
from matrix.solve.listing import Columns
from matrix.solve.space import Region

# More rows than anyone meant to ask for without saying so: some 2 GB of CSV.
MAX_ROWS = 10_000_000


class Wanted(Struct, frozen=True, kw_only=True):
    """Which cells a user asked for; None and nothing are "not said"."""

    where: str | None = None
    columns: tuple[str, ...] = ()
    limit: int | None = None
    random: int | None = None
    sample: int | None = None
    seed: int | None = None
    parts: bool = False


class Listing(Struct, frozen=True, kw_only=True):
    """Rows of cells, made while they are written.

    `chunks` gives them in pieces of about so many rows. `region` are the cells they are chosen
    from, `source` all rows that would be, and `rows` their number; a covering choice is `array`.
    Cells that `where` could not choose are counted in `undecided`; `lacking` are releases with the
    names they lack.
    """

    columns: tuple[CellColumn, ...]
    chunks: Callable[[int], Iterator[Columns]]
    wanted: Wanted
    source: CellRows
    rows: int
    region: Region
    array: CoveringArray | None
    undecided: int = 0
    lacking: tuple[tuple[str, tuple[str, ...]], ...] = ()


def cells(
    name: str,
    wanted: Wanted,
    *,
    configs: tuple[Path, ...],
    predicate: str | None,
    output: Path | None,
    problems: Sequence[Diagnostic] = (),
) -> Listing:
    """Return the cells of a study.

    `output` is the file they are for, None for standard output; `problems` are what is wrong with
    its format, to be told with everything else.

    Raises:
        InputError: MX0630 to MX0635, all that is wrong with what is wanted; what is wrong with the
            expression of `where`; MX0662, constraints that leave none of the cells it asks for;
            MX0801, a file that cannot be written.
        UndecidedError: MX0632, more than `MAX_ROWS` rows without a limit; MX0640, too many
            combinations for `sample`.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    columns = _wrong_columns(prepared.study, wanted.columns)
    wrong = Gathered([*problems, *_problems(wanted), *columns])
    condition = wrong.of(lambda: where_condition(wanted.where))
    wrong.refuse()
    if output is not None and not wanted.parts:
        # Before the study is solved, which may take long.
        check_writable([output])
    solved = prepared.solve()
    selection = chosen_cells(prepared, solved, condition)
    region = selection.region if selection else solved.valid
    if wanted.sample is None:
        array = None
        rows = CellRows(solved, selection.region if selection else None, wanted.columns or None)
        if wanted.limit is None and wanted.random is None and rows.rows > MAX_ROWS:
            raise UndecidedError(_too_many(rows.rows))
    else:
        array = covering_array(region, wanted.sample, wanted.seed or 0)
        # The array has only cells of the region, so that no row needs to be chosen.
        rows = CellRows(solved)
    return Listing(
        columns=tuple(rows.columns),
        chunks=lambda size: _chunks(rows, wanted, array, size),
        wanted=wanted,
        source=rows,
        rows=rows.rows,
        region=region,
        array=array,
        undecided=selection.undecided if selection else 0,
        lacking=tuple(selection.lacking) if selection else (),
    )


def _chunks(
    rows: CellRows, wanted: Wanted, array: CoveringArray | None, size: int
) -> Iterator[Columns]:
    """Return the rows that are wanted, `size` or so at a time."""
    if array is not None:
        return _covering_chunks(rows, array, size)
    if wanted.random is not None:
        return rows.sample(wanted.random, wanted.seed or 0, size)
    return rows.chunks(size, wanted.limit)


def _covering_chunks(rows: CellRows, array: CoveringArray, size: int) -> Iterator[Columns]:
    """Yield the rows of a covering array with what is answered in each."""
    import numpy as np

    for first in range(0, len(array.rows), size):
        yield rows.answered(np.array(array.rows[first : first + size], np.int16))


def _problems(wanted: Wanted) -> Iterator[Diagnostic]:
    """Yield what does not go together."""
    if wanted.random is not None and wanted.limit is not None:
        yield Diagnostic(
            code="MX0635",
            message="--random and --limit both say how many rows",
            hint="give one of them",
        )
    if wanted.random is None and wanted.sample is None and wanted.seed is not None:
        yield Diagnostic(
            code="MX0635",
            message="--seed does nothing without --random or --sample",
            hint="add one of them, or leave --seed out",
        )
    if wanted.parts and (wanted.random is not None or wanted.sample is not None):
        yield Diagnostic(
            code="MX0635",
            message="parts hold rows in their order, and --random or --sample chooses some",
            hint="leave one of them out; --limit and --where go with --jobs and --engine",
        )
    if wanted.sample is not None:
        others = {
            "--limit": wanted.limit is not None,
            "--random": wanted.random is not None,
            "--columns": bool(wanted.columns),
        }
        for other, given in others.items():
            if given:
                yield Diagnostic(
                    code="MX0641",
                    message=f"--sample and {other} do not go together",
                    hint="a covering array has the rows and axes it needs; --where chooses cells",
                )


def _wrong_columns(study: MatrixStudy, columns: Sequence[str]) -> Iterator[Diagnostic]:
    known = [*(axis.name for axis in study.axes), *ANSWER_COLUMNS]
    for name in dict.fromkeys(columns):
        if name not in known:
            yield Diagnostic(
                code="MX0630",
                message=f"unknown column `{name}` of study `{study.id}`",
                hint=unknown_word_hint(name, known, "columns"),
            )
        elif columns.count(name) > 1:
            yield Diagnostic(
                code="MX0631",
                message=f"column `{name}` is named {columns.count(name)} times",
                hint="name each column once",
            )


def _too_many(rows: int) -> Diagnostic:
    return Diagnostic(
        code="MX0632",
        message=f"{rows:,} rows are more than {MAX_ROWS:,}; nothing was written",
        hint="--limit N writes the first N, however many; --random N a fair choice; --where EXPR "
        "chooses cells; --columns A,B writes distinct combinations",
    )
