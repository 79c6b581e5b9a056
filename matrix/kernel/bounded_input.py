"""The bytes of an input file, decompressed where needed, and never more than a bound.

Takes a path (or `-`), gives bytes. Nothing here trusts the file: not its name, not its size, not
what its compression claims to hold; a file that is no good is an `InputError`, whatever it is.
"""

from __future__ import annotations

import importlib
import os
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from matrix.diagnostics import Diagnostic, InputError, Location

STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "<stdin>"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputKind:
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
COMMAND_LINE = InputKind(
    limit=16 << 10,  # COMMAND_LINE_SIZE is 2048 on arm64 and far below this everywhere
    unreadable="MX0402",
    too_large="MX0407",
    hint="is it the right file? a command line has a few hundred bytes",
)


# Far more than any tool writes; each part costs a copy of the rest.
_MAX_MEMBERS = 64

_FETCH_ANEW = "fetch or copy the file anew"


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def file_name(path: str | os.PathLike[str]) -> str:
    """Return the name of an input for messages."""
    name = os.fspath(path)
    return STANDARD_INPUT_NAME if name == STANDARD_INPUT else name


def read_bounded(path: str | os.PathLike[str], kind: InputKind) -> bytes:
    """Return the bytes of a file or of standard input (`-`), at most `kind.limit` of them.

    Raises:
        InputError: the file is missing, a folder, unreadable, or too large.
    """
    name = file_name(path)
    try:
        if name == STANDARD_INPUT_NAME and os.fspath(path) == STANDARD_INPUT:
            data = _read_at_most(sys.stdin.buffer, kind.limit + 1)
        else:
            with Path(path).open("rb") as stream:
                data = _read_at_most(stream, kind.limit + 1)
    except IsADirectoryError as error:
        hint = "name the files in it"
        raise _error(kind.unreadable, f"`{name}` is a folder", name, hint) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        message = f"cannot read `{name}`: {reason}"
        raise _error(kind.unreadable, message, name, "check its name and rights") from error
    if len(data) > kind.limit:
        message = f"the file is larger than {kind.limit:,} bytes"
        raise _error(kind.too_large, message, name, kind.hint)
    return data


def _read_at_most(stream: BinaryIO, size: int) -> bytes:
    """Read `size` bytes or up to the end; a pipe gives less than was asked for at a time."""
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def decompress(data: bytes, file: str, kind: InputKind = DOTCONFIG) -> bytes:
    """Return the content of gzip, xz, bzip2 or Zstandard data; anything else as it is.

    The form is told from the first bytes, not from the name: /proc/config.gz is read from pipes.

    Raises:
        InputError: `kind.too_large` for more than `kind.limit` bytes of content, MX0303 for damaged
            data, MX0304 for a compression that this Python cannot read.
    """
    for magic, label, make in _FORMS:
        if data.startswith(magic):
            return _decompress_members(data, file, kind, label, make)
    return data


def _decompress_members(
    data: bytes, file: str, kind: InputKind, label: str, make: Callable[[str], _Decompressor]
) -> bytes:
    magic = data[:2]
    content = b""
    for _ in range(_MAX_MEMBERS):
        decompressor = make(file)
        try:
            content += decompressor.decompress(data, kind.limit + 1 - len(content))
        except Exception as error:  # each library has its own, unrelated error types
            damaged = f"the {label} data is damaged: {error}"
            raise _error("MX0303", damaged, file, _FETCH_ANEW) from error
        if len(content) > kind.limit:
            message = f"the {label} data holds more than {kind.limit:,} bytes"
            raise _error(kind.too_large, message, file, kind.hint)
        if not decompressor.eof:
            raise _error("MX0303", f"the {label} data ends early", file, _FETCH_ANEW)
        data = decompressor.unused_data
        if not data.startswith(magic):
            return content
    raise _error(
        "MX0303", f"the {label} data is in more than {_MAX_MEMBERS} parts", file, _FETCH_ANEW
    )


class _Gzip:
    """zlib's object with the interface of the other modules; it needs no gzip module."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(data, max_length)


def _xz(_file: str) -> _Decompressor:
    import lzma

    # The dictionary of `xz -9` needs 65 MiB; a bomb may ask for 4 GiB.
    return lzma.LZMADecompressor(memlimit=128 << 20)


def _bzip2(_file: str) -> _Decompressor:
    import bz2

    return bz2.BZ2Decompressor()


class _ZstandardObject(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _ZstandardPackage(Protocol):
    def ZstdDecompressor(self) -> _ZstandardFactory: ...  # noqa: N802 - the library's name


class _ZstandardFactory(Protocol):
    def decompressobj(self) -> _ZstandardObject: ...


class _Zstandard:
    """The object of the `zstandard` package, whose decompress() has no bound of its own."""

    # A block of 4 bytes may stand for 128 KiB, so one step gives 8 MiB at most.
    _STEP = 256

    def __init__(self, library: _ZstandardPackage) -> None:
        self._inner = library.ZstdDecompressor().decompressobj()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        parts: list[bytes] = []
        for start in range(0, len(data), self._STEP):
            parts.append(self._inner.decompress(data[start : start + self._STEP]))
            max_length -= len(parts[-1])
            if self._inner.eof:
                self.unused_data = self._inner.unused_data + data[start + self._STEP :]
                break
            if max_length <= 0:
                break
        return b"".join(parts)


def _zstd(file: str) -> _Decompressor:
    for name in ("compression.zstd", "zstandard"):
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        if name == "zstandard":
            return _Zstandard(cast("_ZstandardPackage", library))
        return cast("_Decompressor", library.ZstdDecompressor())
    raise _error(
        "MX0304",
        "the file is compressed with Zstandard, which this Python cannot read",
        file,
        "install the package `zstandard`, or unpack the file with `zstd -d`",
    )


_FORMS: tuple[tuple[bytes, str, Callable[[str], _Decompressor]], ...] = (
    (b"\x1f\x8b", "gzip", lambda _file: _Gzip()),
    (b"\xfd7zXZ\x00", "xz", _xz),
    (b"BZh", "bzip2", _bzip2),
    (b"\x28\xb5\x2f\xfd", "Zstandard", _zstd),
)


def _error(code: str, message: str, file: str, hint: str) -> InputError:
    return InputError(
        Diagnostic(code=code, message=message, location=Location(file=file), hint=hint)
    )
