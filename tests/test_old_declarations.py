"""Declarations as earlier versions had them: each says what to change, and is right after it.

What is old here was read off the history of configs/: of all keys, folders and names that a
shipped declaration ever had, these are the ones that are gone.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from matrix.schema.files import FOLDERS
from matrix.schema.retired import RETIRED
from tests.cli_runner import run_cli

CONFIGS = Path(__file__).parent.parent / "configs"
STUDY = "matrices/arm64-memfd-secret.yaml"
PROFILE = "kernels/linux-6.1-arm64.yaml"
CAPABILITY = "capabilities/memfd-secret.yaml"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a folder of today's declarations, to which a test does what makes them old."""
    for name in (STUDY, PROFILE, CAPABILITY):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(CONFIGS / name, tmp_path / name)
    return tmp_path


def edit(path: Path, pattern: str, new: str) -> None:
    text, count = re.subn(pattern, new, path.read_text("utf-8"), flags=re.MULTILINE)
    assert count == 1
    path.write_text(text, "utf-8")


def said(folder: Path) -> str:
    """Return what `check` finds wrong, on one line."""
    ran = run_cli("check", "--configs", str(folder))
    assert ran.code == 3
    return " ".join(ran.err.split())


def test_a_study_that_showed_other_architectures(mine: Path) -> None:
    edit(mine / STUDY, r"\Z", "other_architectures: true\n")
    last = len((mine / STUDY).read_text("utf-8").splitlines())
    assert f"arm64-memfd-secret.yaml:{last}:1: error[MX0213]" in said(mine)
    assert "hint: the key is gone: leave the line out; a study with `arch:`" in said(mine)


def test_the_folder_of_other_architectures(mine: Path) -> None:
    (mine / "direct-maps").mkdir()
    (mine / "direct-maps" / "x86.yaml").write_text("id: x86\ntitle: x86\nreleases: {}\n", "utf-8")
    text = said(mine)
    assert "error[MX0220]: " in text
    assert "hint: the folder is gone: remove it; a study with `arch:`" in text


def test_one_name_for_all_that_return_an_error(mine: Path) -> None:
    edit(mine / PROFILE, "^  secretmem_return:", "  return_error:")
    text = said(mine)
    assert "error[MX0686]: the simulation has no micro-operation `return_error`" in text
    assert "hint: each function that hands an error on has a name of its own now" in text


def test_a_capability_that_did_not_say_what_its_predicate_allows(mine: Path) -> None:
    edit(mine / CAPABILITY, r"^gates: .*\n", "")
    text = said(mine)
    assert "error[MX0241]" in text
    assert 'hint: write `gates: "memfd_secret(2)"`' in text


def test_what_is_gone_is_not_there() -> None:
    shipped = "\n".join(path.read_text("utf-8") for path in CONFIGS.rglob("*.yaml"))
    for word in RETIRED:
        assert word not in FOLDERS
        assert not re.search(rf"^\s*{word}:", shipped, re.MULTILINE), word
