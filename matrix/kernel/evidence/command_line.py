"""/proc/cmdline: one line of words, as the kernel shows it."""

from __future__ import annotations

import re

from matrix.kernel.evidence.findings import Asked, EvidenceText, Finding, Read

# What boot loaders put first; any other line is one only under the name of the kernel's file.
_BEGINS = re.compile(r"\s*BOOT_IMAGE=\S")
_NAMED = re.compile(r"cmdline[^/]*$", re.IGNORECASE)


def is_command_line(text: EvidenceText, asked: Asked) -> bool:
    """Tell whether a text is a command line: one line, by its first word or its file's name."""
    del asked
    written = [line for line in text.lines if line.strip()]
    return (
        len(written) == 1
        and not written[0].lstrip().startswith("{")
        and (_BEGINS.match(written[0]) is not None or _NAMED.search(text.file) is not None)
    )


def read_command_line_file(text: EvidenceText, asked: Asked) -> Read:
    """Return the command line; whether it is one was told by the name, or by its words."""
    del asked
    for number, line in enumerate(text.lines, start=1):
        if line.strip():
            value = line.strip()
            return Read(
                findings=(Finding(kind="cmdline", value=value, place=text.place(number, value)),)
            )
    return Read(findings=())
