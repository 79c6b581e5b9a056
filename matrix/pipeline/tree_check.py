"""`matrix validate --tree`: a `.config` held to the Kconfig tree it was built from."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from matrix.diagnostics import Diagnostic, ExitCode, Location, Severity
from matrix.kernel.dotconfig import DotConfig
from matrix.pipeline.knowledge import Library

if TYPE_CHECKING:
    from matrix.kernel.kconfig.check import Conflict
    from matrix.kernel.kconfig.reading import ParsedTree


class TreeCheck:
    """One tree, parsed once, for every file of a request."""

    def __init__(self, folder: Path, library: Library, arch: str = "arm64") -> None:
        self._folder = folder
        self._library = library
        self._arch = arch

    @cached_property
    def _tree(self) -> ParsedTree:
        from matrix.kernel.kconfig.reading import parse_tree
        from matrix.kernel.kconfig.tree import open_tree
        from matrix.pipeline.kconfig import find_toolchain

        toolchain = find_toolchain(self._library, None)
        tree = open_tree(self._folder, self._arch)
        return parse_tree(tree, dict(toolchain.environment), dict(toolchain.answers))

    def diagnostics(self, config: DotConfig) -> tuple[Diagnostic, ...]:
        """Return every symbol whose value the tree would not allow, with what forbids it.

        What the toolchain answered is taken from the file itself. A file that is not complete says
        too little: nothing is returned for it.

        Raises:
            InputError: MX1001, MX1002, MX1004 to MX1007, MX1114, a tree that cannot be read.
        """
        from matrix.kernel.kconfig.check import find_conflicts

        tree = self._tree
        if config.release is not None and config.release != tree.tree.release:
            return (self._other_release(config),)
        if not config.complete:
            return ()
        texts = config.texts()
        conflicts = find_conflicts(tree, texts, tree.answers)
        return tuple(_diagnostic(config, conflict) for conflict in conflicts)

    @staticmethod
    def exit_code(diagnostic: Diagnostic) -> ExitCode:
        """Return how a command ends that says this of a file: a conflict is a finding."""
        return ExitCode.INPUT if diagnostic.severity is Severity.ERROR else ExitCode.FINDINGS

    def _other_release(self, config: DotConfig) -> Diagnostic:
        return Diagnostic(
            code="MX1013",
            message=f"the file is of Linux {config.version}, the tree of {self._tree.tree.version}:"
            " it was not held to the tree",
            location=Location(file=config.file, line=1, column=1),
            hint=f"give the tree of {config.release} with --tree",
        )


def _diagnostic(config: DotConfig, conflict: Conflict) -> Diagnostic:
    setting = config.symbols.get(conflict.symbol)
    return Diagnostic(
        code="MX1012",
        severity=Severity.WARNING,
        message=f"the tree would not leave CONFIG_{conflict.symbol}={conflict.value}: "
        f"{conflict.rule}; {'; '.join(conflict.chain)}",
        location=setting.place(config.file) if setting else Location(file=config.file),
        hint="`make olddefconfig` in the tree shows what it would leave",
    )


def tree_check(folder: Path | None, library: Library) -> TreeCheck | None:
    """Return the check against a tree, None where no tree was given."""
    return None if folder is None else TreeCheck(folder, library)
