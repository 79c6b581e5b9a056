"""Every MX02 code has an example in tests/cases/bad, and the example is told about as expected."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec import Struct
from ruamel.yaml import YAML

from matrix.diagnostics import InputError, Severity, format_diagnostic
from matrix.schema import files
from matrix.schema.loader import load_knowledge
from tests.unit.schema.declarations import BAD, good_folder, where

# No example in a file: it would have to be larger than anyone reads. `test_files.py` makes it.
WITHOUT_EXAMPLE = {"MX0203"}


class Row(Struct, frozen=True, kw_only=True):
    """What an example must be told about."""

    case: str
    places: list[str]
    says: str


def _rows() -> list[Row]:
    text = (Path(__file__).parent / "bad_declarations.yaml").read_text(encoding="utf-8")
    return [Row(**row) for row in YAML(typ="safe", pure=True).load(text)]


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row.case)
def test_example_is_told_about(row: Row, tmp_path: Path) -> None:
    base = good_folder(tmp_path / "good")
    case = BAD / row.case
    if case.is_file():
        folder = tmp_path / "bad"
        (folder / "cpus").mkdir(parents=True)
        shutil.copyfile(case, folder / "cpus" / case.name)
        prefix = f"{folder}/cpus/{case.name}:"
    else:
        folder = case
        prefix = f"{folder}/"
    with pytest.raises(InputError) as caught:
        load_knowledge([base, folder])
    found = caught.value.diagnostics
    assert [where(item).removeprefix(prefix) for item in found] == row.places
    assert row.case.split("-")[0] in {item.code for item in found}
    assert row.says in format_diagnostic(found[0])
    for item in found:
        assert "`" in item.message, "the offending text stands in backticks"
        assert item.hint, "the hint says what to do"
        assert item.severity is Severity.ERROR


# Which gate a scenario simulates `schema` does not know: tests/unit/analyze/test_scenarios.py; nor
# which cells a study has, of which `matrix check` warns, or what a folder of several files has:
# tests/test_diagnostics.py.
ELSEWHERE = {
    "MX0217-address",
    "MX0241-copied-scenario",
    "MX0255-baseline-no-cell",
    "MX0256-option-without-cell",
}


def test_the_table_lists_every_example() -> None:
    assert {row.case for row in _rows()} == {path.name for path in BAD.glob("MX02*")} - ELSEWHERE


def test_every_code_of_the_room_has_an_example() -> None:
    room = Path(files.__file__).parent
    used = {
        word
        for path in room.rglob("*.py")
        for word in path.read_text(encoding="utf-8").replace('"', " ").split()
        if word.startswith("MX02") and len(word) == 6 and word.isalnum()
    }
    examples = {path.name for path in BAD.glob("MX02*")} - ELSEWHERE
    shown = {name.split("-")[0] for name in examples}
    assert used == shown | WITHOUT_EXAMPLE
