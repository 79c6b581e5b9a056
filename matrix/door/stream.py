"""An input that is too large to hold: bytes that go by once, packed or not, up to a bound.

Takes an open file, gives a `Stream`: `peek`, `read`, `skip`. A kernel image or a package is read
through it, so that neither its size nor what its compression claims to hold costs memory, and a
bomb ends at the bound. Each unpacking step is asked for a bounded piece, never for all there is.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from types import ModuleType
from typing import Protocol

from matrix.diagnostics import InputError, Location
from matrix.door.bounded import (
    BZIP2,
    DOTCONFIG,
    GZIP,
    LARGE,
    PACKED,
    XZ,
    ZSTANDARD,
    InputKind,
    larger_than,
)

_PIECE = 1 << 16
# Far more than any tool writes: each member costs a decompressor.
_MOST_PARTS = 64
_FETCH_ANEW = "fetch or copy the file anew"
# Compressions that kernels may be built with and that nothing here can read.
_UNREADABLE_FORMS = (
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"\x02\x21\x4c\x18", "LZ4"),
    (b"\x89LZO", "LZO"),
    (b"\x5d\x00\x00", "LZMA"),
)


class Source(Protocol):
    """Anything with read(), such as a file or a member of an archive."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Stream:
    """Bytes of one source, read once from front to back, at most `kind.limit` of them.

    `taken` counts the bytes that were read; past `allowed` of them the reading ends with an error.
    """

    def __init__(
        self,
        source: Source,
        file: str,
        *,
        kind: InputKind | None = None,
        holder: str = "the file",
        ahead: bytes = b"",
    ) -> None:
        self.file = file
        self.taken = 0
        self._kind = kind or LARGE
        self.allowed = self._kind.limit
        self._holder = holder
        self._source = source
        self._ahead = ahead

    def bound(self, kind: InputKind) -> None:
        """Set the bound anew, when it is known what the bytes are."""
        self._kind = kind
        self.allowed = kind.limit

    def seekable(self) -> bool:
        """Tell libraries that there is no way back."""
        return False

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end, and leave them there."""
        while len(self._ahead) < size and (more := self._source.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead[:size]

    def push_back(self, data: bytes) -> None:
        """Put back what was read too far."""
        self._ahead = data + self._ahead
        self.taken -= len(data)

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end.

        Raises:
            InputError: `kind.too_large` past the bound.
        """
        parts = [self._ahead[:size]]
        self._ahead = self._ahead[size:]
        missing = size - len(parts[0])
        while missing > 0 and (more := self._source.read(min(missing, _PIECE))):
            # A source may give more than it was asked for.
            parts.append(more[:missing])
            self._ahead += more[missing:]
            missing -= len(parts[-1])
            if self.taken + size - missing > self.allowed:
                break
        data = b"".join(parts)
        self.taken += len(data)
        if self.taken > self.allowed:
            raise larger_than(self._kind, self.file, self._holder)
        return data

    def skip(self, size: int) -> bool:
        """Pass over `size` bytes; False where there are fewer."""
        while size > 0:
            passed = len(self.read(min(size, _PIECE)))
            if not passed:
                return False
            size -= passed
        return True

    def rest(self) -> bytes:
        """Return all that is left, up to the bound."""
        return b"".join(iter(lambda: self.read(_PIECE), b""))


def unpacked(stream: Stream, *, kind: InputKind | None = None) -> Stream:
    """Return the content of a packed stream, told by its first bytes; any other as it is.

    Raises:
        InputError: MX1407 for a compression that cannot be read; when it is read: MX0303 for
            damaged data, `kind.too_large` past the bound.
    """
    head = stream.peek(6)
    for magic, name in _UNREADABLE_FORMS:
        if head.startswith(magic):
            raise InputError.of(
                code="MX1407",
                message=f"the data is compressed with {name}, which cannot be read here",
                location=Location(file=stream.file),
                hint="unpack it first, or give the `.config` of the build",
            )
    for magic, label, make in _FORMS:
        if head.startswith(magic):
            content = _Unpacking(stream, magic, label, make)
            return Stream(content, stream.file, kind=kind, holder=f"the {label} data")
    return stream


