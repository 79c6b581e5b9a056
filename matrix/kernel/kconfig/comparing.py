"""How Kconfig compares texts: expr_parse_string() and expr_calc_value(), scripts/kconfig/expr.c."""

from __future__ import annotations

import re

_TRI = {"n": 0, "m": 1, "y": 2}
_DECIMAL = re.compile(r"\s*[-+]?\d+")
_HEX = re.compile(r"\s*[-+]?(?:0[xX])?[0-9a-fA-F]+")
_ANY = re.compile(r"\s*[-+]?(?:0[xX][0-9a-fA-F]+|\d+)")


def number(text: str, kind: str) -> int | None:
    """Return what a text counts as for a symbol of type `kind`, None where only as a string."""
    if kind in ("bool", "tristate"):
        return _TRI.get(text, -1)
    if kind == "int":
        return int(text) if _DECIMAL.fullmatch(text) else None
    if kind == "hex":
        return int(text, 16) if _HEX.fullmatch(text) else None
    if not _ANY.fullmatch(text):
        return None
    digits = text.strip().lstrip("+-")
    if digits[:2].lower() == "0x":
        return int(text, 16)
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
