"""`matrix fleet`: the verdict of every host of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import Configs, Format, Output, Predicate, TextFormat


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
    capability: Annotated[
        str, typer.Option("--capability", metavar="ID", help="Capability to ask about.")
    ] = "gmem-no-direct-map",
    predicate: Predicate = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="AXIS=OPTION", help="entry=el1, gic=v2, realm=yes …"),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option("--fail-on", metavar="VERDICTS", help="Verdicts that exit 1, with commas."),
    ] = "unsound",
    max_groups: Annotated[
        int, typer.Option("--max-groups", min=0, help="Groups shown of each verdict.")
    ] = 10,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Answer for every host of a table, and sum up by verdict, kernel and reason."""
    from matrix.pipeline.fleet import FleetRequest
    from matrix.pipeline.fleet import fleet as run_fleet

    request = FleetRequest(
        hosts=hosts,
        config_folder=config_folder,
        table=table,
        capability=capability,
        predicate=predicate,
        settings=tuple(settings or ()),
        fail_on=tuple(word for word in fail_on.split(",") if word),
        most_groups=max_groups,
        configs=tuple(configs or ()),
    )
    outcome = run_fleet(request)
    for line in outcome.speech:
        say(line)
    deliver(outcome.json_text() if output_format is TextFormat.JSON else outcome.text(), output)
    return outcome.exit_code
