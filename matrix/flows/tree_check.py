"""`matrix validate --tree`: a `.config` held to the Kconfig tree it was built from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from matrix.analyze.facts.near_symbols import NearSymbols
from matrix.diagnostics import Diagnostic, ExitCode, Location, Severity
from matrix.door.bounded import STANDARD_INPUT
from matrix.flows.knowledge import Library
from matrix.kernel.config.dotconfig import COMPLETED, DotConfig

if TYPE_CHECKING:
    from matrix.kernel.kconfig.check import Conflict
    from matrix.kernel.kconfig.reading import ParsedTree

# Of more names that a tree lacks the rest is counted: a vendor's `.config` has hundreds.
_MOST_SAID = 10


class TreeCheck:
    """One tree, parsed once, for every file of a request."""

    def __init__(self, folder: Path, library: Library, arch: str, *, lists_all: bool) -> None:
        self._folder = folder
        self._library = library
        self._arch = arch
        self._lists_all = lists_all

    @cached_property
    def _tree(self) -> ParsedTree:
        from matrix.flows.kconfig import find_toolchain
        from matrix.kernel.kconfig.reading import parse_tree
        from matrix.kernel.kconfig.tree import open_tree

        toolchain = find_toolchain(self._library, None)
        tree = open_tree(self._folder, self._arch)
        return parse_tree(tree, dict(toolchain.environment), dict(toolchain.answers))

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The symbols that the tree has, without `CONFIG_`.

        Raises:
            InputError: as `diagnostics`.
        """
        return frozenset(self._tree.names)

    @property
    def version(self) -> str:
        """The tree's own version."""
        return self._tree.tree.version

    def named(self, file: str) -> str:
        """Return a file, or the tree's own that `make NAME` would take where there is none here.

        `make gki_defconfig virt.config`: scripts/kconfig/Makefile.
        """
        if file == STANDARD_INPUT or Path(file).exists():
            return file
        folders = (self._folder / "arch" / self._arch / "configs", self._folder / "kernel/configs")
        found = (folder / file for folder in folders if (folder / file).is_file())
        return str(next(found, file))

    def is_of(self, config: DotConfig) -> bool:
        """Tell whether a file may have been built from the tree: nothing says another release."""
        return config.release is None or config.release == self._tree.tree.release

    def completed(self, config: DotConfig) -> DotConfig:
        """Return a file that is not complete as the tree's Kconfig completes it, as conf does.

        What is asked for and does not come out is said with the line that says why (MX1017). A file
        of another release, and one that ends early, stays as it is.

        Raises:
            InputError: as `diagnostics`.
        """
        cut = any(item.code == "MX0312" for item in config.diagnostics)
        if config.complete or cut or not config.symbols or not self.is_of(config):
            return config
        tree, asked = self._tree, config.texts()
        values = tree.completed(asked, tree.answers)
        texts = replace(config, _raw=dict(values)).texts()
        other = [
            name
            for name, value in asked.items()
            if name in self.symbols and not _same_value(texts.get(name, "n"), value)
        ]
        kept = len(asked) - len(other) - sum(name not in self.symbols for name in asked)
        version = tree.tree.version
        note = Diagnostic.note(
            code="MX1018",
            location=Location(file=config.file),
            message=f"completed by the Kconfig of Linux {version}: {kept:,} of {len(asked):,} "
            f"settings come out as they are asked for",
            hint="what the toolchain answers is taken as recorded",
        )
        said = tuple(self._changed(config, texts, name) for name in other)
        told = replace(config, diagnostics=(*config.diagnostics, note, *said))
        return told.completed(values, version, tree.tree.release)

    def _changed(self, config: DotConfig, texts: Mapping[str, str], name: str) -> Diagnostic:
        """Return that a symbol does not come out as it is asked for, and why."""
        from matrix.kernel.kconfig.check import why_not

        wanted = config.texts()[name]
        forced = {**texts, name: wanted}
        conflict = why_not(self._tree, forced, self._tree.answers, name)
        because = "" if conflict is None else f"{conflict.rule}; {'; '.join(conflict.chain)}"
        entry = self._tree.entry(name)
        if entry is not None and entry.type == "bool" and wanted == "m":
            because = f"it is a bool, {entry.places[0]}"
        return Diagnostic.warning(
            code="MX1017",
            location=config.place(name),
            message=f"CONFIG_{name} is {texts.get(name, 'n')} and not {wanted}"
            + (f": {because}" if because else ": another setting of the file decides it"),
            hint="set what it hangs on, or leave it out",
        )

    def diagnostics(self, config: DotConfig) -> tuple[Diagnostic, ...]:
        """Return every symbol whose value the tree would not allow, with what forbids it.

        What the toolchain answered is taken from the file itself. A file that is not complete says
        too little: nothing is returned for it.

        Raises:
            InputError: MX1001, MX1002, MX1004 to MX1007, MX1114, a tree that cannot be read.
        """
        from matrix.kernel.kconfig.check import find_conflicts

        tree = self._tree
        if not self.is_of(config):
            return (self._other_release(config),)
        unknown = tuple(self._unknown(config))
        if not config.complete or config.completeness == COMPLETED:
            return unknown
        texts = config.texts()
        conflicts = find_conflicts(tree, texts, tree.answers)
        shown = conflicts if self._lists_all else conflicts[:_MOST_SAID]
        said = (_diagnostic(config, conflict) for conflict in shown)
        return (*unknown, *said, *_more(config, len(conflicts) - len(shown)))

    def _unknown(self, config: DotConfig) -> Iterator[Diagnostic]:
        """Yield the names that the tree does not have, but for those that MX1701 speaks of."""
        release = self._tree.tree.release
        profile = self._library.kernels_of(self._arch).get(release)
        history = self._library.name_history(self._arch)
        told = history.symbols_lacking(profile) if profile is not None else ()
        names = [name for name in config.symbols if name not in self.symbols and name not in told]
        if not names:
            return
        near = history.near.of(names)
        # Names of a vendor's own are many, and no slips of one: those are looked at first.
        names.sort(key=lambda name: (name not in near, config.symbols[name].line))
        shown = names[:_MOST_SAID]
        near = {**self._near.of(shown), **near}
        for name in shown:
            setting = config.symbols[name]
            said = history.did_you_mean(name, near[name], profile) if name in near else None
            yield Diagnostic(
                code="MX1717",
                severity=Severity.NOTE if setting.value is False else Severity.WARNING,
                location=config.place(name),
                message=f"the tree of Linux {self._tree.tree.version} has no CONFIG_{name}: the "
                "line decides nothing",
                hint=said or "remove it, or give the tree that it is for",
            )
        if len(names) > len(shown):
            yield Diagnostic.note(
                code="MX1717",
                location=Location(file=config.file),
                message=f"… and {len(names) - len(shown):,} more names that the tree does not have",
                hint="is it the tree that the file was built from?",
            )

    @cached_property
    def _near(self) -> NearSymbols:
        misnomers = self._library.name_history(self._arch).misnomers
        return NearSymbols(self.symbols, misnomers, whole=True)

    @staticmethod
    def exit_code(diagnostic: Diagnostic) -> ExitCode:
        """Return how a command ends that says this of a file: a conflict is a finding."""
        match diagnostic.severity:
            case Severity.ERROR:
                return ExitCode.INPUT
            case Severity.WARNING:
                return ExitCode.FINDINGS
            case _:
                return ExitCode.OK

    def _other_release(self, config: DotConfig) -> Diagnostic:
        return Diagnostic(
            code="MX1013",
            message=f"the file is of Linux {config.version}, the tree of {self._tree.tree.version}:"
            " it was not held to the tree",
            location=Location(file=config.file, line=1, column=1),
            hint=f"give the tree of {config.release} with --tree",
        )


