"""Registers below /sys/devices/system/cpu/cpuN/regs/identification, one a file."""

from __future__ import annotations

import re

from matrix.kernel.evidence.findings import EvidenceText, Finding, Read

_PLACE = re.compile(r"(?:^|/)cpu(\d{1,5})/regs/identification/([a-z]\w+)$")
_VALUE = re.compile(r"\s*0x([0-9a-f]{1,16})\s*", re.IGNORECASE)


def is_register(path: str) -> bool:
    """Tell whether a file is named as sysfs names a CPU's register."""
    return _PLACE.search(path) is not None


def read_register(text: EvidenceText) -> Read:
    """Return the register that a file of such a name holds."""
    place = _PLACE.search(text.file)
    value = _VALUE.fullmatch(text.lines[0]) if place and text.lines else None
    if place is None or value is None:
        return Read(findings=())
    number = str(int(place[1]))
    found = Finding(
        kind="register", value=int(value[1], 16), place=text.place(1), of=(number, place[2])
    )
    return Read(findings=(found,))
