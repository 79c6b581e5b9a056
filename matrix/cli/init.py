"""`matrix init`: a starter study in a folder of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder; files in it are never overwritten.")
    ] = Path("matrix-configs"),
    capability: Annotated[
        str | None,
        typer.Option(
            "--capability", metavar="ID", help="Write a capability, its overlay and study instead."
        ),
    ] = None,
) -> None:
    """Write a starter study and a CPU, or a capability, to DIR, ready for `--configs DIR`."""
    from matrix.flows.declarations import init as run_init

    for path in run_init(folder, capability):
        deliver(f"{path}\n", None)
    study = capability or "my-study"
    say(f"next: matrix check {folder} && matrix report {study} --configs {folder}")
