"""`matrix fleet`: the verdict of every host of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import (
    DEFAULT_CAPABILITY,
    Capability,
    Configs,
    FailOn,
    Format,
    Output,
    Predicate,
    Surroundings,
    TextFormat,
)


def fleet(
    hosts: Annotated[
        str,
        typer.Argument(
            metavar="HOSTS",
            help="CSV or Parquet with host, kernel, config, cpu or midrs, cmdline, vm; - for CSV.",
        ),
    ],
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE", help="Write a row a host to FILE.csv or .parquet."),
    ] = None,
    config_folder: Annotated[
        Path | None,
        typer.Option(
            "--config-folder",
            metavar="DIR",
            help="Where the `.config` files are; the table's folder unless given.",
        ),
    ] = None,
    capability: Capability = DEFAULT_CAPABILITY,
    predicate: Predicate = None,
    settings: Surroundings = None,
    fail_on: FailOn = "unsound",
    max_groups: Annotated[
        int, typer.Option("--max-groups", min=0, help="Groups shown of each verdict.")
    ] = 10,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Answer for every host of a table, and sum up by verdict, kernel and reason."""
    from matrix.flows.arguments import verdict_words
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
        configs=tuple(configs or ()),
    )
    if table is None:
        outcome = run_fleet(request)
    else:
        from matrix.render.host_table import host_table

        with host_table(table) as writer:
            outcome = run_fleet(request, writer)
    for line in outcome.speech:
        say(line)
    from matrix.render.fleet import fleet_json, fleet_text

    if output_format is TextFormat.JSON:
        deliver(fleet_json(outcome.summary), output)
    else:
        deliver(fleet_text(outcome.summary, most_groups=max_groups), output)
    return outcome.exit_code
