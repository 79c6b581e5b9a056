"""The declarations in compiled form, so that a run imports neither pydantic nor a YAML parser.

`knowledge` hashes the bytes of every declaration and looks for a compiled file with that key: in
the wheel, then in the user's cache. A file that is absent, damaged or of another version is built
anew from the declarations. The file is MessagePack behind a checksum, decoded into the types of
`values` and nothing else: a planted file can lie, but it cannot run code.
"""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

import matrix
from matrix.schema.files import Reading, content_digest, read_folders
from matrix.schema.location import compiled_file, configs_folder, source_files
from matrix.schema.values import Knowledge

_MAGIC = b"gmem-matrix compiled declarations 4\n"
_DIGITS = 64  # of a SHA-256 in hex
_HEADER = len(_MAGIC) + 2 * (_DIGITS + 1)

# The compiled form of the shipped declarations has 1 MB.
_MAX_BYTES = 64 * 1024 * 1024

# Each set of folders has a file of its own; more than these are old versions.
_KEPT_FILES = 8

# What decoding a damaged or hostile file may raise; it is then as good as absent.
_UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError, MemoryError)
# What a declaration that has no compiled form raises: an expression with thousands of terms, a
# number past 64 bits. It is then read anew each time.
_UNWRITABLE = (RecursionError, OverflowError)


def knowledge(extra_folders: Sequence[Path] = (), studies: Sequence[Path] = ()) -> Knowledge:
    """Return what the shipped folder and the given ones declare, later ones overriding.

    `studies` are files of one study each, read last. Raises InputError as
    `matrix.schema.loader.load_knowledge`. A cache that cannot be written is silently done without.
    """
    reading = read_folders([configs_folder(), *extra_folders], studies)
    if reading.diagnostics:
        return _build(reading)
    key = cache_key(reading)
    folder = cache_folder()
    places = [compiled_file()] + ([folder / _file_name(key)] if folder else [])
    for place in places:
        found = read_compiled(place, key)
        if found is not None:
            return found
    built = _build(reading)
    if folder:
        write_compiled(folder / _file_name(key), key, built)
        _remove_old(folder)
    return built


def compile_shipped(target: Path) -> bool:
    """Write the compiled form of the shipped declarations, for a wheel; False: it cannot be."""
    reading = read_folders([configs_folder()])
    return write_compiled(target, cache_key(reading), _build(reading))


def cache_key(reading: Reading) -> str:
    """Return the key of a compiled file: declarations, where they are shown to be, our version.

    The version alone would serve old answers to those who work on the loader: the modules that
    decide what a declaration turns into count too.
    """
    digest = hashlib.sha256(matrix.__version__.encode())
    for path in source_files():
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for file in reading.files:
        digest.update(f"{file.file}\n".encode())
    digest.update(content_digest(reading.files).encode())
    return digest.hexdigest()


def write_compiled(target: Path, key: str, compiled: Knowledge) -> bool:
    """Write a compiled file under a temporary name and rename it; False where that fails."""
    import tempfile  # takes as long to import as a hit takes to read

    try:
        payload = msgspec.msgpack.encode(compiled)
    except _UNWRITABLE:
        return False
    checksum = hashlib.sha256(payload).hexdigest()
    data = _MAGIC + f"{key}\n{checksum}\n".encode() + payload
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
            Path(scratch).replace(target)
        except OSError:
            Path(scratch).unlink(missing_ok=True)
            raise
    except OSError:
        return False
    return True


def read_compiled(path: Path, key: str) -> Knowledge | None:
    """Return the content of a compiled file; None where it is not one, or has another key."""
    try:
        with path.open("rb") as stream:
            header = stream.read(_HEADER)
            wanted = _MAGIC + f"{key}\n".encode()
            if not header.startswith(wanted):
                return None
            payload = stream.read(_MAX_BYTES)
    except OSError:
        return None
    checksum = header[len(wanted) : -1].decode("ascii", "replace")
    if hashlib.sha256(payload).hexdigest() != checksum:
        return None
    return decode(payload)


def decode(payload: bytes) -> Knowledge | None:
    """Return the knowledge in a payload; None where it holds anything else."""
    # Nothing of this is garbage; the collector would walk it several times while it grows.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return msgspec.msgpack.decode(payload, type=Knowledge)
    except _UNREADABLE:
        return None
    finally:
        if collecting:
            gc.enable()


def _build(reading: Reading) -> Knowledge:
    from matrix.schema.loader import build_knowledge  # pydantic and YAML, on a miss only

    return build_knowledge(reading)


def _file_name(key: str) -> str:
    return f"knowledge-{key[:32]}.bin"


def cache_folder() -> Path | None:
    """Return the folder for compiled files, None where there is no home folder."""
    chosen = os.environ.get("MATRIX_CACHE_DIR")
    if chosen:
        return Path(chosen)
    shared = os.environ.get("XDG_CACHE_HOME")
    if shared and Path(shared).is_absolute():  # others are invalid: XDG Base Directory 0.8
        return Path(shared) / "gmem-matrix"
    try:
        return Path.home() / ".cache" / "gmem-matrix"
    except RuntimeError:
        return None


def _remove_old(folder: Path) -> None:
    """Remove all but the newest compiled files; another process may do so at the same time."""
    try:
        files = sorted(folder.glob("knowledge-*.bin"), key=lambda path: path.stat().st_mtime_ns)
        for path in files[:-_KEPT_FILES]:
            path.unlink(missing_ok=True)
    except OSError:
        return
