"""`matrix architectures`: what other architectures' kernels say and do about the direct map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver
from matrix.cli.options import Configs, Format, Output, TextFormat

app = typer.Typer(
    help="The direct maps of architectures that are not simulated.", no_args_is_help=True
)
_Kernel = Annotated[
    str | None, typer.Option("--kernel", metavar="RELEASE", help="Only this release.")
]


@app.command("list")
def list_architectures(
    kernel: _Kernel = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """List check, set_direct_map_*(), memfd_secret and guest_memfd by architecture and release."""
    from matrix.flows.knowledge import Library
    from matrix.render.architectures import list_document, list_text
    from matrix.render.json import dump

    library = Library(tuple(configs or ()))
    release = library.release(kernel) if kernel else None
    direct_maps = library.knowledge.direct_maps
    if output_format is TextFormat.JSON:
        deliver(dump(list_document(direct_maps, release)), output)
    else:
        deliver(list_text(direct_maps, release), output)


@app.command("show")
def show_architecture(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    kernel: _Kernel = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Show one architecture: each answer with the lines of the kernel's source."""
    from matrix.flows.direct_maps import find_direct_map
    from matrix.flows.knowledge import Library
    from matrix.render.direct_maps import direct_map_document, direct_map_text
    from matrix.render.json import dump

    library = Library(tuple(configs or ()))
    release = library.release(kernel) if kernel else None
    found = find_direct_map(library, name)
    if output_format is TextFormat.JSON:
        document = direct_map_document(found, release, short=False)
        deliver(dump({"schema": "matrix/architecture/1", **document}), output)
    else:
        deliver(direct_map_text(found, release), output)


@app.command("verify")
def verify_architectures(
    release: Annotated[str, typer.Argument(metavar="RELEASE")],
    tree: Annotated[
        Path,
        typer.Option("--tree", metavar="DIR", help="The unpacked source of that kernel release."),
    ],
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Compare them with the kernel's own source, line by line; exit 1 where they differ."""
    from matrix.flows.direct_maps import compare_direct_maps
    from matrix.flows.knowledge import Library
    from matrix.render.architectures import compared_document, compared_text
    from matrix.render.json import dump

    outcome = compare_direct_maps(Library(tuple(configs or ())), release, tree)
    as_json = output_format is TextFormat.JSON
    deliver(dump(compared_document(outcome)) if as_json else compared_text(outcome), output)
    return outcome.exit_code
