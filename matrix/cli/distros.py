"""`matrix distros`: kernels of distributions, imported and listed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import Configs, Format, Output, TextFormat
from matrix.diagnostics import format_diagnostic

app = typer.Typer(help="Kernels of distributions.", no_args_is_help=True)


@app.command("list")
def list_distros(
    output_format: Format = TextFormat.TEXT, output: Output = None, configs: Configs = None
) -> None:
    """List the distributions: release, which profile answers for it, what it was read from."""
    from matrix.flows.distros import list_distros as run_list
    from matrix.render.distros import distros_document, distros_text
    from matrix.render.json import dump

    rows = run_list(tuple(configs or ()))
    as_json = output_format is TextFormat.JSON
    deliver(dump(distros_document(rows)) if as_json else distros_text(rows), output)


@app.command("import")
def import_distros(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="A .config, kernel image, .deb, .rpm, or -."),
    ],
    folder: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Write the declarations into DIR."),
    ] = Path("configs/distros"),
    identity: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Name in studies: debian-13-cloud.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="Name in reports: Debian 13.")
    ] = None,
    flavour: Annotated[
        str | None, typer.Option("--flavour", metavar="TEXT", help="Which kernel: cloud, 64k.")
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option("--kernel", metavar="RELEASE", help="Release, where the file has none."),
    ] = None,
    configs: Configs = None,
) -> None:
    """Extract what the model reads of kernel configurations, with their provenance."""
    from matrix.flows.distros import ImportRequest
    from matrix.flows.distros import import_distros as run_import

    imported = run_import(
        ImportRequest(
            files=tuple(files),
            folder=folder,
            identity=identity,
            name=name,
            flavour=flavour,
            kernel=kernel,
            configs=tuple(configs or ()),
        )
    )
    for diagnostic in imported.diagnostics:
        say(format_diagnostic(diagnostic))
    deliver("".join(f"{file}\n" for file in imported.files), None)