def decompress(data: bytes, file: str, kind: InputKind = DOTCONFIG) -> bytes:
    """Return the content of gzip, xz, bzip2 or Zstandard data; anything else as it is.

    The form is told from the first bytes, not from the name: /proc/config.gz is read from pipes.

    Raises:
        InputError: `kind.too_large` for more than `kind.limit` bytes of content, MX0303 for damaged
            data, MX0304 for a compression that this Python cannot read.
    """
    if not data.startswith(PACKED):
        return data
    return unpacked(Stream(io.BytesIO(data), file), kind=kind).rest()


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Unpacking:
    """The content of packed data, member after member, as a source."""

    def __init__(
        self,
        stream: Stream,
        magic: bytes,
        label: str,
        make: Callable[[str], _Decompressor],
    ) -> None:
        self._stream = stream
        self._magic = magic
        self._label = label
        self._make = make
        self._parts = 1
        self._member: _Decompressor | None = make(stream.file)

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes of content, none at the end."""
        while self._member is not None:
            packed = self._stream.read(_PIECE) if self._member.needs_input else b""
            if self._member.needs_input and not packed:
                raise self._damaged("ends early")
            try:
                content = self._member.decompress(packed, size)
            except InputError:
                raise
            except Exception as error:  # each library has its own, unrelated error types
                raise self._damaged(f"is damaged: {error}") from error
            if self._member.eof:
                self._stream.push_back(self._member.unused_data)
                again = self._stream.peek(len(self._magic)) == self._magic
                self._member = self._next_member() if again else None
            if content:
                return content
        return b""

    def _next_member(self) -> _Decompressor:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise self._damaged(f"is in more than {_MOST_PARTS} parts")
        return self._make(self._stream.file)

    def _damaged(self, what: str) -> InputError:
        return InputError.of(
            code="MX0303",
            message=f"the {self._label} data {what}",
            location=Location(file=self._stream.file),
            hint=_FETCH_ANEW,
        )


class _Gzip:
    """zlib's object with the interface of lzma's: what it did not look at yet stays inside."""

    def __init__(self, _file: str) -> None:
        import zlib

        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _xz(_file: str) -> _Decompressor:
    import lzma

    # The dictionary of `xz -9` needs 65 MiB; a bomb may ask for 4 GiB.
    return lzma.LZMADecompressor(memlimit=128 << 20)


def _bzip2(_file: str) -> _Decompressor:
    import bz2

    return bz2.BZ2Decompressor()


def _zstandard_library(file: str) -> ModuleType:
    """Return the module that reads Zstandard: the standard library's, or the package's.

    Raises:
        InputError: MX0304 where there is neither.
    """
    for name in ("compression.zstd", "zstandard"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise InputError.of(
        code="MX0304",
        message="the file is compressed with Zstandard, which this Python cannot read",
        location=Location(file=file),
        hint="install the package `zstandard`, or unpack the file with `zstd -d`",
    )


class _Zstandard:
    """The object of the `zstandard` package with the interface of lzma's."""

    # A block of 4 bytes may stand for 128 KiB, so one step gives 8 MiB at most.
    _STEP = 256

    def __init__(self, file: str) -> None:
        # kernels and packages are packed with windows up to 128 MiB (`zstd --long`)
        library = _zstandard_library(file)
        self._inner = library.ZstdDecompressor(max_window_size=128 << 20).decompressobj()
        self._packed = memoryview(b"")
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return not self._packed

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        packed = self._packed if not data else memoryview(data)
        content: list[bytes] = []
        size = 0
        while packed and size < max_length and not self._inner.eof:
            content.append(self._inner.decompress(packed[: self._STEP]))
            packed = packed[self._STEP :]
            size += len(content[-1])
        self._packed = packed
        if self._inner.eof:
            self.unused_data = self._inner.unused_data + bytes(packed)
            self._packed = memoryview(b"")
        return b"".join(content)


def _zstd(file: str) -> _Decompressor:
    library = _zstandard_library(file)
    if library.__name__ == "zstandard":
        return _Zstandard(file)
    native: _Decompressor = library.ZstdDecompressor()
    return native


_FORMS: tuple[tuple[bytes, str, Callable[[str], _Decompressor]], ...] = (
    (GZIP, "gzip", _Gzip),
    (XZ, "xz", _xz),
    (BZIP2, "bzip2", _bzip2),
    (ZSTANDARD, "Zstandard", _zstd),
)
