"""/proc/cpuinfo: the parts of each CPU's identification register, or whose CPUs these are."""

from __future__ import annotations

from collections.abc import Iterator

from matrix.kernel.evidence.findings import Asked, EvidenceText, Finding, Read

# c_show() of arch/arm64/kernel/cpuinfo.c: field, lowest bit in MIDR_EL1, base of the number.
_PARTS = (
    ("CPU implementer", 24, 16, 0xFF),
    ("CPU variant", 20, 16, 0xF),
    ("CPU part", 4, 16, 0xFFF),
    ("CPU revision", 0, 10, 0xF),
)
_ARCHITECTURE_FROM_FEATURES = 0xF << 16


def is_cpuinfo(text: EvidenceText, asked: Asked) -> bool:
    """Tell whether a text names a CPU as the kernel of some architecture does."""
    names = {name for name, _, _ in text.fields()}
    own = {"processor", "CPU implementer"} <= names or {"CPU implementer", "CPU part"} <= names
    return own or _other_machine(names, asked) is not None


def read_cpuinfo(text: EvidenceText, asked: Asked) -> Read:
    """Return MIDR_EL1 of each CPU whose four parts are there, or another architecture's name."""
    registers = tuple(_registers(text))
    fields = list(text.fields())
    machine = _other_machine({name for name, _, _ in fields}, asked)
    if registers or machine is None:
        return Read(findings=registers)
    return Read(findings=(Finding(kind="machine", value=machine, place=text.place(fields[0][2])),))


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
