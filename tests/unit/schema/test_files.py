"""Reading of configuration folders: what is a declaration, what is refused, what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.schema import location
from matrix.schema.files import Kind, content_digest, read_folders
from matrix.schema.loader import load_knowledge
from tests.unit.schema.declarations import BAD, PLACES, good_folder


def codes(folder: Path) -> list[str]:
    return [item.code for item in read_folders([folder]).diagnostics]


def test_each_folder_has_its_kind(tmp_path: Path) -> None:
    reading = read_folders([good_folder(tmp_path)])
    assert {file.kind: file.name for file in reading.files} == PLACES
    assert all(file.file == f"{tmp_path}/{file.name}" for file in reading.files)


def test_other_files_are_not_declarations(tmp_path: Path) -> None:
    good_folder(tmp_path)
    for name in ("cpus/README.md", "cpus/.hidden.yaml", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{[", encoding="utf-8")
    reading = read_folders([tmp_path])
    assert len(reading.files) == len(PLACES)
    assert reading.diagnostics == ()


@pytest.mark.parametrize(
    ("name", "code"),
    [("mine.yaml", "MX0220"), ("kernel/mine.yaml", "MX0220"), ("cpus/x.yaml/a", "MX0202")],
)
def test_a_declaration_that_would_be_overlooked(tmp_path: Path, name: str, code: str) -> None:
    good_folder(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("id: a\n", encoding="utf-8")
    assert codes(tmp_path) == [code]


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "cpus").mkdir()
    assert codes(tmp_path) == ["MX0220"]
    assert codes(tmp_path / "missing") == ["MX0201"]
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert codes(tmp_path / "file") == ["MX0201"]


def test_links_to_nothing_and_pipes_are_not_read(tmp_path: Path) -> None:
    good_folder(tmp_path)
    (tmp_path / "cpus" / "gone.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "cpus" / "pipe.yaml")
    assert codes(tmp_path) == ["MX0202", "MX0202"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    good_folder(tmp_path)
    (tmp_path / "cpus" / "cpu.yaml").chmod(0)
    assert codes(tmp_path) == ["MX0202"]


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    good_folder(tmp_path)
    with (tmp_path / "cpus" / "cpu.yaml").open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)  # sparse: 100 MB that take no room
    with pytest.raises(InputError) as caught:
        load_knowledge([tmp_path])
    assert [item.code for item in caught.value.diagnostics] == ["MX0203"]
    assert "4 MiB" in caught.value.diagnostics[0].message


def test_a_broken_kind_gives_no_errors_elsewhere() -> None:
    """The study names CPUs that cannot be read: that is one error, not one per name."""
    reading = read_folders([BAD / "MX0201-not-a-folder"])
    assert Kind.CPU in reading.broken


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    first = good_folder(tmp_path / "a")
    second = good_folder(tmp_path / "b")
    digest = content_digest(read_folders([first]).files)
    assert content_digest(read_folders([second]).files) == digest
    (second / "cpus" / "cpu.yaml").rename(second / "cpus" / "other.yaml")
    assert content_digest(read_folders([second]).files) != digest
    with (first / "cpus" / "cpu.yaml").open("ab") as stream:
        stream.write(b"#")
    assert content_digest(read_folders([first]).files) != digest


def test_shipped_files_are_shown_as_configs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = good_folder(tmp_path / "anywhere")
    monkeypatch.setattr(location, "find_configs_folder", lambda: folder)
    assert {file.file for file in read_folders([folder]).files} == {
        f"configs/{name}" for name in PLACES.values()
    }


def test_the_configs_of_a_wheel_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "matrix"
    monkeypatch.setattr(location, "_PACKAGE", package)
    with pytest.raises(InputError) as caught:
        location.configs_folder()
    assert caught.value.diagnostics[0].code == "MX0201"
    assert "install" in str(caught.value.diagnostics[0].hint)
    (tmp_path / "configs").mkdir()
    assert location.configs_folder() == tmp_path / "configs"
    (package / "_configs").mkdir(parents=True)
    assert location.configs_folder() == package / "_configs"
