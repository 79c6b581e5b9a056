"""A folder of configurations on several CPUs: one table, and the kernels that files do not say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli_runner import run_cli

BOOTED = Path(__file__).parent / "data" / "booted"
CPUS = ("--cpu", "graviton3", "--cpu", "graviton2", "--cpu", "apple-m2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(9):
        shutil.copy(BOOTED / "7.3.config", tmp_path / f"{number}.config")
    shutil.copy(BOOTED / "6.12.config", tmp_path / "old.config")
    return tmp_path


def test_many_answers_are_one_table(folder: Path) -> None:
    ran = run_cli("validate", str(folder), *CPUS)
    lines = ran.out.splitlines()
    assert lines[0] == f"files of {folder}/"
    assert lines[1].split() == ["file", "aws-graviton3", "aws-graviton2", "apple-m2"]
    table = {row.split()[0]: row.split()[1:] for row in lines[2:12]}
    assert table["old.config"] == ["absent"] * 3
    assert {tuple(words) for name, words in table.items() if name != "old.config"} == {
        ("supported", "refused", "unsound")
    }
    flat = " ".join(ran.out.split())
    assert "unsound, 9: IC IVAU on __va(P), which is not mapped" in flat
    assert "fix: boot.kvm-arm.mode=protected gives supported" in flat


def test_verbose_says_each_by_itself(folder: Path) -> None:
    ran = run_cli("validate", str(folder), *CPUS, "-v")
    assert ran.out.count("confidence:") == 30


def test_a_release_is_stated_then_inferred(tmp_path: Path) -> None:
    text = "CONFIG_KVM=y\nCONFIG_ARM64_4K_PAGES=y\n"
    (tmp_path / "linux-7.2.config").write_text(text)
    (tmp_path / "plain.config").write_text(text)
    settings = tmp_path / "matrix.toml"
    ask = ("--cpu", "graviton3", "--settings", str(settings))
    settings.write_text("")
    ran = run_cli("validate", str(tmp_path), *ask)
    assert "Linux 7.2 + v12" in " ".join(ran.out.split())
    assert "MX1457" in ran.err
    assert "MX0912" in ran.err  # of the one whose name says nothing
    settings.write_text('[releases]\n"*linux-7.2.config" = "7.3"\n"plain*" = "6.18.2"\n')
    ran = run_cli("validate", str(tmp_path), *ask)
    assert "MX1457" not in ran.err
    assert ran.err.count("MX1458") == 2
    flat = " ".join(ran.out.split())
    assert "Linux 7.3 + v12" in flat
    assert "answered as 6.18" in flat or "Linux 6.18" in flat
