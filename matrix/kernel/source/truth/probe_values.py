"""What a probe reads of a row, and when two values are one."""

from __future__ import annotations

from msgspec import Struct

from matrix.diagnostics import InputError
from matrix.expr.nodes import Scalar
from matrix.expr.parser import parse
from matrix.expr.printer import to_c


class Shown(Struct, frozen=True, kw_only=True):
    """The value that a tree shows of a row, and the lines that show it."""

    value: Scalar
    source: str


def same_value(one: Scalar, other: Scalar) -> bool:
    """Tell whether two values are one; texts are compared as C where they are C."""
    if isinstance(one, str) and isinstance(other, str) and one != other:
        try:
            return to_c(parse(one)) == to_c(parse(other))
        except InputError:
            return False
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def said(value: Scalar) -> str:
    """Return a value as a profile writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
