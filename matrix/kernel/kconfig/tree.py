"""A kernel source tree as an input: which release it is, and which Kconfig language it speaks.

The language changed over the years, and distributions backport: what a tree's Kconfig means is
decided by the tree's own parser (`scripts/kconfig/`), never by its release. Where a tree holds no
sources of the parser (a subset, a headers package), the parser's own tests, which come with it,
say what it knows.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import InputError, Location
from matrix.door.folders import found_below
from matrix.kernel.source.tree_files import read_release, read_tree_text

_PARSER = "scripts/kconfig"
_SOURCES = ("lexer.l", "menu.c", "symbol.c")


class ParserRules(Struct, frozen=True, kw_only=True):
    """What the tree's own parser does where parsers differ.

    `transitional` and `conditional_depends`: it knows the keyword, and `depends on X if Y`.
    `choice_has_mode`: a choice is a symbol with a value of its own, may be tristate or optional,
    and its prompt's condition bounds its members; otherwise members ignore that condition, and one
    visible member is y. `imply_within_dependencies`: an implied value is cut to the direct
    dependencies. `number_without_value`: what an int symbol without value compares as.
    `evidence` says what they were read from, `evidence_files` which files or folders decided.
    """

    transitional: bool
    conditional_depends: bool
    choice_has_mode: bool
    imply_within_dependencies: bool
    number_without_value: str
    evidence: str
    evidence_files: tuple[str, ...]


class KernelTree(Struct, frozen=True, kw_only=True):
    """A tree that can be parsed: `version` in full ("7.3.0-rc7"), `release` its first numbers."""

    root: Path
    arch: str
    version: str
    release: str
    rules: ParserRules


def open_tree(root: Path, arch: str) -> KernelTree:
    """Return the kernel tree at `root`, its release read from its Makefile.

    Raises:
        InputError: MX1001 no kernel tree, or cut off; MX1002 a tree without that architecture;
            MX1005 nothing says which Kconfig language it speaks; MX1114 an unreadable Makefile.
    """
    named = read_release(root)
    if named is None:
        raise _no_tree(root, "its Makefile does not say which release it is")
    if not (root / "Kconfig").is_file():
        raise _no_tree(root, "it has no `Kconfig`")
    if not (root / f"arch/{arch}/Kconfig").is_file():
        raise _other_architecture(root, arch)
    return KernelTree(
        root=root,
        arch=arch,
        version=named.version,
        release=named.release,
        rules=_rules(root),
    )


def check_release(tree: KernelTree, release: str) -> None:
    """Refuse a tree of another release than the one that was named.

    Raises:
        InputError: MX1003.
    """
    if tree.release != release:
        raise InputError.of(
            code="MX1003",
            message=f"the tree is Linux {tree.version}, not {release}",
            location=Location(file=str(tree.root / "Makefile")),
            hint=f"give a tree of {release}, or --kernel {tree.release}; where no tree of "
            f"{release} can be had, --borrow takes this one and marks what it gives",
        )


def _no_tree(root: Path, why: str) -> InputError:
    return InputError.of(
        code="MX1001",
        message=f"`{root}` is no Linux source tree: {why}",
        location=Location(file=str(root)),
        hint="give the folder that holds the kernel's Makefile, Kconfig and arch/",
    )


def _other_architecture(root: Path, arch: str) -> InputError:
    there = [path.parent.name for path in found_below(root, "arch/*/Kconfig")]
    return InputError.of(
        code="MX1002",
        message=f"the tree has no `arch/{arch}/Kconfig`",
        location=Location(file=str(root / "arch")),
        hint=f"it holds {', '.join(there) or 'no architecture'}; unpack the tree whole",
    )


def _text(root: Path, name: str) -> str | None:
    try:
        return read_tree_text(root, name)
    except OSError:
        return None


def _rules(root: Path) -> ParserRules:
    lexer, menu, symbol = (_text(root, f"{_PARSER}/{name}") for name in _SOURCES)
    if lexer is not None and menu is not None and symbol is not None:
        # Each rule is a word of the parser's own source, so that a backport counts and a release
        # number does not.
        old_choice = "sym_calc_choice(struct menu" not in symbol
        return ParserRules(
            transitional='"transitional"' in lexer,
            conditional_depends="menu_add_dep(struct expr *dep, struct expr *cond)" in menu,
            choice_has_mode=old_choice,
            imply_within_dependencies="sym->implied.tri)" in symbol
            and bool(re.search(r"EXPR_AND\(newval\.tri,\s*sym->dir_dep\.tri\)", symbol)),
            number_without_value="0" if 'newval.val = "0"' in symbol else "",
            evidence=f"{_PARSER}/lexer.l, menu.c, symbol.c",
            evidence_files=tuple(f"{_PARSER}/{name}" for name in _SOURCES),
        )
    tests = root / _PARSER / "tests"
    if not (tests / "choice").is_dir():
        raise InputError.of(
            code="MX1005",
            message=f"the tree has no `{_PARSER}`: which Kconfig language it speaks is unknown",
            location=Location(file=str(root / _PARSER)),
            hint="unpack the kernel source whole, or at least scripts/kconfig/",
        )
    # The test of tristate choices went when choices lost their mode. An int without value became
    # "0" a few releases before, which nothing in the tests shows: it matters only to comparisons
    # with an int symbol that is neither visible nor has a default.
    old_choice = (tests / "choice_value_with_m_dep").is_dir()
    return ParserRules(
        transitional=(tests / "transitional").is_dir(),
        conditional_depends=(tests / "conditional_dep").is_dir(),
        choice_has_mode=old_choice,
        imply_within_dependencies=True,
        number_without_value="" if old_choice else "0",
        evidence=f"{_PARSER}/tests",
        evidence_files=(f"{_PARSER}/symbol.c", f"{_PARSER}/tests"),
    )
