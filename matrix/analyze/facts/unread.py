"""What nobody has read of a drafted profile: rows that may be anything, whatever they say.

A draft copies rows of its neighbour and names in `open` those that the tree did not show. Such a
row keeps its text, for the person who reads it, and has no value here: a condition is an unknown
atom, a row of words or numbers any of those that it can be. So no answer rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from matrix.expr.nodes import (
    Binary,
    Call,
    Conditional,
    Constant,
    Expression,
    Name,
    Scalar,
    Unary,
)
from matrix.expr.printer import to_c
from matrix.schema.values import Architecture, KernelProfile

# The names of what nobody has read yet.
UNREAD = "unread."
# The row that stands for all constraints of a draft.
KCONFIG = "kconfig"
_ROW = re.compile(
    r"(function|variable|parameter|cpucap|mechanism|symbol|operation) (\S+?):(?:\s|$)"
)
_LOGIC = frozenset({"&&", "||", "==", "!=", "<", ">", "<=", ">="})
_BOOL: frozenset[Scalar] = frozenset({False, True})


class Unread:
    """The rows of one profile that nobody has read; each is asked for by kind and name."""

    def __init__(self, profile: KernelProfile, architecture: Architecture) -> None:
        self._rows = frozenset(subjects(profile.open))
        self._kconfig = any(row.startswith(f"{KCONFIG}:") for row in profile.open)
        self._set: frozenset[str] = frozenset()
        if not self._rows:
            return
        self._functions = {
            one.signature: one.body.expression
            for one in (*architecture.functions, *profile.functions)
        }
        self._domains: dict[str, frozenset[Scalar]] = {
            axis.name: frozenset(option for option, _ in axis.options)
            for axis in architecture.environment
        }
        self._domains |= {
            f"mechanism.{item.name}": frozenset(item.values) for item in architecture.mechanisms
        }
        self._domains |= {
            name: frozenset({number})
            for one in profile.variables
            for name, number in one.enumerators
        }
        self._set = frozenset(name for kind, name in self._rows if kind == "variable")
        assigned: dict[str, list[Expression]] = {
            one.name: [one.initial.expression] for one in profile.variables
        }
        for parameter, _, effect in profile.effects:
            for variable, given in effect.assign:
                assigned.setdefault(variable, []).append(given.expression)
                if ("parameter", parameter.name) in self._rows:
                    self._set |= {variable}
        numbers = {one.name: frozenset(dict(one.enumerators).values()) for one in profile.variables}
        for variable, expressions in assigned.items():
            known: frozenset[Scalar] = frozenset(numbers.get(variable, ()))
            # Enumerators first: what a variable is assigned somewhere is less than what its type
            # can hold.
            self._domains[variable] = known or self._values(expressions)

    def __contains__(self, row: tuple[str, str]) -> bool:
        return row in self._rows

    def __bool__(self) -> bool:
        return bool(self._rows)

    @property
    def constraints(self) -> bool:
        """Whether nobody has read which combinations can be built."""
        return self._kconfig

    def function(self, signature: str) -> Expression:
        """Return a function as anything that its body could give."""
        return any_of(signature.removesuffix("()"), self._values([self._functions[signature]]))

    def variable(self, name: str) -> Expression:
        """Return a variable as anything that is assigned to it anywhere."""
        return any_of(name, self._domains[name])

    def variables(self) -> Iterator[Expression]:
        """Yield each variable that nobody has read, or that a parameter nobody has read may set."""
        yield from map(self.variable, sorted(self._set))

    def mechanism(self, name: str, value: Scalar) -> Expression:
        """Return a mechanism as anything that the architecture declares of it."""
        return any_of(name, self._domains.get(f"mechanism.{name}", _BOOL | {value}))

    def _values(self, expressions: Iterable[Expression]) -> frozenset[Scalar]:
        found: frozenset[Scalar] = frozenset()
        for expression in expressions:
            found |= frozenset(self._of(expression))
        return found

    def _of(self, expression: Expression) -> Iterator[Scalar]:
        match expression:
            case Constant(value):
                yield value
            case Conditional(_, then, otherwise):
                yield from self._of(then)
                yield from self._of(otherwise)
            case Unary("-", Constant(value)) if isinstance(value, int):
                yield -value
            case Name(identifier) if identifier in self._domains:
                yield from self._domains[identifier]
            case Call() if (body := self._functions.get(to_c(expression))) is not None:
                yield from self._of(body)
            # Arithmetic: any number, for which 0 and 1 stand, as expressions ask a number whether
            # it is 0.
            case Binary(operator, _, _) if operator not in _LOGIC:
                yield from (0, 1)
            case _:
                yield from _BOOL


def subjects(rows: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) of the rows of `open` that name a row of the profile."""
    for row in rows:
        if (found := _ROW.match(row)) is not None:
            yield found[1], found[2]


def any_of(name: str, values: Iterable[Scalar]) -> Expression:
    """Return an expression that is any of some values, by atoms that nobody knows."""
    # By text, since values of several types have no order among each other; the names of the atoms
    # hang on it.
    ordered = sorted(values, key=repr)
    if all(isinstance(one, bool) for one in ordered):
        return Name(f"{UNREAD}{name}")
    chosen: Expression = Constant(ordered[-1])
    for number, value in enumerate(ordered[:-1]):
        chosen = Conditional(Name(f"{UNREAD}{name}.{number}"), Constant(value), chosen)
    return chosen


def rows_of(profile: KernelProfile) -> Mapping[str, frozenset[str]]:
    """Return the names of the rows of a profile by their kind, as `open` writes them."""
    return {
        "function": frozenset(one.signature for one in profile.functions),
        "variable": frozenset(one.name for one in profile.variables),
        "parameter": frozenset(one.name for one in profile.parameters),
        "cpucap": frozenset(one.name for one in profile.cpucaps),
        "mechanism": frozenset(one.name for one in profile.mechanisms),
        "symbol": frozenset(one.name for one in profile.symbols),
        "operation": frozenset(one.operation for one in profile.operations),
    }
