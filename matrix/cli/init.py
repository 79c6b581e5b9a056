"""`matrix init`: a starter study in a folder of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import say


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder; files in it are never overwritten.")
    ] = Path("matrix-configs"),
) -> None:
    """Write a starter study and a CPU declaration to DIR, ready for `--configs DIR`."""
    from matrix.flows.declarations import init as run_init

    for path in run_init(folder):
        typer.echo(path)
    say(f"next: matrix check {folder} && matrix report my-study --configs {folder}")
