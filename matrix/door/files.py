"""Files, opened and read: the only place of the package that asks the system for their bytes.

`read_regular` is for files that the program looks up itself, in a tree, a folder or a cache: what
is no regular file there is refused instead of waited for, and what is too large is not read.
`opened` is for a file that a person names, which may be a pipe; `bounded.py` bounds it. Both raise
nothing but OSError, with a `strerror` that a diagnostic can say; who reads knows its code.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BufferedReader]:
    """Open a file for the block, whatever it is.

    Raises:
        OSError: it is missing, a folder, may not be read, or its name is none.
    """
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - a name with a NUL is a ValueError here only
    except ValueError as error:
        raise OSError(errno.EINVAL, "not a file name") from error
    with stream:
        yield stream


@contextlib.contextmanager
def opened_regular(path: str | os.PathLike[str]) -> Iterator[BufferedReader]:
    """Open a regular file for the block.

    Raises:
        OSError: as `opened`, and for a pipe or a device.
    """
    try:
        stream = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - Path has no opener
    except ValueError as error:
        raise OSError(errno.EINVAL, "not a file name") from error
    with stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        yield stream


def read_regular(path: str | os.PathLike[str], most: int) -> bytes:
    """Return the bytes of a regular file, at most `most` of them.

    Raises:
        OSError: as `opened`, and for a pipe, a device, or a larger file.
    """
    with opened_regular(path) as stream:
        # What the kernel makes when it is read, below /proc and /sys, has no size before.
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {_size(most)}")
    return data


def digest_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a regular file in hex; OSError as `read_regular`, whatever its size."""
    import hashlib  # loads OpenSSL: only for who asks

    with opened_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _without_waiting(path: str, flags: int) -> int:
    # Absent where the system has no pipes with names: there opening a file is no danger either.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _size(most: int) -> str:
    return f"{most >> 20} MiB" if most >= 1 << 20 else f"{most:,} bytes"
