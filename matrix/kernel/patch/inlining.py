"""Expressions of a patch without the patch's own helpers, and about a VM that is there.

A function or macro that the patch adds is put in place of its calls; what the kernel has already
stays a call. Of what a helper returns where it is not compiled nothing is known: it counts as no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from matrix.diagnostics import Diagnostic, InputError
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name
from matrix.expr.trees import children, fold, rewrite, substitute, walk
from matrix.kernel.c_source.conversion import NotAnExpression
from matrix.kernel.c_source.derivation import Derived, derive
from matrix.kernel.patch.excerpts import Definition, Excerpt, definitions
from matrix.kernel.patch.missing import Wanted

# The word of the predicates for the VM that is asked about, whatever a patch calls its parameter.
VM = "kvm"
_NULL = Name("NULL")
# Helpers of helpers; more is a circle. A check that a person can read has a few dozen nodes.
_MOST_STEPS = 50
_MOST_NODES = 5000


class Helpers:
    """Functions and macros of the patch that may be called."""

    def __init__(
        self, pieces: Sequence[Excerpt], wanted: Wanted, is_known: Callable[[Call | Name], bool]
    ) -> None:
        self._known = is_known
        self._definitions: dict[str, Definition] = {}
        for piece in pieces:
            if piece.architecture in (None, wanted.architecture):
                for item in definitions(piece):
                    if item.name != wanted.function:
                        self._definitions.setdefault(item.name, item)

    def inline(self, expression: Expression) -> tuple[Expression, tuple[Definition, ...]]:
        """Return an expression with the patch's own helpers put in place, and which these are."""
        used: dict[str, Definition] = {}
        for _ in range(_MOST_STEPS):
            name = next(self._called(expression), None)
            if name is None:
                return fold(expression), tuple(used.values())
            definition = self._definitions[name]
            used[name] = definition
            expression = _put(expression, definition, derived_from(definition))
            if sum(1 for _ in walk(expression)) > _MOST_NODES:
                break
        raise InputError(
            Diagnostic(
                code="MX1215",
                message=f"`{name}` needs itself, or the check is too long",
                location=used[name or ""].location,
                hint="a check is an expression without a circle that a person can read",
            )
        )

    def changed_words(self, expression: Expression) -> tuple[Definition, ...]:
        """Return what the patch defines anew of an expression's words that the kernel has."""
        found = {
            name: self._definitions[name]
            for node in walk(expression)
            if isinstance(node, Call | Name)
            for name in (node.function if isinstance(node, Call) else node.identifier,)
            if name in self._definitions and self._known(node)
        }
        return tuple(found.values())

    def _called(self, expression: Expression) -> Iterator[str]:
        for node in walk(expression):
            match node:
                case Call(name, _) | Name(name) if name in self._definitions:
                    if not self._known(node):
                        yield name


def _put(expression: Expression, definition: Definition, derived: Derived) -> Expression:
    parameters = definition.parameters

    def replace(node: Expression) -> Expression:
        match node:
            case Call(name, arguments) if name == definition.name and parameters is not None:
                given = dict(zip(parameters, arguments, strict=False))
                return _guarded(with_arguments(derived.expression, given), derived)
            case Name(name) if name == definition.name and parameters is None:
                return _guarded(derived.expression, derived)
        return node

    return rewrite(expression, replace)


def with_arguments(expression: Expression, given: Mapping[str, Expression]) -> Expression:
    """Return a helper's expression with its parameters replaced, in `kvm->arch` too."""
    renamed = {
        f"{parameter}.": f"{argument.identifier}."
        for parameter, argument in given.items()
        if isinstance(argument, Name)
    }

    def members(node: Expression) -> Expression:
        if isinstance(node, Name):
            for old, new in renamed.items():
                if node.identifier.startswith(old):
                    return Name(new + node.identifier.removeprefix(old))
        return node

    return substitute(rewrite(expression, members), given)


def _guarded(expression: Expression, derived: Derived) -> Expression:
    """Return a helper's value where it is compiled; elsewhere there is none, taken as no."""
    for condition in reversed(derived.guard):
        expression = Binary("&&", condition, expression)
    return expression


def derived_from(definition: Definition) -> Derived:
    """Return a definition as one expression.

    Raises:
        InputError: MX1215, where it is none, or no C.
    """
    excerpt = definition.excerpt
    try:
        found = derive(excerpt.source, definition.name)
    except RecursionError:
        found = NotAnExpression(
            reason="it is nested too deeply", line=definition.line, text=definition.name
        )
    if isinstance(found, Derived):
        line = definition.unparsed_line()
        if line is None:
            return found
        found = NotAnExpression(reason="it is no C", line=line, text="")
    raise InputError(_no_expression(definition, found))


def vm_is_there(expression: Expression) -> Expression:
    """Return the expression for a VM that exists: tests of `kvm` itself are true."""

    def replace(node: Expression) -> Expression:
        match node:
            case Binary("==" | "!=" as operator, Name(name), other) if name == VM:
                return Constant(operator == "!=") if other in (_NULL, Constant(0)) else node
            case _:
                return node

    def truths(node: Expression) -> Expression:
        if node == Name(VM):
            return Constant(True)
        if isinstance(node, Call) or not children(node):
            return node
        return _with(node, truths)

    return truths(rewrite(expression, replace))


def _with(node: Expression, function: Callable[[Expression], Expression]) -> Expression:
    """Return a node with its operands rewritten, the arguments of calls excepted."""
    inner = {child: function(child) for child in children(node)}
    return rewrite(node, lambda item: inner.get(item, item)) if inner else node


def from_the_left(expression: Expression) -> Expression:
    """Return chains of `&&` and of `||` as C reads them without brackets."""

    def chained(node: Expression) -> Expression:
        match node:
            case Binary("&&" | "||" as operator, left, Binary(inner, first, second)) if (
                inner == operator
            ):
                return Binary(operator, chained(Binary(operator, left, first)), second)
        return node

    return rewrite(expression, chained)


def _no_expression(definition: Definition, found: NotAnExpression | None) -> Diagnostic:
    excerpt = definition.excerpt
    line = found.line if found is not None else definition.line
    reason = found.reason if found is not None else "it cannot be parsed"
    return Diagnostic(
        code="MX1215",
        message=f"`{definition.name}()` cannot be said as one expression: {reason}",
        location=excerpt.at_line(line),
        hint="a check may have conditions, early returns, `switch`, local variables and helpers; "
        "is the patch whole, and were its long lines wrapped?",
    )
