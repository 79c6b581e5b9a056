"""Files of sysfs: registers of CPUs (cpuN/regs/identification), parameters of modules."""

from __future__ import annotations

import re

from matrix.kernel.cpu.flags import field_of_parameter
from matrix.kernel.evidence.findings import Asked, EvidenceText, Finding, Read

# What a field is told by; a missing flag counts more.
PARAMETER = "parameter"
_PLACE = re.compile(r"(?:^|/)cpu(\d{1,5})/regs/identification/([a-z]\w+)$")
_VALUE = re.compile(r"\s*0x([0-9a-f]{1,16})\s*", re.IGNORECASE)


def read_parameter(text: EvidenceText, asked: Asked) -> Read | None:
    """Return the CPU field that a parameter of a module tells; None: the file is no such one."""
    line = text.lines[0] if len(text.lines) == 1 else ""
    told = field_of_parameter(text.file, line, asked.architecture)
    if told is None:
        return None
    name, value = told
    of = (name, PARAMETER)
    return Read(findings=(Finding(kind="field", value=value, place=text.place(1), of=of),))


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
