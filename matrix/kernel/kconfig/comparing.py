"""How Kconfig compares texts: expr_parse_string() and expr_calc_value(), scripts/kconfig/expr.c."""

from __future__ import annotations

import re

from matrix.kernel.kconfig.model import TRISTATES

# More digits than any number of 64 bits has, and fewer than Python refuses to read.
_DECIMAL = re.compile(r"\s*[-+]?\d{1,64}", re.ASCII)
_HEX = re.compile(r"\s*[-+]?(?:0[xX])?[0-9a-fA-F]{1,64}")
_ANY = re.compile(r"\s*[-+]?(?:0[xX][0-9a-fA-F]{1,64}|\d{1,64})", re.ASCII)
_SIGNED = range(-(1 << 63), 1 << 63)  # what strtoll() takes without an error
_UNSIGNED = range(-(1 << 64) + 1, 1 << 64)  # strtoull() takes a sign, too


def number(text: str, kind: str) -> int | None:
    """Return what a text counts as for a symbol of type `kind`, None where only as a string."""
    if kind in ("bool", "tristate"):
        return TRISTATES.get(text, -1)
    found = _read(text, kind)
    possible = _UNSIGNED if kind == "hex" else _SIGNED
    return found if found is not None and found in possible else None


def _read(text: str, kind: str) -> int | None:
    if kind == "int":
        return int(text) if _DECIMAL.fullmatch(text) else None
    if kind == "hex":
        return int(text, 16) if _HEX.fullmatch(text) else None
    if not _ANY.fullmatch(text):
        return None
    digits = text.strip().lstrip("+-")
    if digits[:2].lower() == "0x":
        return int(text, 16)
    # strtoll() with base 0: a leading zero is octal, and what is no octal digit ends it unread.
    if len(digits) > 1 and digits.startswith("0"):
        try:
            return int(text, 8)
        except ValueError:
            return None
    return int(text)


def holds(relation: str, left: tuple[str, str], right: tuple[str, str]) -> bool:
    """Return whether a comparison of two (text, type) pairs holds.

    Numbers are compared as numbers, everything else as strings.
    """
    one = two = None
    # Two strings are never numbers, whatever they look like. Else each side is read by its own
    # type, and where one cannot be read both are compared as texts.
    if not left[1] == right[1] == "string":
        one, two = number(*left), number(*right)
    if one is None or two is None:
        order = (left[0] > right[0]) - (left[0] < right[0])
    else:
        order = (one > two) - (one < two)
    return {
        "=": order == 0,
        "!=": order != 0,
        "<": order < 0,
        "<=": order <= 0,
        ">": order > 0,
        ">=": order >= 0,
    }[relation]
