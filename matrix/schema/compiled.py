"""The declarations in compiled form, so that a run imports neither pydantic nor a YAML parser.

`knowledge` hashes the bytes of every declaration and looks for a compiled file with that key: in
the wheel, then in the user's cache. A file that is absent, damaged or of another version is built
anew from the declarations. The file is MessagePack, decoded into the types of `values` and nothing
else: it cannot run code. Whether it is believed at all is decided in `matrix/door/kept.py`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

import matrix
from matrix.door.files import digest_of
from matrix.door.folders import is_outside_allowed, stamp_below
from matrix.door.kept import (
    cache_folder,
    forget_unused,
    key_of,
    load,
    recall,
    remember,
    store,
    used,
)
from matrix.schema.files import Reading, content_digest, read_folders
from matrix.schema.location import (
    compiled_file,
    configs_folder,
    shown_folder,
    source_files,
    source_folders,
)
from matrix.schema.values import Knowledge

# Of the compiled form: another one has another key.
_FORM = b"5"
# The compiled form of the shipped declarations has 1 MB.
_MAX_BYTES = 64 * 1024 * 1024

# Each set of folders has a file of its own; what has not been used for longest goes first.
_MOST_KEPT = 64 * 1024 * 1024
# What was changed so shortly before it was read may be changed once more without another time.
_SETTLED_NS = 2_000_000_000

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
    folders = (configs_folder(), *extra_folders)
    # Two keys: the stamp is cheap and says that no file seems changed, and leads to the other one,
    # which is made of the bytes.
    stamp, settled = (None, False) if studies else _stamp(folders)
    known = None if stamp is None else recall("stamp", stamp)
    if known is not None:
        found = _compiled(known.decode("ascii", "replace"))
        if found is not None:
            return found
    reading = read_folders(folders, studies)
    # Nothing that is wrong is kept, so that every run says it.
    if reading.diagnostics:
        return _build(reading)
    key = cache_key(reading)
    # What was read is what the stamp says only if nothing has changed meanwhile.
    if stamp is not None and settled and _stamp(folders)[0] == stamp:
        remember("stamp", stamp, key.encode())
    found = _compiled(key)
    if found is not None:
        return found
    built = _build(reading)
    folder = cache_folder()
    if folder:
        write_compiled(folder / _file_name(key), key, built)
        forget_unused(folder, _file_name("*"), _MOST_KEPT)
    return built


def _compiled(key: str) -> Knowledge | None:
    """Return the compiled form with a key, from the wheel or the user's cache; None: nowhere."""
    found = read_compiled(compiled_file(), key)
    folder = cache_folder()
    if found is None and folder is not None:
        path = folder / _file_name(key)
        found = read_compiled(path, key)
        if found is not None:
            used(path)
    return found


def _stamp(folders: Sequence[Path]) -> tuple[str | None, bool]:
    """Return what stands for all that is read, unread; and whether it has settled.

    Reading 200 files to know that they are the same takes longer than all else that is done with
    them. None where something cannot be looked at.
    """
    # Whatever changes what reading gives belongs here, also what is not in the files.
    found: list[object] = [matrix.__version__, is_outside_allowed()]
    newest = 0
    try:
        for place in (*folders, *source_folders()):
            below, changed = stamp_below(place)
            found += [str(place), shown_folder(place), below]
            newest = max(newest, changed)
    except OSError:
        return None, False
    return key_of(_FORM, repr(found).encode("utf-8", "surrogatepass")), (
        time.time_ns() - newest > _SETTLED_NS
    )


def compile_shipped(target: Path) -> bool:
    """Write the compiled form of the shipped declarations, for a wheel; False: it cannot be."""
    reading = read_folders([configs_folder()])
    return write_compiled(target, cache_key(reading), _build(reading))


def cache_key(reading: Reading) -> str:
    """Return the key of a compiled file: declarations, where they are shown to be, our version.

    The version alone would serve old answers to those who work on the loader: the modules that
    decide what a declaration turns into count too.
    """
    import hashlib

    digest = hashlib.sha256(matrix.__version__.encode() + _FORM)
    for path in source_files():
        digest.update(bytes.fromhex(digest_of(path)))
    for file in reading.files:
        digest.update(f"{file.file}\n".encode())
    digest.update(content_digest(reading.files).encode())
    return digest.hexdigest()


def write_compiled(target: Path, key: str, compiled: Knowledge) -> bool:
    """Write a compiled file; False where that fails, or nobody would read it."""
    try:
        payload = msgspec.msgpack.encode(compiled)
    except _UNWRITABLE:
        return False
    # Larger than what is read again, as of thousands of CPUs in files of their own.
    return len(payload) <= _MAX_BYTES and store(target, key, payload)


def read_compiled(path: Path, key: str) -> Knowledge | None:
    """Return the content of a compiled file; None where it is not one, or has another key."""
    payload = load(path, key, _MAX_BYTES, ours=path != compiled_file())
    return None if payload is None else decode(payload)


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
