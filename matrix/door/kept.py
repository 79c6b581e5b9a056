"""What is kept between runs: results in the user's cache folder, as good as absent where in doubt.

A kept file is a line that names its form, its key, a SHA-256 of the payload, and the payload. It is
believed only where nobody but its reader (or the superuser) could have written it: a file that was
planted in a shared folder can lie, and nothing in it says so. Files are renamed into place, so that
two runs at once, or one that is killed, never leave half of one where it is looked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from matrix.door.files import opened_regular

_MAGIC = b"matrix kept 1\n"
_DIGITS = 64  # of a SHA-256 in hex
_HEADER = len(_MAGIC) + 2 * (_DIGITS + 1)
_UNFINISHED = ".new-"
# What a killed run leaves is removed by another one, which must not be its contemporary.
_ABANDONED_SECONDS = 3600


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
            if ours and not _is_ours(os.fstat(stream.fileno())):
                return None
            header = stream.read(_HEADER)
            if not header.startswith(wanted):
                return None
            payload = stream.read(most + 1)
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


def forget_old(folder: Path, pattern: str, kept: int) -> None:
    """Remove all but the newest `kept` files of a pattern; another run may do so at the same time.

    And what runs that were killed have left.
    """
    with contextlib.suppress(OSError):
        files = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)
        for path in files[:-kept]:
            path.unlink(missing_ok=True)
        for path in folder.glob(f"{_UNFINISHED}*"):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)


def _checksum(payload: bytes) -> bytes:
    return f"{hashlib.sha256(payload).hexdigest()}\n".encode()


def _is_ours(info: os.stat_result) -> bool:
    """Tell whether nobody but us and the superuser can have written a file.

    On a system without user ids the folder's own protection is all there is.
    """
    if not hasattr(os, "geteuid"):
        return True
    return info.st_uid in (os.geteuid(), 0) and not info.st_mode & 0o022
