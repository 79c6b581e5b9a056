"""What is installed with matrix: by hashes, under listed licences, and built the same twice."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
LICENCES = tomllib.loads((Path(__file__).parent / "licences.toml").read_text())
PINNED = re.compile(r"^([\w.-]+==[^\\]+?)\s*\\$", re.MULTILINE)


def locked() -> list[str]:
    """Return the names of the packages of the lock that this system needs."""
    text = (ROOT / "requirements" / "run.txt").read_text()
    asked = [Requirement(found) for found in PINNED.findall(text)]
    return sorted({one.name for one in asked if not one.marker or one.marker.evaluate()})


def licences_of(name: str) -> Iterator[str]:
    """Yield the SPDX identifiers that a package's metadata says, of alternatives all."""
    metadata = importlib.metadata.metadata(name).json
    expression = str(metadata.get("license_expression") or "")
    classified = [
        line.rpartition(" :: ")[2]
        for line in metadata.get("classifier") or ()
        if line.startswith("License ::")
    ]
    if expression:
        yield from re.split(r" (?:AND|OR|WITH) ", expression.strip("()"))
    for text in () if expression else classified or [str(metadata.get("license"))]:
        yield LICENCES["written"].get(text, text)


@pytest.mark.parametrize("name", locked())
def test_a_dependency_has_a_listed_licence(name: str) -> None:
    found = set(licences_of(name))
    assert found
    assert found <= set(LICENCES["allowed"])


def test_the_lock_has_a_hash_for_every_package() -> None:
    text = (ROOT / "requirements" / "run.txt").read_text()
    blocks = re.split(r"(?m)^(?=[\w.-]+==)", text)[1:]
    assert len(blocks) > 20
    assert not [block for block in blocks if "--hash=sha256:" not in block]


def _action() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / "action.yml").read_text())
    return loaded


def test_the_action_installs_what_the_lock_says() -> None:
    (install,) = (one for one in _action()["runs"]["steps"] if one["name"] == "Install matrix")
    lines = [line for line in install["run"].splitlines() if '"${pip[@]}"' in line]
    assert len(lines) == 2
    assert "--require-hashes -r" in lines[0]
    assert "requirements/run.txt" in lines[0]
    # Nothing else is fetched: neither dependencies nor a build backend.
    assert "--no-deps --no-build-isolation" in lines[1]


def test_actions_of_others_are_pinned_by_commit() -> None:
    used = [one["uses"] for one in _action()["runs"]["steps"] if "uses" in one]
    assert used
    # And so are those that a reader copies; COMMIT is one of this repository.
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    shown = [one for page in pages for one in re.findall(r"\buses: (\S+@\S+)", page.read_text())]
    assert len(shown) > 2
    used += [one for one in shown if one != "OWNER/matrix@COMMIT"]
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used), used


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    """From two folders, in two time zones and umasks, with two seeds of hashes."""
    built = []
    for number, zone in enumerate(("UTC", "Asia/Tokyo")):
        source = tmp_path / f"source{number}"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "reports", "tests"))
        call = "import hatchling.build as backend; print(backend.build_wheel('dist'))"
        ran = subprocess.run(
            [sys.executable, "-c", call],
            cwd=source,
            env={
                **os.environ,
                "TZ": zone,
                "PYTHONHASHSEED": str(number),
                "SOURCE_DATE_EPOCH": "1700000000",
                "PYTHONPATH": "",
            },
            umask=0o022 if number else 0o027,
            capture_output=True,
            text=True,
            check=True,
        )
        built.append((source / "dist" / ran.stdout.split()[-1]).read_bytes())
    assert built[0] == built[1]
