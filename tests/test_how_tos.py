"""The how-tos of the site: each is followed to the letter, as docs/first-table.md is.

A block of a page is a file that the line above it names, commands (`sh`) that are run, a command
with its output (tests/test_readme.py), or stands in `ELSEWHERE` with who holds it and why not here.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import duckdb
from ruamel.yaml import YAML

from tests.cli_runner import run_cli
from tests.test_first_table import follow, steps
from tests.test_readme import SHOWING

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data"

# Page and first line of a block that no step of this file needs: what holds it.
ELSEWHERE = {
    ("first-table", "python3 -m venv .venv"): "test_plain_install: installs into new environments",
    (
        "ci",
        "- uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
    ): "test_plain_install: runs action.yml with these inputs",
    (
        "scale",
        (
            "matrix fleet /shared/hosts.parquet --table /shared/answers --engine dask "
            "--scheduler tcp://10.0.0.1:8786"
        ),
    ): "test_fleet_parts: it has a scheduler and workers on the loopback address",
    ("ci", "- repo: https://example.org/matrix"): "test_ci_files: runs the hooks; it is no address",
    ("ci", "[validate]"): "test_validate_settings: runs with these settings",
    ("ci", "[[mute]]"): "test_validate_settings: runs with this mute",
    ("probe", "matrix probe                              # this machine"): "test_probe: it answers"
    " for the machine that runs the tests, whatever that is",
    (
        "add-a-kernel",
        "matrix kernels verify 7.4 --tree linux-7.4 --configs my-configs --record",
    ): "test_a_kernel_release: refused, since no person has read the draft",
    ("capabilities", "so_what:"): "test_parts_of_a_capability: put into the file before it",
    ("capabilities", "series:"): "test_parts_of_a_capability: as the shipped one has it",
    ("capabilities", "truth:"): "test_parts_of_a_capability: put into the file before it",
    ("capabilities", "scenario: gmem"): "test_parts_of_a_capability: as the shipped one has it",
    ("capabilities", "synthesis:"): "test_parts_of_a_capability: as the shipped one has it",
    (
        "scale",
        "dask scheduler                                                    # on one machine",
    ): "test_cell_clusters: starts both on the loopback address",
    ("scale", "SELECT host, list(DISTINCT verdict ORDER BY verdict)"): "test_a_join: with DuckDB",
    ("scale", "import polars"): "not run, as it says",
    ("scale", "from pyspark.sql import functions as f"): "not run, as it says",
    ("staleness", "[+] Detected kernel version: (7, 3, 0)"): "output of another program, quoted",
}


def how_tos() -> list[str]:
    index = (ROOT / "docs" / "index.md").read_text()
    (listed,) = re.findall(r":caption: How to\n.*?\n\n(.*?)```", index, re.DOTALL)
    return str(listed).split()


def test_every_block_of_a_how_to_is_held_by_a_test() -> None:
    left = set(ELSEWHERE)
    followed = re.findall(r'follow\(\s*"([\w-]+)\.md"', Path(__file__).read_text())
    for page in how_tos():
        for step in steps(f"{page}.md"):
            if step["shown"]:
                assert f"docs/{page}.md" in SHOWING
            elif step["file"] or step["language"] == "sh":
                assert page in (*followed, "first-table"), page
            else:
                left.remove((page, step["text"].splitlines()[0]))
    assert left == set()


def test_a_cpu_of_ones_own(tmp_path: Path) -> None:
    said = follow("add-a-cpu.md", tmp_path)
    assert "our-manual" in said
    assert "unknown: Linux" in said
    assert "settled by my-cpu,dic=0" in " ".join(said.split())


def test_a_fleet(tmp_path: Path) -> None:
    shutil.copy(DATA / "booted/7.3.config", tmp_path / "web.config")
    said = follow("fleet.md", tmp_path)
    assert "1 host, Linux 7.3 (read on 7.3.0-rc7): apple-m2" in said
    assert "MX1703" in said
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 3
    assert json.loads((tmp_path / "answers.json").read_text())["hosts"] == 2


def test_a_join(tmp_path: Path) -> None:
    follow("scale.md", tmp_path)
    (parts,) = (tmp_path / "cells").iterdir()
    assert parts.suffix == ".parquet"
    (query,) = (step["text"] for step in steps("scale.md") if step["language"] == "sql")
    with duckdb.connect() as connection:
        connection.execute(f"SET file_search_path = '{tmp_path}'")
        found = dict(connection.execute(query).fetchall())
    assert found.pop("old1") is None
    for line in (tmp_path / "hosts.csv").read_text().splitlines()[1:-1]:
        host, kernel, cpu = line.split(",")
        asked = f'kernel == "{kernel}" && cpu == "{cpu}"'
        ran = run_cli("cells", "arm64-overview", "--where", asked, "--columns", "verdict")
        assert found.pop(host) == sorted(ran.out.splitlines()[1:])
    assert not found


def test_a_kernel_release(tmp_path: Path, kernel_tree: Callable[[str], Path]) -> None:
    tree = tmp_path / "linux-7.4"
    shutil.copytree(kernel_tree("7.3"), tree, symlinks=True)
    makefile = tree / "Makefile"
    text, changed = re.subn(r"(?m)^PATCHLEVEL = 3$", "PATCHLEVEL = 4", makefile.read_text())
    assert changed == 1
    makefile.write_text(text)
    said = follow("add-a-kernel.md", tmp_path)
    assert "Linux 7.4 on arm64" in said
    assert "open:" in (tmp_path / "my-configs/kernels/linux-7.4-arm64.yaml").read_text()
    recorded = ("--tree", str(tree), "--configs", str(tmp_path / "my-configs"), "--record")
    assert "MX1117" in run_cli("kernels", "verify", "7.4", *recorded).err


def test_a_patch_is_reviewed(tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests/cases/review/reply-of-a-reply.mbox", tmp_path / "mail.mbox")
    commands = [step["text"] for step in steps("review.md") if step["language"] == "sh"]
    # The check of that mail says yes and must not.
    said = follow("review.md", tmp_path, dict.fromkeys("".join(commands).splitlines(), 1))
    assert "It says yes and must not" in said
    assert (tmp_path / "reply.mbox").read_text().startswith("From ")


def test_tables_in_documents(tmp_path: Path) -> None:
    shutil.copy(DATA / "booted/6.12.config", tmp_path / "debian.config")
    follow("embed.md", tmp_path)
    assert "| **unsound**" in (tmp_path / "verdicts.md").read_text()
    assert "**unsound**" in (tmp_path / "cell.rst").read_text()
    assert "absent" in (tmp_path / "debian.adoc").read_text()
    assert "<table" in (tmp_path / "html/index.html").read_text()
    assert "<table" in (tmp_path / "site/index.html").read_text()
    written = {path.name for path in (tmp_path / "Documentation").iterdir()}
    assert written == {"arm64-memfd-secret.rst"}


def test_a_machine_that_is_not_here(tmp_path: Path) -> None:
    with gzip.open(DATA / "probed/7.3-max.json.gz", "rt") as host:
        (tmp_path / "host.json").write_text(host.read())
    shutil.copy(DATA / "booted/7.3.config", tmp_path / ".config")
    shutil.copy(DATA / "evidence/p08-dmesg.txt", tmp_path / "dmesg.txt")
    shutil.copy(DATA / "evidence/p07-cpuinfo-graviton3.txt", tmp_path / "cpuinfo.txt")
    with tarfile.open(tmp_path / "sosreport.tar.xz", "w:xz") as archive:
        for name in ("dmesg.txt", "cpuinfo.txt"):
            archive.add(tmp_path / name, f"sos/{name}")
    # A log alone leaves the verdict unknown.
    unknown = ("matrix validate --evidence sosreport.tar.xz", "matrix probe --host dmesg.txt")
    assert "18 agree" in follow("probe.md", tmp_path, dict.fromkeys(unknown, 4))


def test_a_study(tmp_path: Path) -> None:
    said = follow("studies.md", tmp_path)
    assert "neoverse-v2,mte=0" in said


def test_a_capability(tmp_path: Path) -> None:
    said = follow("capabilities.md", tmp_path)
    assert "my-capability" in said
    assert (tmp_path / "reports/my-capability.html").exists()


def test_parts_of_a_capability(tmp_path: Path) -> None:
    blocks = [step["text"] for step in steps("capabilities.md")]
    meant, truth, scenario, synthesis, series = (
        next(text for text in blocks if text.startswith(head))
        for head in ("so_what:", "truth:", "scenario:", "synthesis:", "series:")
    )
    whole = next(text for text in blocks if text.startswith("id: guest-tags"))
    (tmp_path / "capabilities").mkdir()
    (tmp_path / "capabilities" / "guest-tags.yaml").write_text(whole + meant + truth)
    assert run_cli("check", str(tmp_path)).code == 0
    read = YAML(typ="safe").load
    shipped = read((ROOT / "configs/capabilities/gmem-no-direct-map.yaml").read_text())
    shown = read(scenario)
    assert shown == {key: shipped[key] for key in shown}
    shown = read(synthesis)["synthesis"]
    assert shown["function"] == shipped["synthesis"]["function"]
    for atom in shown["atoms"]:
        assert atom in shipped["synthesis"]["atoms"]
    for name, version in read(series)["series"].items():
        assert version.get("options") == shipped["series"][name].get("options")
