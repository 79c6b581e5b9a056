"""Every command that writes, killed and on a full disk at each of its steps.

What is there afterwards is what was there, or what the undisturbed command writes: whole, file by
file. A full disk is an error with its code, and leaves nothing else. What a killed run leaves
beside its target is removed by the next one. At steps spread over the whole run, the first and the
last among them: in CI 16 of each command, which is 240 kills and as many full disks, else 4.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from matrix.flows import kernels_verify
from matrix.kernel.source.truth.evidence import sealed
from tests.cli_runner import run_cli
from tests.fault_injection import KILLED, Ended, disturber, once
from tests.small_trees import small_tree
from tests.test_written_files import EVIDENCE, KCONFIG, PROFILE

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no Linux")

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "tests" / "data" / "booted" / "7.3.config"
PAGE = "# Page\n\n<!-- matrix:begin arm64-memfd-secret -->\n<!-- matrix:end -->\n"
HOSTS = f"host,kernel,config,cpu\na,7.3,{CONFIG.name},graviton3\nb,7.3,{CONFIG.name},apple-m1\n"
# What a command does before it writes: done once, as what is disturbed is the writing.
VERIFIED = ("verify", "record_evidence", "_kconfig_findings")
VERIFIES = tuple(f"{kernels_verify.__name__}:{part}" for part in VERIFIED)
ONCE = {"record": VERIFIES, "fix": VERIFIES, "report": ("matrix.cli.report:_Making.files",)}
# Arrow starts threads, after which no process is forked.
THREADED = ("fleet", "fleet-parquet", "cells", "cells-parquet")
STEPS = 16 if os.environ.get("CI") else 4
COMMANDS: dict[str, tuple[str, ...]] = {
    "embed": ("embed", "page.md", "other.md"),
    "baseline": ("validate", CONFIG.name, "--cpu", "graviton3", "--write-baseline", "known.json"),
    "validate": ("validate", CONFIG.name, "--cpu", "graviton3", "--output", "answer.txt"),
    "fleet": ("fleet", "hosts.csv", "--table", "rows.csv", "--output", "summary.txt"),
    "fleet-parquet": ("fleet", "hosts.csv", "--table", "rows.parquet", "--output", "summary.txt"),
    "cells": ("cells", "arm64-memfd-secret", "--limit", "20", "--output", "cells.csv"),
    "cells-parquet": ("cells", "arm64-memfd-secret", "--limit", "20", "--output", "cells.parquet"),
    "init": ("init", "own"),
    "distros": ("distros", "import", CONFIG.name, "--id", "mine", "--output", "own/distros"),
    "list": ("cpus", "list", "--output", "cpus.txt"),
    "probe": ("probe", "--host", "host.json.gz", "--save", "saved.json"),
    "report": ("report", "my-study", "--configs", "declared", "--output", "reports"),
    "kconfig": (
        *("kconfig", "project", "--tree", "tree", "--kernel", "7.3", "--write"),
        *("--configs", "configs"),
    ),
    "record": ("kernels", "verify", "7.3", "--tree", "linux", "--record", "--configs", "configs"),
    "fix": ("kernels", "verify", "7.3", "--tree", "linux", "--fix", "--configs", "configs"),
}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in ("linux", "tree")
    }


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold these files, and no others but those of its trees."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.relative_to(folder).parts[0] not in ("linux", "tree"):
            path.rmdir() if path.is_dir() else path.unlink()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    shutil.copy(CONFIG, home)
    for name in ("page.md", "other.md"):
        (home / name).write_text(PAGE)
    (home / "hosts.csv").write_text(HOSTS)
    (home / "cells.csv").write_text("what was there before\n")
    shutil.copy(ROOT / "tests" / "data" / "probed" / "7.3-max.json.gz", home / "host.json.gz")
    assert run_cli("init", "declared").code == 0
    for name in (PROFILE, EVIDENCE):
        (home / "configs" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "configs" / name, home / "configs" / name)
    small_tree(home / "tree", KCONFIG)
    return home


def disturb_everywhere(
    home: Path,
    before: dict[str, bytes],
    after: dict[str, bytes],
    code: int,
    disturbed: Callable[[int, str], Ended],
) -> dict[str, bytes]:
    """Hold a command to the law at its steps; give what killed runs left beside their targets."""
    litter: dict[str, bytes] = {}
    disturbed(0, "kill")  # what is kept between runs is kept from now on
    for how in ("kill", "full"):
        put(home, before)
        steps = disturbed(0, how).steps
        assert snapshot(home) == after
        assert steps >= 4
        for at in sorted({1 + (steps - 1) * number // (STEPS - 1) for number in range(STEPS)}):
            put(home, before)
            ended = disturbed(at, how)
            found = snapshot(home)
            left = {file for file in found if Path(file).name.startswith(".matrix-")}
            if how == "kill":
                assert ended.code == KILLED, (at, ended)
                litter.update((file, found[file]) for file in left)
            else:
                assert ended.code in (3, code), (at, ended)
                assert ended.code != 3 or "MX0801" in ended.said, (at, ended)
                assert not left, at
            for written in found.keys() - left:
                assert found[written] in (before.get(written), after.get(written)), (at, written)
            assert before.keys() <= found.keys(), (how, at)
    return litter


@pytest.mark.parametrize("name", COMMANDS)
def test_a_disturbed_command_leaves_whole_files(
    name: str, home: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in ("record", "fix"):
        kernel_tree: Callable[[str], Path] = request.getfixturevalue("kernel_tree")
        (home / "linux").symlink_to(kernel_tree("7.3"))
        profile = home / "configs" / PROFILE
        if name == "fix":
            for file in (profile, home / "configs" / EVIDENCE):
                text = file.read_text().replace('kvm/mmu.c:1673"', 'kvm/mmu.c:1674"')
                file.write_text(sealed(text) if file.suffix == ".json" else text)
        else:
            (home / "configs" / EVIDENCE).unlink()
        for part in VERIFIED:
            once(kernels_verify, part, monkeypatch.setattr)
    command = COMMANDS[name]
    if name in THREADED:
        # Each run looks for what is kept; where other tests keep things, too, it does not find the
        # same.
        monkeypatch.setenv("MATRIX_CACHE_DIR", str(home.parent / "cache"))
    before = snapshot(home)
    ran = run_cli(*command)
    assert ran.code in (0, 1, 4), ran.out + ran.err
    after = snapshot(home)
    assert before != after
    put(home, before)
    warm = None if name in THREADED else command
    with disturber(once=ONCE.get(name, ()), warm=warm) as disturbed:
        litter = disturb_everywhere(home, before, after, ran.code, partial(disturbed, command))
    put(home, {**before, **litter})
    for path in home.rglob(".matrix-*"):
        os.utime(path, (0, 0))
    assert run_cli(*command).code == ran.code
    assert snapshot(home) == after
