"""`matrix fleet --engine`: a fleet in parts says what one process says that reads all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from matrix.door.cluster import Cluster
from matrix.door.processes import Processes
from matrix.flows import fleet_summary
from matrix.flows.fleet import FleetOutcome, FleetRequest, HostParts, fleet
from matrix.kernel.fleet.hosts import host_parts, open_hosts
from matrix.render.cell_parts import Parts
from matrix.render.host_parts import write_host_parts
from matrix.schema.installed import installed
from tests.cli_runner import run_cli
from tests.cluster import (
    IN_CI,
    GatedHosts,
    Loopback,
    Writing,
    has_begun,
    loopback,
    parts_in,
    wait_until,
)
from tests.test_fleet import CONFIGS, some_hosts
from tests.test_fleet_lines import unique_lines

# The acceptance's million takes some minutes; a person's run makes do with fewer.
HOSTS = int(os.environ.get("MATRIX_CLUSTER_HOSTS", "700"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hosts of unique command lines, of which some are wrong, in groups of 300 rows."""
    some = unique_lines(some_hosts(700, seed=21))
    hosts = [some[number % 700] | {"host": f"host-{number}"} for number in range(HOSTS)]
    hosts[7]["cpu"], hosts[7]["midrs"] = "gravitn3", ""
    hosts[350]["config"] = "missing.config"
    hosts[351]["cmdline"] += "\nrodata=on"
    hosts[600] |= {"cpu": "gravitn3", "midrs": "", "host": "\udcff"}
    columns = {
        name: pa.array([os.fsencode(host[name]) for host in hosts], pa.binary())
        for name in hosts[0]
    }
    path = tmp_path_factory.mktemp("hosts") / "hosts.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=HOSTS * 3 // 7)
    return path


def asked(table: Path) -> FleetRequest:
    return FleetRequest(hosts=str(table), config_folder=CONFIGS, most_fixes=0)


def in_parts(table: Path) -> HostParts:
    return HostParts(asked(table), HOSTS // 4)


@pytest.fixture(scope="module")
def whole(
    table: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], FleetOutcome]:
    """The parts as one process of this machine writes them, and what it says."""
    folder = tmp_path_factory.mktemp("whole")
    parts, outcome = write_host_parts(in_parts(table), folder, Processes(jobs=1))
    assert (parts.rows, parts.kept) == (HOSTS, 0)
    assert parts.parts > 3
    return parts_in(folder), outcome


def test_parts_say_what_the_whole_says(
    table: Path, whole: tuple[dict[str, bytes], FleetOutcome], tmp_path: Path
) -> None:
    written, outcome = whole
    # A situation of hosts counts once a part.
    speech = tuple(said for said in outcome.speech if "MX1522" not in said)
    assert replace(outcome, speech=speech) == fleet(asked(table))
    answers, folder = tmp_path / "answers.parquet", tmp_path / "parts"
    given = ("fleet", str(table), "--config-folder", str(CONFIGS), "--fixes", "0")
    run_cli(*given, "--table", str(answers))
    folder.mkdir()
    for name, data in written.items():
        (folder / name).write_bytes(data)
    # Readers of a folder pass over what begins with `_`.
    assert pq.read_table(folder).to_pylist() == pq.read_table(answers).to_pylist()


@pytest.mark.parametrize("groups", [1, 7, 40, 1000])
@pytest.mark.parametrize("size", [1, 9, 100, 5000])
def test_each_row_is_in_one_part(groups: int, size: int, tmp_path: Path) -> None:
    path = tmp_path / "hosts.parquet"
    names = [f"h{number}" for number in range(200)]
    columns = {"host": names, "kernel": ["7.3"] * 200, "cpu": ["apple-m2"] * 200}
    pq.write_table(pa.table(columns), path, row_group_size=groups)
    found: list[str] = []
    for part in host_parts(path, size):
        assert part.first == len(found)
        with open_hosts(path, part=part) as table:
            for batch in table.batches():
                assert batch.first == len(found)
                found += [batch.host(index) for index in range(batch.rows)]
        assert part.first + part.rows == len(found)
    assert found == names


