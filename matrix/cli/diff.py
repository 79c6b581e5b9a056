"""`matrix diff`: which cells change their verdict between two predicates or kernels."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import DEFAULT_STUDY, Configs, Format, Output, Predicate, TextFormat
from matrix.cli.rules import MaxRules


def diff(
    one: Annotated[str, typer.Argument(metavar="A", help="A predicate or a kernel of the study.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another one of the same kind.")],
    study: Annotated[
        str, typer.Option("--matrix", metavar="MATRIX", help="The study of the cells.")
    ] = DEFAULT_STUDY,
    predicate: Predicate = None,
    max_rules: MaxRules = 200,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Show which cells change their verdict from A to B, as counts and as rules."""
    from matrix.pipeline.diff import diff as run_diff

    reply = run_diff(
        one,
        other,
        study,
        configs=tuple(configs or ()),
        predicate=predicate,
        max_rules=max_rules,
        as_json=output_format is TextFormat.JSON,
    )
    for line in reply.speech:
        say(line)
    deliver(reply.text, output)
    return reply.exit_code
