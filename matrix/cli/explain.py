"""`matrix explain`: one cell in full, or one diagnostic code."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import deliver, use_colour
from matrix.cli.options import DEFAULT_STUDY, Configs, Format, Output, Predicate, TextFormat


def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="CELL|MXnnnn",
            help="axis=option,axis=option (the rest from the baseline), or a diagnostic code.",
        ),
    ],
    study: Annotated[
        str, typer.Option("--matrix", metavar="MATRIX", help="The study of the cell.")
    ] = DEFAULT_STUDY,
    predicate: Predicate = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Explain a cell (facts with their source lines, predicate, trace, fixes) or a code."""
    from matrix.flows.explain import explain as run_explain

    text = run_explain(
        what,
        study,
        configs=tuple(configs or ()),
        predicate=predicate,
        as_json=output_format is TextFormat.JSON,
        colour=use_colour() and output is None,
    )
    deliver(text, output)
