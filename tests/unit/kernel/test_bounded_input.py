from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.door.bounded import DOTCONFIG
from matrix.door.stream import decompress
from matrix.kernel.config.dotconfig import load_dotconfig, read_dotconfig
from tests.unit.kernel.kernel_cases import places

CONTENT = b"# Linux/arm64 7.3.0 Kernel Configuration\nCONFIG_KVM=y\n"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
}
ALL_PACKERS = [pytest.param(pack, id=name) for name, pack in PACKERS.items()]


def _code(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_dotconfig(data, "test.config")
    assert caught.value.diagnostics[0].hint
    (place,) = places(caught.value.diagnostics)
    return place


@pytest.mark.parametrize("pack", ALL_PACKERS)
def test_packed_files_are_read_whatever_their_name(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "config"
    path.write_bytes(pack(CONTENT))
    assert load_dotconfig(path).release == "7.3"


@pytest.mark.parametrize("pack", ALL_PACKERS)
def test_members_that_follow_each_other_are_one_file(pack: Callable[[bytes], bytes]) -> None:
    assert decompress(pack(CONTENT) + pack(CONTENT), "test.config") == CONTENT * 2


@pytest.mark.parametrize("pack", ALL_PACKERS)
def test_what_follows_the_packed_data_is_ignored(pack: Callable[[bytes], bytes]) -> None:
    assert decompress(pack(CONTENT) + b"\0" * 512, "test.config") == CONTENT


@pytest.mark.parametrize("pack", ALL_PACKERS)
def test_a_bomb_is_refused(pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(DOTCONFIG.limit + 1))
    assert len(bomb) < DOTCONFIG.limit // 500
    assert _code(bomb) == "MX0302"
    assert decompress(pack(bytes(DOTCONFIG.limit)), "test.config") == bytes(DOTCONFIG.limit)


@pytest.mark.parametrize("pack", ALL_PACKERS)
def test_a_file_that_ends_early_is_refused(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(os.urandom(3000))
    for length in (8, len(packed) // 2, len(packed) - 1):
        assert _code(packed[:length]) == "MX0303"


@pytest.mark.parametrize("pack", ALL_PACKERS)
def test_a_damaged_file_is_refused(pack: Callable[[bytes], bytes]) -> None:
    packed = bytearray(pack(os.urandom(3000)))
    packed[8:40] = bytes(32)
    assert _code(bytes(packed)) == "MX0303"


def test_thousands_of_empty_members_are_refused() -> None:
    assert _code(gzip.compress(b"") * 5000) == "MX0303"


def test_without_its_package_zstandard_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("matrix.door.stream.importlib.import_module", missing)
    assert _code(b"\x28\xb5\x2f\xfd\x00") == "MX0304"


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(100 << 20)
    cases = (
        (tmp_path, "MX0301", "is a folder"),
        (tmp_path / "missing", "MX0301", "No such file"),
        (large, "MX0302", "larger than 16,777,216 bytes"),
        ("a\0b", "MX0301", "not a file name"),
        ("/dev/zero", "MX0302", "larger than"),
    )
    for path, code, says in cases:
        with pytest.raises(InputError) as caught:
            load_dotconfig(path)
        assert places(caught.value.diagnostics) == [code]
        assert says in caught.value.diagnostics[0].message


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(gzip.compress(CONTENT)))
    monkeypatch.setattr("sys.stdin", stream)
    config = load_dotconfig("-")
    assert config.file == "<stdin>"
    assert config.value("KVM") is True


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as stream:
            for start in range(0, len(CONTENT), 10):
                stream.write(CONTENT[start : start + 10])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert load_dotconfig(path).release == "7.3"
    finally:
        writer.join()


@given(st.data(), st.sampled_from(sorted(PACKERS)))
def test_any_mutation_of_packed_data_is_read_or_refused(data: st.DataObject, form: str) -> None:
    packed = bytearray(PACKERS[form](CONTENT))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(packed)))
        packed[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=4))
    try:
        read_dotconfig(bytes(packed), "test.config")
    except InputError as error:
        diagnostics = error.diagnostics
    else:
        diagnostics = ()
    assert all(item.location and item.hint for item in diagnostics)
