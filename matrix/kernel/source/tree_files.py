"""A file of an unpacked kernel source, and the release that the source's Makefile names.

Whoever opens a tree (for its C, its Kconfig, or to look lines up) asks here what it is, so that all
agree: a kernel tree is a folder whose Makefile says VERSION and PATCHLEVEL.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import InputError, Location
from matrix.door.files import read_regular
from matrix.door.folders import is_outside_allowed, leads_below, target_of

# The largest file that a shipped declaration cites has 240 kB.
_MOST_BYTES = 2 << 20
_NUMBER = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL)[ \t]*=[ \t]*([0-9]{1,4})\b", re.MULTILINE)
_EXTRA = re.compile(r"^EXTRAVERSION[ \t]*=[ \t]*(\S*)", re.MULTILINE)


class TreeRelease(Struct, frozen=True, kw_only=True):
    """What a Makefile names: `release` as profiles do ("7.3"), `version` whole ("7.3.0-rc7")."""

    release: str
    version: str


def is_kconfig(path: str) -> bool:
    """Tell whether a file of a kernel tree is one of Kconfig."""
    return path.rpartition("/")[2].startswith("Kconfig")


def read_release(tree: Path) -> TreeRelease | None:
    """Return which release a folder holds the source of; None where it is no kernel tree.

    Raises:
        InputError: MX1114, its Makefile cannot be read.
    """
    makefile = tree / "Makefile"
    try:
        text = read_tree_text(tree, "Makefile") if makefile.is_file() else ""
    except OSError as error:
        raise unreadable(makefile, error) from error
    numbers = dict(_NUMBER.findall(text))
    if not {"VERSION", "PATCHLEVEL"} <= numbers.keys():
        return None
    release = f"{numbers['VERSION']}.{numbers['PATCHLEVEL']}"
    extra = _EXTRA.search(text)
    version = f"{release}.{numbers.get('SUBLEVEL', '0')}{extra[1] if extra else ''}"
    return TreeRelease(release=release, version=version)


def read_tree_text(root: Path, name: str) -> str:
    """Return the text of a file of a tree.

    A package of headers has links to folders of another package. A link that leads out of the tree
    to a file of another name than its own is refused: it would show what is no source.

    Raises:
        OSError: it is no regular file, larger than a source, or outside.
    """
    file = root / name
    if not (leads_below(file, root) or is_outside_allowed()) and target_of(file).name != file.name:
        raise OSError(errno.EACCES, "a link leads out of the tree; --allow-outside reads it")
    return read_source(file)


def read_source(file: Path) -> str:
    """Return the text of a file of a tree that whoever asks has found to be one."""
    return read_regular(file, _MOST_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")


def unreadable(file: Path, error: OSError) -> InputError:
    """Return the error of a file that is there and cannot be read (MX1114)."""
    return InputError.of(
        code="MX1114",
        message=f"cannot read `{file}`: {error.strerror or error}",
        location=Location(file=str(file)),
        hint="unpack the tree anew",
    )
