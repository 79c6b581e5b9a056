"""The grammar of a CPU SPEC, `NAME[,field=value…][+NAME…]`: text in, parts with their places out.

Names and values are looked up in `resolve.py`; here a SPEC is only taken apart, so that
every complaint about one of its words can point at it.
"""

from __future__ import annotations

import re

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.expr.position import shown

SPEC_FILE = "<cpu>"
# MIDR_EL1 as sysfs and lscpu show it; zero-extended in sysfs.
_MIDR = re.compile(r"0[xX](?:0{8})?[0-9a-fA-F]{8}")


class Word(Struct, frozen=True, kw_only=True):
    """A word of a SPEC and the 0-based offset of its first character."""

    text: str
    offset: int

    @property
    def key(self) -> str:
        """The word as names are compared: lower case, hyphens for underscores."""
        return self.text.lower().replace("_", "-")


class Override(Struct, frozen=True, kw_only=True):
    """One `field=value` of a SPEC."""

    field: Word
    value: Word


class CpuSpec(Struct, frozen=True, kw_only=True):
    """One CPU type of a SPEC; `name` is None where it begins with a MIDR."""

    name: Word | None
    overrides: tuple[Override, ...]
    offset: int


def parse_spec(spec: str) -> tuple[CpuSpec, ...]:
    """Parse `system := cpu ('+' cpu)*`, where white space around words means nothing.

    Raises:
        InputError: MX0501, with every part that does not follow the grammar.
    """
    diagnostics: list[Diagnostic] = []
    found: list[CpuSpec] = []
    offset = 0
    for part in spec.split("+"):
        found.append(_parse_cpu(spec, part, offset, diagnostics))
        offset += len(part) + 1
    if diagnostics:
        raise InputError(diagnostics)
    return tuple(found)


def _parse_cpu(spec: str, part: str, start: int, diagnostics: list[Diagnostic]) -> CpuSpec:
    """Parse `cpu := (NAME | midr) (',' override)*`; a MIDR is `0x412fd471` or `midr=0x412fd471`."""
    name: Word | None = None
    overrides: list[Override] = []
    offset = start
    for index, item in enumerate(part.split(",")):
        word = _word(item, offset)
        offset += len(item) + 1
        if index == 0 and _MIDR.fullmatch(word.text):
            overrides.append(Override(field=Word(text="midr", offset=word.offset), value=word))
        elif "=" in item:
            overrides.append(_parse_override(spec, item, word, diagnostics))
        elif index == 0 and word.text:
            name = word
        elif word.text:
            message = f"`{shown(word.text)}` is no `field=value`"
            hint = "a system of several CPU types is written with `+`, for instance a+b"
            diagnostics.append(at(spec, word, "MX0501", message, hint))
        else:
            message = "a CPU is missing" if index == 0 else "a `field=value` is missing"
            diagnostics.append(at(spec, word, "MX0501", message, _HINT))
    return CpuSpec(name=name, overrides=tuple(overrides), offset=start)


def _parse_override(spec: str, item: str, word: Word, diagnostics: list[Diagnostic]) -> Override:
    """Parse `override := FIELD '=' VALUE`."""
    before, _, after = item.partition("=")
    start = word.offset - (len(item) - len(item.lstrip()))
    field = _word(before, start)
    value = _word(after, start + len(before) + 1)
    if not field.text or not value.text:
        message = f"`{shown(word.text)}` lacks its {'value' if field.text else 'field'}"
        diagnostics.append(at(spec, word, "MX0501", message, _HINT))
    return Override(field=field, value=value)


def _word(item: str, offset: int) -> Word:
    return Word(text=item.strip(), offset=offset + len(item) - len(item.lstrip()))


_HINT = "a CPU is written NAME[,field=value…], for instance `neoverse-n2,dic=0`"


def at(spec: str, word: Word, code: str, message: str, hint: str | None = None) -> Diagnostic:
    """Return an error about a word of a SPEC."""
    location = Location(
        file=SPEC_FILE,
        line=1,
        column=word.offset + 1,
        length=max(1, len(word.text)),
        text=spec.replace("\n", " ").encode("utf-8", "replace").decode("utf-8"),
    )
    return Diagnostic(code=code, message=message, location=location, hint=hint)
