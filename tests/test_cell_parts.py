"""`matrix cells --jobs`: a folder of parts, the same whoever makes them and however often."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
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


# Two write: when the first part is there, a whole one has still to be begun, so that a run never
# ends before its test ends it.
ASKED = ("cells", LARGE, "--limit", str(3 * PART_ROWS), "--jobs", "2")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The parts of a run that nobody ended."""
    folder = tmp_path_factory.mktemp("whole")
    assert run_cli(*ASKED, "--output", str(folder)).code == 0
    return contents(folder)


def writing(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that write parts for another one."""
    pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("ended", ["worker", "terminated", "interrupted"])
def test_a_run_that_ends_early_is_taken_up(
    ended: str, whole: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "parts"
    process = subprocess.Popen(
        [sys.executable, "-m", "matrix", *ASKED, "--output", str(folder)],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list(folder.glob("cells-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    if ended == "worker":
        os.kill(writing(process)[0], signal.SIGKILL)
    else:
        process.send_signal(signal.SIGTERM if ended == "terminated" else signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    assert process.returncode == {"worker": 3, "terminated": 143, "interrupted": 130}[ended]
    if ended == "worker":
        assert "error[MX0815]" in said
        assert "of 3 parts are whole" in said
    kept = contents(folder)
    assert 1 <= len([name for name in kept if name.startswith("cells-")]) <= 3
    assert run_cli(*ASKED, "--output", str(folder)).code == 0
    parts = {name: data for name, data in contents(folder).items() if name.startswith("cells-")}
    assert parts == whole
    assert all(parts[name] == data for name, data in kept.items() if name in parts)
