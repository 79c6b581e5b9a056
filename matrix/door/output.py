"""Output files: checked before the work, written whole, compared for freshness.

Takes texts by path, gives files. A file is written beside its target and renamed over it, so that
a reader, or an interrupted run, never sees half of it; of several files all are written before the
first is renamed, so that what usually fails (a full disk, a folder without rights) changes nothing.
A symbolic link is followed: the file it points to is replaced and the link stays.

`write_files` makes files that are ours. Those that a person edits go through `rewrite`, which
replaces only what the new content was made from: an edit saved while we worked stays.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import BinaryIO

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.package import refuse_package

_UNFINISHED = ".matrix-" + "[0-9a-f]" * 16 + ".tmp"
_MOMENT = 10  # in seconds
Texts = Mapping[Path, str] | Mapping[str, str]


def check_writable(paths: Iterable[Path]) -> None:
    """Find out early whether files can be written; call it before work that would be lost.

    Folders that do not exist yet are allowed; nothing is left behind.

    Raises:
        InputError: MX0801 for each path that cannot be written, MX0802 where two are one file,
            MX1118 for what belongs to the installed package.
    """
    diagnostics = []
    seen: dict[Path, Path] = {}
    for path in dict.fromkeys(paths):
        target = _target(path)
        try:
            _try_writing(target)
        except OSError as error:
            diagnostics.append(_unwritable(path, error))
        if target in seen:
            diagnostics.append(_same_file(path, seen[target]))
        seen[target] = path
    if diagnostics:
        raise InputError(diagnostics)


class Rewrite(Struct, frozen=True, kw_only=True):
    """A file to be replaced: `read` is what `new` was made from, None where there was no file."""

    path: Path
    read: bytes | None
    new: str


def read_for_rewrite(path: Path) -> bytes | None:
    """Return what a file holds now, None where there is none; call it before the work.

    A device or a pipe counts as none: it is written to directly.

    Raises:
        InputError: MX0801, the file is there and cannot be read.
    """
    with reported(path):
        return _content(_target(path))


def rewrite(rewrites: Iterable[Rewrite]) -> None:
    """Replace files as `write_files` does; only where all of them still hold what was read.

    Raises:
        InputError: MX0801 or MX0802 as `write_files`; MX0813 for each file that somebody else
            changed, made or removed since it was read. Nothing is written then; of files changed
            only while the first were renamed, those are left that were changed.
    """
    asked = tuple(rewrites)
    wanted = {item.path: _encoded(item.new) for item in asked}
    _replace(wanted, {item.path: item.read for item in asked})


def write_files(files: Texts, folder: Path) -> None:
    """Write texts in UTF-8 to files below `folder`; equal ones are left alone.

    Missing folders are made, permissions of files that exist are kept. A device or a pipe is
    written to directly.

    Raises:
        InputError: MX0801 or MX0802, with what the system said; MX1118 as `check_writable`.
        ValueError: where a path leads out of the folder.
    """
    _replace({path: _encoded(text) for path, text in _below(files, folder)}, {})


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written piece by piece; it replaces `path` only once all went well.

    For what is too large to be held as a text. Missing folders are made, permissions of a file
    that exists are kept. A device or a pipe is written to directly.

    Raises:
        InputError: MX0801, with what the system said, also of a piece.
    """
    target = _target(path)
    with reported(path):
        if _is_special(target):
            with target.open("wb") as direct:
                yield direct
            return
        with _beside(target) as (new, file):
            yield file
            _finish(file)
            new.replace(target)


