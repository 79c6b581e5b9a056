"""The files of configuration folders as bytes: the first step of the loader and of its cache.

A folder has one sub-folder per kind of declaration. Nothing is parsed here, and nothing large is
read: what cannot be read gives a diagnostic, and the loader goes on with the rest.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location, did_you_mean
from matrix.door.files import opened_regular
from matrix.door.folders import listed
from matrix.schema.location import shown_folder
from matrix.schema.retired import RETIRED


class Kind(enum.StrEnum):
    """What a file declares."""

    ARCHITECTURE = "architecture"
    KERNEL = "kernel"
    OVERLAY = "overlay"
    CPU = "cpu"
    SOURCES = "sources"
    TOOLCHAIN = "toolchain"
    CAPABILITY = "capability"
    DISTRO = "distro"
    MATRIX = "matrix"
    VIEW = "view"
    MACHINE = "machine list"


FOLDERS: dict[str, Kind] = {
    "architectures": Kind.ARCHITECTURE,
    "kernels": Kind.KERNEL,
    "overlays": Kind.OVERLAY,
    "toolchains": Kind.TOOLCHAIN,
    "cpus": Kind.CPU,
    "machines": Kind.MACHINE,
    "capabilities": Kind.CAPABILITY,
    "distros": Kind.DISTRO,
    "matrices": Kind.MATRIX,
    "views": Kind.VIEW,
}
# The one file of cpus/ that is no CPU.
SOURCES_FILE = "sources.yaml"
_SUFFIXES = (".yaml", ".yml")

_LAYOUT = "declarations stand in a folder laid out like configs/: " + ", ".join(
    f"{name}/" for name in FOLDERS
)

# The largest shipped declaration has 20 kB; the bound keeps a wrong file from being read at all.
MAX_BYTES = 4 * 1024 * 1024


class DeclarationFile(Struct, frozen=True, kw_only=True):
    """One file: `name` is its path in the folder, `file` the path that is shown to people.

    Files of the shipped folder are shown as `configs/…` wherever the package is installed.
    """

    folder: int
    name: str
    file: str
    kind: Kind
    data: bytes


class Reading(Struct, frozen=True, kw_only=True):
    """What the folders hold, in the order of the folders and of the names; and what went wrong.

    `broken` are the kinds of which a file could not be read: their names are not all known.
    """

    files: tuple[DeclarationFile, ...]
    diagnostics: tuple[Diagnostic, ...]
    broken: frozenset[Kind]


def read_folders(folders: Sequence[Path], studies: Sequence[Path] = ()) -> Reading:
    """Read every declaration of the folders, then studies that stand in files of their own.

    Never raises for what it finds there.
    """
    files: list[DeclarationFile] = []
    diagnostics: list[Diagnostic] = []
    broken: set[Kind] = set()
    # Of each file: the folder it is in, its path, its name there, as it is shown, and its kind.
    found: list[tuple[int, Path, str, str, Kind]] = []
    for index, folder in enumerate(folders):
        shown = shown_folder(folder)
        paths, problems = _list_folder(folder, shown)
        diagnostics += problems
        # What the folder holds nobody knows: any name may be declared there, so none is called
        # unknown.
        if any(problem.code == "MX0201" for problem in problems):
            broken.update(Kind)
        for path, kind in paths:
            name = path.relative_to(folder).as_posix()
            found.append((index, path, name, f"{shown}/{name}", kind))
    for index, path in enumerate(studies, start=len(folders)):
        found.append((index, path, path.name, str(path), Kind.MATRIX))
    for index, path, name, label, kind in found:
        file = _printable(label)
        data = _read(path, file)
        if isinstance(data, bytes):
            files.append(DeclarationFile(folder=index, name=name, file=file, kind=kind, data=data))
        else:
            diagnostics.append(data)
            broken.add(kind)
    return Reading(files=tuple(files), diagnostics=tuple(diagnostics), broken=frozenset(broken))


def content_digest(files: Iterable[DeclarationFile]) -> str:
    """Return the hash of names and contents, 64 hex digits, wherever the folders are."""
    import hashlib

    digest = hashlib.sha256()
    for file in files:
        name = os.fsencode(file.name)
        # With the lengths, or a byte could pass from a name to a content unseen.
        digest.update(b"%d %d %d\n" % (file.folder, len(name), len(file.data)))
        digest.update(name)
        digest.update(file.data)
    return digest.hexdigest()


def _printable(text: str) -> str:
    """Return a path as it can be written to any output: undecodable bytes are replaced."""
    return os.fsencode(text).decode("utf-8", "replace")


def _list_folder(folder: Path, label: str) -> tuple[list[tuple[Path, Kind]], list[Diagnostic]]:
    """Return the declarations of a folder, sorted, and what is wrong with the folder."""
    try:
        entries = listed(folder)
    except OSError as error:
        return [], [_unreadable_folder(label, error)]
    paths: list[tuple[Path, Kind]] = []
    problems: list[Diagnostic] = []
    for entry in entries:
        kind = FOLDERS.get(entry.name)
        try:
            if kind is None and _is_profile(entry):
                paths.append((entry, Kind.KERNEL))
            elif kind is None:
                problems += _misplaced(entry, label)
            else:
                paths += [(path, _kind_of(path, kind)) for path in _declarations(entry)]
        except OSError as error:
            problems.append(_unreadable_folder(f"{label}/{entry.name}", error))
    if not (paths or problems):
        file = _printable(label)
        message = f"the folder `{file}` holds no declarations"
        problems.append(
            Diagnostic(code="MX0220", message=message, location=Location(file=file), hint=_LAYOUT)
        )
    return paths, problems


def _unreadable_folder(label: str, error: OSError) -> Diagnostic:
    file = _printable(label)
    message = f"cannot read the folder `{file}`: {error.strerror or error}"
    return Diagnostic(code="MX0201", message=message, location=Location(file=file), hint=_LAYOUT)


def _declarations(folder: Path) -> Iterator[Path]:
    """Return the declarations of one sub-folder; other files (licences, notes) are not ours."""
    for path in listed(folder):
        if path.suffix in _SUFFIXES and not path.name.startswith("."):
            yield path


def _kind_of(path: Path, kind: Kind) -> Kind:
    return Kind.SOURCES if kind is Kind.CPU and path.name == SOURCES_FILE else kind


def _is_profile(entry: Path) -> bool:
    """Tell whether a file that stands beside the sub-folders is a kernel profile.

    What `matrix kernels add` wrote may be given in any folder; nothing else may.
    """
    if entry.suffix not in _SUFFIXES or entry.name.startswith(".") or not entry.is_file():
        return False
    with opened_regular(entry) as stream:
        head = b"\n" + stream.read(1 << 16)
    return all(b"\n" + key in head for key in (b"release:", b"arch:", b"kconfig:"))


def _misplaced(entry: Path, label: str) -> list[Diagnostic]:
    """Return an error for a declaration that would be overlooked: outside of the known folders."""
    if entry.name.startswith("."):
        return []
    if entry.is_dir():
        stray = next(_declarations(entry), None)
    else:
        stray = entry if entry.suffix in _SUFFIXES else None
    if stray is None:
        return []
    file = _printable(f"{label}/{stray.relative_to(entry.parent).as_posix()}")
    near = did_you_mean(entry.name, FOLDERS) if entry.is_dir() else None
    layout = f"{near} {_LAYOUT}" if near else _LAYOUT
    return [
        Diagnostic(
            code="MX0220",
            message=f"`{file}` is not in a folder of declarations",
            location=Location(file=file),
            hint=RETIRED.get(entry.name) or layout,
        )
    ]


def _read(path: Path, file: str) -> bytes | Diagnostic:
    """Return the bytes of a regular file of at most `MAX_BYTES`, or why not (MX0202, MX0203)."""
    place = Location(file=file)
    try:
        if not path.is_file():
            # A pipe would block, a folder or a dangling link cannot be read.
            what = "a folder" if path.is_dir() else "no regular file"
            message = f"cannot read `{file}`: it is {what}" + ("" if path.exists() else ", or gone")
            return Diagnostic(
                code="MX0202", message=message, location=place, hint="give a YAML file here"
            )
        with opened_regular(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot read `{file}`: {error.strerror or error}"
        hint = "check its permissions"
        return Diagnostic(code="MX0202", message=message, location=place, hint=hint)
    if len(data) > MAX_BYTES:
        message = f"`{file}` is larger than {MAX_BYTES // 1024 // 1024} MiB"
        hint = "a declaration is a small text; is this the file you meant?"
        return Diagnostic(code="MX0203", message=message, location=place, hint=hint)
    return data
