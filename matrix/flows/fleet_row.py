"""What a row of a table of hosts says, as text."""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec.structs import replace

from matrix.diagnostics import InputError
from matrix.kernel.line.given_line import given_line

_BETWEEN_MIDRS = re.compile(r"[;,+\s]+")


class HostRow(NamedTuple):
    """What a row says of its host, as text; empty where it says nothing."""

    kernel: str
    config: str
    cpu: str
    midrs: str
    cmdline: str
    vm: str
    # A path to what shows the machine; and the surroundings that it shows, as --set has them.
    evidence: str = ""
    settings: tuple[str, ...] = ()


def spec_of(row: HostRow) -> str:
    """Return the CPU system of a row as a SPEC; equal MIDRs are one CPU type."""
    if row.cpu or not row.midrs:
        return row.cpu
    midrs = (text for text in _BETWEEN_MIDRS.split(row.midrs) if text)
    return "+".join(f"midr={midr}" for midr in dict.fromkeys(midrs))


def check_line(text: str) -> None:
    """Check that a row's command line is one; the table has no place for it but the row.

    Raises:
        InputError: MX0920, MX0921.
    """
    try:
        given_line(text)
    except InputError as error:
        raise InputError([replace(item, location=None) for item in error.diagnostics]) from None
