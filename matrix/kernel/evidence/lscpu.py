"""`lscpu`, as text and as JSON: CPU types by name and stepping, and the machine's architecture."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from matrix.diagnostics import Diagnostic, InputError, Severity, unknown_word_hint
from matrix.expr.position import shown
from matrix.kernel.evidence.findings import Asked, EvidenceText, Finding, Read
from matrix.schema.values import Cpu

_STEPPING = re.compile(r"r(\d{1,2})p(\d{1,2})")
_JSON_FIELD = re.compile(r'"field"\s*:\s*"([^"]*)"')
_NO_NAME = frozenset({"", "-", "Unknown"})


def is_lscpu(text: EvidenceText, asked: Asked) -> bool:
    """Tell whether a text is what lscpu writes: an architecture, and a model or a vendor."""
    del asked
    names = {name for name, _, _ in _fields(text)}
    return "Architecture" in names and bool(
        {"Model name", "Vendor ID", "CPU(s)", "CPU op-mode(s)"} & names
    )


def read_lscpu(text: EvidenceText, asked: Asked) -> Read:
    """Return the machine's architecture and each CPU type that a declaration has."""
    found: list[Finding] = []
    remarks: list[Diagnostic] = []
    fields = list(_fields(text))
    for index, (name, value, number) in enumerate(fields):
        if name == "Architecture":
            place = text.place(number, value)
            found.append(Finding(kind="machine", value=value, place=place))
        if name != "Model name" or value in _NO_NAME:
            continue
        stepping = _own(fields[index + 1 :], "Stepping")
        cpu = _declared(value, asked)
        place = text.place(number, value)
        if cpu is None:
            remarks.append(_undeclared(value, number, text, asked))
            continue
        spec = cpu.id
        revision = _STEPPING.fullmatch(stepping or "")
        # lscpu has taken MIDR_EL1 apart into a name and a stepping; a name of one part gives it
        # back. 0xF in bits 19:16 is what MIDR_CPU_MODEL() has there
        # (arch/arm64/include/asm/cputype.h).
        if revision and cpu.implementer is not None and len(cpu.parts) == 1:
            midr = cpu.implementer << 24 | int(revision[1]) << 20 | 0xF << 16
            spec += f",midr={midr | cpu.parts[0] << 4 | int(revision[2]):#010x}"
        found.append(Finding(kind="spec", value=spec, place=place, of=(spec,)))
    return Read(findings=tuple(found), remarks=tuple(remarks))


def _fields(text: EvidenceText) -> Iterator[tuple[str, str, int]]:
    """Yield (field, value, line) of either form, nested fields behind their parents."""
    whole = "\n".join(text.lines)
    if whole.lstrip().startswith("{") and '"lscpu"' in whole:
        yield from _json_fields(whole, text)
        return
    yield from text.fields()


def _json_fields(whole: str, text: EvidenceText) -> Iterator[tuple[str, str, int]]:
    """Yield the fields of `lscpu -J`.

    Raises:
        InputError: MX1445, no JSON.
    """
    document = json_document(whole, text)
    rows = document.get("lscpu") if isinstance(document, dict) else None
    places = [
        number
        for number, line in enumerate(text.lines, start=1)
        for _ in _JSON_FIELD.finditer(line)
    ]
    waiting = list(reversed(rows)) if isinstance(rows, list) else []
    index = 0
    while waiting:
        row = waiting.pop()
        if not isinstance(row, dict):
            continue
        below = row.get("children")
        waiting += reversed(below) if isinstance(below, list) else []
        name, value = row.get("field"), row.get("data")
        # The walk meets the fields in the order of the text, parents before children.
        line = places[index] if index < len(places) else 1
        index += 1
        if isinstance(name, str) and isinstance(value, str):
            yield name.rstrip(":"), value, line


def json_document(whole: str, text: EvidenceText) -> object:
    """Return the JSON that a text is.

    Raises:
        InputError: MX1445.
    """
    try:
        return json.loads(whole)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise InputError.of(
            code="MX1445",
            message=f"the JSON is damaged: {getattr(error, 'msg', 'nested too deep')}",
            location=text.place(min(line, len(text.lines))),
            hint="copy the file whole, as the program wrote it",
        ) from None


def _own(fields: list[tuple[str, str, int]], name: str) -> str | None:
    """Return a field of one CPU type: before the next type begins."""
    for own, value, _ in fields:
        if own == "Model name":
            return None
        if own == name:
            return value
    return None


def _declared(name: str, asked: Asked) -> Cpu | None:
    """Return the CPU of a name of lscpu: `Neoverse-V1` is `neoverse-v1`."""
    key = name.lower().replace("_", "-").replace(" ", "-")
    for cpu in asked.knowledge.cpus:
        if cpu.arch == asked.arch and key in (cpu.id, *cpu.aliases):
            return cpu
    return None


def _undeclared(name: str, number: int, text: EvidenceText, asked: Asked) -> Diagnostic:
    known = [cpu.id for cpu in asked.knowledge.cpus if cpu.arch == asked.arch]
    return Diagnostic(
        code="MX1439",
        severity=Severity.WARNING,
        message=f"`{shown(name)}` is no CPU that is declared: nothing is known of it",
        location=text.place(number, name),
        hint=f"/proc/cpuinfo tells its MIDR; {unknown_word_hint(name.lower(), known, 'CPUs')}",
    )
