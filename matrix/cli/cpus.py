"""`matrix cpus`: the CPUs that are known."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.listing import deliver_list, listing_app
from matrix.cli.options import Configs, Format, Output, TextFormat

app = listing_app(
    "cpus",
    metavar="SPEC",
    of_one="CPU system such as graviton3 or neoverse-n2,dic=0.",
    helps=(
        "The CPUs that are known.",
        "",
        "Show a CPU system: every field with its confidence and source.",
    ),
    has_list=False,
)


@app.command("list")
def list_cpus(
    group: Annotated[
        str | None, typer.Argument(metavar="[GROUP]", help="Only this group, such as @server.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="WORD",
            help="Only CPUs with this in a name, an alias, a MIDR, or the name of a machine.",
        ),
    ] = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """List the CPUs with the fields that decide: FWB, DIC, I-cache policy, BBM."""
    deliver_list("cpus", configs, output_format, output, group, search)
