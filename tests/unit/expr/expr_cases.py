"""Rows of `tests/cases/expr/*.yaml` as typed values; an unknown key is an error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec import Struct, field
from ruamel.yaml import YAML

from matrix.expr.nodes import Value

_FOLDER = Path(__file__).resolve().parents[2] / "cases" / "expr"

Row = TypeVar("Row")


class ParseRow(Struct, frozen=True, kw_only=True):
    id: str
    text: str
    tree: str
    printed: str | None = None


class ErrorRow(Struct, frozen=True, kw_only=True):
    id: str
    text: str
    errors: list[str]
    says: str = ""


class EvaluateRow(Struct, frozen=True, kw_only=True):
    id: str
    text: str
    value: Value
    names: Mapping[str, Value] = field(default_factory=dict)


class FoldRow(Struct, frozen=True, kw_only=True):
    id: str
    text: str
    folded: str


def rows(row_type: type[Row], file: str) -> list[object]:
    """Return the rows of a case file as pytest parameters with the ids `file::id`."""
    loaded = YAML(typ="safe").load((_FOLDER / f"{file}.yaml").read_text("utf-8"))
    return [pytest.param(row_type(**row), id=f"{file}::{row['id']}") for row in loaded]
