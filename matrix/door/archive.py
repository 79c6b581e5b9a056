"""The members of an archive: tar, a Debian package, an RPM package, whoever asks for them.

Takes a stream, gives name, size and content of each regular file in it. Nothing is ever unpacked to
disk, and the whole archive goes by once within the bound of its stream.

The formats are read by arpy (ar), tarfile, and the standard library's decompressors. An `.rpm` is
its lead and two headers, passed over by their declared lengths, and a packed cpio archive in the
form `newc`; the library rpmfile would unpack it whole into memory, and libarchive needs a shared
library that pip cannot install.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

from matrix.diagnostics import InputError, Location
from matrix.door.stream import Source, Stream, unpacked

_DEB_MAGIC = b"!<arch>\n"
_RPM_MAGIC = b"\xed\xab\xee\xdb"
_TAR_MAGIC_AT, _TAR_MAGIC = 257, b"ustar"
PACKAGE_MAGICS = (_DEB_MAGIC, _RPM_MAGIC)

# More than any kernel package or report of a machine has; a hostile one ends there.
_MOST_MEMBERS = 500_000
_MOST_AR_MEMBERS = 16
# What may stand between two members of an archive: a header, a long name, attributes.
_METADATA = 1 << 20
# tarfile asks anew behind the end; a whole archive, or one without its last blocks, a few times.
_MOST_EMPTY = 16

_LEAD_BYTES = 96
_RPM_HEADER_MAGIC = b"\x8e\xad\xe8\x01"
_RPM_HEADER_LIMIT = 256 << 20  # rpm's own bound of a header
_CPIO_MAGICS = (b"070701", b"070702")
_CPIO_HEADER_BYTES = 110
_CPIO_TRAILER = "TRAILER!!!"
_CPIO_FILE_TYPE, _CPIO_REGULAR = 0o170000, 0o100000


class Member(Struct, frozen=True, kw_only=True):
    """A file of an archive; `content` can be read until the next member is asked for."""

    name: str
    size: int
    content: Source


def is_archive(stream: Stream) -> bool:
    """Tell whether a stream is an archive that `archive_members` reads, by its first bytes."""
    head = stream.peek(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    return head.startswith(PACKAGE_MAGICS) or head[_TAR_MAGIC_AT:] == _TAR_MAGIC


def archive_members(stream: Stream) -> Iterator[Member]:
    """Yield the regular files of an archive, in its order.

    Raises:
        InputError: MX1403 for a damaged archive, MX1404 past a bound; those of the stream.
    """
    head = stream.peek(len(_DEB_MAGIC))
    if head.startswith(_DEB_MAGIC):
        members = _deb_members(stream)
    elif head.startswith(_RPM_MAGIC):
        members = _rpm_members(stream)
    else:
        members = _tar_members(stream)
    for count, member in enumerate(members):
        if count >= _MOST_MEMBERS:
            raise too_much(stream.file, f"more than {_MOST_MEMBERS:,} members")
        yield member


def _deb_members(stream: Stream) -> Iterator[Member]:
    """Yield the files of a Debian package's data archive, deb(5)."""
    import arpy

    try:
        archive = arpy.Archive(fileobj=stream)
        for _ in range(_MOST_AR_MEMBERS):
            member = next(archive, None)
            if member is None:
                break
            if member.header.name.startswith(b"data.tar"):
                yield from _tar_members(unpacked(Stream(member, stream.file)))
                return
    except (arpy.ArchiveFormatError, arpy.ArchiveAccessError, ValueError) as error:
        raise damaged(stream.file, str(error)) from error
    raise damaged(stream.file, "there is no data.tar in it")


def _tar_members(stream: Stream) -> Iterator[Member]:
    import tarfile

    most = stream.allowed

    def allow(size: int) -> None:
        # A header that claims to be gigabytes long would be read into memory.
        stream.allowed = min(most, stream.taken + size + _METADATA)

    try:
        allow(0)
        # Its types ask for a whole IO, and it needs `read` alone; there is nothing to close.
        archive = tarfile.open(fileobj=_Ending(stream), mode="r|")  # type: ignore[call-overload]  # noqa: SIM115
        while (entry := archive.next()) is not None:
            archive.members.clear()
            allow(entry.size)
            content = archive.extractfile(entry) if entry.isfile() else None
            if content is not None:
                held = _TarContent(content, stream.file, entry.name)
                yield Member(name=entry.name, size=entry.size, content=held)
                allow(entry.size)
    except InputError:
        if stream.taken > stream.allowed < most:
            raise too_much(stream.file, "a header of more than 1 MiB in its archive") from None
        raise
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise damaged(stream.file, str(error)) from error


