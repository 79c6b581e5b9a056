"""What an expression is worth: C's values, with Kleene's third one, unknown, which is None.

One set of operators serves the concrete evaluation here and the symbolic one in `matrix.solve`.

* Numbers are C's: `true == 1`, `/` and `%` truncate towards zero, comparisons give a bool.
  Integers do not wrap: a result beyond 64 bits, a division by zero and a shift by less than 0 or
  more than 63 have no value in C and are unknown here.
* An operand that is unknown makes the result unknown, unless the other one decides it:
  `None && false` is false, `None || true` is true, `None ? 4 : 4` is 4 (Kleene 1952, §64).
* A text (an option, an enumerator, `m` of a tristate) equals the same text and nothing else:
  `"m" == false` is false. Nothing else is defined on it: its truth, order and sum are unknown.

So more information never changes a known answer; a law test holds that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matrix.expr.lexer import MAX_INTEGER, MIN_INTEGER
from matrix.expr.nodes import (
    Binary,
    Call,
    Constant,
    Expression,
    Name,
    Unary,
    Value,
    spine,
)
from matrix.expr.printer import to_c

_MAX_SHIFT = 63

Lookup = Callable[[str], Value]
CallValue = Callable[[Call], Value]


def truth(value: Value) -> bool | None:
    """Return whether a value counts as true in C; None for unknown and for texts."""
    return None if value is None or isinstance(value, str) else value != 0


def apply_unary(operator: str, value: Value) -> Value:
    """Return `!v`, `-v` or `~v`; None where the result is unknown."""
    if operator == "!":
        known = truth(value)
        return None if known is None else not known
    if value is None or isinstance(value, str):
        return None
    return _bounded(-value if operator == "-" else ~int(value))


def apply_binary(operator: str, left: Value, right: Value) -> Value:
    """Return `left operator right`; None where the result is unknown."""
    if operator in ("&&", "||"):
        return _connective(left, right, decides=operator == "||")
    if left is None or right is None:
        return None
    if operator in ("==", "!="):
        # Python agrees with C here: True == 1, and a text equals no number.
        return (left == right) == (operator == "==")
    if isinstance(left, str) or isinstance(right, str):
        return None
    if operator in _COMPARISONS:
        return _COMPARISONS[operator](int(left), int(right))
    return _bounded(_ARITHMETIC[operator](int(left), int(right)))


def apply_conditional(condition: Value, then: Value, otherwise: Value) -> Value:
    """Return `condition ? then : otherwise`; where the condition is unknown, what both agree on."""
    known = truth(condition)
    if known is None:
        return then if then == otherwise else None
    return then if known else otherwise


def evaluate(expression: Expression, lookup: Lookup, call: CallValue | None = None) -> Value:
    """Return the value of an expression; names come from `lookup`, calls from `call`.

    Without `call` every call is unknown. What is already decided is not evaluated: after
    `false && …` neither `lookup` nor `call` is asked about the rest.
    """
    # In the order of how many of each there are: a million are evaluated in a run, and a `match`
    # takes twice as long.
    while True:
        if isinstance(expression, Name):
            return lookup(expression.identifier)
        if isinstance(expression, Binary):
            return _evaluate_chain(expression, lookup, call)
        if isinstance(expression, Constant):
            return expression.value
        if isinstance(expression, Unary):
            return apply_unary(expression.operator, evaluate(expression.operand, lookup, call))
        if isinstance(expression, Call):
            return None if call is None else call(expression)
        # What is left is `?:`. Its chosen arm is the next round of the loop: a chain of them, as a
        # table in C is written, is no recursion.
        known = truth(evaluate(expression.condition, lookup, call))
        if known is None:
            # Unknown condition: an arm that is unknown settles it, and the other one is not asked.
            agreed = evaluate(expression.then, lookup, call)
            if agreed is None:
                return None
            return apply_conditional(None, agreed, evaluate(expression.otherwise, lookup, call))
        expression = expression.then if known else expression.otherwise


def kconfig_truth(condition: Expression, symbol: Lookup) -> bool | None:
    """Return whether a condition over Kconfig symbols holds: `m` is enabled, too."""

    def is_enabled(call: Call) -> Value:
        found = symbol(to_c(call.arguments[0]))
        return None if found is None else found is not False

    return truth(evaluate(condition, symbol, is_enabled))


def _evaluate_chain(expression: Binary, lookup: Lookup, call: CallValue | None) -> Value:
    """Evaluate a left spine in a loop: chains of thousands of operands are no recursion."""
    first: Expression = expression.left
    steps: Sequence[tuple[str, Expression]] = ((expression.operator, expression.right),)
    # Most have no binary operator on their left, and need no spine.
    if isinstance(first, Binary):
        first, steps = spine(expression)
    value = evaluate(first, lookup, call)
    for operator, right in steps:
        if operator == "&&" and truth(value) is False:
            value = False
        elif operator == "||" and truth(value) is True:
            value = True
        # Nothing on the right can make it known again.
        elif value is None and operator not in ("&&", "||"):
            value = None
        else:
            value = apply_binary(operator, value, evaluate(right, lookup, call))
    return value


def _connective(left: Value, right: Value, *, decides: bool) -> bool | None:
    """Return `&&` (one false decides) or `||` (one true decides) of two values."""
    known = (truth(left), truth(right))
    if decides in known:
        return decides
    return None if None in known else not decides


def _bounded(value: int | None) -> int | None:
    return value if value is not None and MIN_INTEGER <= value <= MAX_INTEGER else None


def _divide(left: int, right: int) -> int | None:
    if right == 0:
        return None
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int | None:
    if right == 0:
        return None
    return abs(left) % abs(right) * (-1 if left < 0 else 1)


def _shift_left(left: int, right: int) -> int | None:
    return left << right if 0 <= right <= _MAX_SHIFT else None


def _shift_right(left: int, right: int) -> int | None:
    return left >> right if 0 <= right <= _MAX_SHIFT else None


_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
}
_ARITHMETIC: dict[str, Callable[[int, int], int | None]] = {
    "+": int.__add__,
    "-": int.__sub__,
    "*": int.__mul__,
    "/": _divide,
    "%": _remainder,
    "&": int.__and__,
    "|": int.__or__,
    "^": int.__xor__,
    "<<": _shift_left,
    ">>": _shift_right,
}
