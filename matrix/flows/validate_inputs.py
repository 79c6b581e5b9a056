"""The `.config`s that a user's files and folders stand for, in a fixed order.

A folder stands for the files below it that are named like a kernel's configuration or a package,
sorted; what turns out to be of another architecture, or no configuration at all, is passed over
there with a note. A file that was named is wrong in that case.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.door.bounded import STANDARD_INPUT
from matrix.kernel.config.config_input import read_config_inputs
from matrix.kernel.config.dotconfig import DotConfig, read_dotconfig

_NAMES = re.compile(
    r"(?:\.config|config|config-.+|config\.(?:arm64|aarch64).*|.+\.config|(?:.+[_-])?defconfig)"
    r"(?:\.(?:gz|xz|bz2|zst))?|.+\.(?:deb|rpm)"
)
_OTHER_FILES = re.compile(r".+\.(?:json|ya?ml|toml|py|sh|[ch]|md|txt|ini|mk|js|rst)")
# Of a file that nobody named: it is not what was asked about.
_PASSED_OVER = frozenset({"MX0307", "MX0308", "MX1402"})


def read_inputs(files: tuple[str, ...], arch: str) -> Iterator[DotConfig | InputError]:
    """Yield each `.config`, or what is wrong with it, in the order of the files."""
    for file in files:
        if file != STANDARD_INPUT and Path(file).is_dir():
            yield from _read_folder(file, arch)
        else:
            yield from _read_file(file, arch, named=True)


def _read_folder(folder: str, arch: str) -> Iterator[DotConfig | InputError]:
    answered = False
    for file in _files_below(folder):
        for found in _read_file(file, arch, named=False):
            answered = answered or _is_answer(found)
            yield found
    if not answered:
        yield InputError(
            Diagnostic(
                code="MX1406",
                message=f"no kernel configuration of {arch} below `{folder}`",
                location=Location(file=folder),
                hint="looked for .config, config-*, *.config, *defconfig, *.deb and *.rpm; name a "
                "file of another name",
            )
        )


def _is_answer(found: DotConfig | InputError) -> bool:
    return isinstance(found, DotConfig) or any(
        item.severity is Severity.ERROR for item in found.diagnostics
    )


def _files_below(folder: str) -> list[str]:
    """Return the files named like configurations; not those in hidden or linked folders."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            str(Path(place) / name)
            for name in names
            if _NAMES.fullmatch(name)
            and not _OTHER_FILES.fullmatch(name)
            and (Path(place) / name).is_file()  # a pipe would be waited for
        ]
    return sorted(found, key=lambda path: Path(path).parts)


def _read_file(file: str, arch: str, *, named: bool) -> Iterator[DotConfig | InputError]:
    try:
        for source in read_config_inputs(file):
            try:
                yield read_dotconfig(source.data, source.name, arch=arch)
            except InputError as error:
                yield error if named and not source.member else _passed_over(error)
    except InputError as error:
        yield error if named else _passed_over(error)


def _passed_over(error: InputError) -> InputError:
    """Return the error as a note where it says that the file is something else."""
    return InputError(
        [
            replace(item, severity=Severity.NOTE, hint="it was passed over")
            if item.code in _PASSED_OVER
            else item
            for item in error.diagnostics
        ]
    )
