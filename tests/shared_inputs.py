"""Unpacking of the shared archives, once a run and safe with several test processes."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path, PurePosixPath

# Releases whose trees are public and in no shared archive: the folders of MATRIX_TREES.
WHOLE_TREES = {
    "5.15": "5.15.148",
    "6.6": "6.6.63",
    "6.8": "6.8.1",
    "6.14": "6.14",
    "6.18": "6.18.2",
    "6.19": "6.19.0",
    "7.1": "7.1.5",
}


def unpack_tar_xz(archive: Path, folder: Path) -> Path:
    """Unpack the regular files of `archive` into `folder` and return it; done once, then reused.

    The files are written beside `folder` and renamed at the end, so that a second test process
    sees either nothing or everything. Names that leave the folder are an error. (`extractall`
    with its `data` filter is not in every Python 3.11.)
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        new = Path(scratch) / "files"
        new.mkdir()
        _write_members(archive, new)
        try:
            new.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another test process was first
                raise
    return folder


def _write_members(archive: Path, folder: Path) -> None:
    with tarfile.open(archive, "r:xz") as members:
        for member in members:
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts:
                message = f"{archive.name} holds the name {member.name}, outside of its folder"
                raise ValueError(message)
            content = members.extractfile(member) if member.isfile() else None
            if content is not None:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
