"""The configurations inside a package: `.deb` and `.rpm`.

Takes a stream of a package, gives name and bytes of each member that is a kernel's configuration.
Nothing is ever unpacked to disk, members are told by name, and the whole package goes by once
within the bound of its stream.

The formats are read by arpy (ar), tarfile, and the standard library's decompressors. An `.rpm` is
its lead and two headers, passed over by their declared lengths, and a packed cpio archive in the
form `newc`; the library rpmfile would unpack it whole into memory, and libarchive needs a shared
library that pip cannot install.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from msgspec import Struct, field

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.bounded import DOTCONFIG
from matrix.door.stream import Source, Stream, unpacked

DEB_MAGIC = b"!<arch>\n"
RPM_MAGIC = b"\xed\xab\xee\xdb"

# Where packages keep configurations: the kernel's own `make bindeb-pkg` and `binrpm-pkg`, Fedora
# and openSUSE, Debian's linux-config-X (one file a flavour), headers and kernel-devel packages.
_CONFIG_NAMES = re.compile(
    r"(?P<boot>boot)/config-[^/]+"
    r"|(?P<modules>(?:usr/)?lib/modules)/[^/]+/config"
    r"|(?P<sources>usr/src)/(?:linux-config-[^/]+/config[^/]+|(?:kernels/)?[^/]+/\.config)"
)

# More than any kernel package has; a hostile one ends there.
_MOST_MEMBERS = 500_000
_MOST_CONFIGS = 64
_MOST_AR_MEMBERS = 16
# What may stand between two members of an archive: a header, a long name, attributes.
_METADATA = 1 << 20

_LEAD_BYTES = 96
_RPM_HEADER_MAGIC = b"\x8e\xad\xe8\x01"
_RPM_HEADER_LIMIT = 256 << 20  # rpm's own bound of a header
_CPIO_MAGICS = (b"070701", b"070702")
_CPIO_HEADER_BYTES = 110
_CPIO_TRAILER = "TRAILER!!!"
_CPIO_FILE_TYPE, _CPIO_REGULAR = 0o170000, 0o100000


class _Member(Struct, frozen=True, kw_only=True):
    """A file of an archive; `content` can be read until the next member is asked for."""

    name: str
    size: int
    content: Source


def package_configs(stream: Stream) -> list[tuple[str, bytes]]:
    """Return member name and bytes of each configuration in a package, sorted by name.

    A copy of a configuration under a second name is left out.

    Raises:
        InputError: MX1402 where there is none, MX1403 for a damaged package, MX1404 past a bound,
            MX1405 for a name that leads out of the package; those of the stream.
    """
    members = _deb_members if stream.peek(len(DEB_MAGIC)) == DEB_MAGIC else _rpm_members
    collected = _Collected(file=stream.file)
    for count, member in enumerate(members(stream)):
        if count >= _MOST_MEMBERS:
            raise _too_much(stream.file, f"more than {_MOST_MEMBERS:,} members")
        if collected.is_complete(member):
            break
        collected.look_at(member)
    if not collected.configs:
        raise InputError(
            Diagnostic(
                code="MX1402",
                message="the package holds no kernel configuration",
                location=Location(file=stream.file),
                hint="looked for boot/config-*, lib/modules/*/config, usr/src/linux-config-*/ and "
                "usr/src/*/.config; a package that only depends on a kernel has none",
            )
        )
    return sorted(collected.configs.items())


class _Collected(Struct, kw_only=True):
    """What was found in a package so far."""

    file: str
    configs: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    sorted_so_far: bool = True
    last: tuple[str, ...] = ()

    def is_complete(self, member: _Member) -> bool:
        """Tell whether no further configuration can come, so that the rest need not be unpacked.

        dpkg-deb and rpmbuild write members sorted by path. While that holds, a folder that was left
        does not come again, and what lies elsewhere in a package is a copy for another tool.
        """
        parts = tuple(_plain_name(member.name).split("/"))
        self.sorted_so_far = self.sorted_so_far and self.last <= parts
        self.last = parts
        if not self.configs or not self.sorted_so_far:
            return False
        return not "/".join(parts).startswith(tuple(f"{folder}/" for folder in self.folders))

    def look_at(self, member: _Member) -> None:
        name = _plain_name(member.name)
        if ".." in name.split("/"):
            raise InputError(
                Diagnostic(
                    code="MX1405",
                    message=f"the member `{member.name}` leads out of the package",
                    location=Location(file=self.file),
                    hint="no package tool makes such a name; nothing of the package is used",
                )
            )
        found = _CONFIG_NAMES.fullmatch(name)
        if not found:
            return
        if member.size > DOTCONFIG.limit:
            raise _too_much(self.file, f"`{name}` with {member.size:,} bytes")
        if len(self.configs) >= _MOST_CONFIGS:
            raise _too_much(self.file, f"more than {_MOST_CONFIGS} configurations")
        content = self._content(member)
        if len(content) < member.size:
            raise _damaged(self.file, f"`{name}` ends early")
        if content not in self.configs.values():
            self.configs[name] = content
            self.folders.add(found[found.lastgroup or 0])

    def _content(self, member: _Member) -> bytes:
        import tarfile

        try:
            return Stream(member.content, self.file, kind=DOTCONFIG).read(member.size)
        except tarfile.TarError as error:  # the archive ends in the middle of the member
            raise _damaged(self.file, str(error)) from error


def _plain_name(name: str) -> str:
    return name.removeprefix(".").removeprefix("/") if name[:2] in ("./", ".") else name.lstrip("/")


def _deb_members(stream: Stream) -> Iterator[_Member]:
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
        raise _damaged(stream.file, str(error)) from error
    raise _damaged(stream.file, "there is no data.tar in it")


def _tar_members(stream: Stream) -> Iterator[_Member]:
    import tarfile

    most = stream.allowed

    def allow(size: int) -> None:
        # A header that claims to be gigabytes long would be read into memory.
        stream.allowed = min(most, stream.taken + size + _METADATA)

    try:
        allow(0)
        archive = tarfile.open(fileobj=stream, mode="r|")  # type: ignore[call-overload]  # noqa: SIM115 - nothing to close
        while (entry := archive.next()) is not None:
            archive.members.clear()
            allow(entry.size)
            content = archive.extractfile(entry) if entry.isfile() else None
            if content is not None:
                yield _Member(name=entry.name, size=entry.size, content=content)
                allow(entry.size)
    except InputError:
        if stream.taken > stream.allowed < most:
            raise _too_much(stream.file, "a header of more than 1 MiB in its archive") from None
        raise
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise _damaged(stream.file, str(error)) from error


def _rpm_members(stream: Stream) -> Iterator[_Member]:
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
        raise _damaged(stream.file, "an RPM header is missing")
    entries, store = struct.unpack_from(">II", head, 8)
    size = 16 * entries + store
    if size > _RPM_HEADER_LIMIT:
        raise _too_much(stream.file, f"an RPM header of {size:,} bytes")
    if not stream.skip(size):
        raise _damaged(stream.file, "an RPM header ends early")
    return 16 + int(size)


def _cpio_members(stream: Stream) -> Iterator[_Member]:
    """Yield the regular files of a cpio archive in the form `newc`, cpio(5)."""
    while True:
        header = stream.read(_CPIO_HEADER_BYTES)
        if header[:6] not in _CPIO_MAGICS or len(header) < _CPIO_HEADER_BYTES:
            hint = " (RPM 6 leaves them out)" if header.startswith(b"07070X") else ""
            raise _damaged(stream.file, f"a header of the cpio archive is missing{hint}")
        try:
            fields = [int(header[at : at + 8], 16) for at in range(6, _CPIO_HEADER_BYTES, 8)]
        except ValueError as error:
            raise _damaged(stream.file, "a header of the cpio archive is malformed") from error
        mode, size, name_size = fields[1], fields[6], fields[11]
        if name_size > _METADATA:
            raise _too_much(stream.file, f"a name of {name_size:,} bytes")
        name = stream.read(name_size).rstrip(b"\0").decode("utf-8", "replace")
        stream.skip(-(_CPIO_HEADER_BYTES + name_size) % 4)
        if name == _CPIO_TRAILER:
            return
        end = stream.taken + size
        if mode & _CPIO_FILE_TYPE == _CPIO_REGULAR:
            yield _Member(name=name, size=size, content=_Limited(stream, end))
        if not stream.skip(end - stream.taken):
            raise _damaged(stream.file, f"`{name}` ends early")
        stream.skip(-size % 4)


class _Limited(Struct, frozen=True):
    """The part of a stream before `end`, as a source."""

    stream: Stream
    end: int

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""
        return self.stream.read(min(size, self.end - self.stream.taken))


def _damaged(file: str, what: str) -> InputError:
    return InputError(
        Diagnostic(
            code="MX1403",
            message=f"the package is damaged: {what}",
            location=Location(file=file),
            hint="fetch or copy the file anew",
        )
    )


def _too_much(file: str, what: str) -> InputError:
    return InputError(
        Diagnostic(
            code="MX1404",
            message=f"the package holds {what}",
            location=Location(file=file),
            hint="no kernel package does; unpack it yourself if you trust it",
        )
    )
