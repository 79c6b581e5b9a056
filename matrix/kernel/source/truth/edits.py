"""Citations of a profile's YAML replaced in place: every other character stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

_CITATION = re.compile(r"(?<![\w./-])(?:[\w./-]+\.\w+|[\w./-]*\bKconfig):\d+(?:-\d+)?(?![\d-])")


def move_citations(text: str, moves: Mapping[str, str]) -> str:
    r"""Return the YAML with citations moved; comments are left alone, and what is no `source:`.

    A sentence of `kconfig:` may cite another release.

    >>> move_citations('source: "a.c:1; a.c:2-3"  # a.c:1\n', {"a.c:1": "a.c:2"})
    'source: "a.c:2; a.c:2-3"  # a.c:1\n'
    """
    lines = []
    in_kconfig = False
    for line in text.splitlines(keepends=True):
        if line[:1].isalpha():
            in_kconfig = line.startswith("kconfig:")
        if line.lstrip().startswith("#") or (in_kconfig and "source:" not in line):
            lines.append(line)
            continue
        content, comment = _split_comment(line)
        lines.append(
            _CITATION.sub(lambda match: moves.get(match.group(), match.group()), content) + comment
        )
    return "".join(lines)


def _split_comment(line: str) -> tuple[str, str]:
    """Return a line before and from its ` #` outside of quotes."""
    quoted = False
    for index, character in enumerate(line):
        if character == '"' and line[index - 1 : index] != "\\":
            quoted = not quoted
        elif character == "#" and not quoted and line[index - 1 : index].isspace():
            return line[:index], line[index:]
    return line, ""
