"""Plain (unquoted) YAML scalars: which value they are, and which of them nobody should write.

YAML readers disagree on many plain words: `no` is false to one and text to the next, `6.10` turns
into 6.1, `010` into 8, `12:30` into 750. All of these are `Unquoted` here, which no field of a
document accepts. What is left has one meaning everywhere: decimal and 0x integers, true and
false, null, and text.
"""

from __future__ import annotations

import re

from msgspec import Struct


class Unquoted(Struct, frozen=True):
    """A plain scalar that readers of YAML understand differently, with what some take it for."""

    text: str
    taken_for: str


Plain = bool | int | str | Unquoted | None

# The widest number a declaration can need: a 64-bit register.
_MAX_INTEGER = (1 << 64) - 1

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,19})|0x[0-9A-Fa-f]{1,16}")
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"(true|True|TRUE)|false|False|FALSE")

# What some reader of YAML turns into something else; the first match names it.
_TRAPS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a truth value", re.compile(r"(?i:y|yes|n|no|on|off)")),
    ("an octal number", re.compile(r"[-+]?0o?[0-9_]+")),
    ("a binary number", re.compile(r"[-+]?0b[01_]+")),
    ("a number of base 60", re.compile(r"[-+]?[0-9][0-9_]*(?::[0-9]{1,2})+(?:\.[0-9_]*)?")),
    ("a date", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")),
    (
        "a number with a decimal point, 6.10 as 6.1",
        re.compile(
            r"(?=.*[0-9])[-+]?[0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
    ),
    ("a number", re.compile(r"(?=.*[0-9])[-+]?(?:[0-9_]+|0[xX][0-9A-Fa-f_]+)")),
)


def read_plain(text: str) -> Plain:
    """Return the value of a plain scalar.

    >>> read_plain("0x41"), read_plain("neoverse-v1"), read_plain("~")
    (65, 'neoverse-v1', None)
    >>> read_plain("6.10").taken_for
    'a number with a decimal point, 6.10 as 6.1'
    """
    if _NULL.fullmatch(text):
        return None
    if _INTEGER.fullmatch(text):
        value = int(text, 0)
        return value if abs(value) <= _MAX_INTEGER else Unquoted(text, "a number of over 64 bits")
    if boolean := _BOOLEAN.fullmatch(text):
        return boolean.group(1) is not None
    for taken_for, pattern in _TRAPS:
        if pattern.fullmatch(text):
            return Unquoted(text, taken_for)
    return text