class _Ending:
    """A stream at whose end nobody waits: tarfile looks behind it until the sum is right."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._empty = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._empty += not data
        if self._empty > _MOST_EMPTY:
            raise EOFError("it ends early")
        return data


class _TarContent(Struct, frozen=True):
    """The content of a tar member, as a source whose end in the middle is an `InputError`."""

    content: Source
    file: str
    name: str

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""
        import tarfile

        try:
            return self.content.read(size)
        except (tarfile.TarError, EOFError) as error:
            raise damaged(self.file, f"`{self.name}`: {error}") from error


def _rpm_members(stream: Stream) -> Iterator[Member]:
    """Yield the files of an RPM package: lead, signature, header, packed cpio archive."""
    stream.read(_LEAD_BYTES)
    signature = _skip_rpm_header(stream)
    stream.skip(-signature % 8)
    _skip_rpm_header(stream)
    yield from _cpio_members(unpacked(stream))


def _skip_rpm_header(stream: Stream) -> int:
    """Pass over a header structure and return its length in bytes.

    Its magic number, four reserved bytes, the number of index entries of 16 bytes each, and the
    size of the store behind them (rpm's docs/manual/format_header.md).
    """
    head = stream.read(16)
    if len(head) < 16 or not head.startswith(_RPM_HEADER_MAGIC):
        raise damaged(stream.file, "an RPM header is missing")
    entries, store = struct.unpack_from(">II", head, 8)
    size = 16 * entries + store
    if size > _RPM_HEADER_LIMIT:
        raise too_much(stream.file, f"an RPM header of {size:,} bytes")
    if not stream.skip(size):
        raise damaged(stream.file, "an RPM header ends early")
    return 16 + int(size)


def _cpio_members(stream: Stream) -> Iterator[Member]:
    """Yield the regular files of a cpio archive in the form `newc`, cpio(5)."""
    while True:
        header = stream.read(_CPIO_HEADER_BYTES)
        if header[:6] not in _CPIO_MAGICS or len(header) < _CPIO_HEADER_BYTES:
            hint = " (RPM 6 leaves them out)" if header.startswith(b"07070X") else ""
            raise damaged(stream.file, f"a header of the cpio archive is missing{hint}")
        try:
            fields = [int(header[at : at + 8], 16) for at in range(6, _CPIO_HEADER_BYTES, 8)]
        except ValueError as error:
            raise damaged(stream.file, "a header of the cpio archive is malformed") from error
        mode, size, name_size = fields[1], fields[6], fields[11]
        if name_size > _METADATA:
            raise too_much(stream.file, f"a name of {name_size:,} bytes")
        name = stream.read(name_size).rstrip(b"\0").decode("utf-8", "replace")
        stream.skip(-(_CPIO_HEADER_BYTES + name_size) % 4)
        if name == _CPIO_TRAILER:
            return
        end = stream.taken + size
        if mode & _CPIO_FILE_TYPE == _CPIO_REGULAR:
            yield Member(name=name, size=size, content=_Limited(stream, end))
        if not stream.skip(end - stream.taken):
            raise damaged(stream.file, f"`{name}` ends early")
        stream.skip(-size % 4)


class _Limited(Struct, frozen=True):
    """The part of a stream before `end`, as a source."""

    stream: Stream
    end: int

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""
        return self.stream.read(min(size, self.end - self.stream.taken))


def damaged(file: str, what: str) -> InputError:
    """Return the error of an archive that ends early or is malformed (MX1403)."""
    return InputError.of(
        code="MX1403",
        message=f"the archive is damaged: {what}",
        location=Location(file=file),
        hint="fetch or copy the file anew",
    )


def too_much(file: str, what: str) -> InputError:
    """Return the error of an archive past a bound (MX1404)."""
    return InputError.of(
        code="MX1404",
        message=f"the archive holds {what}",
        location=Location(file=file),
        hint="no kernel package does; unpack it yourself if you trust it",
    )
