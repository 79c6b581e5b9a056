"""`matrix fleet`: the verdict of every host of a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matrix.cli.console import PROGRESS, deliver, say
from matrix.cli.options import (
    DEFAULT_CAPABILITY,
    AllowOutside,
    Capability,
    Configs,
    EngineOption,
    FailOn,
    Output,
    Predicate,
    Scheduler,
    Surroundings,
    ValidateFormat,
    workers_of,
)

if TYPE_CHECKING:
    from matrix.door.processes import Workers
    from matrix.flows.fleet import FleetOutcome, FleetRequest


def fleet(
    hosts: Annotated[
        str,
        typer.Argument(
            metavar="HOSTS",
            help="CSV and its like, JSON or Parquet: host, kernel, config, cpu or midrs, cmdline, "
            "vm, evidence, or an inventory with their like; - for standard input.",
        ),
    ],
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="FILE",
            help="Write a row a host to FILE.csv or .parquet; with --engine, to a folder.",
        ),
    ] = None,
    config_folder: Annotated[
        Path | None,
        typer.Option(
            "--config-folder",
            metavar="DIR",
            help="Where the `.config` files are; the table's folder unless given.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="NAME=TITLE",
            help="Your title of a column: kernel=KERNEL-VERSION. May be repeated.",
        ),
    ] = None,
    capability: Capability = DEFAULT_CAPABILITY,
    predicate: Predicate = None,
    settings: Surroundings = None,
    fail_on: FailOn = "unsound",
    max_groups: Annotated[
        int, typer.Option("--max-groups", min=0, help="Groups shown of each verdict.")
    ] = 10,
    fixes: Annotated[
        int,
        typer.Option(
            "--fixes", min=0, metavar="N", help="Situations of hosts to find a fix in, for --table."
        ),
    ] = 200,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", metavar="N", min=1, help="Cores to use; unless given, all of this machine's."
        ),
    ] = None,
    engine: EngineOption = None,
    scheduler: Scheduler = None,
    output_format: Annotated[
        ValidateFormat, typer.Option("--format", help="Format of the answer.")
    ] = ValidateFormat.TEXT,
    output: Output = None,
    _outside: AllowOutside = False,
    configs: Configs = None,
) -> int:
    """Answer for every host of a table, and sum up by verdict, kernel and reason."""
    from matrix.flows.arguments import column_titles, verdict_words
    from matrix.flows.fleet import FleetRequest
    from matrix.flows.fleet import fleet as run_fleet

    request = FleetRequest(
        hosts=hosts,
        config_folder=config_folder,
        capability=capability,
        predicate=predicate,
        settings=tuple(settings or ()),
        fail_on=verdict_words(fail_on),
        most_groups=max_groups,
        columns=column_titles(column or ()),
        configs=tuple(configs or ()),
        most_fixes=fixes,
        jobs=jobs,
    )
    workers = workers_of(engine, scheduler, jobs if engine else None)
    if workers is not None:
        outcome = _in_parts(request, table, workers)
    elif table is None:
        outcome = run_fleet(request)
    else:
        from matrix.render.host_table import host_table

        with host_table(table) as writer:
            outcome = run_fleet(request, writer)
    for line in outcome.speech:
        say(line)
    from matrix.render.fleet import fleet_json, fleet_text

    match output_format:
        case ValidateFormat.TEXT:
            text = fleet_text(outcome.summary, most_groups=max_groups)
        case ValidateFormat.JSON:
            text = fleet_json(outcome.summary)
        case form:
            from matrix.render.fleet_formats import render_fleet

            text = render_fleet(
                outcome.summary,
                outcome.problems,
                form,
                fail_on=frozenset(request.fail_on),
                exit_code=outcome.exit_code,
            )
    deliver(text, output, commands=output_format is ValidateFormat.GITHUB)
    return outcome.exit_code


def _in_parts(request: FleetRequest, folder: Path | None, workers: Workers) -> FleetOutcome:
    """Answer a fleet part by part; say how many were made.

    Raises:
        InputError: MX0635, no folder is given.
    """
    from matrix.diagnostics import InputError
    from matrix.flows.fleet import HostParts
    from matrix.render.host_parts import write_host_parts

    if folder is None:
        raise InputError.of(
            code="MX0635",
            message="--engine writes parts of a table of answers, and no --table is given",
            hint="add --table FOLDER, or leave --engine out",
        )
    parts, outcome = write_host_parts(HostParts(request), folder, workers, note=PROGRESS.note)
    there = f", {parts.kept:,} of them there already" if parts.kept else ""
    say(f"{parts.parts:,} parts{there}")
    return outcome
