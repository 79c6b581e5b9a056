"""A kernel of a distribution as the YAML file that declares it: one line per symbol."""

from __future__ import annotations

import json

from matrix.schema.reading.scalars import read_plain
from matrix.schema.values import Distro

_HEAD = "# What the model reads of one kernel configuration; made by `matrix distros import`.\n"


def distro_file(distro: Distro) -> str:
    """Return the declaration; the same distribution always gives the same bytes."""
    lines = [
        f"id: {_plain(distro.id)}",
        f"name: {_quoted(distro.name)}",
        f"flavour: {_quoted(distro.flavour)}",
        f"arch: {distro.arch}",
        f"release: {_quoted(distro.release)}",
        f"kind: {'complete' if distro.complete else 'partial'}",
        "input:",
        f"  file: {_quoted(distro.file)}",
    ]
    if distro.version is not None:
        lines.append(f"  version: {_quoted(distro.version)}")
    lines.append(f'  sha256: "{distro.sha256}"')
    if distro.command_line is not None:
        lines.append(f"command_line: {_quoted(distro.command_line)}")
    if distro.kconfig:
        lines.append("kconfig:")
        lines += [f"  {symbol}: {_scalar(value)}" for symbol, value in distro.kconfig]
    else:
        lines.append("kconfig: {}")
    return _HEAD + "\n".join(lines) + "\n"


def _plain(word: str) -> str:
    """Return a word as it can stand: `7.3` and `yes` without quotes are none."""
    return word if read_plain(word) == word else _quoted(word)


def _scalar(value: str | int) -> str:
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    # JSON strings are YAML's double-quoted scalars.
    return json.dumps(text, ensure_ascii=True)
