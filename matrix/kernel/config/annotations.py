"""Ubuntu's `annotations`: the settings of all flavours of a kernel in one file, with reasons.

A policy maps architectures and flavours to values, the flavour's own counting before its
architecture's (debian/scripts/misc/kconfig/annotations.py of Ubuntu's kernels). Files that are
included are read first, so that what includes them overrides.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from msgspec import Struct, field

from matrix.diagnostics import Diagnostic, InputError, Location, Severity, first_of
from matrix.door.folders import OutsideError
from matrix.kernel.config.written_forms import WrittenConfig, at_own_lines

_MARK = re.compile(rb"^CONFIG_\w+\s+(?:policy|note)<", re.MULTILINE)
_HEADER = re.compile(r"#\s*(FORMAT|FLAVOUR|ARCH):\s*(.*?)\s*$")
_INCLUDE = re.compile(r'\s*include\s+"([^"]+)"\s*')
_POLICY = re.compile(r"CONFIG_(\w+)\s+policy<(\{.*\})>\s*")
_FORMATS = ("2", "3", "4")
_MOST_INCLUDES = 16
_NOT_THERE = "-"  # the symbol is not in the `.config`

ReadIncluded = Callable[[str], bytes | None]


class _Read(Struct, kw_only=True):
    """What the files say so far: policies by symbol with the line of the first file, flavours."""

    policies: dict[str, tuple[Mapping[str, str], int]] = field(default_factory=dict)
    flavours: tuple[str, ...] = ()
    notes: list[Diagnostic] = field(default_factory=list)
    files: int = 0


def is_annotations(data: bytes) -> bool:
    """Tell whether a text is such a file."""
    return b"policy<" in data and _MARK.search(data) is not None


def annotated_configs(
    data: bytes, file: str, arch: str, included: ReadIncluded
) -> tuple[WrittenConfig, ...]:
    """Return the configuration of each flavour of an architecture, as far as the files go.

    `included` gives the bytes of a file by its path, None where it is not there, and raises OSError
    where it cannot be read or may not be.

    Raises:
        InputError: MX1450 a format that is not known, MX1453 no flavour of the architecture, MX1461
            a file is included that lies elsewhere.
    """
    read = _Read()
    _take(read, data, file, included, main=True)
    named = [name for name in read.flavours if name.split("-")[0] == arch]
    keys = dict.fromkeys(
        key for policy, _ in read.policies.values() for key in policy if key.startswith(f"{arch}-")
    )
    general = any(arch in policy for policy, _ in read.policies.values())
    # The header names the flavours; without one the policies' own keys do.
    flavours = named or list(keys) or ([arch] if general else [])
    if not flavours:
        raise InputError.of(
            code="MX1453",
            message=f"the annotations have no flavour of {arch}",
            location=Location(file=file),
            hint=f"flavours here: {first_of(read.flavours) or 'none'}",
        )
    return tuple(
        WrittenConfig(part=flavour, text=_text(read, flavour, arch), notes=tuple(read.notes))
        for flavour in flavours
    )


def _take(read: _Read, data: bytes, file: str, included: ReadIncluded, *, main: bool) -> None:
    read.files += 1
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        place = Location(file=file, line=number, column=1, length=max(1, len(line)), text=line)
        header, include, policy = (
            _HEADER.match(line),
            _INCLUDE.fullmatch(line),
            _POLICY.fullmatch(line),
        )
        if header:
            _header(read, header[1], header[2], place)
        elif include:
            _include(read, include[1], file, included, place)
        elif policy:
            values = _values(policy[2], place)
            # The last one counts; 0 is of an included file, which has no line here.
            read.policies[policy[1]] = (values, number if main else 0)


def _header(read: _Read, name: str, value: str, place: Location) -> None:
    if name == "FORMAT" and value not in _FORMATS:
        raise InputError.of(
            code="MX1450",
            message=f"annotations of format `{value[:20]}` are not known",
            location=place,
            hint=f"known are {', '.join(_FORMATS)}; give the `.config` of the build",
        )
    if name == "FLAVOUR" and value:
        read.flavours = tuple(value.split())


def _include(read: _Read, path: str, file: str, included: ReadIncluded, place: Location) -> None:
    target = str(PurePosixPath(file).parent / path)
    data, problem = None, f"is one of more than {_MOST_INCLUDES}"
    if read.files < _MOST_INCLUDES:
        try:
            data, problem = included(target), "is not there"
        except OutsideError as error:
            raise InputError(includes_outside(path, place, error)) from error
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
    if data is None:
        read.notes.append(
            Diagnostic(
                code="MX1451",
                severity=Severity.WARNING,
                message=f"the included file `{path}` {problem}: what it sets is unknown",
                location=place,
                hint=f"put it at {target}, as in the source package",
            )
        )
        return
    flavours = read.flavours
    _take(read, data, target, included, main=False)
    # The header of the file that was named counts; one without a header takes that of what it
    # includes.
    read.flavours = flavours or read.flavours


def includes_outside(path: str, place: Location, error: OSError) -> Diagnostic:
    """Return the diagnostic of an include that leads where nothing is read (MX1461)."""
    return Diagnostic(
        code="MX1461",
        message=f"the included `{path}` is not read: {(error.strerror or '').partition(';')[0]}",
        location=place,
        hint="--allow-outside reads it",
    )


def is_beside(path: str, file: str) -> bool:
    """Tell whether a path leads to the annotations of another kernel of the same source package.

    Ubuntu's derivatives include `../../debian.master/config/annotations`.
    """
    target = PurePosixPath(os.path.realpath(path))
    package = PurePosixPath(os.path.realpath(PurePosixPath(file).parent / ".." / ".."))
    return (
        target.name.startswith("annotations")
        and target.parent.name == "config"
        and target.parent.parent.name.startswith("debian.")
        and target.parent.parent.parent == package
    )


def _values(text: str, place: Location) -> Mapping[str, str]:
    """Return the values of a policy, a Python mapping of texts.

    Raises:
        InputError: MX1452, it is none.
    """
    try:
        import ast  # needs a tenth of what an answer needs

        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        found = None
    if isinstance(found, dict) and all(
        isinstance(item, str) for pair in found.items() for item in pair
    ):
        return found
    raise InputError.of(
        code="MX1452",
        message="the policy is no mapping of flavours to values",
        location=place,
        hint="a policy is written `policy<{'arm64': 'y', 'amd64': 'n'}>`",
    )


def _text(read: _Read, flavour: str, arch: str) -> str:
    """Return the settings of a flavour; those of the first file stand at their own lines."""
    values = (
        (symbol, policy.get(flavour, policy.get(arch, _NOT_THERE)), line)
        for symbol, (policy, line) in read.policies.items()
    )
    return at_own_lines(row for row in values if row[1] != _NOT_THERE)
