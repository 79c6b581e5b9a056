"""A kernel source tree on disk: opened once, its files parsed when they are asked for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.kernel.source.c.source import CSource, parse_c
from matrix.kernel.source.tree_files import is_kconfig, read_release, read_tree_text, unreadable
from matrix.kernel.source.truth.anchors import Pieces, pieces
from matrix.kernel.source.truth.kconfig_pieces import outlines


class KernelTree:
    """A folder with the source of one kernel `release` ("7.3"); `version` is the exact one."""

    def __init__(self, folder: Path) -> None:
        """Open a tree; InputError MX1111 where the folder is none."""
        named = read_release(folder)
        if named is None:
            raise _no_tree(folder)
        self.folder = folder
        self.release = named.release
        self.version = named.version
        self._sources: dict[str, CSource | None] = {}

    def require(self, release: str, arch: str) -> None:
        """Raise InputError for a tree of another release (MX1112) or without `arch` (MX1113)."""
        problems = []
        if self.release != release:
            problems.append(
                Diagnostic(
                    code="MX1112",
                    message=f"`{self.folder}` is Linux {self.version}, not {release}",
                    location=Location(file=str(self.folder / "Makefile")),
                    hint=f"give the tree of {release}, or ask about {self.release}",
                )
            )
        if not (self.folder / "arch" / arch).is_dir():
            problems.append(
                Diagnostic(
                    code="MX1113",
                    message=f"`{self.folder}` has no arch/{arch}",
                    location=Location(file=str(self.folder / "arch")),
                    hint=f"unpack the whole tree, or the one that holds arch/{arch}",
                )
            )
        if problems:
            raise InputError(problems)

    def has(self, path: str) -> bool:
        """Tell whether the tree has a file."""
        return (self.folder / path).is_file()

    def source(self, path: str) -> CSource | None:
        """Return a parsed file, None where the tree lacks it; InputError MX1114 if unreadable."""
        if path not in self._sources:
            self._sources[path] = _parsed(self._read(path), path) if self.has(path) else None
        return self._sources[path]

    def pieces(self, path: str) -> Pieces | None:
        """Return the pieces of a file, None where the tree lacks it; errors as `source`."""
        if is_kconfig(path):
            return _kconfig(self._read(path)) if self.has(path) else None
        source = self.source(path)
        return None if source is None else pieces(source)

    def text(self, path: str) -> str:
        """Return the text of a file that is no C, nothing where the tree lacks it."""
        return self._read(path) if self.has(path) else ""

    def _read(self, path: str) -> str:
        file = self.folder / path
        try:
            return read_tree_text(self.folder, path)
        except OSError as error:
            raise unreadable(file, error) from error


@lru_cache(maxsize=256)
def _parsed(text: str, path: str) -> CSource:
    """Parse a file; equal text in another tree is parsed once."""
    return parse_c(text, path)


@lru_cache(maxsize=64)
def _kconfig(text: str) -> Pieces:
    return Pieces(outlines(text))


def _no_tree(folder: Path) -> InputError:
    if not folder.is_dir():
        message = f"`{folder}` is {'a file' if folder.exists() else 'not there'}"
    elif not (folder / "Makefile").is_file():
        message = f"`{folder}` has no Makefile"
    else:
        message = f"`{folder / 'Makefile'}` names no VERSION and PATCHLEVEL"
    return InputError.of(
        code="MX1111",
        message=message,
        location=Location(file=str(folder)),
        hint="give the top folder of an unpacked kernel source",
    )
