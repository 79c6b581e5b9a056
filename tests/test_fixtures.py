"""The test machinery itself: goldens, the shared inputs, and what happens without them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import pytest

from tests.golden_files import Golden
from tests.shared_inputs import unpack_tar_xz


def run_pytest(
    root: Path, *arguments: str, changed: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, with `changed` environment variables."""
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    foreign = ("CI", "MATRIX_REQUIRE", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, *arguments],
        cwd=root,
        env={**kept, **changed},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_equal_golden_passes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    Golden(path=tmp_path / "a.txt", update=False).check("one\ntwo\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\n2\n", "-two\n+2"),
        ("one\ntwo", "a.txt: the final newline differs"),
        ("one\r\ntwo\n", "a.txt: the final newline differs"),
    ],
)
def test_a_different_golden_shows_the_difference(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception) as failure:
        Golden(path=tmp_path / "a.txt", update=False).check(text)
    assert expected in str(failure.value)
    assert "make golden" in str(failure.value)


def test_a_missing_golden_fails(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"no golden file .*b\.txt"):
        Golden(path=tmp_path / "b.txt", update=False).check("text\n")


def test_an_updated_golden_holds_the_text(tmp_path: Path) -> None:
    path = tmp_path / "new" / "c.txt"
    Golden(path=path, update=True).check("text\n")
    assert path.read_bytes() == b"text\n"


def test_goldens_are_not_rewritten_in_ci(repository: Path) -> None:
    arguments = ("--update-golden", "--collect-only", "tests/test_fixtures.py")
    refused = run_pytest(repository, *arguments, changed={"CI": "true"})
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--update-golden is refused when CI is set" in refused.stderr


def test_the_shared_kernel_trees_are_arm64_trees(kernel_tree: Callable[[str], Path]) -> None:
    for release in ("5.10", "6.1", "6.12", "7.2", "7.3"):
        assert (kernel_tree(release) / "arch/arm64/mm/pageattr.c").is_file(), release


def test_the_shared_configs_are_all_there(
    distro_configs: Path, debian_configs: Path, booted_originals: Path
) -> None:
    assert (distro_configs / "manifest.yaml").is_file()
    folders = {distro_configs: 162, debian_configs: 18, booted_originals: 14}
    for folder, count in folders.items():
        assert len(list(folder.glob("*.config"))) == count, folder.name


@pytest.mark.parametrize(
    ("require", "outcome"), [({}, "1 skipped"), ({"MATRIX_REQUIRE": "shared"}, "1 error")]
)
def test_missing_shared_data_is_a_skip_or_a_failure(
    repository: Path, tmp_path: Path, require: dict[str, str], outcome: str
) -> None:
    test = "tests/test_fixtures.py::test_the_shared_kernel_trees_are_arm64_trees"
    changed = {"MATRIX_SHARED": str(tmp_path), **require}
    run = run_pytest(repository, test, changed=changed)
    assert outcome in run.stdout
    assert f"no shared data in {tmp_path} (set MATRIX_SHARED)" in run.stdout


def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    archive = tmp_path / "bad.tar.xz"
    with tarfile.open(archive, "w:xz") as members:
        member = tarfile.TarInfo("../escaped")
        member.size = 1
        members.addfile(member, BytesIO(b"x"))
    with pytest.raises(ValueError, match=r"bad\.tar\.xz holds the name \.\./escaped"):
        unpack_tar_xz(archive, tmp_path / "folder" / "files")
    assert not (tmp_path / "folder" / "files").exists()
    assert not (tmp_path / "folder" / "escaped").exists()
