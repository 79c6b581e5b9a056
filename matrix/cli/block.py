"""`matrix block`: what one block of a document shows, for programs that make documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver
from matrix.cli.embed import DocumentForm
from matrix.cli.options import Configs, Format, Output, TextFormat


def block(
    request: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST", help="What stands behind `matrix:begin`: STUDY [key=value]..."
        ),
    ],
    form: Annotated[
        DocumentForm, typer.Option("--as", help="The form it is written in.")
    ] = DocumentForm.MARKDOWN,
    document: Annotated[
        Path | None,
        typer.Option("--in", metavar="FILE", help="The document: `file=` is looked up beside it."),
    ] = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Show what a block of `embed` would hold; as JSON also the files that decide it."""
    from matrix.render.embed import one_block, one_block_values
    from matrix.render.json import dump

    found = one_block(request, form, document=document, configs=tuple(configs or ()))
    if output_format is TextFormat.JSON:
        deliver(dump(one_block_values(found)), output)
    else:
        deliver(found.text, output)
