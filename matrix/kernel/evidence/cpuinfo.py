"""/proc/cpuinfo: the parts of each CPU's identification register."""

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
    """Tell whether a text names the implementer and part of a CPU as the kernel does."""
    del asked
    names = {name for name, _, _ in text.fields()}
    return {"processor", "CPU implementer"} <= names or {"CPU implementer", "CPU part"} <= names


def read_cpuinfo(text: EvidenceText, asked: Asked) -> Read:
    """Return MIDR_EL1 of each CPU whose four parts are there."""
    del asked
    return Read(findings=tuple(_registers(text)))


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
