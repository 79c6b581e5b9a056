"""The compiled declarations: equal to loaded ones, rebuilt when damaged, never believed blindly."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.diagnostics import InputError
from matrix.door.kept import DIGEST_BYTES
from matrix.expr.nodes import Constant, Name
from matrix.expr.parser import parse
from matrix.schema import compiled, values
from matrix.schema.compiled import (
    cache_key,
    compile_shipped,
    decode,
    knowledge,
    read_compiled,
    write_compiled,
)
from matrix.schema.files import read_folders
from matrix.schema.loader import load_knowledge
from tests.unit.schema.declarations import good_folder, load

# What a hit may not import: pydantic checks, ruamel reads YAML, the others belong to later rooms.
_HEAVY = ("pydantic", "pydantic_core", "ruamel", "pandas", "numpy", "jinja2", "typer", "oxidd")

_HIT = """
import json, sys
from pathlib import Path
from matrix.schema import compiled
compiled.configs_folder = lambda: Path(sys.argv[1])
digest = compiled.knowledge().digest
print(json.dumps([digest, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.fixture
def shipped(tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shipped folder of the small declarations, with an empty cache."""
    folder = good_folder(tmp_path / "shipped")
    monkeypatch.setattr(compiled, "configs_folder", lambda: folder)
    monkeypatch.setattr(compiled, "compiled_file", lambda: tmp_path / "wheel.bin")
    assert not empty_cache.exists()
    return folder


def cached(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.is_dir() else []


def forbid_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(reading: object) -> None:
        raise AssertionError(f"loaded anew: {reading}")

    monkeypatch.setattr(compiled, "_build", fail)


def test_the_compiled_form_equals_the_loaded_one(
    shipped: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_knowledge([shipped])
    assert knowledge() == expected
    (file,) = cached(empty_cache)
    assert file.name.startswith("knowledge-")
    forbid_loading(monkeypatch)
    assert knowledge() == expected


def test_a_change_of_a_file_or_folder_is_seen(shipped: Path, tmp_path: Path) -> None:
    assert knowledge().cpus[0].name == "Arm Neoverse-V1"
    path = shipped / "cpus" / "cpu.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Arm Neoverse-V1", "Another"), encoding="utf-8")
    assert knowledge().cpus[0].name == "Another"
    mine = tmp_path / "mine" / "cpus"
    mine.mkdir(parents=True)
    (mine / "cpu.yaml").write_text(text.replace("Arm Neoverse-V1", "Mine"), encoding="utf-8")
    assert knowledge([mine.parent]).cpus[0].name == "Mine"
    assert knowledge().cpus[0].name == "Another"


def test_errors_are_not_cached(shipped: Path, empty_cache: Path) -> None:
    (shipped / "cpus" / "cpu.yaml").write_text("id: [", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(InputError):
            knowledge()
    assert cached(empty_cache) == []
    with pytest.raises(InputError) as caught:
        knowledge([shipped / "missing"])
    assert "MX0201" in {item.code for item in caught.value.diagnostics}


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "empty", "longer", "folder"])
def test_a_damaged_file_is_built_anew(shipped: Path, empty_cache: Path, damage: str) -> None:
    expected = knowledge()
    (file,) = cached(empty_cache)
    data = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        changed = {
            "truncated": data[:-1],
            "flipped": data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
            "foreign": b"\x7fELF" + data,
            "empty": b"",
            "longer": data + b"x",
        }
        file.write_bytes(changed[damage])
    assert knowledge() == expected == load_knowledge([shipped])
    if damage != "folder":
        assert file.read_bytes() == data


def test_an_unwritable_cache_is_done_without(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MATRIX_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert knowledge() == load_knowledge([shipped])


def test_writing_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(self: Path, target: Path) -> Path:
        raise OSError(28, f"no space for {self} as {target}")

    monkeypatch.setattr(Path, "replace", no_space)
    assert not write_compiled(tmp_path / "cache" / "file.bin", "k" * 64, load())
    assert list((tmp_path / "cache").iterdir()) == []


def test_old_versions_are_removed(shipped: Path, empty_cache: Path) -> None:
    empty_cache.mkdir()
    for number in range(20):
        file = empty_cache / f"knowledge-{number:032}.bin"
        file.touch()
        os.truncate(file, 4 << 20)
        os.utime(file, (number, number))
    (empty_cache / "not-ours.txt").write_bytes(b"")
    knowledge()
    names = [path.name for path in cached(empty_cache)]
    # 15 of 4 MiB and the new one have room in 64 MiB.
    assert len([name for name in names if name.startswith("knowledge-")]) == 16
    assert "not-ours.txt" in names
    assert f"knowledge-{19:032}.bin" in names
    assert read_folders([shipped]).files


def test_where_the_cache_is(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shipped.is_dir()
    monkeypatch.delenv("MATRIX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    knowledge()
    kept = cached(tmp_path / "xdg" / "gmem-matrix")
    assert len([path for path in kept if path.name.startswith("knowledge-")]) == 1
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/invalid")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    knowledge()
    assert len(cached(tmp_path / "home" / ".cache" / "gmem-matrix")) == 1


def test_a_wheel_brings_its_compiled_form(
    shipped: Path, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compile_shipped(tmp_path / "wheel.bin")
    forbid_loading(monkeypatch)
    assert knowledge().digest == load_knowledge([shipped]).digest
    assert cached(empty_cache) == []


def test_the_key_changes_with_version_and_modules(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = read_folders([shipped])
    key = cache_key(reading)
    with monkeypatch.context() as patch:
        patch.setattr("matrix.__version__", "99")
        assert cache_key(reading) != key
    module = tmp_path / "loader.py"
    module.write_text("# changed\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "source_files", lambda: (module,))
        assert cache_key(reading) != key
    assert cache_key(reading) == key


def test_a_hit_imports_no_heavy_library(shipped: Path, empty_cache: Path) -> None:
    expected = knowledge().digest
    assert len(cached(empty_cache)) == 1
    done = subprocess.run(
        [sys.executable, "-c", _HIT, str(shipped)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(compiled.__file__).parents[2])},
    )
    digest, modules = json.loads(done.stdout)
    assert digest == expected
    assert [name for name in modules if name in _HEAVY] == []


class _Runs:
    """Pickles as a call of a function, which is how a pickle runs code."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    "planted",
    [
        pickle.dumps(_Runs()),
        msgspec.msgpack.encode(Name("a")),
        msgspec.msgpack.encode({"digest": ""}),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(1, b"code")),
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000,
        b"",
    ],
    ids=["pickle", "expression", "incomplete", "extension", "endless", "deep", "empty"],
)
def test_a_planted_file_is_not_believed(shipped: Path, empty_cache: Path, planted: bytes) -> None:
    expected = knowledge()
    (file,) = cached(empty_cache)
    assert decode(planted) is None
    key = cache_key(read_folders([shipped]))
    head = file.read_bytes().split(b"\n", 1)[0]
    checksum = hashlib.blake2b(planted, digest_size=DIGEST_BYTES).hexdigest()
    file.write_bytes(head + f"\n{key}\n{checksum}\n".encode() + planted)
    assert read_compiled(file, key) is None
    assert knowledge() == expected


def test_what_nobody_would_read_is_not_written(
    shipped: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_MAX_BYTES", 1 << 8)
    assert knowledge() == load_knowledge([shipped])
    assert not list(empty_cache.glob("knowledge-*"))
    monkeypatch.setattr(compiled, "_MAX_BYTES", 1 << 20)
    knowledge()
    assert len(list(empty_cache.glob("knowledge-*"))) == 1


def test_what_cannot_be_compiled_is_not_written(tmp_path: Path) -> None:
    """A number past 64 bits, an expression too deep to encode: read anew each time instead."""
    capability = load().capabilities[0]
    predicate = capability.predicates[0]
    for expression in (Constant(2**64), parse(" && ".join(["a"] * 20_000))):
        condition = replace(predicate.condition, expression=expression)
        changed = replace(capability, predicates=(replace(predicate, condition=condition),))
        knows = replace(load(), capabilities=(changed,))
        assert not write_compiled(tmp_path / "file.bin", "k" * 64, knows)
    assert list(tmp_path.iterdir()) == []


@given(st.data())
def test_a_changed_payload_is_knowledge_or_nothing(data: st.DataObject) -> None:
    """Whatever the bytes are, no exception of the decoder gets out."""
    payload = bytearray(_PAYLOAD)
    for _ in range(data.draw(st.integers(min_value=1, max_value=4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(payload)))
    found = decode(bytes(payload[:end] if data.draw(st.booleans()) else payload))
    assert found is None or isinstance(found, values.Knowledge)


def test_the_payload_is_decoded_to_what_it_was_made_of() -> None:
    assert decode(_PAYLOAD) == load()


_PAYLOAD = msgspec.msgpack.encode(load())
