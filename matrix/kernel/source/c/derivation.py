"""A function as the one expression that it returns.

    derive(parse_c(text, file), "can_set_direct_map")

gives `Derived` (the expression, its guard, where it stands) or `NotAnExpression`. Definitions under
`#ifdef` and `#else` become one: `IS_ENABLED(CONFIG_X) && …`. Macros that are an expression count
as functions. Parameters stay names; `Derived.parameters` lists them.
"""

from __future__ import annotations

from msgspec import Struct

from matrix.expr.nodes import Binary, Call, Conditional, Constant, Expression, Scalar, Unary
from matrix.expr.trees import BOOLEAN_OPERATORS, fold, names
from matrix.kernel.source.c.conversion import NotAnExpression, StopReadingError, convert, too_deep
from matrix.kernel.source.c.decisions import Branch, Leaf, Tree
from matrix.kernel.source.c.execution import execute
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.c.preprocessor import Guard, Macro, conjunction
from matrix.kernel.source.c.source import CSource
from matrix.kernel.source.c.syntax import parse_expression


class Derived(Struct, frozen=True, kw_only=True):
    """What a function returns. Lines are those of the definition (the first, of several).

    `expression` holds where `guard` holds; `guard` is what is left of the `#if`s around the
    definitions, `()` where they cover every case. `reads` are those of the function's `parameters`
    that the expression depends on, also as `kvm.arch.…`. `truth`: only its truth counts, as in a
    function that returns bool; `errors` are the lines on which it then returns a negative number.
    """

    expression: Expression
    guard: Guard
    parameters: tuple[str, ...]
    reads: tuple[str, ...]
    line: int
    last_line: int
    truth: bool = False
    errors: tuple[int, ...] = ()


def derive(source: CSource, name: str) -> Derived | NotAnExpression | None:
    """Return a function or macro as one expression over all its `#ifdef`s; None: not there."""
    variants = [derive_function(source, item) for item in source.functions(name)]
    variants += [
        derive_macro(macro)
        # `#define f f` beside a function only tells `#ifdef f` that there is one.
        for macro in source.macros(name)
        if not (variants and macro.replacement == name)
    ]
    if not variants:
        return None
    found = []
    for variant in variants:
        if isinstance(variant, NotAnExpression):
            return variant
        found.append(variant)
    return _joined(found)


def derive_function(
    source: CSource, function: Item, *, exact: bool = False
) -> Derived | NotAnExpression:
    """Return one definition as an expression; `exact` as in `execute`."""
    tree = execute(source, function, exact=exact)
    if isinstance(tree, NotAnExpression):
        return tree
    boolean = function.return_type.split()[-1:] in (["bool"], ["_Bool"])
    try:
        expression = value_of(tree, boolean=boolean)
    except RecursionError:
        return too_deep(function.line, function.name)
    if isinstance(expression, NotAnExpression):
        return expression
    return Derived(
        expression=expression,
        guard=function.guard,
        parameters=function.parameters,
        reads=tuple(name for name in function.parameters if _reads(expression, name)),
        line=function.line,
        last_line=function.last_line,
        truth=boolean,
        errors=tuple(leaf.line for leaf in leaves(tree) if boolean and _is_error(leaf.value)),
    )


def derive_macro(macro: Macro, *, exact: bool = False) -> Derived | NotAnExpression:
    """Return a macro's replacement as an expression; `exact` as in `execute`."""
    statements = parse_expression(macro.replacement, macro.line, exact=exact)
    if (
        (exact and statements.has_error)
        or not statements.nodes
        or not statements.nodes[0].named_children
    ):
        return NotAnExpression(
            reason="the macro is no expression", line=macro.line, text=macro.replacement
        )
    try:
        expression = fold(convert(statements.nodes[0].named_children[0], statements, {}))
    except StopReadingError as stopped:
        return stopped.answer
    except RecursionError:
        return too_deep(macro.line, macro.name)
    parameters = macro.parameters or ()
    return Derived(
        expression=expression,
        guard=macro.guard,
        parameters=parameters,
        reads=tuple(name for name in parameters if _reads(expression, name)),
        line=macro.line,
        last_line=macro.last_line,
    )


def value_of(tree: Tree, *, boolean: bool) -> Expression | NotAnExpression:
    """Return what a decision tree returns as one expression; `boolean` where only truth counts."""
    for leaf in leaves(tree):
        if leaf.assigned:
            name = leaf.assigned[0][0]
            return NotAnExpression(reason=f"it assigns to `{name}`", line=leaf.line, text=name)
        if leaf.value is None:
            return NotAnExpression(
                reason="a path returns nothing", line=leaf.line, text="end of the function"
            )
    return fold(_value(tree, boolean=boolean or _all_boolean(tree)))


def leaves(tree: Tree) -> tuple[Leaf, ...]:
    """Return the ends of all paths in reading order."""
    if isinstance(tree, Leaf):
        return (tree,)
    return (*leaves(tree.then), *leaves(tree.otherwise))


