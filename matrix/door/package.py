"""The files of the installed package: its own tables are read, and nothing of it is written."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from matrix.diagnostics import InputError, Location
from matrix.door.folders import stamp_below

PACKAGE = Path(__file__).resolve().parent.parent
_TABLES = PACKAGE


def shipped(name: str) -> bytes:
    """Return a table that the package brings, `scenarios/arm64/operations.json`."""
    return _TABLES.joinpath(name).read_bytes()


def modules_of(room: str) -> tuple[str, ...]:
    """Return the names of the modules of a room, sorted; none of them is imported.

    pkgutil lists modules, too, and imports `inspect` to do so.
    """
    found = (path.stem for path in (_TABLES / room).iterdir() if path.suffix == ".py")
    return tuple(sorted(name for name in found if name != "__init__"))


@cache
def code_of(*rooms: str) -> bytes | None:
    """Return what changes with the modules of some rooms, for keys; None: nobody can look.

    It is their sizes and times, as for Python's own compiled files: reading them takes long.
    """
    try:
        found = [stamp_below(_TABLES / room)[0] for room in rooms]
    except OSError:
        return None
    return repr(found).encode("utf-8", "surrogatepass")


def package_digest() -> str:
    """Return the SHA-256 of the names and contents of all modules, wherever they are installed."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def refuse_package(target: Path, shown: str) -> None:
    """Raise InputError MX1118 where `target`, without links, belongs to the installed package."""
    if target.is_relative_to(PACKAGE):
        raise InputError.of(
            code="MX1118",
            message=f"`{shown}` is part of the installed package and is never written",
            location=Location(file=shown),
            hint="copy the file, and what stands in evidence/ beside it, into a folder of your"
            " own laid out like configs/, and give that with --configs",
        )
