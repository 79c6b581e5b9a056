"""Golden files: what a command printed when somebody last read it, compared letter by letter."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from msgspec import Struct


class Golden(Struct, frozen=True, kw_only=True):
    """One file below `tests/golden/`; `update` rewrites it instead of comparing."""

    path: Path
    update: bool

    def check(self, text: str) -> None:
        """Fail with a unified diff unless `text` equals the file; a missing file fails too."""
        __tracebackhide__ = True
        if self.update:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(text, encoding="utf-8", newline="\n")
            return
        how = "`make golden` writes it anew; read the change before you commit it"
        if not self.path.is_file():
            pytest.fail(f"no golden file {self.path}: {how}", pytrace=False)
        # newline="" keeps a carriage return visible: output must not depend on the platform.
        with self.path.open(encoding="utf-8", newline="") as file:
            expected = file.read()
        if text != expected:
            pytest.fail(f"{self._difference(expected, text)}\n{how}", pytrace=False)

    def _difference(self, expected: str, text: str) -> str:
        lines = difflib.unified_diff(
            expected.splitlines(),
            text.splitlines(),
            fromfile=f"golden {self.path.name}",
            tofile="produced now",
            lineterm="",
        )
        # Texts that differ in the last newline alone have equal lines.
        return "\n".join(lines) or f"{self.path.name}: the final newline differs"
