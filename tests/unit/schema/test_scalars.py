from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from matrix.schema.reading.scalars import Unquoted, read_plain


def _rows() -> list[dict[str, object]]:
    text = (Path(__file__).parent / "scalars.yaml").read_text(encoding="utf-8")
    rows: list[dict[str, object]] = YAML(typ="safe", pure=True).load(text)
    return rows


@pytest.mark.parametrize("row", _rows(), ids=lambda row: str(row["text"]))
def test_plain_scalar(row: dict[str, object]) -> None:
    value = read_plain(str(row["text"]).strip("`"))
    if "taken_for" in row:
        assert isinstance(value, Unquoted)
        assert str(row["taken_for"]) in value.taken_for
    else:
        assert type(value) is type(row["value"])
        assert value == row["value"]


@given(
    st.text(alphabet="01.:_-+exobnyf~", max_size=5)
    | st.text(alphabet="0123456789abexorynfOEN.:_+-~ T", max_size=12)
)
def test_what_is_read_as_text_is_text_to_every_yaml(text: str) -> None:
    """Another reader in both versions of YAML agrees with every value that is not refused."""
    value = read_plain(text)
    if isinstance(value, Unquoted) or not text or text != text.strip():
        return
    for version in ("1.1", "1.2"):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        try:
            other = reader.load(f"key: {text}")
        except (YAMLError, ValueError, IndexError):  # no YAML at all, or `-_`: nothing to compare
            return
        if isinstance(other, dict) and list(other) == ["key"]:
            assert (type(other["key"]), other["key"]) == (type(value), value), version
