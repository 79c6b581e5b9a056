"""`matrix check`: the user's declarations, every error at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say
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
    from matrix.render.check import check_document, check_sentences
    from matrix.render.json import dump

    mine = (*(folders or ()), *(configs or ()))
    as_json = output_format is TextFormat.JSON
    checked = run_check(mine, claims=claims, collect=as_json)
    if as_json:
        deliver(dump(check_document(checked)), None)
    else:
        for line in check_sentences(checked):
            say(line)
    return checked.exit_code
