"""A fix in a line, and as something to paste: `scripts/config`, a fragment, boot parameters.

Takes the changes of a fix (`kconfig.KFENCE` = `y`, `boot.rodata` = `on`), gives lines of text. A
change of another kind (a CPU, a release) has nothing to paste; it is said by name alone.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from msgspec import Struct

from matrix.analyze.cell.answer import Fix

# The change that sets nothing: `make olddefconfig` in the tree of the release.
_MAKE = "make"
# Options of scripts/config for the values a symbol may have; a number or a text is `--set-val`.
_SWITCHES = {"y": "-e", "n": "-d", "m": "-m"}
_NUMBER = re.compile(r"-?\d+|0[xX][0-9a-fA-F]+")


class Snippet(Struct, frozen=True, kw_only=True):
    """What to paste for one fix; each part is None where the fix does not need it."""

    scripts_config: str | None
    fragment: tuple[str, ...]
    boot: str | None


def fix_line(fix: Fix) -> str:
    """Return what a fix changes and what comes of it: `boot.rodata=full gives supported`."""
    changes = " ".join(
        f"{name} {value}" if name == _MAKE else f"{name}={value}" for name, value in fix.change
    )
    return f"{changes} gives {fix.verdict}"


def snippet(fix: Fix) -> Snippet:
    """Return a fix as commands and lines.

    `scripts/config` changes `.config` in the kernel's build folder and must be followed by `make
    olddefconfig`; a fragment goes to scripts/kconfig/merge_config.sh; boot parameters are appended
    to what the boot loader passes, where the last one wins.
    """
    symbols = _of_kind(fix.change, "kconfig")
    parameters = _of_kind(fix.change, "boot")
    options = [part for symbol, value in symbols for part in _options(symbol, value)]
    return Snippet(
        scripts_config=f"scripts/config --file .config {shlex.join(options)}" if options else None,
        fragment=tuple(_line(symbol, value) for symbol, value in symbols),
        boot=" ".join(f"{name}={_quoted(value)}" for name, value in parameters) or None,
    )


def snippet_lines(fix: Fix) -> list[str]:
    """Return the snippet of a fix as lines for a reader, each with what it is for."""
    parts = snippet(fix)
    lines = [f"boot loader: {parts.boot}"] if parts.boot else []
    if parts.scripts_config:
        lines.append(f"build folder: {parts.scripts_config}")
        lines.append(f"or fragment: {'; '.join(parts.fragment)}")
    lines += [f"build folder: {name} {value}" for name, value in fix.change if name == _MAKE]
    return lines


def _of_kind(change: Sequence[tuple[str, str]], kind: str) -> list[tuple[str, str]]:
    pairs = [(name.partition("."), value) for name, value in change]
    return [(name, value) for (head, _, name), value in pairs if head == kind]


def _options(symbol: str, value: str) -> tuple[str, ...]:
    if value in _SWITCHES:
        return (_SWITCHES[value], symbol)
    return ("--set-val" if _NUMBER.fullmatch(value) else "--set-str", symbol, value)


def _line(symbol: str, value: str) -> str:
    if value == "n":
        return f"# CONFIG_{symbol} is not set"
    if value in _SWITCHES or _NUMBER.fullmatch(value):
        return f"CONFIG_{symbol}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'CONFIG_{symbol}="{escaped}"'


def _quoted(value: str) -> str:
    """Return a value as the kernel's next_arg() reads it: quotes hold its spaces together."""
    return f'"{value}"' if " " in value else value
