"""Rows of `tests/cases/expr/*.yaml` as typed values; an unknown key is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from ruamel.yaml import YAML

from matrix.expr.nodes import Value

_FOLDER = Path(__file__).resolve().parents[2] / "cases" / "expr"

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseRow:
    id: str
    text: str
    tree: str
    printed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRow:
    id: str
    text: str
    errors: list[str]
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRow:
    id: str
    text: str
    value: Value
    names: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldRow:
    id: str
    text: str
    folded: str


def rows(row_type: type[Row], file: str) -> list[object]:
    """Return the rows of a case file as pytest parameters with the ids `file::id`."""
    loaded = YAML(typ="safe").load((_FOLDER / f"{file}.yaml").read_text("utf-8"))
    return [pytest.param(row_type(**row), id=f"{file}::{row['id']}") for row in loaded]
