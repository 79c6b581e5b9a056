"""Kernel trees of a few lines, for tests: whole enough for our reader and for the kernel's conf."""

from __future__ import annotations

from pathlib import Path

LANGUAGES = {
    # What the tree's own parser has tests for decides which Kconfig it speaks.
    "old": ("choice", "choice_value_with_m_dep"),
    "new": ("choice", "choice_randomize"),
    "newest": ("choice", "choice_randomize", "transitional", "conditional_dep"),
}


def small_tree(folder: Path, text: str, *, language: str = "newest", release: str = "7.3") -> Path:
    """Write a tree whose only architecture is arm64 and return its root."""
    version, patch_level = release.split(".")
    files = {
        "Makefile": f"VERSION = {version}\nPATCHLEVEL = {patch_level}\nSUBLEVEL = 0\n",
        "Kconfig": f'mainmenu "small"\n{text}source "arch/arm64/Kconfig"\n',
        "arch/arm64/Kconfig": "config ARM64\n\tdef_bool y\n",
    }
    for name in LANGUAGES[language]:
        files[f"scripts/kconfig/tests/{name}/Kconfig"] = ""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


_KCONFIG = {
    "good": 'config KVM\n\tbool "kvm"\n',
    "unknown-construct": 'config KVM\n\tbool "kvm"\n\tfrobnicate if X86\n',
    "sourced-missing": 'source "drivers/Kconfig"\n',
    "sources-itself": 'source "Kconfig"\n',
    "unanswered": 'config KVM\n\tbool "kvm"\n\tdepends on $(cc-option,-funheard-of)\n',
    "no-documents": 'config KVM\n\tbool "kvm"\nsource "Documentation/Kconfig"\n',
    "needs-modversions": (
        'config MODVERSIONS\n\tbool "crcs"\nconfig KVM\n\tbool "kvm"\n\tdepends on MODVERSIONS\n'
    ),
}
_MACROS = "cc-option = $(shell,$(CC) $(1) && echo y || echo n)\n"


def write_example_trees(folder: Path) -> None:
    """Write the trees that the examples of MX10 name: `folder/<what is wrong>`."""
    for name, text in _KCONFIG.items():
        small_tree(folder / name, (_MACROS if "$(" in text else "") + text)
    small_tree(folder / "old", _KCONFIG["good"], release="6.1", language="old")
    other = small_tree(folder / "riscv", _KCONFIG["good"])
    (other / "arch" / "arm64").rename(other / "arch" / "riscv")
    without = small_tree(folder / "no-parser", _KCONFIG["good"])
    (without / "scripts").rename(without / "tools")
