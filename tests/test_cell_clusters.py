"""`matrix cells --engine dask`: real schedulers and workers, ended in the middle of their work.

Each takes some seconds, mostly to start processes; those that end processes run in CI, or with
MATRIX_CLUSTER=1.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from matrix.analyze.space.cell_rows import CellRows
from matrix.diagnostics import InputError
from matrix.door import cluster
from matrix.door.cluster import Cluster
from matrix.door.processes import Processes
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.render.cell_parts import Parts, write_parts
from matrix.schema.installed import installed
from tests.cli_runner import run_cli
from tests.cluster import (
    IN_CI,
    DeadlyRows,
    GatedRows,
    HungryRows,
    Loopback,
    Writing,
    has_begun,
    loopback,
    parts_in,
    wait_until,
)

ROOT = Path(__file__).parent.parent
pytest.importorskip("distributed", reason="needs the extra `cluster`")
STUDY = "arm64-memfd-secret"


@pytest.fixture(scope="module")
def rows() -> CellRows:
    return CellRows(prepare_study(Library(()), STUDY).solve())


@pytest.fixture(scope="module")
def whole(rows: CellRows, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The parts as one process of this machine writes them."""
    folder = tmp_path_factory.mktemp("whole")
    write_parts(rows, rows.rows, folder, Processes(jobs=1), size=size_of(rows))
    return parts_in(folder)


def size_of(rows: CellRows) -> int:
    return rows.rows // 3 - 1  # four parts, the last one short


def written(rows: object, folder: Path, at: Loopback) -> Parts:
    source = cast("CellRows", rows)
    workers = Cluster(scheduler=at.address, jobs=1, versions=installed)
    return write_parts(source, source.rows, folder, workers, size=size_of(source))


def test_a_cluster_writes_the_same_bytes(
    rows: CellRows, whole: dict[str, bytes], tmp_path: Path
) -> None:
    with loopback(tmp_path / "dask") as at:
        at.worker()
        assert written(rows, tmp_path / "parts", at) == Parts(rows=rows.rows, parts=4, kept=0)
        assert parts_in(tmp_path / "parts") == whole
        assert len(list((tmp_path / "parts").iterdir())) == 4
        asked = ("cells", STUDY, "--engine", "dask", "--scheduler", at.address)
        ran = run_cli(*asked, "--output", str(tmp_path / "one"))
        assert (ran.code, ran.err.splitlines()[-1]) == (0, "1 parts")
    # Nobody is asked for what is there.
    again = run_cli(*asked, "--output", str(tmp_path / "one"))
    assert (again.code, again.err.splitlines()[-1]) == (0, "1 parts, 1 of them there already")


@IN_CI
def test_a_cluster_of_this_machine(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert run_cli("cells", STUDY, "--output", str(one), "--engine", "local").code == 0
    with socket.socket() as dashboard:
        # Another cluster's page, if there is none yet: ours wants no port that somebody may have.
        with contextlib.suppress(OSError):
            dashboard.bind(("", 8787))
            dashboard.listen()
        ran = run_cli("cells", STUDY, "--output", str(two), "--engine", "dask", "--jobs", "2")
    assert ran.code == 0, ran.err
    assert parts_in(one) == parts_in(two)


@IN_CI
def test_the_part_of_a_killed_worker_is_made_by_another(
    rows: CellRows, whole: dict[str, bytes], tmp_path: Path
) -> None:
    folder, gate = tmp_path / "parts", tmp_path
    with loopback(tmp_path / "dask") as at:
        first = at.worker()
        writing = Writing(lambda: written(GatedRows(rows, gate), folder, at))
        wait_until(lambda: has_begun(folder, gate))
        at.worker()
        first.kill()
        (gate / "go").touch()
        writing.join()
    assert writing.written == Parts(rows=rows.rows, parts=4, kept=0), writing.wrong
    assert parts_in(folder) == whole


@IN_CI
def test_what_a_killed_scheduler_leaves_is_taken_up(
    rows: CellRows, whole: dict[str, bytes], tmp_path: Path
) -> None:
    folder, gate = tmp_path / "parts", tmp_path
    with loopback(tmp_path / "one") as at:
        at.worker()
        writing = Writing(lambda: written(GatedRows(rows, gate), folder, at))
        wait_until(lambda: has_begun(folder, gate))
        at.scheduler.kill()
        writing.join()
    (wrong,) = writing.wrong
    assert wrong.code == "MX0815"
    assert wrong.message == "the scheduler went away; 1 of 4 parts are whole"
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("cells-*")}
    with loopback(tmp_path / "two") as at:
        at.worker()
        assert written(rows, folder, at).kept == 1
    assert parts_in(folder) == whole
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


