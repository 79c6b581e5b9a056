"""Other architectures for a terminal and as JSON: their list, and what a tree says of them."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.diagnostics import format_diagnostic
from matrix.flows.direct_maps import DirectMapsCompared
from matrix.render.columns import align
from matrix.render.direct_maps import SHOWN, direct_map_document, direct_map_rows
from matrix.schema.direct_maps import DirectMap


def list_text(direct_maps: Sequence[DirectMap], release: str | None = None) -> str:
    """Return what every other architecture says and does, of one release or of all."""
    return align(SHOWN, [row.plain for row in direct_map_rows(direct_maps, release, short=True)])


def list_document(
    direct_maps: Sequence[DirectMap], release: str | None = None
) -> dict[str, object]:
    """Return the same for JSON (`matrix/architectures/1`)."""
    entries = [direct_map_document(item, release, short=True) for item in direct_maps]
    return {"schema": "matrix/architectures/1", "architectures": entries}


def compared_text(outcome: DirectMapsCompared) -> str:
    """Return each finding against a tree, then one line that sums up."""
    drift = f"{outcome.differing} differ" if outcome.differing else "no drift"
    moved = len(outcome.findings) - outcome.differing
    ending = f"{drift}, {moved} moved" if moved else drift
    last = f"Linux {outcome.release}: {outcome.compared} quotations, {ending}"
    return "\n".join([*map(format_diagnostic, outcome.findings), last]) + "\n"


def compared_document(outcome: DirectMapsCompared) -> dict[str, object]:
    """Return the same for JSON (`matrix/verify-architectures/1`)."""
    return {
        "schema": "matrix/verify-architectures/1",
        "release": outcome.release,
        "compared": outcome.compared,
        "findings": [
            {
                "code": item.code,
                "severity": str(item.severity),
                "message": item.message,
                "declared": str(item.location),
                "hint": item.hint,
            }
            for item in outcome.findings
        ],
    }
