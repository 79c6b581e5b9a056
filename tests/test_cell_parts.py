"""`matrix cells --jobs`: a folder of parts, the same whoever makes them and however often."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from matrix.analyze.space.cell_rows import CellRows
from matrix.diagnostics import InputError
from matrix.door.processes import Processes
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.render.cell_parts import PART_ROWS, write_parts
from tests.cli_runner import run_cli
from tests.cluster import ROOT, has_begun, parts_in, wait_until

STUDY = "arm64-memfd-secret"
LARGE = "arm64-gmem-no-direct-map"


def rows_of(study: str) -> CellRows:
    return CellRows(prepare_study(Library(()), study).solve())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_parts_together_are_the_rows(tmp_path: Path) -> None:
    rows = rows_of(STUDY)
    size = rows.rows // 3 - 1
    one, two = tmp_path / "one", tmp_path / "two"
    written = write_parts(rows, rows.rows, one, Processes(jobs=1), size=size)
    assert (written.rows, written.parts, written.kept) == (rows.rows, 4, 0)
    write_parts(rows, rows.rows, two, Processes(jobs=2), size=size)
    assert contents(one) == contents(two)
    whole = tmp_path / "cells.parquet"
    run_cli("cells", STUDY, "--output", str(whole))
    parts = [pq.read_table(path).to_pylist() for path in sorted(one.iterdir())]
    assert [row for part in parts for row in part] == pq.read_table(whole).to_pylist()


def test_what_is_whole_is_taken_up(tmp_path: Path) -> None:
    rows = rows_of(STUDY)
    size = rows.rows // 3 - 1
    write_parts(rows, rows.rows, tmp_path, Processes(jobs=1), size=size)
    before = contents(tmp_path)
    first, second, *_ = sorted(tmp_path.iterdir())
    second.unlink()
    kept = first.stat().st_mtime_ns
    assert write_parts(rows, rows.rows, tmp_path, Processes(jobs=2), size=size).kept == 3
    assert contents(tmp_path) == before
    assert first.stat().st_mtime_ns == kept
    assert write_parts(rows, rows.rows, tmp_path, Processes(jobs=2), size=size).kept == 4


def test_other_rows_are_other_parts(tmp_path: Path) -> None:
    ran = run_cli("cells", STUDY, "--output", str(tmp_path), "--jobs", "1")
    assert (ran.code, ran.err.splitlines()[-1]) == (0, "1 parts")
    for more in (["--limit", "5"], ["--where", 'kernel == "7.3"'], ["--columns", "kernel"]):
        ran = run_cli("cells", STUDY, "--output", str(tmp_path), "--jobs", "1", *more)
        assert ran.code == 3
        assert "error[MX0816]" in ran.err
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--format", "csv"], "MX0633"),
        (["--random", "5"], "MX0635"),
        (["--sample", "1"], "MX0635"),
    ],
)
def test_what_does_not_go_with_parts(more: list[str], code: str, tmp_path: Path) -> None:
    ran = run_cli("cells", STUDY, "--output", str(tmp_path / "x"), "--jobs", "2", *more)
    assert ran.code == 3
    assert f"error[{code}]" in ran.err
    assert not (tmp_path / "x").exists()


def test_parts_need_a_folder(tmp_path: Path) -> None:
    ran = run_cli("cells", STUDY, "--jobs", "2")
    assert (ran.code, "error[MX0633]" in ran.err) == (3, True)
    file = tmp_path / "cells.parquet"
    file.write_text("mine")
    ran = run_cli("cells", STUDY, "--jobs", "2", "--output", str(file))
    assert (ran.code, file.read_text()) == (3, "mine")
    assert "error[MX0816]" in ran.err


def test_what_is_in_the_way_is_said(tmp_path: Path) -> None:
    rows = rows_of(STUDY)
    write_parts(rows, 5, tmp_path / "names", Processes(jobs=1))
    (name,) = (path.name for path in (tmp_path / "names").iterdir())
    (tmp_path / "parts" / name).mkdir(parents=True)
    with pytest.raises(InputError) as raised:
        write_parts(rows, 5, tmp_path / "parts", Processes(jobs=1))
    assert [item.code for item in raised.value.diagnostics] == ["MX0801", "MX0815"]
    assert raised.value.diagnostics[1].message.endswith("; 0 of 1 parts are whole")
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [name]


ASKED = ("cells", LARGE, "--limit", str(3 * PART_ROWS), "--jobs", "2")
# The command line with gated rows: when its test ends it, two of three parts are still to be made.
GATED = """
import sys, pathlib
import matrix.flows.cells
from matrix.cli.main import run
from tests.cluster import GatedRows
made, gate = matrix.flows.cells.CellRows, pathlib.Path(sys.argv.pop(1))
matrix.flows.cells.CellRows = lambda *given: GatedRows(made(*given), gate)
run()
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The parts of a run that nobody ended."""
    folder = tmp_path_factory.mktemp("whole")
    assert run_cli(*ASKED, "--output", str(folder)).code == 0
    return contents(folder)


@pytest.mark.parametrize("ended", ["worker", "terminated", "interrupted"])
def test_a_run_that_ends_early_is_taken_up(
    ended: str, whole: dict[str, bytes], tmp_path: Path
) -> None:
    folder, gate = tmp_path / "parts", tmp_path / "gate"
    gate.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", GATED, str(gate), *ASKED, "--output", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: has_begun(folder, gate))
    if ended == "worker":
        waits = next(gate.glob("begun-*")).name.removeprefix("begun-")
        os.kill(int(waits), signal.SIGKILL)
    else:
        process.send_signal(signal.SIGTERM if ended == "terminated" else signal.SIGINT)
    (gate / "go").touch()
    _, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    assert process.returncode == {"worker": 3, "terminated": 143, "interrupted": 130}[ended]
    if ended == "worker":
        assert "error[MX0815]" in said
        assert "of 3 parts are whole" in said
    kept = contents(folder)
    assert 1 <= len(parts_in(folder)) <= 3
    assert run_cli(*ASKED, "--output", str(folder)).code == 0
    assert parts_in(folder) == whole
    assert all(whole[name] == data for name, data in kept.items() if name in whole)