def choose(
    condition: Expression, then: Expression, otherwise: Expression, *, boolean: bool
) -> Expression:
    """Return `condition ? then : otherwise`, as `&&` and `||` where only the truth counts.

    >>> from matrix.expr.printer import to_c
    >>> to_c(choose(Name("a"), Constant(True), Name("b"), boolean=True))
    'a || b'
    """
    if not boolean:
        return Conditional(condition, then, otherwise)
    match then, otherwise:
        # Only the truth counts from here on, so each constant side is a connective with the other
        # one.
        case Constant(first), Constant(second) if bool(first) is bool(second):
            return Constant(bool(first))
        case Constant(value), _:
            return (
                _connect(condition, otherwise, "||")
                if value
                else _connect(negation(condition), otherwise, "&&")
            )
        case _, Constant(value):
            return (
                _connect(negation(condition), then, "||")
                if value
                else _connect(condition, then, "&&")
            )
        # `c ? (a || b) : b` is `c && a || b`: what an `if` before the same `return` leaves.
        case Binary("||", first, rest), _ if rest == otherwise:
            return Binary("||", _connect(condition, first, "&&"), rest)
    return Conditional(condition, then, otherwise)


def truth_of(value: Expression) -> Expression:
    """Return an expression of which only the truth counts, without numbers as its outcomes."""
    match value:
        case Constant(bool() | int() as content):
            return Constant(content != 0)
        case Unary("!", Unary("!", operand)):
            return truth_of(operand)
        case Conditional(condition, then, otherwise):
            return choose(condition, truth_of(then), truth_of(otherwise), boolean=True)
    return value


def outcomes(expression: Expression) -> tuple[Scalar, ...]:
    """Return the constants that an expression may come out as."""
    match expression:
        case Constant(value):
            return (value,)
        case Conditional(_, then, otherwise):
            return (*outcomes(then), *outcomes(otherwise))
    return ()


def _connect(left: Expression, right: Expression, operator: str) -> Expression:
    neutral = operator == "&&"
    match right:
        case Constant(value) if bool(value) is neutral:
            return left
    return Binary(operator, left, right)


def negation(condition: Expression) -> Expression:
    """Return what holds where a condition does not; `!` where no comparison says it."""
    match condition:
        case Unary("!", operand):
            return operand
        case Binary("==", left, right):
            return Binary("!=", left, right)
        case Binary("!=", left, right):
            return Binary("==", left, right)
    return Unary("!", condition)


def _value(tree: Tree, *, boolean: bool) -> Expression:
    if isinstance(tree, Branch):
        return choose(
            tree.condition,
            _value(tree.then, boolean=boolean),
            _value(tree.otherwise, boolean=boolean),
            boolean=boolean,
        )
    match tree.value:
        case None:
            return Constant(False)
        case Constant(bool() | int() as number) if boolean:
            return Constant(bool(number))
    return tree.value


def _all_boolean(tree: Tree) -> bool:
    """Tell whether an int function returns only 0, 1 and conditions."""
    values = [leaf.value for leaf in leaves(tree)]
    return all(_is_condition(value) or value in (Constant(0), Constant(1)) for value in values)


def _is_condition(value: Expression | None) -> bool:
    match value:
        case Unary("!", _):
            return True
        case Binary(operator, _, _):
            return operator in BOOLEAN_OPERATORS
    return False


def _is_error(value: Expression | None) -> bool:
    match value:
        case Constant(int() as number):
            return number < 0
    return False


def _joined(variants: list[Derived]) -> Derived:
    """Return the variants of `#ifdef` as one: the later ones where the earlier guards fail."""
    first = variants[0]
    if len(variants) == 1:
        return first
    boolean = all(variant.truth or _is_truth(variant.expression) for variant in variants)
    # From the last definition to the first: an earlier guard decides before a later one.
    whole = variants[-1].expression
    covered: Expression = conjunction(variants[-1].guard)
    for variant in reversed(variants[:-1]):
        guard = conjunction(variant.guard)
        whole = choose(guard, variant.expression, whole, boolean=boolean)
        covered = fold(Binary("||", guard, covered))
    # Only the plain case is seen, `#ifdef X … #else`: what covers every case otherwise keeps a
    # guard that is always true.
    complete = _complement(variants)
    return Derived(
        expression=fold(whole),
        guard=() if complete else (covered,),
        parameters=first.parameters,
        reads=tuple(dict.fromkeys(name for item in variants for name in item.reads)),
        line=first.line,
        last_line=first.last_line,
        truth=boolean,
    )


def _complement(variants: list[Derived]) -> bool:
    """Tell whether the last variant is the `#else` of the others."""
    negated = {negation(conjunction(variant.guard)) for variant in variants[:-1]}
    last = set(variants[-1].guard)
    return bool(last) and last <= negated and len(variants) == 2


def _is_truth(expression: Expression) -> bool:
    match expression:
        case Constant(value):
            return isinstance(value, bool)
        case Call():
            return True
    return _is_condition(expression)


def _reads(expression: Expression, name: str) -> bool:
    return any(found == name or found.startswith(f"{name}.") for found in names(expression))
