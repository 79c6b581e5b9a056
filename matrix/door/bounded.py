"""The bytes of an input that a person names, never more than a bound.

Takes a path (or `-`), gives bytes. Nothing here trusts the file: not its name, not its size, not
what its compression claims to hold; a file that is no good is an `InputError`, whatever it is.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from matrix.diagnostics import InputError, Location
from matrix.door.files import opened, opened_regular
from matrix.door.folders import check_inside

STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "<stdin>"
# Beginnings of gzip, xz, bzip2 and Zstandard data.
GZIP, XZ, BZIP2, ZSTANDARD = b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh", b"\x28\xb5\x2f\xfd"
PACKED = (GZIP, XZ, BZIP2, ZSTANDARD)


class InputKind(Struct, frozen=True, kw_only=True):
    """A kind of input: at most `limit` bytes, the codes of its diagnostics, and what to check."""

    limit: int
    unreadable: str
    too_large: str
    hint: str


DOTCONFIG = InputKind(
    limit=16 << 20,  # the largest complete `.config` seen has 370 kB
    unreadable="MX0301",
    too_large="MX0302",
    hint="is it the right file? a kernel's `.config` has a few hundred kB",
)
# The largest real inputs: a vmlinux with debug information, and what a kernel package unpacks to.
LARGE = InputKind(
    limit=2 << 30,
    unreadable="MX0301",
    too_large="MX1404",
    hint="is it the right file? give the `.config` itself, or the package that holds it",
)
COMMAND_LINE = InputKind(
    limit=16 << 10,  # COMMAND_LINE_SIZE is 2048 on arm64 and far below this everywhere
    unreadable="MX0402",
    too_large="MX0407",
    hint="is it the right file? a command line has a few hundred bytes",
)


def file_name(path: str | os.PathLike[str]) -> str:
    """Return the name of an input for messages."""
    name = os.fspath(path)
    return STANDARD_INPUT_NAME if name == STANDARD_INPUT else name


def read_bounded(
    path: str | os.PathLike[str], kind: InputKind, *, within: Path | None = None
) -> bytes:
    """Return the bytes of a file or of standard input (`-`), at most `kind.limit` of them.

    `within` as `open_input`.

    Raises:
        InputError: the file is missing, a folder, unreadable, or too large.
    """
    name = file_name(path)
    with open_input(path, kind, within=within) as stream:
        data = read_at_most(stream, kind.limit + 1)
    if len(data) > kind.limit:
        raise larger_than(kind, name)
    return data


def larger_than(kind: InputKind, file: str, holder: str = "the file") -> InputError:
    """Return the error of an input with more than `kind.limit` bytes."""
    is_larger = "is larger" if holder == "the file" else "holds more"
    message = f"{holder} {is_larger} than {kind.limit:,} bytes"
    return _error(kind.too_large, message, file, kind.hint)


@contextlib.contextmanager
def open_input(
    path: str | os.PathLike[str], kind: InputKind, *, within: Path | None = None
) -> Iterator[BinaryIO]:
    """Open a file or standard input (`-`) for the block; what fails while it is read is said.

    A file that no person named is given with the folder that it must lie in, `within`; it must be
    a regular one.

    Raises:
        InputError: `kind.unreadable`: the file is missing, a folder, or cannot be read.
    """
    name = file_name(path)
    try:
        if within is not None:
            check_inside(Path(path), within)
            with opened_regular(path) as stream:
                yield stream
        elif name == STANDARD_INPUT_NAME and os.fspath(path) == STANDARD_INPUT:
            yield sys.stdin.buffer
        else:
            with opened(path) as stream:
                yield stream
    except IsADirectoryError as error:
        hint = "name the files in it"
        raise _error(kind.unreadable, f"`{name}` is a folder", name, hint) from error
    except OSError as error:
        message = f"cannot read `{name}`: {error.strerror}"
        raise _error(kind.unreadable, message, name, "check its name and rights") from error


def read_at_most(stream: BinaryIO, size: int) -> bytes:
    """Read `size` bytes or up to the end; a pipe gives less than was asked for at a time."""
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _error(code: str, message: str, file: str, hint: str) -> InputError:
    return InputError.of(code=code, message=message, location=Location(file=file), hint=hint)
