"""What is never written: the files of the installed package."""

from __future__ import annotations

from pathlib import Path

from matrix.diagnostics import Diagnostic, InputError, Location

PACKAGE = Path(__file__).resolve().parent.parent


def refuse_package(target: Path, shown: str) -> None:
    """Raise InputError MX1118 where `target`, without links, belongs to the installed package."""
    if target.is_relative_to(PACKAGE):
        raise InputError(
            Diagnostic(
                code="MX1118",
                message=f"`{shown}` is part of the installed package and is never written",
                location=Location(file=shown),
                hint="copy the file, and what stands in evidence/ beside it, into a folder of your"
                " own laid out like configs/, and give that with --configs",
            )
        )