@contextlib.contextmanager
def marked(folder: Path) -> Iterator[Path]:
    """Keep a file in a folder, by which another machine can tell that it sees the same one.

    The folder is made where it is missing.

    Raises:
        InputError: MX0801, it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with reported(folder):
            path, _ = stack.enter_context(_beside(_target(folder) / "mark"))
        yield folder / path.name


def stale(files: Texts, folder: Path) -> tuple[Path, ...]:
    """Return the paths below `folder` that are missing or do not hold these texts."""
    return tuple(path for path, text in _below(files, folder) if _held(path) != _encoded(text))


def _replace(wanted: Mapping[Path, bytes], read: Mapping[Path, bytes | None]) -> None:
    """Give files their contents; those in `read` only where all of them still hold that."""
    targets: dict[Path, Path] = {}
    for path in wanted:
        target = _target(path)
        if target in targets:
            raise InputError(_same_file(path, targets[target]))
        targets[target] = path
    with contextlib.ExitStack() as beside:
        renames = dict(_written(targets, wanted, beside))
        edited = [targets[path] for path in renames if _is_edited(path, targets[path], read)]
        if edited:
            raise InputError([_edited(path, "nothing was written") for path in edited])
        for target, new in renames.items():
            path = targets[target]
            with reported(path):
                if new is None:
                    target.write_bytes(wanted[path])
                elif _is_edited(target, path, read):  # while the files before it were renamed
                    edited.append(path)
                else:
                    new.replace(target)
        if edited:
            raise InputError([_edited(path, "it was left as it is") for path in edited])


def _written(
    targets: Mapping[Path, Path], wanted: Mapping[Path, bytes], beside: contextlib.ExitStack
) -> Iterator[tuple[Path, Path | None]]:
    """Yield each target that is to change with its new file beside it, None for a device."""
    for target, path in targets.items():
        with reported(path):
            if _is_special(target):
                yield target, None
            elif _content(target) != wanted[path]:
                new, file = beside.enter_context(_beside(target))
                file.write(wanted[path])
                _finish(file)
                yield target, new


def _is_edited(target: Path, path: Path, read: Mapping[Path, bytes | None]) -> bool:
    """Tell whether a file of `read` does not hold any more what was read of it."""
    return path in read and not _is_special(target) and _content(target) != read[path]


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new file in the folder of `target`, with its permissions; gone after the block.

    Unless it was renamed by then. Where there is no `target` yet, the umask decides.
    """
    info = _info(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    new, descriptor = _open_beside(target)
    file = os.fdopen(descriptor, "wb")
    try:
        if info is not None:
            new.chmod(stat.S_IMODE(info.st_mode))
        yield new, file
    finally:
        # A full disk was said by `_finish`; closing would try to write once more, and fail again.
        with contextlib.suppress(OSError):
            file.close()
        with contextlib.suppress(OSError):
            new.unlink()


def _finish(file: BinaryIO) -> None:
    """Close a file once what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


def _open_beside(target: Path) -> tuple[Path, int]:
    """Create a file of a name nobody can have prepared, never through a link.

    It is locked while its process lives: what a killed one has left is told by that, and removed.
    """
    _remove_abandoned(target.parent)
    path = target.parent / f".matrix-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_BINARY"):  # not on every platform
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags, 0o666)
    _lock(descriptor)
    return path, descriptor


def _remove_abandoned(folder: Path) -> None:
    """Remove the new files of runs that ended before they could; those of others are locked."""
    for path in folder.glob(_UNFINISHED):
        with contextlib.suppress(OSError):
            # One that was just made may not be locked yet.
            if time.time() - path.stat(follow_symlinks=False).st_mtime < _MOMENT:
                continue
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            try:
                if _lock(descriptor):
                    path.unlink()
            finally:
                os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; False where another process has it, or there are no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _try_writing(target: Path) -> None:
    """Raise OSError where `target` could not be written now."""
    special = _is_special(target)
    if _info(target) and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if special:
        return
    place = target
    while _info(place.parent) is None:
        place = place.parent
    # Asking for permissions is not enough: the superuser has them all, a read-only mount has none.
    if not _opened_nameless(place.parent):
        path, descriptor = _open_beside(place)
        os.close(descriptor)
        path.unlink()


def _opened_nameless(folder: Path) -> bool:
    """Make a file that has no name, of which no killed run leaves anything; False: not here.

    OSError where no file can be made in the folder at all.
    """
    if not hasattr(os, "O_TMPFILE"):
        return False
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
            return False  # this file system, or an old kernel, has none
        raise
    return True


def _is_special(target: Path) -> bool:
    """Tell a device or a pipe, which is written to directly; IsADirectoryError for a folder."""
    info = _info(target)
    if info and stat.S_ISDIR(info.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return info is not None and not stat.S_ISREG(info.st_mode)


def _info(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _target(path: Path) -> Path:
    target = Path(os.path.realpath(path))
    refuse_package(target, str(path))
    return target


def _below(files: Texts, folder: Path) -> Iterator[tuple[Path, str]]:
    for name, text in files.items():
        path = PurePath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{path} leads out of {folder}")
        yield folder / path, text


def _encoded(text: str) -> bytes:
    # A file name that is no text may be quoted in a report; UTF-8 cannot hold it.
    return text.encode("utf-8", "backslashreplace")


def _content(target: Path) -> bytes | None:
    """Return what a regular file holds; a device is never read, a pipe would wait for ever."""
    info = _info(target)
    return target.read_bytes() if info and stat.S_ISREG(info.st_mode) else None


def _held(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


@contextlib.contextmanager
def reported(path: Path) -> Iterator[None]:
    """Say what the system says of a path that is written (MX0801)."""
    try:
        yield
    except OSError as error:
        raise InputError(_unwritable(path, error)) from error


_HINTS = {
    errno.EISDIR: "this is a folder: name a file in it",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ENOSPC: "the disk is full: nothing was changed",
    errno.ELOOP: "the symbolic link leads back to itself",
}


def _unwritable(path: Path, error: OSError) -> Diagnostic:
    default = "choose a place you may write to, or change its permissions"
    return Diagnostic(
        code="MX0801",
        message=f"cannot write `{path}`: {error.strerror or error}",
        location=Location(file=str(path)),
        hint=_HINTS.get(error.errno or 0, default),
    )


def _edited(path: Path, done: str) -> Diagnostic:
    return Diagnostic(
        code="MX0813",
        message=f"`{path}` was changed while its new content was made: {done}",
        location=Location(file=str(path)),
        hint="run the command again: it begins with what the file holds now",
    )


def _same_file(path: Path, other: Path) -> Diagnostic:
    return Diagnostic(
        code="MX0802",
        message=f"`{path}` and `{other}` are one file",
        location=Location(file=str(path)),
        hint="one is a link to the other: name two files, or remove the link",
    )
