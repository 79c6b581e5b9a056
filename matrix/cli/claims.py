"""`matrix claims`: statements over the whole study, proved or refuted."""

from __future__ import annotations

from matrix.cli.console import deliver
from matrix.cli.options import (
    DEFAULT_STUDY,
    Configs,
    Format,
    Output,
    Predicate,
    Study,
    TextFormat,
)


def claims(
    study: Study = DEFAULT_STUDY,
    predicate: Predicate = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Prove or refute the study's claims; exit 1 where one is not as expected."""
    from matrix.pipeline.claims import claims as run_claims

    reply = run_claims(
        study,
        configs=tuple(configs or ()),
        predicate=predicate,
        as_json=output_format is TextFormat.JSON,
    )
    deliver(reply.text, output)
    return reply.exit_code
