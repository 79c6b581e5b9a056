"""The commands that README and docs show: those of fenced blocks, and those in backticks.

A test that runs them takes them from here, so that a new one is run without anybody listing it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCED = re.compile(r"^(```+)[^\n]*\n(?P<block>.*?)^\1", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^(?:\$ )?matrix (?P<arguments>[^\n]+?)(?:\s+#[^\n]*)?$", re.MULTILINE)
_INLINE = re.compile(r"`matrix (?P<arguments>[^`\n]+)`")


def documented_commands() -> tuple[str, ...]:
    """Return the arguments of every `matrix …` that is shown, each once, in reading order."""
    return tuple(dict.fromkeys(found for page in PAGES for found in _of_page(page.read_text())))


def _of_page(text: str) -> Iterator[str]:
    for fence in _FENCED.finditer(text):
        yield from (found["arguments"] for found in _LINE.finditer(fence["block"]))
    prose = _FENCED.sub("", text)
    yield from (found["arguments"] for found in _INLINE.finditer(prose))
