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
    from matrix.flows.explain import explain_code, is_code
    from matrix.render.explanation import explanation_document, render_explanation
    from matrix.render.json import dump

    if is_code(what):
        title, meaning = explain_code(what.upper())
        deliver(f"{what.upper()}: {title}\n\n{meaning}\n", output)
        return
    explanation = run_explain(what, study, configs=tuple(configs or ()), predicate=predicate)
    if output_format is TextFormat.JSON:
        deliver(dump(explanation_document(explanation)), output)
    else:
        colour = use_colour() and output is None
        deliver(render_explanation(explanation, colour=colour), output)
