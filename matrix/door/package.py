"""The files of the installed package: its own tables are read, and nothing of it is written."""

from __future__ import annotations

from pathlib import Path

from matrix.diagnostics import InputError, Location

PACKAGE = Path(__file__).resolve().parent.parent
_TABLES = PACKAGE


def shipped(name: str) -> bytes:
    """Return a table that the package brings, `scenarios/arm64/operations.json`."""
    return _TABLES.joinpath(name).read_bytes()


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
