"""`matrix explain`: one cell in full, one diagnostic code, or one word of an answer."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import deliver, use_colour
from matrix.cli.options import DEFAULT_STUDY, Configs, Format, Output, Predicate, TextFormat


def explain(
    ctx: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="CELL|MXnnnn|WORD",
            help="axis=option,axis=option (the rest from the baseline), a diagnostic code, or a "
            "word of an answer: a verdict, an invariant, an advisory, a term of the glossary.",
        ),
    ] = None,
    study: Annotated[
        str, typer.Option("--matrix", metavar="MATRIX", help="The study of the cell.")
    ] = DEFAULT_STUDY,
    predicate: Predicate = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Explain a cell (facts with their source lines, predicate, trace, fixes), a code or a word."""
    from matrix.flows.explain import explain as run_explain
    from matrix.flows.explain import explain_code, is_code
    from matrix.flows.words import explain_word, is_word
    from matrix.render.explanation import explanation_document, render_explanation
    from matrix.render.json import dump
    from matrix.render.text import hanging

    if what is None:
        message = f'give a cell of `{study}`: cpu=apple-m2, or "" for its baseline; or a code'
        raise typer.BadParameter(message, ctx=ctx)
    if is_code(what):
        title, meaning = explain_code(what.upper())
        deliver(f"{what.upper()}: {title}\n\n{meaning}\n", output)
        return
    if is_word(what):
        word = explain_word(what, tuple(configs or ()))
        said = f"{word.term} ({word.section}): {word.meaning}", f"source: {word.source}"
        deliver("".join(f"{line}\n" for text in said for line in hanging(text, "", "  ")), output)
        return
    explanation = run_explain(what, study, configs=tuple(configs or ()), predicate=predicate)
    if output_format is TextFormat.JSON:
        deliver(dump(explanation_document(explanation)), output)
    else:
        colour = use_colour(output)
        deliver(render_explanation(explanation, colour=colour), output)
