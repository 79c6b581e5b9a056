"""`matrix claims`: statements over the whole study, proved or refuted."""

from __future__ import annotations

from matrix.cli.study_command import Flow, study_command


def _flow() -> Flow:
    from matrix.flows.claims import claims as run_claims

    return run_claims


claims = study_command(
    _flow, "Prove or refute the study's claims; exit 1 where one is not as expected."
)
