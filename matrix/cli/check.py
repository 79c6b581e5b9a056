"""`matrix check`: the user's declarations, every error at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import answer
from matrix.cli.options import Configs, Format, TextFormat


def check(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR]...", help="Folders of declarations; the shipped ones else."),
    ] = None,
    claims: Annotated[
        bool,
        typer.Option("--claims", help="Also prove or refute every claim; exit 1 if unexpected."),
    ] = False,
    output_format: Format = TextFormat.TEXT,
    configs: Configs = None,
) -> int:
    """Check declarations: schema, names, expressions, claims; says all that is wrong."""
    from matrix.flows.check import check as run_check

    mine = (*(folders or ()), *(configs or ()))
    reply = run_check(mine, claims=claims, as_json=output_format is TextFormat.JSON)
    return answer(reply, None)
