"""`matrix check`: the user's declarations, every error at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import say


def check(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR]...", help="Folders of declarations; the shipped ones else."),
    ] = None,
) -> None:
    """Check declarations: schema, names, references, expressions; says all that is wrong."""
    from matrix.pipeline.declarations import check as run_check

    for text in run_check(tuple(folders or ())):
        say(text)
