"""Real packages of Debian, downloaded with its own client: the same answer as the plain file."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli_runner import run_cli

ASKED = ("--format", "json", "--cpu", "cortex-a710", "--cpu", "graviton3")


@pytest.fixture(scope="session")
def arm64_apt(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the options with which apt-get knows Debian's arm64 packages, apart from the host."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip("apt-get and dpkg-deb are not here: not a Debian system")
    folder = tmp_path_factory.mktemp("apt")
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    options = [
        *("-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"),
        *("-o", f"Dir::State={folder}/state", "-o", f"Dir::Cache={folder}/cache"),
        *("-o", "Dir::State::status=/dev/null", "-o", "Acquire::Languages=none"),
        *("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"),
    ]
    done = _apt(options, "update", cwd=folder)
    if done.returncode:
        pytest.skip(f"no package lists of Debian arm64: {done.stderr.strip()[-200:]}")
    return options


def _apt(options: list[str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        ["apt-get", *options, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def downloaded(options: list[str], pattern: str, folder: Path) -> Path:
    """Return a downloaded package whose name matches, the newest by name; or skip."""
    listed = subprocess.run(
        ["apt-cache", *options, "pkgnames", "linux-"], capture_output=True, text=True, check=False
    )
    names = sorted(name for name in listed.stdout.split() if Path(name).match(pattern))
    if not names:
        pytest.skip(f"this Debian has no package {pattern}")
    done = _apt(options, "download", names[-1], cwd=folder)
    if done.returncode:
        pytest.skip(f"{names[-1]} cannot be downloaded: {done.stderr.strip()[-200:]}")
    (package,) = folder.glob("*.deb")
    return package


def answers(path: Path) -> list[dict[str, object]]:
    ran = run_cli("validate", str(path), "--kernel", "6.1", *ASKED)
    assert ran.code in (0, 1), ran.err
    return [
        {key: value for key, value in result.items() if key not in ("file", "diagnostics")}
        for result in json.loads(ran.out)["results"]
    ]


@pytest.mark.parametrize("pattern", ["linux-config-*", "linux-image-*-cloud-arm64-unsigned"])
def test_a_package_answers_like_its_plain_files(
    pattern: str, arm64_apt: list[str], tmp_path: Path
) -> None:
    package = downloaded(arm64_apt, pattern, tmp_path)
    root = tmp_path / "unpacked"
    # The oracle unpacks with Debian's own tool.
    subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    plain = []
    for place in (root / "boot", *sorted(root.glob("usr/src/linux-config-*"))):
        for path in sorted(place.glob("config*")) if place.is_dir() else ():
            data = path.read_bytes()
            text = tmp_path / f"{path.name}.plain"
            text.write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
            plain += answers(text)
    assert plain
    assert answers(package) == plain
