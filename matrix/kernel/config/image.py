"""The configuration inside a kernel image (CONFIG_IKCONFIG): kernel/configs.c puts it there.

Takes a stream of an image, gives the gzip data between `IKCFG_ST` and `IKCFG_ED`. The images: an
arm64 `Image`, a vmlinux, a module `configs.ko`, each plain or packed, and an EFI zboot image, whose
packed part is named in its header (drivers/firmware/efi/libstub/zboot-header.S).
"""

from __future__ import annotations

import struct

from matrix.diagnostics import InputError, Location
from matrix.door.bounded import DOTCONFIG
from matrix.door.stream import Stream, unpacked

_BEGIN = b"IKCFG_ST\x1f\x8b"
_END = b"IKCFG_ED"
_PIECE = 1 << 20
_ZBOOT_OFFSET = 4
# Beginnings of the images: an EFI application, an ELF file; an arm64 Image says so at byte 56.
_EXECUTABLES = (b"MZ", b"\x7fELF")
_ARM64_MAGIC = b"ARM\x64"
_ARM64_MAGIC_OFFSET = 56


def is_image(head: bytes) -> bool:
    """Tell whether the first 64 bytes are those of a kernel image."""
    return head.startswith(_EXECUTABLES) or (head[_ARM64_MAGIC_OFFSET:].startswith(_ARM64_MAGIC))


def embedded_config(stream: Stream) -> bytes:
    """Return the gzip data of the configuration in an image.

    Raises:
        InputError: MX1401 where it holds none, or an incomplete one; those of the stream.
    """
    head = stream.peek(16)
    if head.startswith(b"MZ") and head[_ZBOOT_OFFSET:].startswith(b"zimg"):
        if len(head) < 16:
            raise InputError.of(
                code="MX1401",
                message="the kernel image ends within its header",
                location=Location(file=stream.file),
                hint="fetch or copy the file anew",
            )
        offset, _size = struct.unpack_from("<II", head, 8)
        stream.skip(offset)
        stream = unpacked(stream)
    found = _between_marks(stream)
    if found is None:
        raise InputError.of(
            code="MX1401",
            message="the kernel image holds no configuration (it was built without "
            "CONFIG_IKCONFIG, or with it as a module)",
            location=Location(file=stream.file),
            hint="give the `.config` of its build, /boot/config-*, or the module configs.ko",
        )
    return found


def _between_marks(stream: Stream) -> bytes | None:
    overlap = len(_BEGIN) - 1
    seen = b""
    while piece := stream.read(_PIECE):
        # A mark may lie across two pieces.
        seen = seen[-overlap:] + piece
        start = seen.find(_BEGIN)
        if start >= 0:
            # _BEGIN ends with the first two bytes of the gzip data: the mark alone stands in other
            # strings of a kernel, too (scripts/extract-ikconfig).
            found = seen[start + len(_BEGIN) - 2 :] + stream.read(DOTCONFIG.limit)
            end = found.find(_END)
            return found[:end] if end >= 0 else None
    return None
