"""`matrix cells`: the cells of a study as rows: all, the first ones, a fair or a covering choice.

A source of rows (`_chunks`) is written as it is made (`matrix.render.cell_files`), so that memory
does not depend on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.space.cell_rows import ANSWER_COLUMNS, CellRows
from matrix.analyze.space.selection import Selection, select
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    Location,
    UndecidedError,
    unknown_word_hint,
)
from matrix.door.output import check_writable
from matrix.expr.nodes import Binary
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.flows.knowledge import Library
from matrix.flows.reply import Reply
from matrix.flows.selection import nothing_selected
from matrix.flows.study import prepare_study
from matrix.render.cell_files import TEXTS, CellFormat, chunk_rows, format_of, write_cells
from matrix.schema.values import Condition, MatrixStudy
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


def cells(
    name: str,
    wanted: Wanted,
    *,
    configs: tuple[Path, ...],
    predicate: str | None,
    form: CellFormat | None,
    output: Path | None,
    opened: Callable[[], AbstractContextManager[BinaryIO]],
) -> Reply:
    """Write the cells of a study to what `opened` opens; the reply has no text.

    `output` is its name, None for standard output.

    Raises:
        InputError: MX1509, a name of `output` that says no format; MX0630 to MX0635, all that is
            wrong with what is wanted; what is wrong with the expression of `where`; MX0662,
            constraints that leave none of the cells it asks for; MX0801, a file that cannot be
            written.
        UndecidedError: MX0632, more than `MAX_ROWS` rows without a limit; MX0640, too many
            combinations for `sample`.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    problems: list[Diagnostic] = []
    try:
        form = form or format_of(output)
    except InputError as error:
        form = CellFormat.CSV
        problems.extend(error.diagnostics)
    problems += _problems(wanted, form, output)
    problems += _wrong_columns(prepared.study, wanted.columns)
    condition = None
    try:
        condition = _condition(wanted.where)
    except InputError as error:
        problems.extend(error.diagnostics)
    if problems:
        raise InputError(problems)
    if output is not None:
        check_writable([output])
    solved = prepared.solve()
    selection = select(solved, condition) if condition else None
    if condition and selection and selection.region.is_empty() and not selection.undecided:
        nothing = nothing_selected(prepared, {}, list(_operands(condition)))
        if nothing is not None:
            raise nothing
    if wanted.sample is not None:
        region = selection.region if selection else solved.valid
        array = covering_array(region, wanted.sample, wanted.seed or 0)
        every = CellRows(solved)
        with opened() as file:
            write_cells(every.columns, _covering_chunks(every, array, chunk_rows(form)), form, file)
        speech = (_covered(array, region), *_left_out(wanted, selection))
        return Reply(text="", exit_code=ExitCode.OK, speech=speech)
    rows = CellRows(solved, selection.region if selection else None, wanted.columns or None)
    if wanted.limit is None and wanted.random is None and rows.rows > MAX_ROWS:
        raise UndecidedError(_too_many(rows.rows))
    with opened() as file:
        written = write_cells(rows.columns, _chunks(rows, wanted, chunk_rows(form)), form, file)
    return Reply(
        text="", exit_code=ExitCode.OK, speech=tuple(_speech(rows, written, wanted, selection))
    )


def _chunks(rows: CellRows, wanted: Wanted, size: int) -> Iterator[Columns]:
    """Yield the rows that are wanted."""
    if wanted.random is not None:
        return rows.sample(wanted.random, wanted.seed or 0, size)
    return rows.chunks(size, wanted.limit)


def _covering_chunks(rows: CellRows, array: CoveringArray, size: int) -> Iterator[Columns]:
    """Yield the rows of a covering array with what is answered in each."""
    import numpy as np

    for first in range(0, len(array.rows), size):
        yield rows.answered(np.array(array.rows[first : first + size], np.int16))


def _covered(array: CoveringArray, region: Region) -> str:
    """Return what a covering array holds, and how far it may be from the smallest one."""
    if not array.rows:
        return "0 rows: no cell is chosen"
    what = f"options of any {array.strength} axes" if array.strength > 1 else "options"
    least = "fewer" if len(array.rows) == array.fewest else f"fewer than {array.fewest:,}"
    return (
        f"{len(array.rows):,} of {region.count():,} cells hold all {array.combinations:,} valid "
        f"{'combinations of ' if array.strength > 1 else ''}{what}; {least} cannot"
    )


def _condition(text: str | None) -> Condition | None:
    """Return the expression of --where; raises InputError (MX01xx) where it is not C."""
    if text is None:
        return None
    location = Location(file="--where", line=1, column=1, length=len(text) or 1, text=text)
    return Condition(expression=parse(text, location), text=text, location=location)


def _operands(condition: Condition) -> Iterator[Condition]:
    """Yield the operands of the outermost `&&`: a contradiction names those it needs."""
    match condition.expression:
        case Binary("&&", left, right):
            for operand in (left, right):
                yield from _operands(replace(condition, expression=operand, text=to_c(operand)))
        case _:
            yield condition


def _problems(wanted: Wanted, form: CellFormat, output: Path | None) -> Iterator[Diagnostic]:
    """Yield what does not go together."""
    if form not in TEXTS and output is None:
        yield Diagnostic(
            code="MX0633",
            message=f"{form} is not text and needs a file",
            hint=f"add --output cells.{form}",
        )
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


def _speech(
    rows: CellRows, written: int, wanted: Wanted, selection: Selection | None
) -> Iterator[str]:
    """Yield what was understood, and what was left out."""
    cut = f"{'chosen at random' if wanted.random is not None else 'the first'} of "
    yield f"{written:,} rows{f', {cut}{rows.rows:,}' if written < rows.rows else ''}"
    yield from _left_out(wanted, selection)


def _left_out(wanted: Wanted, selection: Selection | None) -> Iterator[str]:
    """Yield which cells --where could not choose."""
    if selection and selection.undecided:
        yield (
            f"{selection.undecided:,} cells are left out: whether `{wanted.where}` holds there "
            "depends on what nobody recorded of their CPU"
        )
    missing: dict[tuple[str, ...], list[str]] = {}
    for release, names in selection.lacking if selection else ():
        missing.setdefault(names, []).append(release)
    for names, releases in missing.items():
        yield f"cells of Linux {', '.join(releases)} are left out: no `{'`, `'.join(names)}` there"
