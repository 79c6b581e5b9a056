"""`matrix diff`: which cells change their verdict between two predicates, kernels or studies."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.options import AnswerFormat, Configs, Output, Predicate, StudyFormat
from matrix.cli.rules import MaxRules
from matrix.cli.study_command import show


def diff(
    one: Annotated[
        str, typer.Argument(metavar="A", help="A predicate, a kernel, or a study (id or file).")
    ],
    other: Annotated[str, typer.Argument(metavar="B", help="Another one of the same kind.")],
    study: Annotated[
        str | None,
        typer.Option(
            "--matrix",
            metavar="MATRIX",
            help="The study of two predicates or kernels; arm64-gmem-no-direct-map by default.",
        ),
    ] = None,
    predicate: Predicate = None,
    max_rules: MaxRules = 200,
    output_format: AnswerFormat = StudyFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Show which cells change their verdict from A to B, as counts and as rules."""
    from matrix.flows.diff import diff as run_diff
    from matrix.render.diff import diff_document, diff_values

    found = run_diff(
        one,
        other,
        study,
        configs=tuple(configs or ()),
        predicate=predicate,
        max_rules=max_rules,
    )
    return show(found, output_format, output, diff_document, diff_values)
