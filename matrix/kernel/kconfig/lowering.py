"""From kconfiglib's objects to entries: the only place that knows how kconfiglib stores them."""

from __future__ import annotations

from typing import Any

import kconfiglib

from matrix.kernel.kconfig.model import (
    NO,
    YES,
    And,
    Answer,
    ChoiceEntry,
    ChoiceMode,
    Compare,
    Entry,
    Expression,
    Not,
    Operand,
    Or,
    Place,
    Ref,
    Text,
)

_TYPES = {
    kconfiglib.BOOL: "bool",
    kconfiglib.TRISTATE: "tristate",
    kconfiglib.INT: "int",
    kconfiglib.HEX: "hex",
    kconfiglib.STRING: "string",
    kconfiglib.UNKNOWN: "unknown",
}
_RELATIONS = {
    kconfiglib.EQUAL: "=",
    kconfiglib.UNEQUAL: "!=",
    kconfiglib.LESS: "<",
    kconfiglib.LESS_EQUAL: "<=",
    kconfiglib.GREATER: ">",
    kconfiglib.GREATER_EQUAL: ">=",
}


class Lowering:
    """The entries of one parsed tree, made on demand; equal expressions become one object."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._entries: dict[str, Entry | None] = {}
        self._choices: dict[int, ChoiceEntry] = {}
        self._indices = {id(choice): index for index, choice in enumerate(parser.unique_choices)}
        self._expressions: dict[int, Expression] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all symbols that the tree defines, in the order of the files."""
        return tuple(symbol.name for symbol in self._parser.unique_defined_syms)

    def entry(self, name: str) -> Entry | None:
        """Return a symbol's entry, None where nothing defines it."""
        if name not in self._entries:
            symbol = self._parser.syms.get(name)
            defined = symbol is not None and symbol.nodes
            self._entries[name] = self._make_entry(symbol) if defined else None
        return self._entries[name]

    def choice(self, index: int) -> ChoiceEntry:
        """Return a choice by its number."""
        if index not in self._choices:
            found = self._parser.unique_choices[index]
            self._choices[index] = ChoiceEntry(
                index=index,
                title=next((node.prompt[0] for node in found.nodes if node.prompt), ""),
                type=_TYPES[found.orig_type],
                members=tuple(dict.fromkeys(member.name for member in found.syms)),
                places=_places(found),
                prompts=self._prompts(found),
                depends=self._expression(found.direct_dep),
                is_optional=bool(found.is_optional),
            )
        return self._choices[index]

    def _make_entry(self, symbol: Any) -> Entry:
        return Entry(
            name=symbol.name,
            type=_TYPES[symbol.orig_type],
            places=_places(symbol),
            prompts=self._prompts(symbol),
            defaults=tuple(
                (self._expression(value), self._expression(condition))
                for value, condition in symbol.defaults
            ),
            ranges=tuple(
                (self._operand(low), self._operand(high), self._expression(condition))
                for low, high, condition in symbol.ranges
            ),
            selected=self._expression(symbol.rev_dep),
            implied=self._expression(symbol.weak_rev_dep),
            depends=self._expression(symbol.direct_dep),
            choice=None if symbol.choice is None else self._indices[id(symbol.choice)],
        )

    def _prompts(self, item: Any) -> tuple[Expression, ...]:
        return tuple(self._expression(node.prompt[1]) for node in item.nodes if node.prompt)

    def _operand(self, symbol: Any) -> Operand:
        if symbol.name.startswith("$("):
            return Answer(symbol.name[2:-1])
        if symbol.is_constant:
            return Text(symbol.name)
        return Ref(symbol.name)

    def _expression(self, expression: Any) -> Expression:
        # kconfiglib shares the dependencies of a menu between its entries: by identity.
        key = id(expression)
        found = self._expressions.get(key)
        if found is None:
            found = self._expressions[key] = self._lower(expression)
        return found

    def _lower(self, expression: Any) -> Expression:
        if not isinstance(expression, tuple):
            if isinstance(expression, kconfiglib.Choice):
                return ChoiceMode(self._indices[id(expression)])
            if expression is self._parser.n:
                return NO
            return YES if expression is self._parser.y else self._operand(expression)
        match expression[0]:
            case kconfiglib.NOT:
                return Not(self._expression(expression[1]))
            case kconfiglib.AND:
                return And(tuple(map(self._expression, _terms(expression))))
            case kconfiglib.OR:
                return Or(tuple(map(self._expression, _terms(expression))))
            case relation:
                return Compare(
                    _RELATIONS[relation],
                    self._operand(expression[1]),
                    self._operand(expression[2]),
                )


def _places(item: Any) -> tuple[Place, ...]:
    return tuple(Place(node.filename, node.linenr) for node in item.nodes)


def _terms(expression: Any) -> list[Any]:
    """Return the operands of a chain of one operator, left to right, however deep it is nested."""
    operator, *operands = expression
    stack = operands[::-1]
    found = []
    while stack:
        operand = stack.pop()
        if isinstance(operand, tuple) and operand[0] is operator:
            stack += operand[:0:-1]
        else:
            found.append(operand)
    return found
