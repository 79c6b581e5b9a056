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
