"""The `.config`s that a user's files and folders stand for, in a fixed order.

A folder stands for the files below it that are named like a kernel's configuration or a package,
sorted; what turns out to be of another architecture, or no configuration at all, is passed over
there with a note. A file that was named is wrong in that case.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.door.bounded import DOTCONFIG, PACKED, STANDARD_INPUT, read_bounded
from matrix.door.files import read_regular
from matrix.door.folders import OutsideError, check_inside, regular_files
from matrix.kernel.config.config_input import ConfigInput, read_config_inputs
from matrix.kernel.config.dotconfig import DotConfig, read_dotconfig
from matrix.kernel.config.fragments import merged, set_in
from matrix.kernel.config.header import read_header
from matrix.kernel.config.lines import begins_as_dotconfig
from matrix.kernel.config.split_folders import SplitConfig, split_configs
from matrix.kernel.source.version import KernelVersion, read_version

# Features that name features, so deep: more is a circle.
_MOST_SCC = 16
# A board of Yocto names a hundred; ten levels that name ten files each are 10^10.
_MOST_NAMED = 1_000
# Where the features of yocto-kernel-cache, and of layers that are like it, lie.
_FEATURE_FOLDERS = ("arch", "bsp", "cfg", "cgl", "features", "ktypes", "small", "staging")
_NAMES = re.compile(
    r"(?:\.config|config|config-.+|config\.(?:arm64|aarch64).*|.+\.config|(?:.+[_-])?defconfig)"
    r"(?:\.(?:gz|xz|bz2|zst))?|.+\.(?:deb|rpm)"
)
_OTHER_FILES = re.compile(r".+\.(?:json|ya?ml|toml|py|sh|[ch]|md|txt|ini|mk|js|rst)")
# Of a file that nobody named: it is not what was asked about.
_PASSED_OVER = frozenset({"MX0307", "MX0308", "MX1402"})


class Input(Struct, frozen=True, kw_only=True):
    """What is read by itself: a file, or a folder with a file for each symbol (`split`).

    `within` is the folder in which it was found, None: it was named.
    """

    file: str
    within: str | None = None
    split: SplitConfig | None = None


class FolderEnd(Struct, frozen=True, kw_only=True):
    """Stands behind the inputs of a folder that was named."""

    folder: str
    arch: str

    def nothing_found(self) -> InputError:
        """Return what is wrong where none of its inputs was a configuration (MX1406)."""
        return InputError.of(
            code="MX1406",
            message=f"no kernel configuration of {self.arch} below `{self.folder}`",
            location=Location(file=self.folder),
            hint="looked for .config, config-*, *.config, *defconfig, *.deb and *.rpm; name a "
            "file of another name",
        )


def find_inputs(
    files: Sequence[str], arch: str, machines: Mapping[str, Sequence[str]]
) -> Iterator[Input | FolderEnd]:
    """Yield what files and folders stand for, in a fixed order.

    `machines` are the names that each architecture has in folders.
    """
    own = machines.get(arch, ())
    others = [name for other, names in machines.items() if other != arch for name in names]
    for file in files:
        if file == STANDARD_INPUT or not Path(file).is_dir():
            yield Input(file=file)
            continue
        for one in split_configs(file, own, others):
            yield Input(file=one.name, within=file, split=one)
        for found in _files_below(file, own):
            yield Input(file=found, within=file)
        yield FolderEnd(folder=file, arch=arch)


def read_input(found: Input, overlays: Overlays) -> Iterator[DotConfig | InputError]:
    """Yield each `.config` of an input, or what is wrong with it."""
    if found.split is not None:
        yield _split_folder(found.split, overlays)
    else:
        within = None if found.within is None else Path(found.within)
        yield from _read_file(found.file, overlays, within=within)


def read_inputs(
    files: tuple[str, ...],
    arch: str,
    machines: Mapping[str, Sequence[str]],
    fragments: tuple[str, ...] = (),
) -> Iterator[DotConfig | InputError]:
    """Yield each `.config`, or what is wrong with it, in the order of the files.

    `machines` are the names that each architecture has in folders; `fragments` are put on top of
    each file, as scripts/kconfig/merge_config.sh does.

    Raises:
        InputError: a fragment cannot be read.
    """
    overlays = Overlays(fragments, arch, None)
    answered = False
    for found in find_inputs(files, arch, machines):
        if isinstance(found, FolderEnd):
            if not answered:
                yield found.nothing_found()
            answered = False
            continue
        for one in read_input(found, overlays):
            answered = answered or (found.within is not None and is_answer(one))
            yield one


class _Form(Struct, frozen=True):
    """A configuration in whatever form: its text as a `.config`, and what is said of it.

    `undecided` are the symbols that it sets to something that is not known; `version` is the
    kernel's where the form says it.
    """

    name: str
    text: bytes
    notes: tuple[Diagnostic, ...] = ()
    undecided: frozenset[str] = frozenset()
    version: str | None = None


class Overlays:
    """The fragments of a run; what in them hangs on the kernel is read anew for each version.

    `version` is the kernel's that is asked about, None: each file's own.

    Raises:
        InputError: a fragment cannot be read.
    """

    def __init__(self, files: tuple[str, ...], arch: str, version: KernelVersion | None) -> None:
        self.arch, self.version = arch, version
        self._files = files
        self._read = {version: self._of(version)}

    def of(self, base: _Form) -> list[_Form]:
        """Return the fragments for a base, which says the kernel itself unless --kernel does."""
        plain = self._read[self.version]
        if self.version is not None or not any(one.undecided for one in plain):
            return plain
        text = base.text[:_HEADER_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
        version = read_version(base.version or read_header(f"\n{text}").version)
        if version not in self._read:
            self._read[version] = self._of(version)
        return self._read[version]

    def _of(self, version: KernelVersion | None) -> list[_Form]:
        return [part for file in self._files for part in read_fragment(file, self.arch, version)]


# As much as `header.py` looks at.
_HEADER_BYTES = 4096


def read_fragment(
    file: str,
    arch: str,
    version: KernelVersion | None = None,
    root: Path | None = None,
    depth: int = 0,
    named_so_far: list[str] | None = None,
) -> list[_Form]:
    """Return the fragments that a file is: of a .scc those that it names.

    What a .scc names lies below `root`, the tree of features that the first one belongs to.

    Raises:
        InputError: MX0301, MX0302 it cannot be read; MX1456 a .scc names a file that is not there,
            MX1459 has conditions, MX1461 leads out of its tree.
    """
    data = read_bounded(file, DOTCONFIG)
    if not file.endswith(".scc"):
        return _forms(ConfigInput(name=file, data=data), arch, version)
    root = root or _root_of_features(file)
    # One list for the whole tree of .scc files: a bound on each alone would let them multiply.
    every = [] if named_so_far is None else named_so_far
    found: list[_Form] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        words = [word.strip("\"'") for word in line.split("#")[0].split()]
        place = Location(file=file, line=number, column=1, length=max(1, len(line)), text=line)
        if words[:1] == ["if"]:
            raise InputError.of(
                code="MX1459",
                message="what stands under a condition of a .scc is not decided here",
                location=place,
                hint="name the .cfg files that are meant with --fragment",
            )
        # `kconf hardware FILE`, `include FILE nopatch`: features/merge.sh of yocto-kernel-tools.
        named = {"kconf": words[2:3], "include": words[1:2]}.get(words[0] if words else "")
        if not named:
            continue
        target = _beside_or_above(file, named[0], root)
        every.append(named[0])
        if target is None or depth >= _MOST_SCC or len(every) > _MOST_NAMED:
            raise InputError.of(
                code="MX1456",
                message=f"`{named[0]}` is not there"
                if target is None
                else f"more than {_MOST_SCC} files include each other"
                if depth >= _MOST_SCC
                else f"more than {_MOST_NAMED:,} files are named",
                location=place,
                hint=f"looked for it beside {file}, and in the folders above",
            )
        try:
            check_inside(target, root)
        except OutsideError as error:
            from matrix.kernel.config.annotations import includes_outside

            raise InputError(includes_outside(named[0], place, error)) from error
        found += read_fragment(str(target), arch, version, root, depth + 1, every)
    return found


def _root_of_features(file: str) -> Path:
    """Return the folder whose features a .scc may name: yocto-kernel-cache, or its own folder."""
    own = Path(file).absolute().parent
    tops = (top for top in (*reversed(own.parents), own) if top.name in _FEATURE_FOLDERS)
    return next((top.parent for top in tops), own)


def _beside_or_above(file: str, target: str, root: Path) -> Path | None:
    """Return a file that a .scc names: from its own folder, or from the root of all of them."""
    own = Path(file).absolute().parent
    above = (folder for folder in own.parents if folder.is_relative_to(root))
    paths = (folder / target for folder in (Path(file).parent, *above))
    return next((path for path in paths if os.path.isfile(path)), None)  # noqa: PTH113 - any name


def _forms(source: ConfigInput, arch: str, version: KernelVersion | None) -> list[_Form]:
    """Return each configuration in what may be another form of one."""
    if source.member or source.data.startswith(PACKED):
        return [_Form(source.name, source.data)]
    may_be_annotations = b"policy<" in source.data
    if not may_be_annotations and begins_as_dotconfig(source.data):
        return [_Form(source.name, source.data)]
    # Imported for what is in another form only: start-up is a feature.
    from matrix.kernel.config.annotations import annotated_configs, is_annotations
    from matrix.kernel.config.written_forms import is_nix, written_configs

    if may_be_annotations and is_annotations(source.data):
        written = annotated_configs(
            source.data, source.name, arch, lambda path: _included(path, source.name)
        )
    elif is_nix(source.data):
        from matrix.kernel.config.nix_settings import nix_configs

        written = nix_configs(source.data, source.name, version)
    else:
        written = written_configs(source.data, source.name)
    return [
        _Form(
            f"{source.name}!{one.part}" if one.part else source.name,
            one.text.encode("utf-8", "surrogateescape"),
            one.notes,
            one.undecided,
            one.version,
        )
        for one in written
    ] or [_Form(source.name, source.data)]


def _included(path: str, file: str) -> bytes | None:
    """Return what annotations include, from the folder of the file that was named, or beside it.

    Raises:
        OSError: it cannot be read; OutsideError where it lies elsewhere.
    """
    from matrix.kernel.config.annotations import is_beside

    if not Path(path).exists():
        return None
    if not is_beside(path, file):
        check_inside(Path(path), Path(file).parent)
    return read_regular(path, DOTCONFIG.limit)


def _dotconfigs(source: ConfigInput, overlays: Overlays) -> Iterator[DotConfig]:
    """Yield each configuration of an input, with the fragments on top of it.

    Raises:
        InputError: what is wrong with the text.
    """
    for base in _forms(source, overlays.arch, overlays.version):
        if base.notes and not base.text.strip():
            # Nothing of it could be read: that is what is wrong.
            raise InputError([replace(item, severity=Severity.ERROR) for item in base.notes])
        fragments = overlays.of(base)
        if fragments:
            config = _merged_config(base, fragments, overlays.arch)
        else:
            config = read_dotconfig(base.text, base.name, arch=overlays.arch)
        notes = (item for one in (base, *fragments) for item in one.notes)
        config = replace(
            config,
            diagnostics=(*notes, *config.diagnostics),
            refused=config.refused.union(_undecided(base, fragments)),
        )
        told = read_version(base.version)
        if told is not None and config.release is None:
            config = replace(config, release=told.release, version=base.version)
        yield _named_release(config, base.name)


def _undecided(base: _Form, fragments: list[_Form]) -> set[str]:
    """Return the symbols whose last setting is not known."""
    found = set(base.undecided)
    for one in fragments:
        if found:
            # A later fragment that sets it makes it known again, unless it is undecided there, too.
            found.difference_update(set_in(one.text))
        found |= one.undecided
    return found


def _merged_config(base: _Form, fragments: list[_Form], arch: str) -> DotConfig:
    """Return a base with fragments as one configuration; every line keeps its own file.

    Raises:
        InputError: what is wrong with the text.
    """
    build = merged((base.name, base.text), [(one.name, one.text) for one in fragments])
    shown = " + ".join((base.name, *(one.name for one in fragments)))
    config = read_dotconfig(build.text, shown, arch=arch)
    # What is odd in a fragment is among the notes: of the lines here those of the base are said.
    lines = base.text.count(b"\n") + 1
    said = tuple(
        replace(item, location=replace(item.location, file=base.name))
        if item.location is not None and item.location.line
        else item
        for item in config.diagnostics
        if item.location is None or item.location.line <= lines
    )
    return replace(config, diagnostics=(*build.notes, *said), origins=build.origins)


def _split_folder(one: SplitConfig, overlays: Overlays) -> DotConfig | InputError:
    """Return the configuration of a folder with a file for each symbol."""
    whole = _Form(one.name, b"")
    fragments = overlays.of(whole)
    try:
        parts = [(str(file), read_bounded(file, DOTCONFIG)) for file in one.files]
        build = merged((one.name, b""), [*parts, *((part.name, part.text) for part in fragments)])
        config = read_dotconfig(build.text, one.name, arch=overlays.arch)
    except InputError as error:
        return error
    left = f"; left out are {', '.join(one.left_out)}" if one.left_out else ""
    note = Diagnostic.note(
        code="MX1460",
        message=f"a folder with a file for each symbol: {len(config.symbols):,} symbols of "
        f"{len(parts):,} files, deeper ones counting before those above{left}",
        location=Location(file=one.name),
        hint="give the folder of a variant itself, or the `.config` that was built",
    )
    odd = (item for item in build.notes if item.code != "MX1455")
    said = (item for part in fragments for item in part.notes)
    return replace(
        config,
        diagnostics=(*config.diagnostics, *odd, *said, note),
        origins=build.origins,
        refused=config.refused.union(_undecided(whole, fragments)),
    )


# A version in a file's name: config-6.12.9-arm64, linux-7.3.config.
_VERSION = re.compile(r"(?<![\w.])v?(\d{1,2}\.\d{1,3}(?:\.\d{1,3})?(?:-rc\d{1,2})?)(?![\d])")


def _named_release(config: DotConfig, name: str) -> DotConfig:
    """Return a file without a release with the one in its name, marked as inferred (MX1457)."""
    # To the pattern an underscore is a letter, and would hide the number behind it.
    found = _VERSION.findall(Path(name.partition("!")[0]).name.replace("_", "-"))
    # Two different numbers in a name: which one is the kernel's nobody can say.
    version = read_version(found[0]) if len(set(found)) == 1 else None
    if config.release is not None or version is None:
        return config
    note = Diagnostic.note(
        code=_INFERRED,
        message=f"the file does not say its kernel: Linux {found[0]} is inferred from its name",
        location=Location(file=config.file),
        hint="--kernel decides",
    )
    return replace(
        config,
        release=version.release,
        version=found[0],
        diagnostics=(*config.diagnostics, note),
    )


_INFERRED = "MX1457"


def with_stated_release(config: DotConfig, releases: tuple[tuple[str, str], ...]) -> DotConfig:
    """Return a file whose header says no kernel with the one that matrix.toml states for its name.

    What the user states counts before what a name suggests.
    """
    inferred = any(item.code == _INFERRED for item in config.diagnostics)
    if config.release is not None and not inferred:
        return config
    path = PurePath(config.file).as_posix()
    for pattern, version in releases:
        if fnmatchcase(path, pattern) or fnmatchcase(PurePath(path).name, pattern):
            found = read_version(version)
            said = tuple(item for item in config.diagnostics if item.code != _INFERRED)
            note = Diagnostic.note(
                code="MX1458",
                message=f"Linux {version} is stated for `{pattern}` in matrix.toml",
                location=Location(file=config.file),
                hint="--kernel decides",
            )
            return replace(
                config,
                release=None if found is None else found.release,
                version=version,
                diagnostics=(*said, note),
            )
    return config


def is_answer(found: DotConfig | InputError) -> bool:
    """Tell whether something of a folder is a configuration, or one that is wrong."""
    return isinstance(found, DotConfig) or any(
        item.severity is Severity.ERROR for item in found.diagnostics
    )


def _files_below(folder: str, machines: Sequence[str]) -> list[str]:
    """Return the files named like configurations; not those in hidden or linked folders."""
    found = [
        path
        for path in regular_files(Path(folder), hidden=False)
        if (_NAMES.fullmatch(path.name) or _of_flavours(path, machines))
        and not _OTHER_FILES.fullmatch(path.name)
    ]
    return [str(path) for path in sorted(found, key=lambda path: path.parts)]


def _of_flavours(path: Path, machines: Sequence[str]) -> bool:
    """Tell whether a file is one of openSUSE's, `config/MACHINE/default` for each flavour."""
    folder, machine = path.parts[-3:-1] if len(path.parts) > 2 else ("", "")
    return folder == "config" and machine in machines and "." not in path.name


def _read_file(
    file: str, overlays: Overlays, *, within: Path | None = None
) -> Iterator[DotConfig | InputError]:
    """Yield what a file holds; `within` is the folder in which it was found, None: it was named."""
    named = within is None
    try:
        for source in read_config_inputs(file, within=within):
            try:
                yield from _dotconfigs(source, overlays)
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
