"""`matrix rules`: the shortest conjunctions of axes and facts that make each verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.analyze.cell.verdict import Verdict
from matrix.cli.options import (
    DEFAULT_STUDY,
    AnswerFormat,
    Configs,
    Output,
    Predicate,
    Study,
    StudyFormat,
)
from matrix.cli.study_command import show

MaxRules = Annotated[
    int, typer.Option(metavar="N", min=1, help="Show at most N rules of a kind; exit 4 if cut.")
]


def rules(
    study: Study = DEFAULT_STUDY,
    predicate: Predicate = None,
    verdict: Annotated[
        Verdict | None,
        typer.Option("--verdict", metavar="VERDICT", help="Only the rules of one verdict."),
    ] = None,
    max_rules: MaxRules = 200,
    output_format: AnswerFormat = StudyFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Describe each verdict by rules over axes and facts; together they are exactly its cells."""
    from matrix.flows.rules import rules as run_rules
    from matrix.render.rules import rules_document, rules_values

    found = run_rules(
        study,
        configs=tuple(configs or ()),
        predicate=predicate,
        verdict=verdict,
        max_rules=max_rules,
    )
    return show(found, output_format, output, rules_document, rules_values)
