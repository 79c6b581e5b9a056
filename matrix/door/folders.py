"""Folders: what is in them, what is below them, and whether a file lies below one at all.

A file that something from outside names (a table, a tree, a link in a folder) is read only where it
lies below the folder that a person gave: its table's, the tree, what is scanned. Where links lead
counts, not how they are spelt. `--allow-outside` is for who means it.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

# More than any folder of declarations has; a link in it may lead to all there is.
_MOST_STAMPED = 20_000
_ALLOWED: ContextVar[bool] = ContextVar("outside_allowed", default=False)


@contextlib.contextmanager
def confinement() -> Iterator[None]:
    """Confine what is read in the block, until `allow_outside` is called in it."""
    token = _ALLOWED.set(False)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def allow_outside() -> None:
    """Let files be read that lie outside of the folder that they are looked for in."""
    _ALLOWED.set(True)


def is_outside_allowed() -> bool:
    """Tell whether `allow_outside` was called: what is kept between runs depends on it."""
    return _ALLOWED.get()


class OutsideError(PermissionError):
    """A file lies outside of the folder that it is looked for in."""


def check_inside(path: Path, root: Path) -> None:
    """Raise OutsideError where links or `..` lead from a path to what is not below `root`."""
    if not _ALLOWED.get() and not leads_below(path, root):
        message = f"it is not below `{root}`; --allow-outside reads it"
        raise OutsideError(errno.EACCES, message)


def leads_below(path: Path, root: Path) -> bool:
    """Tell whether a path leads, through all links, to what is below `root`."""
    try:
        return target_of(path).is_relative_to(target_of(root))
    except ValueError:  # a NUL: no file has such a name
        return False


def target_of(path: Path) -> Path:
    """Return where a path leads through all links; one that leads to itself stays as it is.

    The method of Path raises a RuntimeError there before Python 3.13.
    """
    return Path(os.path.realpath(path))


def listed(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted; OSError where it cannot be read."""
    return sorted(folder.iterdir())


def regular_files(folder: Path, *, hidden: bool) -> Iterator[Path]:
    """Yield the regular files below a folder, and links to such, each folder's in their order.

    Links to folders are not followed; with `hidden` false no folder whose name begins with a dot
    is. What cannot be listed is left out.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if hidden or not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file():  # a pipe would be waited for
                yield path


def found_below(folder: Path, pattern: str) -> list[Path]:
    """Return what is below a folder and matches a pattern of Path.glob(), sorted."""
    return sorted(folder.glob(pattern))


def stamp_below(folder: str | os.PathLike[str]) -> tuple[list[object], int]:
    """Return what changes with whatever is done below a folder, and when that was last, in ns.

    It is the name of each file and folder, its size, its number and its times: the system sets the
    time of a change itself, whatever a program says of the time of a file.

    Raises:
        OSError: something below cannot be read, or it is too much.
    """
    found: list[object] = []
    newest = 0
    waiting = [os.fspath(folder)]
    while waiting:
        place = waiting.pop()
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.name == "__pycache__":
                    continue
                status = entry.stat()
                times = status.st_mtime_ns, status.st_ctime_ns
                newest = max(newest, *times)
                found.append((entry.path, status.st_size, status.st_ino, *times))
                if len(found) > _MOST_STAMPED:
                    raise OSError(errno.EFBIG, "there is too much in it")
                if entry.is_dir():
                    waiting.append(entry.path)
    return found, newest
