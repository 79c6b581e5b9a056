"""Whether two conditions say the same: equal on every truth value of what they are made of."""

from __future__ import annotations

import itertools

from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Binary, Conditional, Constant, Expression, Name, Unary
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, names

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
    one, other = _by_atoms(one), _by_atoms(other)
    atoms = names(one) | names(other)
    if len(atoms) > _MOST_ATOMS:
        return False
    for row in itertools.product((False, True), repeat=len(atoms)):
        values = dict(zip(atoms, row, strict=True)).get
        if truth(evaluate(one, values)) is not truth(evaluate(other, values)):
            return False
    return True


def _by_atoms(expression: Expression) -> Expression:
    """Return the expression with a name for each part of it whose truth follows from no other."""
    match expression:
        case Unary("!", operand) | Binary("==", operand, Constant(0)):
            return Unary("!", _by_atoms(operand))
        case Binary("!=", operand, Constant(0)):
            return _by_atoms(operand)
        case Binary("&&" | "||" as operator, left, right):
            return Binary(operator, _by_atoms(left), _by_atoms(right))
        # As `!(a == b)`: both spellings have one atom.
        case Binary("!=", left, right):
            return Unary("!", _by_atoms(Binary("==", left, right)))
        case Conditional(condition, then, otherwise):
            return Conditional(_by_atoms(condition), _by_atoms(then), _by_atoms(otherwise))
        case Constant(0 | 1):
            return expression
        case Binary("==", left, right):
            # `a == b` and `b == a` are one atom. Atoms are taken as independent, so two that
            # exclude each other (`x == 1`, `x == 2`) may be told apart where C would not: that only
            # refuses more.
            return Name(" == ".join(sorted((to_c(left), to_c(right)))))
    return Name(to_c(expression))
