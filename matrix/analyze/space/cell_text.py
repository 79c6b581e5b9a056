"""A cell in the one form that commands read and print: `axis=option,axis=option`."""

from __future__ import annotations

from collections.abc import Mapping

from matrix.solve.nearest import changes


def cell_text(cell: Mapping[str, str], baseline: Mapping[str, str]) -> str:
    """Return a cell where it differs from the baseline, empty for the baseline itself."""
    changed = changes(cell, baseline)
    return ",".join(f"{name}={option_text(option)}" for name, option in changed.items())


def option_text(option: str) -> str:
    """Return an option as it is written in a cell: one with a comma stands in double quotes."""
    return f'"{option}"' if "," in option else option


def named_cell(cell: Mapping[str, str], baseline: Mapping[str, str]) -> str:
    """Return a cell as `cell_text`, and what the baseline is called."""
    return cell_text(cell, baseline) or "the baseline cell"
