"""The kernels of distributions as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.flows.distros import DistroRow
from matrix.render.columns import align
from matrix.render.json import Json, fields


def distros_text(rows: Sequence[DistroRow]) -> str:
    """Return a line for each."""
    return align(
        ("id", "name", "flavour", "release", "answered as", "file"),
        [
            (
                row.distro.id,
                row.distro.name,
                row.distro.flavour,
                row.distro.release,
                " and ".join(row.answered_as) or "nothing",
                "complete" if row.distro.complete else "partial",
            )
            for row in rows
        ],
    )


def distros_document(rows: Sequence[DistroRow]) -> dict[str, Json]:
    """Return them with the values of their symbols (`matrix/distros/1`)."""
    return {"schema": "matrix/distros/1", "distros": [_document(row) for row in rows]}


def _document(row: DistroRow) -> Json:
    distro = row.distro
    return {
        **fields(distro, "id name flavour arch release version"),
        "profiles": list(row.answered_as),
        **fields(distro, "complete file sha256 command_line"),
        "kconfig": dict(distro.kconfig),
    }
