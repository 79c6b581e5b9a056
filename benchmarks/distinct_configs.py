"""`.config` files that differ: real ones with seeded changes of symbols and command lines.

Each file has twenty symbols changed among all it has, up to three among those that some profile
reads, and in half of the files a command line of its own, so that no two are alike.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from matrix.flows.knowledge import Library


def write_distinct(bases: Sequence[Path], folder: Path, count: int, *, changed: int = 20) -> None:
    """Write so many distinct files, made of the bases in turn; equal arguments, equal files."""
    library = Library()
    read = {one.name for kernel in library.kernels_of("arm64").values() for one in kernel.symbols}
    for number in range(count):
        base = bases[number % len(bases)]
        lines = base.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        draw = random.Random(number)  # noqa: S311 - the same files each time
        own = [at for at, line in enumerate(lines) if _symbol(line)]
        known = [at for at in own if _symbol(lines[at]) in read]
        chosen = draw.sample(own, min(changed, len(own)))
        for at in (*chosen, *draw.sample(known, min(len(known), draw.randrange(4)))):
            lines[at] = _other(lines[at])
        if draw.random() < 0.5:
            lines = [line for line in lines if _symbol(line) != "CMDLINE"]
            lines.append(f'CONFIG_CMDLINE="console=ttyAMA0 root=/dev/vda{number}"')
        text = "\n".join((*lines, f"CONFIG_LOCALVERSION_{number}=y", ""))
        path = folder / f"{number:04}-{base.name}"
        path.write_text(text, encoding="utf-8", errors="surrogateescape")


def _symbol(line: str) -> str:
    """Return the symbol that a line sets or leaves unset; nothing for other lines."""
    if line.startswith("CONFIG_"):
        return line.partition("=")[0].removeprefix("CONFIG_")
    if line.startswith("# CONFIG_") and line.endswith(" is not set"):
        return line.removeprefix("# CONFIG_").removesuffix(" is not set")
    return ""


def _other(line: str) -> str:
    """Return a line that sets its symbol otherwise; a number or a text stays."""
    if line.startswith("#"):
        return f"CONFIG_{_symbol(line)}=y"
    return f"# CONFIG_{_symbol(line)} is not set" if line.endswith(("=y", "=m")) else line
