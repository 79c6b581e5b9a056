"""`matrix claims`: statements over the whole study, proved or refuted."""

from __future__ import annotations

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


def claims(
    study: Study = DEFAULT_STUDY,
    predicate: Predicate = None,
    output_format: AnswerFormat = StudyFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Prove or refute the study's claims; exit 1 where one is not as expected."""
    from matrix.flows.claims import claims as run_claims
    from matrix.render.claims import claims_document, claims_values

    found = run_claims(study, configs=tuple(configs or ()), predicate=predicate)
    return show(found, output_format, output, claims_document, claims_values)
