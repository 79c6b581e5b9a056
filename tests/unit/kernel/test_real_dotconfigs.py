"""The reader of `.config`s on the real ones: 162 of distributions, 18 of Debian, 14 that booted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import pytest
from msgspec import Struct, field
from ruamel.yaml import YAML

from matrix.expr.nodes import Value
from matrix.kernel.config.dotconfig import DotConfig, load_dotconfig
from tests.unit.kernel.kernel_cases import rows


class FileRow(Struct, frozen=True, kw_only=True):
    id: str
    file: str
    complete: bool
    release: str | None
    symbols: Mapping[str, Value]
    version: str | None = None
    codes: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def find_config(
    distro_configs: Path, debian_configs: Path, booted_originals: Path
) -> Callable[[str], DotConfig]:
    """Return the reader of a real file by its name."""

    @lru_cache(maxsize=4)
    def find(name: str) -> DotConfig:
        folders = (distro_configs, debian_configs, booted_originals)
        (path,) = [folder / name for folder in folders if (folder / name).exists()]
        return load_dotconfig(path)

    return find


@pytest.mark.parametrize("row", rows(FileRow, "dotconfig/distributions.yaml"))
def test_real_files_say_what_they_say(
    row: FileRow, find_config: Callable[[str], DotConfig]
) -> None:
    config = find_config(row.file)
    assert config.complete is row.complete
    assert config.release == row.release
    assert config.arch in ("arm64", None)
    for symbol, value in row.symbols.items():
        found = config.value(symbol)
        assert (type(found), found) == (type(value), value), symbol
    if row.version is not None:
        assert config.version == row.version
    assert [item.code for item in config.diagnostics] == row.codes


def test_complete_are_those_that_the_manifest_calls_full(
    find_config: Callable[[str], DotConfig], distro_configs: Path
) -> None:
    manifest = YAML(typ="safe", pure=True).load(
        (distro_configs / "manifest.yaml").read_text("utf-8")
    )
    assert len(manifest) == 162
    for entry in manifest:
        config = find_config(entry["file"])
        assert config.complete == (entry["kind"] == "full"), entry["file"]
        assert (config.version is not None) == entry["header"], entry["file"]


def test_debian_and_booted_ones_are_complete_and_know_their_release(
    find_config: Callable[[str], DotConfig], debian_configs: Path, booted_originals: Path
) -> None:
    for folder, count in ((debian_configs, 18), (booted_originals, 14)):
        files = sorted(folder.glob("*.config"))
        assert len(files) == count
        for path in files:
            config = find_config(path.name)
            assert config.complete, path.name
            (release,) = re.findall(r"(?:debian-|^t?)(\d+\.\d+)", path.name)
            assert config.release == release
            assert not config.diagnostics, path.name


_SETTING = re.compile(r"CONFIG_(\w+)=(.*)")


def test_every_line_of_every_file_is_accounted_for(
    find_config: Callable[[str], DotConfig], distro_configs: Path
) -> None:
    for path in sorted(distro_configs.glob("*.config")):
        config = find_config(path.name)
        expected: dict[str, str] = {}
        for line in path.read_text("utf-8").splitlines():
            match = _SETTING.match(line)
            if match:
                expected[match[1]] = match[2].partition(" #")[0]
            elif line.startswith("# CONFIG_") and " is not set" in line:
                expected[line.split("_", 1)[1].split(" ")[0]] = "n"
        assert set(config.symbols) == set(expected), path.name
        for symbol, raw in expected.items():
            assert config.value(symbol) == _meaning(raw), (path.name, symbol)


def _meaning(raw: str) -> bool | int | str:
    if raw.startswith('"'):
        return raw[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    letters: dict[str, bool | str] = {"y": True, "n": False, "m": "m"}
    return letters[raw] if raw in letters else int(raw, 0)


def test_the_shipped_extract_is_complete_too(booted_extract: Path) -> None:
    files = sorted(booted_extract.glob("*.config"))
    assert len(files) == 14
    for path in files:
        assert load_dotconfig(path).complete, path.name
