"""Trees to text, as kernel C: the inverse of `matrix.expr.parser`.

`parse(to_c(tree)) == tree` for every tree whose names are C identifiers (with dots) and whose
integers fit in 64 bits; a law test holds it. Only the parentheses that C needs are written.
"""

from __future__ import annotations

from collections.abc import Sequence

from matrix.expr.lexer import ESCAPES
from matrix.expr.nodes import (
    ELEMENT,
    FOLLOWED,
    Binary,
    Call,
    Conditional,
    Constant,
    Expression,
    Name,
    Scalar,
    Unary,
    is_memory,
    spine,
)
from matrix.expr.parser import PRECEDENCE

# How tightly the other forms bind, on the scale of PRECEDENCE.
_CONDITIONAL = 0
_UNARY = 11
_PRIMARY = 12

_ESCAPED = {ord(value): f"\\{letter}" for letter, value in ESCAPES.items() if letter != "'"}
_CONTROL = {code: f"\\{code:03o}" for code in (*range(32), 127) if code not in _ESCAPED}
_QUOTING = _ESCAPED | _CONTROL


def to_c(expression: Expression) -> str:
    """Return the expression in kernel style, on one line, with the fewest parentheses.

    >>> from matrix.expr.parser import parse
    >>> to_c(parse("((a)||(b&&c))?(0x10):f( x,y )"))
    'a || b && c ? 16 : f(x, y)'
    """
    return _print(expression)[0]


def _print(expression: Expression) -> tuple[str, int]:
    """Return the text of a tree and how tightly its outermost form binds."""
    match expression:
        case Constant(value):
            return _literal(value), _PRIMARY
        case Name(identifier):
            return identifier, _PRIMARY
        case Call(function, (inner, *rest)) if is_memory(expression):
            return _memory(function, inner, rest)
        case Call(function, arguments):
            return f"{function}({', '.join(to_c(argument) for argument in arguments)})", _PRIMARY
        case Unary(operator, operand):
            return f"{operator}{_operand(operator, operand)}", _UNARY
        case Conditional(condition, then, otherwise):
            # The arms need no parentheses: C reads both up to their end.
            head = _bound(condition, _CONDITIONAL + 1)
            return f"{head} ? {to_c(then)} : {to_c(otherwise)}", _CONDITIONAL
        case Binary():
            return _chain(expression)


def _memory(function: str, inner: Expression, index: Sequence[Expression]) -> tuple[str, int]:
    """Print what stands in memory: `f(x).b`, `*p`, `a[i]`, which the parser does not take."""
    if function == FOLLOWED:
        return f"{FOLLOWED}{_bound(inner, _UNARY)}", _UNARY
    text = _bound(inner, _PRIMARY)
    written = "".join(f"[{to_c(one)}]" for one in index) if function == ELEMENT else function
    return f"{text}{written}", _PRIMARY


def _chain(expression: Binary) -> tuple[str, int]:
    """Print a left spine in a loop: chains of thousands of operands are no recursion."""
    first, steps = spine(expression)
    text, level = _print(first)
    pieces = [text]
    opened = 0
    for operator, right in steps:
        binding = PRECEDENCE[operator]
        # All that stands so far is the left operand: it needs parentheses as a whole, whose
        # openings are counted and put in front at the end.
        if level < binding:
            opened += 1
            pieces.append(")")
        # `+ 1`: operators group to the left, so an equal one on the right needs parentheses.
        pieces.extend((f" {operator} ", _bound(right, binding + 1)))
        level = binding
    return "(" * opened + "".join(pieces), level


def _bound(expression: Expression, level: int) -> str:
    """Return the text, in parentheses where it binds less tightly than `level`."""
    text, binding = _print(expression)
    return text if binding >= level else f"({text})"


def _operand(operator: str, operand: Expression) -> str:
    """Return the operand of a prefix operator; `-(5)` and `-(-x)` keep theirs apart from it."""
    text = _bound(operand, _UNARY)
    return f"({text})" if operator == "-" and text[0] in "-0123456789" else text


def _literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return f'"{value.translate(_QUOTING)}"'
