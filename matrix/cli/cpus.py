"""`matrix cpus`: the CPUs that are known."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import deliver
from matrix.cli.options import Configs, Format, Output, TextFormat

app = typer.Typer(help="The CPUs that are known.", no_args_is_help=True)


@app.command("list")
def list_cpus(
    group: Annotated[
        str | None, typer.Argument(metavar="[GROUP]", help="Only this group, such as @server.")
    ] = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """List the CPUs with the fields that decide: FWB, DIC, I-cache policy, BBM."""
    from matrix.flows.listings import cpus_list

    as_json = output_format is TextFormat.JSON
    deliver(cpus_list(group, tuple(configs or ()), as_json=as_json), output)


@app.command("show")
def show_cpu(
    spec: Annotated[
        str,
        typer.Argument(metavar="SPEC", help="CPU system such as graviton3 or neoverse-n2,dic=0."),
    ],
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Show a CPU system: every field with its confidence and source."""
    from matrix.flows.listings import cpus_show

    as_json = output_format is TextFormat.JSON
    deliver(cpus_show(spec, tuple(configs or ()), as_json=as_json), output)
