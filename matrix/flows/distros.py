"""Kernels of distributions: from configurations to `configs/distros/*.yaml`, and the list of them.

An import keeps what the model reads and no more: one line per symbol that some profile names, with
the name and SHA-256 of the file it came from, so that anyone with the file can make it again.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location, Severity, refuse
from matrix.door.bounded import STANDARD_INPUT
from matrix.door.files import digest_of
from matrix.door.output import Rewrite, check_writable, rewrite, stale
from matrix.flows.knowledge import Library, release_key
from matrix.kernel.config.config_input import ConfigInput, read_config_inputs
from matrix.kernel.config.dotconfig import DotConfig, read_dotconfig
from matrix.schema.distro_file import distro_file
from matrix.schema.values import Distro

_NO_ID = re.compile(r"[^a-z0-9._-]+")
# What the names of configuration files begin and end with.
_PREFIX = re.compile(r"^(?:kernel[-_])?config[-_.]")
_SUFFIX = re.compile(r"\.(?:gz|xz|bz2|zst|config|deb|rpm)$")


class ImportRequest(Struct, frozen=True, kw_only=True):
    """What `matrix distros import` was asked; `names` are what a reader calls a single input."""

    files: tuple[str, ...]
    folder: Path
    identity: str | None = None
    name: str | None = None
    flavour: str | None = None
    kernel: str | None = None
    configs: tuple[Path, ...] = ()


class Imported(Struct, frozen=True, kw_only=True):
    """The files that were written, and what is to be said of the configurations read."""

    files: tuple[Path, ...]
    diagnostics: tuple[Diagnostic, ...]


def import_distros(request: ImportRequest) -> Imported:
    """Write one declaration per configuration into a folder.

    Raises:
        InputError: everything that is wrong with the inputs: what `validate` says of them, MX1710
            no release, MX1711 a name that is taken, MX1712 one name for several, MX1713 a name
            that cannot be an id. Nothing is written then.
    """
    library = Library(request.configs)
    symbols = {
        symbol.name: symbol.type
        for profile in library.kernels_of(library.arch).values()
        for symbol in profile.symbols
    }
    problems: list[Diagnostic] = []
    remarks: list[Diagnostic] = []
    found: dict[str, Distro] = {}
    for file in request.files:
        try:
            for source in read_config_inputs(file):
                config = read_dotconfig(source.data, source.name, arch=library.arch)
                _refuse_types(config, symbols)
                config = replace(config, arch=library.arch)
                distro = _distro(request, config, _digest(file, source), tuple(symbols))
                if distro.id in found:
                    problems.append(_same_name(distro, found[distro.id], file))
                found[distro.id] = distro
                remarks += config.diagnostics
        except InputError as error:
            problems += error.diagnostics
    if len(found) > 1 and (request.identity or request.name or request.flavour):
        problems.append(_one_name_for_several(len(found)))
    files = {Path(f"{distro.id}.yaml"): distro_file(distro) for distro in found.values()}
    problems += _taken(files, request.folder)
    refuse(problems)
    # All of them before the first is written.
    check_writable([request.folder / path for path in files])
    folder = request.folder
    rewrite(Rewrite(path=folder / path, read=None, new=text) for path, text in files.items())
    return Imported(
        files=tuple(folder / path for path in files), diagnostics=tuple(dict.fromkeys(remarks))
    )


def _refuse_types(config: DotConfig, types: Mapping[str, str]) -> None:
    """Raise MX0310 for values that the symbols' types refuse: no distribution has built such."""
    typed = config.typed(types)
    wrong = typed.diagnostics[len(config.diagnostics) :]
    refuse([replace(item, severity=Severity.ERROR) for item in wrong])


