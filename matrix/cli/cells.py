"""`matrix cells`: the cells of a study as rows of CSV, JSON Lines, Parquet or Arrow."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from matrix.cli.console import PROGRESS, delivery, say, screen_lines
from matrix.cli.options import (
    DEFAULT_STUDY,
    Configs,
    EngineOption,
    Output,
    Predicate,
    Scheduler,
    Study,
    Where,
    workers_of,
)
from matrix.diagnostics import Diagnostic, ExitCode, InputError


class CellsFormat(enum.StrEnum):
    """Formats of cells: those of `render.cell_files`, which is too heavy for `--help`."""

    CSV = "csv"
    JSON_LINES = "json-lines"
    PARQUET = "parquet"
    ARROW = "arrow"


def cells(
    study: Study = DEFAULT_STUDY,
    predicate: Predicate = None,
    where: Where = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="A,B",
            help="Only these columns: axes, predicate, outcome, verdict, cause, behaviour_class. "
            "Each combination is one row.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=0, help="Only the first N rows."),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option("--random", metavar="N", min=0, help="N rows, each choice equally likely."),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="T",
            min=1,
            max=4,
            help="Few rows that hold every valid combination of options of any T axes, 1 to 4.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="S", help="Of --random and --sample; 0 unless given."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Write --output as a folder of Parquet files, by N processes.",
        ),
    ] = None,
    engine: EngineOption = None,
    scheduler: Scheduler = None,
    output_format: Annotated[
        CellsFormat | None,
        typer.Option("--format", help="Unless given: what FILE's name ends in; csv without."),
    ] = None,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """List the cells of a study with what is answered in each: all, some, or a choice.

    Rows are in the order of the study's axes and options. Without --limit, --random or --sample,
    more than 10,000,000 rows are refused (exit 4), and a terminal gets one page of them.
    """
    from matrix.flows.cells import Wanted
    from matrix.flows.cells import cells as run_cells
    from matrix.render.cell_files import (
        CellFormat,
        chunk_rows,
        format_of,
        format_problems,
        listing_speech,
        write_cells,
    )

    form = CellFormat.CSV
    problems: tuple[Diagnostic, ...] = ()
    workers = None
    try:
        workers = workers_of(engine, scheduler, jobs)
        if output_format is not None or workers is None:
            form = CellFormat(output_format) if output_format else format_of(output)
        else:
            form = CellFormat.PARQUET
        problems = format_problems(form, output, parts=workers is not None)
    except InputError as error:
        problems = error.diagnostics
    page = None
    if output is None and form in (CellFormat.CSV, CellFormat.JSON_LINES):
        page = screen_lines()
    if page is not None and limit is random is sample is None:
        # A person reads no thousand rows; a header and two lines of speech stand around them.
        limit = max(page - 4, 1)
    else:
        page = None
    found = run_cells(
        study,
        Wanted(
            where=where,
            columns=tuple(name.strip() for name in columns.split(",")) if columns else (),
            limit=limit,
            random=random,
            sample=sample,
            seed=seed,
            parts=workers is not None,
        ),
        configs=tuple(configs or ()),
        predicate=predicate,
        output=output,
        problems=problems,
    )
    if workers is not None and output is not None:
        from matrix.render.cell_parts import write_parts

        rows = found.rows if limit is None else min(limit, found.rows)
        parts = write_parts(found.source, rows, output, workers, note=PROGRESS.note)
        for line in listing_speech(found, parts.rows):
            say(line)
        there = f", {parts.kept:,} of them there already" if parts.kept else ""
        say(f"{parts.parts:,} parts{there}")
        return ExitCode.OK
    with delivery(output) as file:
        written = write_cells(found.columns, found.chunks(chunk_rows(form)), form, file)
    for line in listing_speech(found, written):
        say(line)
    if page is not None and written < found.rows:
        say(f"hint: --limit {found.rows} shows all of them, --output FILE writes them")
    return ExitCode.OK
