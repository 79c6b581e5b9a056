"""A kernel tree with the toolchain's answers written into it, for readers that are not ours."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

# What kconfiglib 14.1.0 lacks, in words that it has; it takes `!B` for `B = n`, which differs only
# where B is m.
_FOR_KCONFIGLIB = (
    (re.compile(r"^[ \t]+modules[ \t]*$", re.MULTILINE), "\toption modules"),
    (re.compile(r"^[ \t]+transitional[ \t]*$", re.MULTILINE), "\t#"),
    (re.compile(r"^([ \t]+depends on )([^#\n]+?) if ([^#\n]+)", re.MULTILINE), r"\1(\2) || !(\3)"),
)


def answered_tree(
    tree: Path, answers: Mapping[str, str], target: Path, *, for_kconfiglib: bool = False
) -> Path:
    """Copy the Kconfig files of a tree, with `$(call)` replaced by its answer, to `target`.

    Then nothing runs a compiler while the tree is read, and every reader gets the same answers.
    """
    calls = sorted(answers, key=len, reverse=True)
    for source in tree.rglob("Kconfig*"):
        name = source.relative_to(tree)
        if not source.is_file() or name.parts[:3] == ("scripts", "kconfig", "tests"):
            continue
        text = source.read_text(errors="replace")
        if "$(" in text:
            for call in calls:
                text = text.replace(f"$({call})", answers[call])
        if for_kconfiglib:
            for pattern, replacement in _FOR_KCONFIGLIB:
                text = pattern.sub(replacement, text)
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copyfile(tree / "Makefile", target / "Makefile")
    documentation = target / "Documentation" / "Kconfig"
    documentation.parent.mkdir(exist_ok=True)
    documentation.touch()
    return target