def _diagnostic(config: DotConfig, conflict: Conflict) -> Diagnostic:
    return Diagnostic.warning(
        code="MX1012",
        message=f"the tree would not leave CONFIG_{conflict.symbol}={conflict.value}: "
        f"{conflict.rule}; {'; '.join(conflict.chain)}",
        location=config.place(conflict.symbol),
        hint="`make olddefconfig` in the tree shows what it would leave",
    )


def _more(config: DotConfig, count: int) -> Iterator[Diagnostic]:
    """Yield how many more symbols the tree would not leave as they are."""
    if count > 0:
        yield Diagnostic.note(
            code="MX1012",
            location=Location(file=config.file),
            message=f"… and {count:,} more symbols that the tree would not leave as they are",
            hint="-v lists them; a file from which lines were taken has many",
        )


def _same_value(one: str, other: str) -> bool:
    # Numbers by value: a hex symbol may be spelled in several ways.
    if one == other:
        return True
    try:
        return int(one, 0) == int(other, 0)
    except ValueError:
        return False


def tree_check(
    folder: Path | None, library: Library, arch: str, *, lists_all: bool = False
) -> TreeCheck | None:
    """Return the check against a tree, None where no tree was given."""
    return None if folder is None else TreeCheck(folder, library, arch, lists_all=lists_all)
