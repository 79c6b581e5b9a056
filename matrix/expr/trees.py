"""Questions about trees and trees made of trees: names, calls, rewriting, constant folding.

All pure; every walk keeps its own stack, so no tree is too deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from matrix.expr.evaluation import apply_binary, apply_unary, truth
from matrix.expr.nodes import Binary, Call, Conditional, Constant, Expression, Name, Unary

BOOLEAN_OPERATORS = ("&&", "||", "==", "!=", "<", "<=", ">", ">=")


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield every node, a node before its operands, in reading order."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def children(node: Expression) -> tuple[Expression, ...]:
    """Return the operands of a node in reading order."""
    # In the order of how many of each there are: a million are asked in a run.
    if isinstance(node, Name | Constant):
        return ()
    if isinstance(node, Binary):
        return (node.left, node.right)
    if isinstance(node, Unary):
        return (node.operand,)
    if isinstance(node, Call):
        return node.arguments
    return (node.condition, node.then, node.otherwise)


def names(expression: Expression) -> frozenset[str]:
    """Return the identifiers read as names, those among the arguments of calls included."""
    return frozenset(names_in_order(expression))


def names_in_order(expression: Expression) -> tuple[str, ...]:
    """Return the different identifiers read as names, in reading order."""
    if isinstance(expression, Name):  # as most that is asked about
        return (expression.identifier,)
    found = (node.identifier for node in walk(expression) if isinstance(node, Name))
    return tuple(dict.fromkeys(found))


def calls(expression: Expression) -> tuple[Call, ...]:
    """Return the different calls in reading order, an outer one before those in its arguments."""
    return tuple(dict.fromkeys(node for node in walk(expression) if isinstance(node, Call)))


def without_repeats(expression: Expression) -> Expression:
    """Return an expression whose outermost `||` or `&&` asks each operand once, the first time.

    Two operands stay, also where they are the same: the value of `a || a` is 0 or 1.
    """
    if not isinstance(expression, Binary) or expression.operator not in ("||", "&&"):
        return expression
    operands: list[Expression] = []
    node: Expression = expression
    while isinstance(node, Binary) and node.operator == expression.operator:
        operands.append(node.right)
        node = node.left
    first, *others = dict.fromkeys((node, *reversed(operands)))
    for operand in others or [first]:
        first = Binary(expression.operator, first, operand)
    return first


def rewrite(expression: Expression, function: Callable[[Expression], Expression]) -> Expression:
    """Return the tree with every node replaced by `function(node)`, operands before operators.

    The operands that `function` sees are already rewritten; what it returns is not visited again.
    """
    return _rewrite(expression, function, children)


def substitute(expression: Expression, mapping: Mapping[str, Expression]) -> Expression:
    """Return the tree with each name in `mapping` replaced, all at once, in arguments too."""

    def replace(node: Expression) -> Expression:
        return mapping.get(node.identifier, node) if isinstance(node, Name) else node

    return rewrite(expression, replace)


def fold(expression: Expression) -> Expression:
    """Return a smaller tree with the same value for every value of its names, unknown included.

    Computes what is constant and drops what cannot matter: `true && x == 1` is `x == 1`. The
    arguments of calls stay as they are: to the one who evaluates a call they are its name.
    """

    def operands(node: Expression) -> tuple[Expression, ...]:
        return () if isinstance(node, Call) else children(node)

    return _rewrite(expression, _fold_node, operands)


def _rewrite(
    expression: Expression,
    function: Callable[[Expression], Expression],
    operands: Callable[[Expression], tuple[Expression, ...]],
) -> Expression:
    """Rewrite in post-order with two stacks: nodes to visit, results waiting for their parent."""
    pending: list[tuple[Expression, bool]] = [(expression, False)]
    results: list[Expression] = []
    while pending:
        node, ready = pending.pop()
        inner = operands(node)
        if inner and not ready:
            pending.append((node, True))
            pending.extend((operand, False) for operand in reversed(inner))
            continue
        if inner:
            replaced = tuple(results[-len(inner) :])
            del results[-len(inner) :]
            # What did not change stays the same object, which comparing and hashing profit from.
            if any(new is not old for new, old in zip(replaced, inner, strict=True)):
                node = _with_children(node, replaced)
        results.append(function(node))
    return results[0]


def _with_children(node: Expression, operands: tuple[Expression, ...]) -> Expression:
    match node:
        case Unary(operator, _):
            return Unary(operator, operands[0])
        case Binary(operator, _, _):
            return Binary(operator, operands[0], operands[1])
        case Conditional():
            return Conditional(operands[0], operands[1], operands[2])
        case Call(function, _):
            return Call(function, operands)
        case Constant() | Name():
            return node


def _fold_node(node: Expression) -> Expression:
    match node:
        case Unary(operator, operand):
            return _fold_unary(operator, operand, node)
        case Binary("&&" | "||" as operator, left, right):
            return _fold_connective(operator, left, right)
        case Binary(operator, Constant(left), Constant(right)):
            value = apply_binary(operator, left, right)
            return node if value is None else Constant(value)
        case Conditional(condition, then, otherwise):
            condition = _as_condition(condition)
            known = truth(condition.value) if isinstance(condition, Constant) else None
            if then == otherwise or known is True:
                return then
            return otherwise if known is False else Conditional(condition, then, otherwise)
    return node


def _fold_unary(operator: str, operand: Expression, node: Expression) -> Expression:
    if isinstance(operand, Constant):
        value = apply_unary(operator, operand.value)
        return node if value is None else Constant(value)
    if operator != "!":
        return node
    operand = _as_condition(operand)
    if isinstance(operand, Unary) and operand.operator == "!" and _is_boolean(operand.operand):
        return operand.operand
    return Unary("!", operand)


def _fold_connective(operator: str, left: Expression, right: Expression) -> Expression:
    """Fold `&&` and `||`: one constant operand decides, or leaves the other one's truth."""
    left, right = _as_condition(left), _as_condition(right)
    decides = operator == "||"
    for operand, other in ((left, right), (right, left)):
        known = truth(operand.value) if isinstance(operand, Constant) else None
        if known is decides:
            return Constant(decides)
        # It decides nothing: the other one's truth remains, for `true && 5` is true and not 5.
        if known is not None:
            return other if _is_boolean(other) else _truth_of(other)
    return Binary(operator, left, right)


def _truth_of(expression: Expression) -> Expression:
    """Return `!!x`, folded: true or false where `x` is a number."""
    return _fold_node(Unary("!", _fold_node(Unary("!", expression))))


def _as_condition(expression: Expression) -> Expression:
    """Return what has the same truth, for a place where only the truth counts: `!!x` is `x`."""
    match expression:
        case Unary("!", Unary("!", operand)):
            return operand
    return expression


def _is_boolean(expression: Expression) -> bool:
    """Return whether the value can only be true, false or unknown, so that `!!x` is `x`."""
    match expression:
        case Constant(value):
            return isinstance(value, bool)
        case Unary(operator, _) | Binary(operator, _, _):
            return operator == "!" or operator in BOOLEAN_OPERATORS
        case Conditional(_, then, otherwise):
            return _is_boolean(then) and _is_boolean(otherwise)
    return False
