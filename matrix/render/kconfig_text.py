"""A projected Kconfig tree for a reader, and as the YAML of a profile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol


class ConstraintLike(Protocol):
    """A condition in C, why it holds, where that is read, and how it is known."""

    @property
    def c(self) -> str:
        """The condition."""

    @property
    def because(self) -> str:
        """The sentence."""

    @property
    def source(self) -> str:
        """Lines of the tree."""

    @property
    def grounded(self) -> str:
        """`tree`, or whose tree it is borrowed from."""


def constraint_yaml(constraints: Sequence[ConstraintLike], toolchain: str) -> str:
    """Return the last keys of a profile's `kconfig:` block."""
    lines = [f"  toolchain: {toolchain}", "  constraints:"]
    for item in constraints:
        lines += [
            f"    - c: {_quoted(item.c)}",
            f"      grounded: {item.grounded}",
            *([f"      source: {_quoted(item.source)}"] if item.source else []),
            f"      because: {_quoted(item.because)}",
        ]
    return "".join(f"{line}\n" for line in lines)


def constraint_text(constraints: Sequence[ConstraintLike]) -> str:
    """Return the constraints as C, each with why and where."""
    lines = []
    for item in constraints:
        where = f"  ({item.source})" if item.source else ""
        lines += [item.c, f"    {item.because}{where}"]
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
