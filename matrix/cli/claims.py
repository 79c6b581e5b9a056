"""`matrix claims`: statements over the whole study, proved or refuted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrix.cli.study_command import Shown, study_command

if TYPE_CHECKING:
    from matrix.flows.claims import Claims


def _load() -> Shown[Claims]:
    from matrix.flows.claims import claims as run_claims
    from matrix.render.claims import claims_document, claims_values

    return run_claims, claims_document, claims_values


claims = study_command(
    _load, "Prove or refute the study's claims; exit 1 where one is not as expected."
)
