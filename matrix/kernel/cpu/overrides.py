"""What a CPU SPEC states of one CPU: fields, raw registers and MIDR_EL1 as values.

Takes a parsed `CpuSpec` and the fields the architecture declares, gives `Overrides`; what follows
from them by the architecture's rules is `matrix.kernel.cpu.resolve`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from matrix.diagnostics import Diagnostic, unknown_word_hint
from matrix.expr.nodes import Scalar
from matrix.expr.position import shown
from matrix.kernel.cpu.spec import CpuSpec, Override, Word, at
from matrix.kernel.cpu.system import MIDR
from matrix.schema.cpu_fields import decode_field, is_derived
from matrix.schema.values import Architecture, RegisterField

MIDR_NAMES = ("midr", "midr-el1")

_MAX_REGISTER = (1 << 64) - 1
_MAX_MIDR = (1 << 32) - 1
# `int()` takes underscores, signs and spaces; a register has none.
_DIGITS = {"0x": 16, "0b": 2}


class Given(Struct, frozen=True, kw_only=True):
    """A field's value that a SPEC states, and the word that states it."""

    value: Scalar
    word: Word


class Overrides(Struct, frozen=True, kw_only=True):
    """What a SPEC states of one CPU; `canonical` are its parts in the declared spelling."""

    given: Mapping[str, Given]
    midr: int | None
    canonical: tuple[str, ...]


def read_overrides(
    spec: str, cpu: CpuSpec, architecture: Architecture, diagnostics: list[Diagnostic]
) -> Overrides:
    """Return what a part of `spec` states; what is wrong in it is added to `diagnostics`."""
    reader = _OverrideReader(spec, architecture, diagnostics)
    for override in cpu.overrides:
        reader.take(override)
    return Overrides(given=reader.given, midr=reader.midr, canonical=tuple(reader.canonical))


class _OverrideReader:
    def __init__(
        self, spec: str, architecture: Architecture, diagnostics: list[Diagnostic]
    ) -> None:
        self.spec = spec
        self.architecture = architecture
        self.diagnostics = diagnostics
        self.given: dict[str, Given] = {}
        self.midr: int | None = None
        self.canonical: list[str] = []

    def take(self, override: Override) -> None:
        """Take one `field=value`: MIDR_EL1, a raw register, or a field."""
        key = override.field.key
        registers = {_key(field.register) for field in self.architecture.fields}
        field = next((item for item in self.architecture.fields if _key(item.name) == key), None)
        if key in MIDR_NAMES:
            self._take_midr(override)
        # Before the fields: a register's name is no field's, and gives all the fields it holds.
        elif key in registers:
            self._take_register(override)
        elif field is None:
            known = [item.name for item in self.architecture.fields if item.settable]
            names = [*known, MIDR, *(name.replace("-", "_") for name in sorted(registers))]
            hint = unknown_word_hint(key.replace("-", "_"), names, "fields")
            self._error(
                override.field, "MX0503", f"unknown field `{shown(override.field.text)}`", hint
            )
        elif not field.settable:
            message = f"`{field.name}` cannot be set"
            hint = f"give the register {field.register.lower()} ({field.description})"
            self._error(override.field, "MX0503", message, hint)
        else:
            self._take_field(override, field)

    def _take_midr(self, override: Override) -> None:
        value = self._number(override.value, _MAX_MIDR)
        if value is None:
            return
        if self.midr is None:
            self.canonical.append(f"{MIDR}={value:#010x}")
        elif self.midr != value:
            self._contradiction(override, f"{MIDR}={self.midr:#010x}")
        self.midr = value

    def _take_register(self, override: Override) -> None:
        register = self._number(override.value, _MAX_REGISTER)
        if register is None:
            return
        for field in self.architecture.fields:
            own = _key(field.register) == override.field.key
            if own and not is_derived(field, self.architecture):
                value = decode_field(field, register)
                # A reserved encoding says nothing of the field.
                if value is not None:
                    self._give(override, field, value)
        self.canonical.append(f"{override.field.key.replace('-', '_')}={register:#x}")

    def _take_field(self, override: Override, field: RegisterField) -> None:
        value = self._field_value(override.value, field)
        if value is not None:
            if field.name not in self.given:
                self.canonical.append(f"{field.name}={value}")
            self._give(override, field, value)

    def _give(self, override: Override, field: RegisterField, value: Scalar) -> None:
        earlier = self.given.get(field.name)
        if earlier is not None and earlier.value != value:
            self._contradiction(override, f"{field.name}={earlier.value}")
        self.given[field.name] = Given(value=value, word=override.field)

    def _contradiction(self, override: Override, earlier: str) -> None:
        message = (
            f"`{shown(override.field.text)}={shown(override.value.text)}` contradicts `{earlier}`"
        )
        self._error(override.field, "MX0506", message, "give one of them")

    def _field_value(self, word: Word, field: RegisterField) -> Scalar | None:
        """Return what a word means: one of the field's values, or the encoding of one."""
        words = dict(field.words)
        meanings = {str(value): value for value in (*field.domain, *words.values())}
        number = _integer(word.text)
        if word.text.lower() in meanings:
            return meanings[word.text.lower()]
        if str(number) in meanings:
            return meanings[str(number)]
        if number in words:
            return words[number]
        # An encoding that no known CPU has is a what-if like any other, as long as it fits.
        if not words and number is not None and number >> field.high_bit - field.low_bit + 1 == 0:
            return number
        message = f"`{shown(word.text)}` is no value of `{field.name}`"
        hint = f"{field.name} is one of {', '.join(meanings)} ({field.description})"
        self._error(word, "MX0504", message, hint)
        return None

    def _number(self, word: Word, most: int) -> int | None:
        number = _integer(word.text)
        if number is not None and number <= most:
            return number
        message = f"`{shown(word.text)}` is no number from 0 to {most:#x}"
        self._error(word, "MX0505", message, "give the register in hex, for instance 0x410fd490")
        return None

    def _error(self, word: Word, code: str, message: str, hint: str) -> None:
        self.diagnostics.append(at(self.spec, word, code, message, hint))


def _key(name: str) -> str:
    return name.lower().replace("_", "-")


def _integer(text: str) -> int | None:
    """Return an unsigned number: decimal, 0x or 0b; None for anything else."""
    lowered = text.lower()
    base = _DIGITS.get(lowered[:2], 10)
    digits = lowered if base == 10 else lowered[2:]
    # A register has 64 binary digits; Python refuses thousands of decimal ones.
    if not digits.isascii() or not digits.isalnum() or len(digits) > 64:
        return None
    try:
        return int(digits, base)
    except ValueError:
        return None
