"""`matrix count`: exact counts per verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrix.cli.study_command import Shown, study_command

if TYPE_CHECKING:
    from matrix.flows.count import Count


def _load() -> Shown[Count]:
    from matrix.flows.count import count as run_count
    from matrix.render.count import count_document, count_values

    return run_count, count_document, count_values


count = study_command(_load, "Count the cells of a study, per verdict; exact whatever the size.")
