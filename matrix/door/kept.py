"""What is kept between runs: results in the user's cache folder, as good as absent where in doubt.

A kept file is a line that names its form, its key, a BLAKE2b of the payload, and the payload. It is
believed only where nobody but its reader (or the superuser) could have written it: a file that was
planted in a shared folder can lie, and nothing in it says so. Files are renamed into place, so that
two runs at once, or one that is killed, never leave half of one where it is looked for.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from matrix.door.files import opened_regular

if TYPE_CHECKING:
    from hashlib import blake2b
else:
    # `hashlib` loads OpenSSL first, which takes longer than looking up what was kept.
    try:
        from _blake2 import blake2b
    except ImportError:  # an interpreter that has it elsewhere
        from hashlib import blake2b

DIGEST_BYTES = 32

_MAGIC = b"matrix kept 2\n"
_DIGITS = 2 * DIGEST_BYTES  # in hex
_HEADER = len(_MAGIC) + 2 * (_DIGITS + 1)
_UNFINISHED = ".new-"
# What a killed run leaves is removed by another one, which must not be its contemporary.
_ABANDONED_SECONDS = 3600
# What the results of one kind may have together, in bytes.
_MOST_OF_A_KIND = 64 * 1024 * 1024
# How many results this process has kept of each kind, and of how many one makes room for others.
_REMEMBERED: Counter[str] = Counter()
_BETWEEN_LOOKS = 64


def cache_folder() -> Path | None:
    """Return the folder for kept files, None where there is no home folder."""
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


def load(path: Path, key: str, most: int, *, ours: bool = True) -> bytes | None:
    """Return the payload of a kept file; None where it is none, damaged, or has another key.

    `key` are 64 characters, `most` bounds the payload in bytes. With `ours` false whoever wrote the
    file is believed: it belongs to the installed package.
    """
    wanted = _MAGIC + f"{key}\n".encode()
    try:
        with opened_regular(path) as stream:
            info = os.fstat(stream.fileno())
            if ours and not _is_ours(info):
                return None
            header = stream.read(_HEADER)
            if not header.startswith(wanted):
                return None
            # What is read into is made before it is known how much there is.
            payload = stream.read(min(info.st_size, most) + 1)
    except OSError:
        return None
    checksum = header[len(wanted) :]
    if len(payload) > most or checksum != _checksum(payload):
        return None
    return payload


def store(path: Path, key: str, payload: bytes) -> bool:
    """Keep a payload; False where that fails, and nothing is left behind then.

    The folder is made for its user alone, and so is the file.
    """
    scratch = path.parent / f"{_UNFINISHED}{os.urandom(8).hex()}"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            with os.fdopen(os.open(scratch, flags, 0o600), "wb") as stream:
                stream.write(_MAGIC + f"{key}\n".encode() + _checksum(payload) + payload)
            scratch.replace(path)
        finally:
            with contextlib.suppress(OSError):
                scratch.unlink()
    except OSError:
        return False
    return True


def recall(kind: str, key: str) -> bytes | None:
    """Return a result that an earlier run kept under a key; None where there is none.

    It counts as used now: what nobody uses goes first.
    """
    folder = cache_folder()
    if folder is None:
        return None
    path = folder / _name(kind, key)
    payload = load(path, key, _MOST_OF_A_KIND)
    if payload is not None:
        used(path)
    return payload


def remember(kind: str, key: str, payload: bytes) -> None:
    """Keep a result under a key of 64 characters; where that cannot be, it is done without.

    All results of a kind have 64 MiB together.
    """
    folder = cache_folder()
    if folder is None or not store(folder / _name(kind, key), key, payload):
        return
    # Looking through the folder takes as long as keeping a dozen results.
    if _REMEMBERED[kind] % _BETWEEN_LOOKS == 0:
        forget_unused(folder, _name(kind, "*"), _MOST_OF_A_KIND)
    _REMEMBERED[kind] += 1


_Value = TypeVar("_Value")


def recall_value(kind: str, key: str | None, form: type[_Value]) -> _Value | None:
    """Return a value that `remember_value` kept; None where there is none of that form, or no key.

    What decides a value may not be known: then it has no key, and is worked out anew.
    """
    payload = None if key is None else recall(kind, key)
    if payload is None:
        return None
    try:
        return msgspec.msgpack.decode(payload, type=form)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def remember_value(kind: str, key: str | None, value: object) -> None:
    """Keep a value under a key, if it has one, and a form that can be kept."""
    if key is not None:
        with contextlib.suppress(RecursionError, OverflowError):
            remember(kind, key, msgspec.msgpack.encode(value))


def key_of(*parts: bytes) -> str:
    """Return the key of what some parts decide: a BLAKE2b in hex, with their lengths."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(b"%d\n" % len(part) + part)
    return digest.hexdigest()


def used(path: Path) -> None:
    """Note that a kept file was used."""
    with contextlib.suppress(OSError):
        os.utime(path)


def forget_unused(folder: Path, pattern: str, most: int) -> None:
    """Remove the least recently used files of a pattern until the rest has at most `most` bytes.

    The newest one stays whatever its size. Another run may do so at the same time. What runs that
    were killed have left is removed, too.
    """
    with contextlib.suppress(OSError):
        found = []
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):  # another run has removed it
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        found.sort(key=lambda item: item[0], reverse=True)
        held = 0
        for number, (_, size, path) in enumerate(found):
            held += size
            if number and held > most:
                path.unlink(missing_ok=True)
        for path in folder.glob(f"{_UNFINISHED}*"):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)


def _name(kind: str, key: str) -> str:
    return f"{kind}-{key[:32]}.bin"


def _checksum(payload: bytes) -> bytes:
    return f"{blake2b(payload, digest_size=DIGEST_BYTES).hexdigest()}\n".encode()


def _is_ours(info: os.stat_result) -> bool:
    """Tell whether nobody but us and the superuser can have written a file.

    On a system without user ids the folder's own protection is all there is.
    """
    if not hasattr(os, "geteuid"):
        return True
    return info.st_uid in (os.geteuid(), 0) and not info.st_mode & 0o022
