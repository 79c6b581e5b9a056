"""The configurations in an input, whatever form it has: the bytes of each, with its name.

Takes a path or `-`. The form is told from the first bytes, never from the name: a `.config` plain
or packed, a kernel image that carries its configuration, a package that holds some.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from matrix.door.bounded import (
    DOTCONFIG,
    PACKED,
    file_name,
    larger_than,
    open_input,
    read_at_most,
)

if TYPE_CHECKING:
    from matrix.door.stream import Stream

# Enough to tell text from an image: an arm64 Image says what it is at byte 56.
_HEAD_BYTES = 64


# Between a package and its member; a file of any name may hold a `!` itself.
_MEMBER = re.compile(r"!(?=boot/config-|(?:usr/)?lib/modules/|usr/src/)")


class ConfigInput(Struct, frozen=True, kw_only=True):
    """One configuration: `name` is the file, or `package!member`; `data` may still be packed."""

    name: str
    data: bytes
    member: bool = False


def split_name(name: str) -> tuple[str, str]:
    """Return file and member of a name, an empty member where the file is the configuration."""
    file, *members = _MEMBER.split(name)
    return (file, "!".join(members)) if members else (name, "")


def read_config_inputs(
    path: str | os.PathLike[str], *, within: Path | None = None
) -> Iterator[ConfigInput]:
    """Yield the configurations of one input; a package may hold several.

    A file that was found in a folder is given with that folder, `within`.

    Raises:
        InputError: MX0301 to MX0304 and MX1401 to MX1407: it cannot be read or unpacked, is too
            large, or holds no configuration.
    """
    file = file_name(path)
    with open_input(path, DOTCONFIG, within=within) as source:
        head = read_at_most(source, _HEAD_BYTES)
        if b"\0" not in head and not head.startswith((*PACKED, b"!<arch>\n")):
            # A text: the usual case needs no more than this.
            data = head + read_at_most(source, DOTCONFIG.limit + 1 - len(head))
            if len(data) > DOTCONFIG.limit:
                raise larger_than(DOTCONFIG, file)
            yield ConfigInput(name=file, data=data)
            return
        from matrix.door.stream import Stream

        yield from _from_stream(Stream(source, file, ahead=head), file)


def _from_stream(stream: Stream, file: str) -> Iterator[ConfigInput]:
    from matrix.door.archive import is_archive
    from matrix.door.stream import unpacked
    from matrix.kernel.config.image import embedded_config, is_image
    from matrix.kernel.config.package import package_configs

    content = unpacked(stream)
    if is_archive(content):
        for member, data in package_configs(content):
            yield ConfigInput(name=f"{file}!{member}", data=data, member=True)
        return
    if is_image(content.peek(_HEAD_BYTES)):
        yield ConfigInput(name=file, data=embedded_config(content))
        return
    content.bound(DOTCONFIG)
    yield ConfigInput(name=file, data=content.rest())
