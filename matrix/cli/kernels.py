"""`matrix kernels`: the kernel profiles that are known."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import deliver
from matrix.cli.options import Configs, Format, Output, TextFormat

app = typer.Typer(help="The kernel releases that are known.", no_args_is_help=True)


@app.command("list")
def list_kernels(
    output_format: Format = TextFormat.TEXT, output: Output = None, configs: Configs = None
) -> None:
    """List the kernel profiles: release, what it was verified on, how."""
    from matrix.pipeline.listings import kernels_list

    as_json = output_format is TextFormat.JSON
    deliver(kernels_list(tuple(configs or ()), as_json=as_json), output)


@app.command("show")
def show_kernel(
    release: Annotated[str, typer.Argument(metavar="RELEASE")],
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Show a profile: functions as C, boot parameters, CPU properties, with source lines."""
    from matrix.pipeline.listings import kernels_show

    as_json = output_format is TextFormat.JSON
    deliver(kernels_show(release, tuple(configs or ()), as_json=as_json), output)