def _distro(
    request: ImportRequest, config: DotConfig, sha256: str, symbols: tuple[str, ...]
) -> Distro:
    release = request.kernel or config.release
    place = Location(file=config.file)
    if release is None or not re.fullmatch(r"\d{1,4}\.\d{1,4}", release, re.ASCII):
        what = "the file does not say" if release is None else f"`{release}` is not"
        raise InputError.of(
            code="MX1710",
            location=place,
            message=f"{what} which kernel release it is for",
            hint='give --kernel with two numbers, such as "6.12"',
        )
    shown_name = _base_name(config.file)
    identity = request.identity or _identity(shown_name)
    if not re.fullmatch(r"[a-z0-9]+([._-][a-z0-9]+)*", identity):
        raise InputError.of(
            code="MX1713",
            location=place,
            message=f"`{identity}` cannot name a distribution",
            hint="give --id: lower case letters and digits, joined by `-`, `_` or `.`",
        )
    command_line = config.value("CMDLINE")
    return Distro(
        id=identity,
        name=request.name or identity,
        flavour=request.flavour or "default",
        arch=config.arch or "",
        release=release,
        profiles=(),
        complete=config.complete,
        file=shown_name,
        version=config.version,
        sha256=sha256,
        command_line=command_line if isinstance(command_line, str) and command_line else None,
        kconfig=tuple(_settings(config, symbols)),
        location=place,
    )


def _settings(config: DotConfig, symbols: tuple[str, ...]) -> Iterator[tuple[str, str | int]]:
    words: dict[object, str] = {True: "y", False: "n"}
    for symbol in symbols:
        setting = config.symbols.get(symbol)
        if setting is None:
            continue
        value = setting.value
        if isinstance(value, bool):
            yield symbol, words[value]
        else:
            yield symbol, value


def _base_name(file: str) -> str:
    """Return the name of an input without folders; `linux.deb!boot/config` keeps its member."""
    outer, mark, member = file.partition("!")
    return Path(outer).name + mark + member


def _identity(name: str) -> str:
    # A member is named after its kernel; the package around it may have any name.
    name = name.rpartition("/")[2] if "!" in name else name
    name = _PREFIX.sub("", name.lower())
    while _SUFFIX.search(name):
        name = _SUFFIX.sub("", name)
    return _NO_ID.sub("-", name).strip("._-")


def _digest(file: str, source: ConfigInput) -> str:
    if file != STANDARD_INPUT:
        with contextlib.suppress(OSError):  # a pipe, which gave its bytes already
            return digest_of(file)
    return hashlib.sha256(source.data).hexdigest()


def _same_name(distro: Distro, first: Distro, file: str) -> Diagnostic:
    return Diagnostic(
        code="MX1712",
        location=Location(file=file),
        message=f"`{distro.file}` and `{first.file}` would both be `{distro.id}`",
        hint="import them one by one, each with its own --id",
    )


def _one_name_for_several(count: int) -> Diagnostic:
    return Diagnostic(
        code="MX1712",
        message=f"--id, --name and --flavour are for one configuration, here are {count}",
        hint="import them one by one, or let the files name them",
    )


def _taken(files: dict[Path, str], folder: Path) -> list[Diagnostic]:
    """Return an error for each file that exists and says something else."""
    return [
        Diagnostic(
            code="MX1711",
            location=Location(file=str(path)),
            message=f"`{path}` exists already and differs",
            hint="remove it, or give another --id or --output",
        )
        for path in stale(files, folder)
        if path.exists()
    ]


class DistroRow(Struct, frozen=True, kw_only=True):
    """A kernel of a distribution, and the releases whose profiles answer for it."""

    distro: Distro
    answered_as: tuple[str, ...]


def list_distros(configs: tuple[Path, ...]) -> tuple[DistroRow, ...]:
    """Return the known kernels of distributions by name and release."""
    library = Library(configs)
    releases = {one.id: one.release for one in library.knowledge.kernels}
    distros = sorted(
        library.knowledge.distros,
        # By the first word, the distribution: its releases stand together, in the order of their
        # kernels.
        key=lambda one: (one.name.split()[0].lower(), release_key(one.release), one.id),
    )
    return tuple(
        DistroRow(distro=one, answered_as=tuple(releases[name] for name in one.profiles))
        for one in distros
    )
