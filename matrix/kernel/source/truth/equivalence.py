"""Whether two conditions say the same: equal on every truth value of what they are made of."""

from __future__ import annotations

import itertools

from matrix.expr.nodes import Binary, Conditional, Constant, Expression, Unary
from matrix.expr.printer import to_c
from matrix.expr.trees import fold

# 2^14 rows are tried in a tenth of a second; the conditions of a profile have at most eight atoms.
_MOST_ATOMS = 14


def equivalent(one: Expression, other: Expression) -> bool:
    """Tell whether two expressions are equal for all values; False also where nobody can tell.

    >>> from matrix.expr.parser import parse
    >>> equivalent(parse("a && !!b()"), parse("b() != 0 && a"))
    True
    >>> equivalent(parse("a && b"), parse("a || b"))
    False
    """
    one, other = fold(one), fold(other)
    if one == other:
        return True
    atoms: dict[str, None] = {}
    for expression in (one, other):
        _collect(expression, atoms)
    if len(atoms) > _MOST_ATOMS:
        return False
    for row in itertools.product((False, True), repeat=len(atoms)):
        values = dict(zip(atoms, row, strict=True))
        if _truth(one, values) is not _truth(other, values):
            return False
    return True


def _parts(expression: Expression) -> tuple[str, tuple[Expression, ...]]:
    """Return how the truth of an expression follows from that of its parts; `atom` without any."""
    match expression:
        case Unary("!", operand) | Binary("==", operand, Constant(0)):
            return "!", (operand,)
        case Binary("!=", operand, Constant(0)):
            return "=", (operand,)
        case Binary("&&" | "||" as operator, left, right):
            return operator, (left, right)
        # As `!(a == b)`: both spellings have one atom.
        case Binary("!=", left, right):
            return "!", (Binary("==", left, right),)
        case Conditional(condition, then, otherwise):
            return "?", (condition, then, otherwise)
        case Constant(0 | 1):
            return "constant", ()
    return "atom", ()


def _key(expression: Expression) -> str:
    match expression:
        case Binary("==", left, right):
            # `a == b` and `b == a` are one atom. Atoms are taken as independent, so two that
            # exclude each other (`x == 1`, `x == 2`) may be told apart where C would not: that only
            # refuses more.
            return " == ".join(sorted((to_c(left), to_c(right))))
    return to_c(expression)


def _collect(expression: Expression, atoms: dict[str, None]) -> None:
    how, parts = _parts(expression)
    if how == "atom":
        atoms[_key(expression)] = None
    for part in parts:
        _collect(part, atoms)


def _truth(expression: Expression, values: dict[str, bool]) -> bool:
    how, parts = _parts(expression)
    if how == "atom":
        return values[_key(expression)]
    if how == "constant":
        return isinstance(expression, Constant) and bool(expression.value)
    first = _truth(parts[0], values)
    match how:
        case "!":
            return not first
        case "=":
            return first
        case "&&":
            return first and _truth(parts[1], values)
        case "||":
            return first or _truth(parts[1], values)
    return _truth(parts[1] if first else parts[2], values)
