"""A cell in the one form that commands read and print: `axis=option,axis=option`."""

from __future__ import annotations

from collections.abc import Mapping

from matrix.analyze.witness import changes


def cell_text(cell: Mapping[str, str], baseline: Mapping[str, str]) -> str:
    """Return a cell where it differs from the baseline, empty for the baseline itself.

    An option with a comma stands in double quotes, as `matrix explain` reads it.
    """
    changed = changes(cell, baseline)
    return ",".join(
        f'{name}="{option}"' if "," in option else f"{name}={option}"
        for name, option in changed.items()
    )


def named_cell(cell: Mapping[str, str], baseline: Mapping[str, str]) -> str:
    """Return a cell as `cell_text`, and what the baseline is called."""
    return cell_text(cell, baseline) or "the baseline cell"
