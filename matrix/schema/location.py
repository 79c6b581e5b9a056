"""Where the shipped declarations are: in the wheel beside the package, or in a checkout."""

from __future__ import annotations

from pathlib import Path

from matrix.diagnostics import Diagnostic, InputError, Location

_PACKAGE = Path(__file__).resolve().parent.parent


def find_configs_folder() -> Path | None:
    """Return the folder of the shipped declarations, None where there is none."""
    for folder in (_PACKAGE / "_configs", _PACKAGE.parent / "configs"):
        if folder.is_dir():
            return folder
    return None


def configs_folder() -> Path:
    """Return the folder of the shipped declarations; InputError MX0201 where there is none."""
    folder = find_configs_folder()
    if folder is not None:
        return folder
    wheel, checkout = _PACKAGE / "_configs", _PACKAGE.parent / "configs"
    raise InputError(
        Diagnostic(
            code="MX0201",
            message=f"the shipped declarations are missing: neither `{wheel}` nor `{checkout}` is"
            " a folder",
            location=Location(file=str(wheel)),
            hint="install the package again (pip install --force-reinstall gmem-matrix)",
        )
    )


def compiled_file() -> Path:
    """Return where a wheel keeps the compiled form of its declarations; it need not exist."""
    return _PACKAGE / "_compiled.bin"


def source_files() -> tuple[Path, ...]:
    """Return the modules that decide what a declaration turns into, for the cache key."""
    rooms = (_PACKAGE / "schema", _PACKAGE / "expr")
    places = _PACKAGE / "diagnostics" / "__init__.py"
    return (*sorted(path for room in rooms for path in room.rglob("*.py")), places)
