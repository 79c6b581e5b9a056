"""/proc/cpuinfo: each CPU's identification register, what its flags deny, whose CPUs these are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from matrix.kernel.cpu.flags import fields_without_flags
from matrix.kernel.evidence.findings import Asked, EvidenceText, Finding, Read

# c_show() of arch/arm64/kernel/cpuinfo.c: field, lowest bit in MIDR_EL1, base of the number.
_PARTS = (
    ("CPU implementer", 24, 16, 0xFF),
    ("CPU variant", 20, 16, 0xF),
    ("CPU part", 4, 16, 0xFFF),
    ("CPU revision", 0, 10, 0xF),
)
_ARCHITECTURE_FROM_FEATURES = 0xF << 16
_FLAGS = "flags"
# A line that something has wrapped goes on with words alone.
_WORDS = re.compile(r"\s*\w+(?:\s+\w+)*\s*")


def is_cpuinfo(text: EvidenceText, asked: Asked) -> bool:
    """Tell whether a text names a CPU as the kernel of some architecture does."""
    names = {name for name, _, _ in text.fields()}
    own = {"processor", "CPU implementer"} <= names or {"CPU implementer", "CPU part"} <= names
    return own or _other_machine(names, asked) is not None


def read_cpuinfo(text: EvidenceText, asked: Asked) -> Read:
    """Return MIDR_EL1 of each CPU whose four parts are there, what flags deny, and the machine."""
    registers = tuple(_registers(text))
    fields = list(text.fields())
    machine = _other_machine({name for name, _, _ in fields}, asked)
    if registers or machine is None:
        return Read(findings=registers)
    found = [Finding(kind="machine", value=machine, place=text.place(fields[0][2]))]
    if machine in asked.architecture.machines:
        # Behind the flags stand `bugs` and more: c_show() of arch/x86/kernel/cpu/proc.c.
        below = [item for item in fields if item[2] < len(text.lines)]
        found += fields_by_flags(below, text, asked)
    return Read(findings=tuple(found))


def fields_by_flags(
    fields: Sequence[tuple[str, str, int]], text: EvidenceText, asked: Asked
) -> Iterator[Finding]:
    """Yield the fields that lines of flags deny; of (name, value, line), each value once.

    A line that may go on in the next denies nothing.
    """
    lines = {
        value: number
        for name, value, number in fields
        if name.lower() == _FLAGS
        and not any(_WORDS.fullmatch(line) for line in text.lines[number : number + 1])
    }
    for flags, number in lines.items():
        for name, value in fields_without_flags(flags, asked.architecture).items():
            yield Finding(kind="field", value=value, place=text.place(number), of=(name,))


def _other_machine(names: set[str], asked: Asked) -> str | None:
    """Return the name of the architecture that alone writes such fields."""
    for architecture in asked.knowledge.architectures:
        if architecture.cpuinfo and names.issuperset(architecture.cpuinfo):
            return architecture.machines[0]
    return None


def _registers(text: EvidenceText) -> Iterator[Finding]:
    processor = "0"
    parts: dict[str, int] = {}
    for name, value, number in text.fields():
        if name == "processor":
            processor, parts = (str(int(value)) if value.isdecimal() else ""), {}
            continue
        for field, low, base, mask in _PARTS:
            if name == field and (found := _number(value, base)) is not None and found <= mask:
                parts[field] = found << low
        # The last of these that c_show() prints of a CPU (arch/arm64/kernel/cpuinfo.c).
        if name == "CPU revision" and processor and len(parts) == len(_PARTS):
            midr = sum(parts.values()) | _ARCHITECTURE_FROM_FEATURES
            place = text.place(number)
            yield Finding(kind="register", value=midr, place=place, of=(processor, "midr_el1"))
            parts = {}


def _number(text: str, base: int) -> int | None:
    try:
        return int(text, base)
    except ValueError:
        return None