@IN_CI
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (DeadlyRows, "a part ended each worker that had it (1), "),
        (HungryRows, "a worker had not enough memory for a part; "),
    ],
)
def test_a_part_that_is_too_much_for_a_worker(
    kind: type[GatedRows], said: str, rows: CellRows, tmp_path: Path
) -> None:
    with loopback(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as at:
        at.worker()
        with pytest.raises(InputError) as raised:
            written(kind(rows, tmp_path), tmp_path / "parts", at)
    (wrong,) = raised.value.diagnostics
    assert (wrong.code, wrong.message.startswith(said)) == ("MX0815", True), wrong.message
    assert wrong.message.endswith("; 0 of 4 parts are whole")


@IN_CI
def test_without_a_worker_left_the_work_ends(
    rows: CellRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_LOOKS", 1)
    with loopback(tmp_path / "dask") as at:
        worker = at.worker()
        writing = Writing(lambda: written(GatedRows(rows, tmp_path), tmp_path / "parts", at))
        wait_until(lambda: has_begun(tmp_path / "parts", tmp_path))
        monkeypatch.setattr(cluster, "_PATIENCE", 1)
        worker.send_signal(signal.SIGKILL)
        writing.join()
    (wrong,) = writing.wrong
    assert wrong.message == "all workers of the scheduler went away; 1 of 4 parts are whole"


@IN_CI
def test_a_worker_of_other_declarations_is_refused(tmp_path: Path) -> None:
    for name in ("matrix", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "configs" / "cpus" / "cortex-a710.yaml").open("a") as file:
        file.write("# another line\n")
    with loopback(tmp_path / "dask") as at:
        at.worker(PYTHONPATH=str(tmp_path))
        asked = ("cells", STUDY, "--engine", "dask", "--scheduler", at.address)
        ran = run_cli(*asked, "--output", str(tmp_path / "parts"))
    assert ran.code == 3
    assert "error[MX0827]: worker `tcp://127.0.0.1:" in ran.err
    assert f"here is declarations {installed()['declarations']}" in " ".join(ran.err.split())
    assert not list((tmp_path / "parts").iterdir())


@IN_CI
def test_a_worker_that_does_not_see_the_folder_is_refused(
    rows: CellRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def elsewhere(folder: Path) -> Iterator[Path]:
        yield folder / "only here"

    monkeypatch.setattr(cluster, "marked", elsewhere)
    with loopback(tmp_path / "dask") as at:
        at.worker()
        with pytest.raises(InputError) as raised:
            written(rows, tmp_path / "parts", at)
    assert [one.code for one in raised.value.diagnostics] == ["MX0828"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{closed}", "nonsense", "tcp://127.0.0.1:x"])
def test_what_is_no_scheduler_is_told_soon(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with socket.socket() as held:  # nobody listens at a port that is taken
        held.bind(("127.0.0.1", 0))
        given = address.format(closed=held.getsockname()[1])
        asked = ("cells", STUDY, "--engine", "dask", "--scheduler", given)
        ran = run_cli(*asked, "--output", str(tmp_path / "parts"))
    assert ran.code == 3
    assert ran.err.startswith(f"error[MX0826]: the scheduler `{given}` cannot be used: ")
    assert not (tmp_path / "parts").exists()


@IN_CI
def test_a_scheduler_without_workers_is_told_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 5)
    with loopback(tmp_path / "dask") as at:
        asked = ("cells", STUDY, "--engine", "dask", "--scheduler", at.address)
        ran = run_cli(*asked, "--output", str(tmp_path / "parts"))
    assert (ran.code, "error[MX0826]" in ran.err) == (3, True), ran.err


def test_without_the_extra_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[str, Any]", sys.modules), "distributed", None)
    ran = run_cli("cells", STUDY, "--engine", "dask", "--output", str(tmp_path / "parts"))
    assert ran.code == 3
    assert "error[MX0825]" in ran.err
    assert "pip install 'gmem-matrix[cluster]'" in ran.err


@pytest.mark.parametrize(
    "more", [["--scheduler", "tcp://x:1"], ["--engine", "dask", "--scheduler", "y", "--jobs", "2"]]
)
def test_options_that_do_not_go_together(more: list[str], tmp_path: Path) -> None:
    ran = run_cli("cells", STUDY, "--output", str(tmp_path / "parts"), *more)
    assert (ran.code, "error[MX0635]" in ran.err) == (3, True)
