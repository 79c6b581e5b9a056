"""`matrix count`: exact counts per verdict."""

from __future__ import annotations

from matrix.cli.study_command import Flow, study_command


def _flow() -> Flow:
    from matrix.flows.study import count as run_count

    return run_count


count = study_command(_flow, "Count the cells of a study, per verdict; exact whatever the size.")
