"""Rows of the tables of `tests/cases` about kernel inputs, as typed values."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pytest
from ruamel.yaml import YAML

from matrix.diagnostics import Diagnostic

CASES = Path(__file__).resolve().parents[2] / "cases"

Row = TypeVar("Row")


def load_rows(file: str) -> list[dict[str, object]]:
    """Return the rows of `tests/cases/<file>` as they stand in the file."""
    loaded: list[dict[str, object]] = YAML(typ="safe", pure=True).load(
        (CASES / file).read_text("utf-8")
    )
    return loaded


def rows(row_type: type[Row], file: str) -> list[object]:
    """Return the rows as pytest parameters with the ids `file::id`; an unknown key is an error."""
    stem = Path(file).stem
    return [
        pytest.param(row_type(**row), id=f"{stem}::{row['id']}")  # it refuses other keys
        for row in load_rows(file)
    ]


def places(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Return each diagnostic as `code line:column`, or `code` for the input as a whole."""
    return [
        f"{item.code} {item.location.line}:{item.location.column}"
        if item.location and item.location.line
        else item.code
        for item in diagnostics
    ]
