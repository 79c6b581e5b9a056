"""Each file `tests/cases/bad/MX01….expr` gives the diagnostic it is named after."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.diagnostics import InputError, Location
from matrix.expr.parser import parse

_FOLDER = Path(__file__).resolve().parents[2] / "cases" / "bad"
BAD = sorted(_FOLDER.glob("MX01*.expr"))


def test_every_code_of_the_parser_has_an_example() -> None:
    assert [path.name[:6] for path in BAD] == [f"MX010{number}" for number in range(1, 8)]


@pytest.mark.parametrize("path", BAD, ids=[path.stem for path in BAD])
def test_the_example_gives_its_diagnostic(path: Path) -> None:
    text = path.read_text("utf-8")
    start = Location(file=path.name, line=1, column=1, text=text.split("\n")[0])
    with pytest.raises(InputError) as caught:
        parse(text, start)
    first = caught.value.diagnostics[0]
    assert first.code == path.name[:6]
    assert first.hint is not None
    assert first.location is not None
    assert first.location.file == path.name
