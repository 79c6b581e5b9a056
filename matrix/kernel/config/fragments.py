"""A base and the fragments on top of it as one configuration, as scripts/kconfig/merge_config.sh.

What a fragment sets replaces what stands before it, whatever order the symbols have; a value that
is replaced is said. What the tree's Kconfig makes of the result is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location, Severity
from matrix.kernel.config.lines import raw_value, read_lines

# Android's fragments have a `# nocheck` behind settings; conf is what decides of it.
_SETTING = re.compile(r"CONFIG_(\w+)=(.*)|# CONFIG_(\w+) is not set(?:\s.*)?")


class Merged(Struct, frozen=True, kw_only=True):
    """A base with its fragments: the text, what is replaced, and where each symbol is set."""

    text: bytes
    notes: tuple[Diagnostic, ...]
    origins: Mapping[str, tuple[str, int]]


def merged(base: tuple[str, bytes], fragments: list[tuple[str, bytes]]) -> Merged:
    """Return a base with its fragments; what is replaced is said (MX1455).

    Each is (name, text); what is odd in a fragment is said, too. Lines of the base keep their
    numbers, those that a fragment replaces are left empty; the fragments follow.
    """
    name, data = base
    lines = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    where: dict[str, tuple[str, int, str]] = {}
    at: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        if match := _SETTING.fullmatch(line):
            symbol = match[1] or match[3]
            where[symbol] = (name, index + 1, line)
            at.setdefault(symbol, []).append(index)
    notes = []
    for file, content in fragments:
        text = content.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        notes += read_lines(f"\n{text}\n", file)[1]
        for number, line in enumerate(text.split("\n"), start=1):
            match = _SETTING.fullmatch(line)
            if match is None:
                continue
            symbol = match[1] or match[3]
            before = where.get(symbol)
            if before is not None and _value(before[2]) != _value(line):
                notes.append(_replaced(file, number, line, before))
            # Emptied, not deleted: the numbers of the lines behind them stay true.
            for index in at.pop(symbol, ()):
                lines[index] = ""
            where[symbol] = (file, number, line)
            at[symbol] = [len(lines)]
            lines.append(line)
    return Merged(
        text="\n".join(lines).encode("utf-8", "surrogateescape"),
        notes=tuple(notes),
        origins={symbol: (file, number) for symbol, (file, number, _) in where.items()},
    )


def set_in(data: bytes) -> frozenset[str]:
    """Return the symbols that a fragment sets."""
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    found = (_SETTING.fullmatch(line) for line in lines)
    return frozenset(match[1] or match[3] for match in found if match)


def _value(line: str) -> str:
    return raw_value(line) or line.partition("=")[2]


def _replaced(file: str, number: int, line: str, before: tuple[str, int, str]) -> Diagnostic:
    return Diagnostic(
        code="MX1455",
        severity=Severity.NOTE,
        message=f"`{line}` replaces `{before[2]}` of {before[0]}:{before[1]}",
        location=Location(file=file, line=number, column=1, length=len(line), text=line),
        hint="as merge_config.sh does: the last one counts",
    )
