"""Where the shipped declarations are: in the wheel beside the package, or in a checkout."""

from __future__ import annotations

from pathlib import Path

from matrix import diagnostics
from matrix.diagnostics import InputError, Location
from matrix.door.folders import found_below, target_of
from matrix.door.package import refuse_package

_PACKAGE = Path(__file__).resolve().parent.parent
# How people are shown the folder of the shipped declarations, wherever it is.
SHIPPED = "configs"


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
    raise InputError.of(
        code="MX0201",
        message=f"the shipped declarations are missing: neither `{wheel}` nor `{checkout}` is"
        " a folder",
        location=Location(file=str(wheel)),
        hint="install the package again (pip install --force-reinstall gmem-matrix)",
    )


def shown_folder(folder: Path) -> str:
    """Return how the files of a folder are named to people; the shipped one is `configs` anywhere.

    A folder of a user that begins with that name is `./configs`, so that each name means one file.
    """
    shipped = find_configs_folder()
    if shipped is not None and target_of(folder) == target_of(shipped):
        return SHIPPED
    return f"./{folder}" if folder.parts[:1] == (SHIPPED,) else str(folder)


def declaration_file(shown: str) -> Path:
    """Return the file of a declaration that is to be written, from the name it is shown by.

    Raises:
        InputError: MX1118, it belongs to an installed package, or is not there any more.
    """
    path = readable_file(shown)
    refuse_package(target_of(path), shown)
    return path


def readable_file(shown: str) -> Path:
    """Return the file of a declaration; InputError MX1118 where it is not there any more."""
    parts = Path(shown).parts
    # Path("./configs") is `configs`: only the text tells the shipped folder from a user's.
    is_shipped = parts[:1] == (SHIPPED,) and not shown.startswith(".")
    path = configs_folder().joinpath(*parts[1:]) if is_shipped else Path(shown)
    if path.is_file():
        return path
    raise InputError.of(
        code="MX1118",
        message=f"the file of the declaration, `{shown}`, is not there any more",
        location=Location(file=shown),
        hint="was it moved while this ran? a name that is no text cannot be written either",
    )


def compiled_file() -> Path:
    """Return where a wheel keeps the compiled form of its declarations; it need not exist."""
    return _PACKAGE / "_compiled.bin"


def source_folders() -> tuple[Path, ...]:
    """Return the folders of these modules."""
    return (_PACKAGE / "schema", _PACKAGE / "expr", Path(diagnostics.__file__).parent)


def source_files() -> tuple[Path, ...]:
    """Return the modules that decide what a declaration turns into, for the cache key."""
    rooms = source_folders()[:2]
    places = Path(diagnostics.__file__)  # every declared thing keeps its place
    return (*(path for room in rooms for path in found_below(room, "**/*.py")), places)
