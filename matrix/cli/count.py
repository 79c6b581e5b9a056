"""`matrix count`: exact counts per verdict."""

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


def count(
    study: Study = DEFAULT_STUDY,
    predicate: Predicate = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Count the cells of a study, per verdict; exact whatever the size."""
    from matrix.pipeline.study import count as run_count

    text = run_count(
        study,
        configs=tuple(configs or ()),
        predicate=predicate,
        as_json=output_format is TextFormat.JSON,
    )
    deliver(text, output)
