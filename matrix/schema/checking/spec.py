"""The names in a CPU SPEC of a declaration: CPUs, groups and fields must exist.

A SPEC is `NAME[,field=value…][+NAME…]`; `free` is a CPU of which only the given fields are known.
What the fields may be is checked here as far as declarations go; `matrix.kernel.cpu.spec` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence

from matrix.diagnostics import Location
from matrix.expr.nodes import Scalar
from matrix.schema.checking.catalogue import Catalogue
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import RegisterField

FREE = "free"
_MIDR = "midr"
_MOST_DIGITS = 40  # more than any register has; Python refuses thousands of them


class SpecChecker:
    """Checks SPECs against the names that are declared."""

    def __init__(self, catalogue: Catalogue, problems: Problems) -> None:
        self._problems = problems
        self._names = catalogue.cpu_names()
        self._fields = catalogue.fields()
        self._cpus = catalogue.known(Kind.CPU, (FREE, *self._names), "CPU")
        settable = [field.name for field in self._fields.values() if field.settable]
        registers = {field.register.lower() for field in self._fields.values()}
        names = (_MIDR, *settable, *sorted(registers))
        self._settable = catalogue.known(Kind.ARCHITECTURE, names, "CPU field")

    def canonical(self, node: Node, text: str) -> str | None:
        """Return the SPEC with ids for aliases, so that equal systems are equal text; None: wrong.

        `node` is the text as declared; `text` is all of it.
        """
        parts: list[str] = []
        offset = 0
        right = True
        for part in text.split("+"):
            words: list[str] = []
            start = offset
            for index, item in enumerate(part.split(",")):
                # A system may also begin with its MIDR: `midr=0x410fd490`.
                is_name = index == 0 and "=" not in item
                check = self._name if is_name else self._setting
                word = check(item.strip(), node, start + len(item) - len(item.lstrip()))
                right &= word is not None
                words.append(word or "")
                start += len(item) + 1
            # The order of settings means nothing, and the first word stays in front.
            parts.append(",".join([words[0], *sorted(words[1:])]))
            offset += len(part) + 1
        return "+".join(parts) if right else None

    def _name(self, name: str, node: Node, offset: int) -> str | None:
        """Return the id of the CPU that a name or alias means."""
        at = node.spot(offset, len(name))
        if not self._cpus.check(name.lower(), at, self._problems):
            return None
        cpu = self._names.get(name.lower())
        return cpu.id if cpu else FREE

    def _setting(self, setting: str, node: Node, offset: int) -> str | None:
        """Return a `field=value` that is right."""
        name, equals, value = (part.strip() for part in setting.partition("="))
        at = node.spot(offset, len(setting))
        if not equals or not name or not value:
            hint = "a SPEC is written NAME[,field=value…][+NAME…]: `neoverse-n2,dic=0`"
            message = f"`{setting}` is no `field=value` in a CPU SPEC"
            self._problems.add("MX0217", message, at, hint)
            return None
        if not self._settable.check(name, at, self._problems):
            return None
        field = self._fields.get(name)
        number = int(value, 0) if _is_number(value) else value
        if field is not None and not self.check_value(field, number, at, domain=False):
            return None
        return f"{name}={number}"

    def check_value(
        self, field: RegisterField, value: Scalar, at: Location, *, domain: bool
    ) -> bool:
        """Return whether a field can have a value; add MX0222 where it cannot.

        `domain` asks for a value that an *unknown* field may have, which leaves out what exists in
        registers only (such as AIVIVT instruction caches).
        """
        words: Sequence[Scalar] = [word for _, word in field.words]
        if domain:
            possible = value in field.domain
        elif words:
            possible = value in words or value in field.domain
        else:
            width = field.high_bit - field.low_bit + 1
            possible = type(value) is int and 0 <= value < 1 << width
        if possible and type(value) is bool and not any(type(item) is bool for item in words):
            possible = False  # True == 1 in Python, and not in a declaration
        if not possible:
            listed = field.domain if domain or not words else dict.fromkeys((*field.domain, *words))
            known = ", ".join(str(item) for item in listed)
            message = f"`{value}` is no value of the CPU field `{field.name}`"
            hint = f"values: {known}; `{field.name}`: {field.description}"
            self._problems.add("MX0222", message, at, hint)
        return possible


def _is_number(text: str) -> bool:
    """Return whether a value of a SPEC is a decimal or 0x number."""
    digits = text.removeprefix("0x")
    if len(text) > _MOST_DIGITS:
        return False
    if digits != text:
        return bool(digits) and all(digit in "0123456789abcdefABCDEF" for digit in digits)
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")
