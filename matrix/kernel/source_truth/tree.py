"""A kernel source tree on disk: opened once, its files parsed when they are asked for."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from pathlib import Path

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.kernel.c_source.source import CSource, parse_c

# The largest file that a shipped profile cites has 240 kB.
_MOST_BYTES = 8 << 20
_NUMBER = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)\s*=[ \t]*(\S*)", re.MULTILINE)


class KernelTree:
    """A folder with the source of one kernel release."""

    def __init__(self, folder: Path) -> None:
        """Open a tree; InputError MX1111 where the folder is none."""
        self.folder = folder
        self._sources: dict[str, CSource | None] = {}
        if not folder.is_dir():
            what = "a file" if folder.exists() else "not there"
            raise _no_tree(folder, f"`{folder}` is {what}")
        if not (folder / "Makefile").is_file():
            raise _no_tree(folder, f"`{folder}` has no Makefile")

    @cached_property
    def _numbers(self) -> dict[str, str]:
        return dict(_NUMBER.findall(self._read("Makefile")))

    @property
    def release(self) -> str:
        """The release, `7.3`; InputError MX1111 where the Makefile names none."""
        try:
            return f"{self._numbers['VERSION']}.{self._numbers['PATCHLEVEL']}"
        except KeyError:
            message = f"`{self.folder / 'Makefile'}` names no VERSION and PATCHLEVEL"
            raise _no_tree(self.folder, message) from None

    @property
    def version(self) -> str:
        """The exact version, `7.3.0-rc7`."""
        numbers = self._numbers
        return f"{self.release}.{numbers.get('SUBLEVEL', '0')}{numbers.get('EXTRAVERSION', '')}"

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

    def text(self, path: str) -> str:
        """Return the text of a file that is no C, nothing where the tree lacks it."""
        return self._read(path) if self.has(path) else ""

    def _read(self, path: str) -> str:
        file = self.folder / path
        try:
            with file.open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            raise _unreadable(file, str(error.strerror or error)) from None
        if len(data) > _MOST_BYTES:
            raise _unreadable(file, f"it is larger than {_MOST_BYTES >> 20} MiB")
        return data.decode("utf-8", "replace").replace("\r\n", "\n")


@lru_cache(maxsize=256)
def _parsed(text: str, path: str) -> CSource:
    """Parse a file; equal text in another tree is parsed once."""
    return parse_c(text, path)


def _no_tree(folder: Path, message: str) -> InputError:
    return InputError(
        Diagnostic(
            code="MX1111",
            message=message,
            location=Location(file=str(folder)),
            hint="give the top folder of an unpacked kernel source",
        )
    )


def _unreadable(file: Path, why: str) -> InputError:
    return InputError(
        Diagnostic(
            code="MX1114",
            message=f"cannot read `{file}`: {why}",
            location=Location(file=str(file)),
            hint="unpack the tree anew",
        )
    )
