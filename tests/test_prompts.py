"""Which symbols a person can set: what the profiles declare, against the trees by another reader.

Stock kconfiglib parses the tree; visibility is a decision diagram over what a person may choose
(`functional_kconfig`). Nothing of `matrix.kernel.kconfig` is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matrix.expr.nodes import Binary, Call, Constant, Expression, Name
from matrix.flows.knowledge import Library
from matrix.schema.values import KernelProfile
from tests.answered_trees import answered_tree
from tests.cli_runner import run_cli
from tests.functional_kconfig import Functions, parse_stock
from tests.kernel_conf import find_conf

LIBRARY = Library()
RELEASES = ("5.10", "6.1", "6.12", "7.2", "7.3")


def profile(release: str) -> KernelProfile:
    return LIBRARY.kernel(release)


def as_diagram(functions: Functions, expression: Expression) -> Any:
    """Return where a declared prompt says that the person is asked."""
    match expression:
        case Constant(True):
            return functions.true
        case Call("IS_ENABLED", (Name(atom),)):
            return functions.is_set(atom.removeprefix("CONFIG_"))
        case Binary("&&", left, right):
            return as_diagram(functions, left) & as_diagram(functions, right)
        case Binary("||", left, right):
            return as_diagram(functions, left) | as_diagram(functions, right)
    raise AssertionError(f"a prompt is a list of symbols: {expression}")


def named(expression: Expression) -> list[str]:
    match expression:
        case Call(_, (Name(atom),)):
            return [atom.removeprefix("CONFIG_")]
        case Binary(_, left, right):
            return [*named(left), *named(right)]
    return []


@pytest.mark.parametrize("release", RELEASES)
def test_a_declared_prompt_is_shown_where_the_tree_shows_it(
    release: str, kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    answers = dict(LIBRARY.knowledge.toolchains[0].answers)
    root = answered_tree(kernel_tree(release), answers, tmp_path, for_kconfiglib=True)
    kconf = parse_stock(root)
    functions = Functions(kconf, choices_have_mode=release in ("5.10", "6.1"))
    prompted = 0
    for symbol in profile(release).symbols:
        shown = functions.visible(symbol.name)
        if symbol.prompt is None:
            assert not shown.satisfiable(), f"{symbol.name} has a prompt"
            continue
        declared = as_diagram(functions, symbol.prompt.expression)
        assert not (shown ^ declared).satisfiable(), symbol.name
        prompted += 1
        for other in named(symbol.prompt.expression):
            assert functions.visible(other).satisfiable(), f"{other} cannot be set"
    assert prompted > 8


# What a person's build has, of Debian's 7.3 `.config` (of 6.12's where it says so), and the CPU.
BUILDS = {
    "no KVM": (("KVM=n",), "graviton3"),
    "no virtualization": (("VIRTUALIZATION=n",), "graviton3"),
    "no KFENCE": (("KFENCE=n", "CMDLINE_FORCE=y", 'CMDLINE="rodata=off"'), "graviton3"),
    "neither": (("KVM=n", "KFENCE=n", "CMDLINE_FORCE=y", 'CMDLINE="rodata=off"'), "graviton3"),
    "of 6.12": ((), "graviton3"),
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_fix_holds_once_conf_has_read_it(
    build: str,
    kernel_tree: Callable[[str], Path],
    debian_configs: Path,
    tmp_path: Path,
) -> None:
    """The kernel's own conf reads the file with the fix in it, and its output is supported."""
    conf = find_conf("7.3")
    answers = dict(LIBRARY.knowledge.toolchains[0].answers)
    root = answered_tree(kernel_tree("7.3"), answers, tmp_path / "tree")
    lines, cpu = BUILDS[build]
    release = "6.12" if build == "of 6.12" else "7.3"
    text = (debian_configs / f"debian-{release}-arm64.config").read_text()
    file = tmp_path / "asked.config"

    def made(added: list[str]) -> None:
        settings = conf.olddefconfig(root, "\n".join([text, *map(line_of, added)]), tmp_path)
        head = "# Linux/arm64 7.3.0 Kernel Configuration"
        written = [line_of(f"{symbol}={value}") for symbol, value in settings.items()]
        file.write_text("\n".join([head, *written]) + "\n")

    def validated() -> dict[str, Any]:
        asked = ("--cpu", cpu, "--kernel", "7.3", "--fail-on", "none", "--format", "json")
        (result,) = json.loads(run_cli("validate", str(file), *asked).out)["results"]
        return dict(result)

    if release == "7.3":
        made(list(lines))
    else:
        file.write_text(text)
    before = validated()
    assert before["verdict"] != "supported"
    assert before["fixes"]
    for fix in before["fixes"]:
        change = {name: value for name, value in fix["change"].items() if name != "make"}
        assert all(name.startswith("kconfig.") for name in change)
        made([*lines, *(f"{name[8:]}={value}" for name, value in change.items())])
        assert validated()["verdict"] == "supported", fix


def line_of(setting: str) -> str:
    symbol, _, value = setting.partition("=")
    return f"# CONFIG_{symbol} is not set" if value == "n" else f"CONFIG_{symbol}={value}"


def test_what_guest_memfd_needs_is_not_asked_for() -> None:
    """`set CONFIG_KVM_GUEST_MEMFD=y` was a fix; conf drops the line, KVM selects the symbol."""
    for release in ("6.18", "7.2", "7.3"):
        prompts = {symbol.name: symbol.prompt for symbol in profile(release).symbols}
        assert prompts["KVM_GUEST_MEMFD"] is None
        assert prompts["ARCH_HAS_SET_DIRECT_MAP"] is None
        assert prompts["KVM"] is not None
