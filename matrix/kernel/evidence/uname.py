"""`uname -a`: the kernel's version and the machine's architecture."""

from __future__ import annotations

import re

from matrix.kernel.evidence.findings import Asked, EvidenceText, Finding, Read

# `Linux host 6.12.9-arm64 #1 SMP … aarch64 GNU/Linux`: the version may hold anything but its end.
_UNAME = re.compile(r"\s*Linux \S+ (\d+\.\d+\S*) #.* ([a-z][a-z0-9_]{2,15})(?: [A-Z]\S*)?\s*")
_FIRST_LINES = 20


def is_uname(text: EvidenceText, asked: Asked) -> bool:
    """Tell whether one of the first lines is what `uname -a` writes."""
    del asked
    return any(map(_UNAME.fullmatch, text.lines[:_FIRST_LINES]))


def read_uname(text: EvidenceText, asked: Asked) -> Read:
    """Return version and machine of each such line."""
    del asked
    found: list[Finding] = []
    for number, line in enumerate(text.lines[:_FIRST_LINES], start=1):
        match = _UNAME.fullmatch(line)
        if match is not None:
            place = text.place(number, match[1])
            found.append(Finding(kind="version", value=match[1], place=place))
            place = text.place(number, match[2])
            found.append(Finding(kind="machine", value=match[2], place=place))
    return Read(findings=tuple(found))
