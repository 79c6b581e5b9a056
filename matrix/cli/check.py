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
    claims: Annotated[
        bool,
        typer.Option("--claims", help="Also prove or refute every claim; exit 1 if unexpected."),
    ] = False,
) -> int:
    """Check declarations: schema, names, expressions, claims; says all that is wrong."""
    from matrix.pipeline.check import check as run_check

    reply = run_check(tuple(folders or ()), claims=claims)
    for line in reply.speech:
        say(line)
    return reply.exit_code
