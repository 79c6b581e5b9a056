"""`import matrix`: small, typed, quick, and every example of its documentation is run."""

from __future__ import annotations

import ast
import doctest
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import matrix
from matrix.integrations import library
from tests.cli_runner import run_cli
from tests.test_startup import HEAVY

ROOT = Path(__file__).parent.parent
STUDY = "arm64-overview"


@pytest.fixture(scope="module")
def known() -> matrix.Declarations:
    return matrix.load()


@pytest.mark.parametrize("module", [matrix, library], ids=["matrix", "library"])
def test_every_example_is_right(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert failed == 0
    assert tried > 0


def test_every_public_method_has_an_example_or_is_a_list() -> None:
    lists = {"capabilities", "cpus"}
    methods = {name for name in vars(library.Declarations) if not name.startswith("_")} - lists
    for name in methods:
        assert ">>>" in str(getattr(library.Declarations, name).__doc__), name


def test_import_costs_nothing() -> None:
    code = "import sys, json, matrix; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    modules = json.loads(ran.stdout)
    assert not HEAVY & {name.split(".")[0] for name in modules}
    assert [name for name in modules if name.startswith("matrix")] == ["matrix"]


def test_what_is_public_is_there() -> None:
    assert {"load", "Cell"} <= set(dir(matrix))
    for name in matrix.__all__:
        assert getattr(matrix, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        getattr(matrix, "nope")  # noqa: B009 - the type checker knows that it is not there


def test_the_api_says_what_the_commands_say(known: matrix.Declarations) -> None:
    counted = json.loads(run_cli("count", STUDY, "--format", "json").out)
    assert known.count(STUDY).verdicts == counted["verdicts"]
    told = json.loads(run_cli("explain", "cpu=apple-m2", "--matrix", STUDY, "--format", "json").out)
    cell = known.ask("cpu=apple-m2", study=STUDY)
    assert (cell.verdict, list(cell.reasons)) == (told["verdict"], told["reasons"])
    assert known.trace("cpu=apple-m2", study=STUDY) == cell.traces
    ruled = json.loads(run_cli("rules", "arm64-memfd-secret", "--format", "json").out)["rules"]
    rules = known.rules("arm64-memfd-secret").rules
    assert [(rule.verdict, rule.cells) for rule in rules] == [
        (rule["verdict"], rule["cells"]) for rule in ruled
    ]


def test_a_view_is_a_frame(known: matrix.Declarations) -> None:
    frame = known.view(STUDY, rows="@server", where='kernel == "7.3"').frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns.get_level_values(0).unique()) == ["7.3"]
    one = known.ask("cpu=neoverse-v2", study=STUDY)
    assert frame.loc["neoverse-v2", ("7.3", "default")] == one.verdict


def test_values_show_themselves(known: matrix.Declarations) -> None:
    for value in (known.count(STUDY), known.ask(study=STUDY), known.view(STUDY, columns="7.3")):
        assert value._repr_html_().count("<table>") == 1
        assert "| --- |" in value._repr_markdown_() or "| ---: |" in value._repr_markdown_()
        assert "supported" in str(value)


def test_values_are_one_line_where_python_shows_them(
    known: matrix.Declarations, tmp_path: Path
) -> None:
    values = (
        *(known, known.count(STUDY), known.ask("cpu=apple-m2", study=STUDY)),
        *(known.view(STUDY, columns="7.3"), known.rules("arm64-memfd-secret")),
    )
    for value in values:
        assert len(repr(value)) <= 80
        assert "\n" not in repr(value)
    assert run_cli("init", str(tmp_path / "own")).code == 0
    assert repr(matrix.load(tmp_path / "own")) == f"matrix.load('{tmp_path}/own')"
    assert str(known).startswith(f"{len(known.kernels)} kernels, {len(known.cpus)} CPUs, ")


def test_all_that_is_wrong_is_raised(known: matrix.Declarations) -> None:
    with pytest.raises(matrix.InputError) as caught:
        known.view(STUDY, rows="nope", columns="neither")
    assert [item.code for item in caught.value.diagnostics] == ["MX0810", "MX0810"]
    with pytest.raises(matrix.InputError):
        known.ask("cpu=nope", study=STUDY)
    with pytest.raises(matrix.InputError):
        known.validate("no-such.config", "graviton3")


def test_what_the_page_shows_is_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run docs/api.md; where a comment is a value, the line before it has that value."""
    text = (ROOT / "docs" / "api.md").read_text()
    (block, *more) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert not more
    shutil.copy(ROOT / "tests/data/booted/7.3.config", tmp_path / ".config")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    compared = 0
    for line in block.splitlines():
        code, _, comment = line.partition("  # ")
        try:
            told = ast.literal_eval(comment)
        except (SyntaxError, ValueError):
            exec(code, names)  # noqa: S102 - our own page
        else:
            assert eval(code, names) == told, line  # noqa: S307 - our own page
            compared += 1
    assert compared >= 1
    for row in re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE):
        for name in re.findall(r"\w+(?=\(|`|$)", row):
            assert name in matrix.__all__ or name == "configs", name
