"""What is kept between runs: damage is seen at every byte, and a planted file is not believed."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from matrix.door import kept

KEY = "0123456789abcdef" * 4
PAYLOAD = bytes(range(256)) * 4
MOST = 1 << 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cache" / "knowledge-1.bin"
    assert kept.store(path, KEY, PAYLOAD)
    assert kept.load(path, KEY, MOST) == PAYLOAD
    return path


def test_it_is_for_its_user_alone(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_a_flipped_bit_is_seen_at_every_byte(file: Path) -> None:
    whole = file.read_bytes()
    for index in range(len(whole)):
        damaged = bytearray(whole)
        damaged[index] ^= 1 << index % 8
        file.write_bytes(damaged)
        assert kept.load(file, KEY, MOST) is None, index
    file.write_bytes(whole)
    assert kept.load(file, KEY, MOST) == PAYLOAD


def test_every_beginning_and_every_tail_is_seen(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert kept.load(file, KEY, MOST) is None, length
    file.write_bytes(whole + b"\0")
    assert kept.load(file, KEY, MOST) is None


def test_another_key_and_a_larger_payload_are_none(file: Path) -> None:
    assert kept.load(file, KEY[::-1], MOST) is None
    assert kept.load(file, KEY, len(PAYLOAD) - 1) is None
    assert kept.load(file.parent, KEY, MOST) is None
    assert kept.load(file.parent / "gone", KEY, MOST) is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_may_write_is_not_believed(mode: int, file: Path) -> None:
    file.chmod(mode)
    assert kept.load(file, KEY, MOST) is None
    assert kept.load(file, KEY, MOST, ours=False) == PAYLOAD


def test_what_another_user_planted_is_not_believed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if file.stat().st_uid == 0:
        os.chown(file, 12345, -1)
    else:
        owner = file.stat().st_uid
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert kept.load(file, KEY, MOST) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_planted_pipe_is_not_waited_for(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    assert kept.load(file, KEY, MOST) is None


def test_what_a_killed_run_left_is_removed_later(file: Path) -> None:
    left, young = file.parent / ".new-dead", file.parent / ".new-alive"
    left.touch()
    young.touch()
    os.utime(left, (0, 0))
    kept.forget_unused(file.parent, "knowledge-*.bin", MOST)
    assert set(file.parent.iterdir()) == {file, young}


def test_a_folder_that_is_none_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not kept.store(tmp_path / "file" / "x", KEY, PAYLOAD)
    kept.forget_unused(tmp_path / "file", "*", 1)


def _store_and_load(path: Path, number: int) -> int:
    """Return how often what was read is neither nothing nor one of the payloads, whole."""
    wrong = 0
    for _ in range(100):
        kept.store(path, KEY, bytes([number]) * 50_000)
        found = kept.load(path, KEY, MOST)
        wrong += found not in (None, b"\0" * 50_000, b"\1" * 50_000)
    return wrong


def test_two_runs_at_once_never_see_half_of_one(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "x.bin"
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(_store_and_load, [(path, 0), (path, 1)])
    assert found == [0, 0]
    assert list(path.parent.iterdir()) == [path]


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b", "c")):
        kept.store(tmp_path / f"x-{name}", KEY, b"x" * 100)
        os.utime(tmp_path / f"x-{name}", (number, number))
    kept.used(tmp_path / "x-a")
    size = (tmp_path / "x-a").stat().st_size
    kept.forget_unused(tmp_path, "x-*", 2 * size)
    assert {path.name for path in tmp_path.iterdir()} == {"x-a", "x-c"}
    kept.forget_unused(tmp_path, "x-*", 1)
    assert {path.name for path in tmp_path.iterdir()} == {"x-a"}, "the newest one stays"


def test_a_result_is_recalled_and_counts_as_used(empty_cache: Path) -> None:
    key = kept.key_of(b"one", b"two")
    assert kept.recall("result", key) is None
    kept.remember("result", key, b"payload")
    (path,) = empty_cache.iterdir()
    os.utime(path, (0, 0))
    assert kept.recall("result", key) == b"payload"
    assert path.stat().st_mtime > 0
    assert kept.recall("result", kept.key_of(b"onetwo")) is None
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert kept.recall("result", key) is None
