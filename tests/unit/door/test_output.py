"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.door.output import check_writable, stale, write_files

OLD = {"a.md": "old a", "b.md": "old b", "c/d.md": "old d"}
NEW = {"a.md": "new a", "b.md": "new b", "c/d.md": "new d\r\n\N{MULTIPLICATION SIGN}"}


def held(folder: Path) -> dict[str, str]:
    """Everything in a folder, temporary files included."""
    return {
        str(path.relative_to(folder)): path.read_bytes().decode("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def codes(error: InputError) -> list[str]:
    return [diagnostic.code for diagnostic in error.diagnostics]


def test_texts_are_written_and_nothing_else(tmp_path: Path) -> None:
    write_files(NEW, tmp_path / "new" / "folder")
    assert held(tmp_path / "new" / "folder") == NEW
    write_files({Path("a.md"): "third"}, tmp_path / "new" / "folder")
    assert held(tmp_path / "new" / "folder") == {**NEW, "a.md": "third"}


def test_an_equal_file_is_left_alone(tmp_path: Path) -> None:
    write_files(OLD, tmp_path)
    before = (tmp_path / "a.md").stat()
    write_files({**OLD, "b.md": "other"}, tmp_path)
    after = (tmp_path / "a.md").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_renaming_that_fails_leaves_whole_files_and_nothing_beside_them(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(OLD, tmp_path)
    replace, calls = Path.replace, []

    def fail(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise error
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises((InputError, KeyboardInterrupt)) as caught:
        write_files(NEW, tmp_path)
    monkeypatch.undo()
    assert held(tmp_path) == {**OLD, "a.md": NEW["a.md"]}
    if isinstance(caught.value, InputError):
        assert codes(caught.value) == ["MX0801"]
        assert "Input/output error" in caught.value.diagnostics[0].message


def test_a_disk_that_fills_up_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(OLD, tmp_path)
    synced: list[int] = []

    def fail(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError):
        write_files(NEW, tmp_path)
    assert held(tmp_path) == OLD


def test_permissions_are_kept_and_new_files_follow_the_umask(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("old", encoding="utf-8")
    (tmp_path / "a.md").chmod(0o640)
    umask = os.umask(0o027)
    try:
        write_files({"a.md": "new", "b.md": "new"}, tmp_path)
    finally:
        os.umask(umask)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.md", "b.md")]
    assert modes == [0o640, 0o640]


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.md").write_text("old", encoding="utf-8")
    (tmp_path / "a.md").symlink_to("real/a.md")
    (tmp_path / "b.md").symlink_to("real/b.md")
    write_files({"a.md": "new a", "b.md": "new b"}, tmp_path)
    assert (tmp_path / "a.md").is_symlink()
    assert held(tmp_path / "real") == {"a.md": "new a", "b.md": "new b"}


def test_two_names_of_one_file_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("old", encoding="utf-8")
    (tmp_path / "b.md").symlink_to("a.md")
    with pytest.raises(InputError) as caught:
        write_files({"a.md": "1", "b.md": "2"}, tmp_path)
    assert codes(caught.value) == ["MX0802"]
    with pytest.raises(InputError) as caught:
        check_writable([tmp_path / "a.md", tmp_path / "b.md"])
    assert codes(caught.value) == ["MX0802"]
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "old"


def test_all_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    good = [tmp_path / "x.md", tmp_path / "not" / "yet" / "there.md"]
    check_writable([*good, good[0]])
    wrong = [tmp_path / "file" / "x.md", tmp_path / "folder", tmp_path / "loop"]
    with pytest.raises(InputError) as caught:
        check_writable([*good, *wrong])
    told = caught.value.diagnostics
    assert codes(caught.value) == ["MX0801"] * 3
    assert [d.location.file for d in told if d.location] == [str(path) for path in wrong]
    assert all(d.hint for d in told)
    assert list(held(tmp_path)) == ["file"]


def test_a_folder_without_permission_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    # The superuser may write everywhere: the system's answer is put in its place.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError) as caught:
        check_writable([tmp_path / "a.md"])
    assert "Permission denied" in caught.value.diagnostics[0].message


@pytest.mark.parametrize("name", ["../a.md", "x/../../a.md", "/a.md"])
def test_no_path_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leads out of"):
        write_files({name: "x"}, tmp_path)


def test_a_device_is_written_to_directly(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to(os.devnull)
    check_writable([tmp_path / "null"])
    write_files({"null": "x"}, tmp_path)
    assert not stat.S_ISREG(Path(os.devnull).stat().st_mode)


def test_stale_files_are_named(tmp_path: Path) -> None:
    write_files(OLD, tmp_path)
    assert stale(OLD, tmp_path) == ()
    assert stale({**OLD, "b.md": "x", "gone.md": ""}, tmp_path) == (
        tmp_path / "b.md",
        tmp_path / "gone.md",
    )


@given(text=st.text())
def test_what_is_written_is_fresh(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    write_files({"a": text}, folder)
    assert stale({"a": text}, folder) == ()
    # What UTF-8 cannot hold is written as an escape; all else is written as it is.
    if text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert (folder / "a").read_bytes().decode("utf-8") == text


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits here")
@pytest.mark.parametrize("arguments", [("init", "new"), ("schema", "--output", "new")])
def test_a_file_that_is_smaller_than_a_buffer_and_has_no_room_is_a_diagnostic(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """The system refuses such a file only when it is closed, and would do so a second time."""
    import resource

    ran = subprocess.run(
        [sys.executable, "-m", "matrix", *arguments],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    assert "error[MX0801]: cannot write" in ran.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
