"""`matrix architectures`: what other architectures' kernels say and do about the direct map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import answer, deliver
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
    from matrix.flows.direct_maps import architectures_list

    as_json = output_format is TextFormat.JSON
    deliver(architectures_list(tuple(configs or ()), kernel, as_json=as_json), output)


@app.command("show")
def show_architecture(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    kernel: _Kernel = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Show one architecture: each answer with the lines of the kernel's source."""
    from matrix.flows.direct_maps import architectures_show

    as_json = output_format is TextFormat.JSON
    deliver(architectures_show(name, tuple(configs or ()), kernel, as_json=as_json), output)


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
    from matrix.flows.direct_maps import architectures_verify

    as_json = output_format is TextFormat.JSON
    reply = architectures_verify(release, tree, tuple(configs or ()), as_json=as_json)
    return answer(reply, output)