def test_a_run_takes_up_what_is_there(table: Path, tmp_path: Path) -> None:
    def run(*more: str) -> tuple[str, str]:
        given = ("fleet", str(table), "--config-folder", str(tmp_path / "configs"))
        ran = run_cli(*given, "--engine", "local", "--table", str(tmp_path / "parts"), *more)
        assert ran.code == 3
        return ran.out, next(line for line in ran.err.splitlines() if " parts" in line)

    (tmp_path / "configs").mkdir()
    for path in CONFIGS.glob("*.config"):
        (tmp_path / "configs" / path.name).write_bytes(path.read_bytes())
    first, made = run("--fixes", "0")
    assert made == "1 parts"
    before = parts_in(tmp_path / "parts")
    # What only chooses words makes no other parts.
    assert run("--fixes", "0", "--fail-on", "none") == (first, "1 parts, 1 of them there already")
    (beside,) = (tmp_path / "parts").glob("_hosts-*.json")
    beside.write_text("{}")
    assert run("--fixes", "0") == (first, "1 parts")
    assert parts_in(tmp_path / "parts") == before
    with (tmp_path / "configs" / "7.3.config").open("a") as file:
        file.write("# CONFIG_STRICT_KERNEL_RWX is not set\n")
    given = ("fleet", str(table), "--config-folder", str(tmp_path / "configs"), "--fixes", "0")
    ran = run_cli(*given, "--engine", "local", "--table", str(tmp_path / "parts"))
    assert "error[MX0816]" in ran.err


def test_what_is_no_utf8_is_kept(whole: tuple[dict[str, bytes], FleetOutcome]) -> None:
    texts = [data for name, data in whole[0].items() if name.startswith("_")]
    parts = [fleet_summary.read(data) for data in texts]
    assert [fleet_summary.written(part) for part in parts if part] == texts
    assert fleet_summary.read(b"[1]") is fleet_summary.read(b"\xff") is None


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--engine", "local"), "MX0635"),
        (("--scheduler", "tcp://127.0.0.1:1", "--table", "parts"), "MX0635"),
    ],
)
def test_options_that_do_not_go_together(
    more: tuple[str, ...], code: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run_cli("fleet", str(table), *more)
    assert (ran.code, f"error[{code}]" in ran.err) == (3, True), ran.err
    assert not list(tmp_path.iterdir())


def test_only_parquet_has_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hosts.csv").write_text("kernel,cpu\n7.3,apple-m2\n")
    for hosts in ("hosts.csv", "-"):
        ran = run_cli("fleet", hosts, "--engine", "local", "--table", "parts")
        assert (ran.code, "error[MX1523]" in ran.err) == (3, True), ran.err
    assert not Path("parts").exists()


def gated(table: Path, gate: Path) -> HostParts:
    hosts = in_parts(table)
    hosts.source = cast("Any", GatedHosts(hosts.source, gate))
    return hosts


def by_cluster(hosts: HostParts, folder: Path, at: Loopback) -> tuple[Parts, FleetOutcome]:
    workers = Cluster(scheduler=at.address, jobs=1, versions=installed)
    return write_host_parts(hosts, folder, workers)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Loopback]:
    pytest.importorskip("distributed", reason="needs the extra `cluster`")
    with loopback(tmp_path / "dask") as started:
        yield started


@IN_CI
def test_the_part_of_a_killed_worker_is_made_by_another(
    table: Path, whole: tuple[dict[str, bytes], FleetOutcome], tmp_path: Path, at: Loopback
) -> None:
    folder, gate = tmp_path / "parts", tmp_path
    first = at.worker()
    writing = Writing(lambda: by_cluster(gated(table, gate), folder, at))
    wait_until(lambda: has_begun(folder, gate))
    at.worker()
    first.kill()
    (gate / "go").touch()
    writing.join()
    assert writing.written is not None, writing.wrong
    assert writing.written[0].kept == 0
    assert writing.written[1] == whole[1]
    assert parts_in(folder) == whole[0]


@IN_CI
def test_what_a_killed_scheduler_leaves_is_taken_up(
    table: Path, whole: tuple[dict[str, bytes], FleetOutcome], tmp_path: Path, at: Loopback
) -> None:
    folder, gate = tmp_path / "parts", tmp_path
    at.worker()
    writing = Writing(lambda: by_cluster(gated(table, gate), folder, at))
    wait_until(lambda: has_begun(folder, gate))
    at.scheduler.kill()
    writing.join()
    (wrong,) = writing.wrong
    assert wrong.code == "MX0815"
    assert wrong.message.startswith("the scheduler went away; 1 of ")
    with loopback(tmp_path / "two") as other:
        other.worker()
        parts, outcome = by_cluster(in_parts(table), folder, other)
    assert parts.kept == 1
    assert outcome == whole[1]
    assert parts_in(folder) == whole[0]
