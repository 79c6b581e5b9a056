"""Why a tree forbids a value of a `.config`: the chain of definitions, each with its line."""

from __future__ import annotations

from collections.abc import Iterator

from matrix.kernel.kconfig.model import (
    And,
    Answer,
    ChoiceMode,
    Compare,
    Entry,
    Expression,
    Not,
    Operand,
    Or,
    Ref,
    Text,
    parts,
)
from matrix.kernel.kconfig.reading import ParsedTree
from matrix.kernel.kconfig.rules import INVISIBLE, SELECTED, VISIBLE_UPPER, Rules
from matrix.kernel.kconfig.valuation import Valuation

_MOST_LINKS = 4
_LONGEST = 80


class Chain:
    """Links of the chain for one `.config`."""

    def __init__(self, tree: ParsedTree, rules: Rules[bool], valuation: Valuation) -> None:
        self._tree = tree
        self._rules = rules
        self._valuation = valuation

    def of(self, entry: Entry, rule: str) -> tuple[str, ...]:
        """Return what forbids the symbol's value, the symbol's own definition first."""
        own = ", ".join(map(str, entry.places))
        links = {
            VISIBLE_UPPER: self._unmet,
            SELECTED: self._selectors,
            INVISIBLE: self._given,
        }.get(rule)
        found = list(links(entry)) if links is not None else []
        return (f"{entry.name} is defined at {own}", *found[:_MOST_LINKS])

    def _unmet(self, entry: Entry) -> Iterator[str]:
        """Yield the conditions that keep its value down."""
        value = self._valuation.operand(Ref(entry.name))
        for prompt in entry.prompts:
            for term in prompt.terms if isinstance(prompt, And) else (prompt,):
                if self._rules.value(term) < value:
                    yield f"it depends on {self._spelt(term)}"

    def _selectors(self, entry: Entry) -> Iterator[str]:
        """Yield what selects it."""
        value = self._valuation.operand(Ref(entry.name))
        for term in _alternatives(entry.selected):
            if self._rules.value(term) > value:
                yield f"it is selected by {self._spelt(term)}"

    def _given(self, entry: Entry) -> Iterator[str]:
        """Yield why no prompt is visible, and what gives its value then."""
        for prompt in entry.prompts:
            for term in prompt.terms if isinstance(prompt, And) else (prompt,):
                if not self._rules.value(term)[0]:
                    yield f"its prompt depends on {self._spelt(term)}"
        selectors = list(self._selectors(entry))
        yield from selectors
        for default, condition in entry.defaults:
            if self._rules.value(condition)[0]:
                yield f"its default is {self._spelt(default)}"
                return
        if not selectors:
            yield "nothing that is set selects it, and no default of it holds"

    def _spelt(self, expression: Expression) -> str:
        text = spell(expression)
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        names = (name for name in dict.fromkeys(_names(expression)) if not name[:1].isdigit())
        read = ", ".join(map(self._value, names))
        return f"`{shown}`" + (f" ({read})" if read else "")

    def _value(self, name: str) -> str:
        entry = self._tree.entry(name)
        if entry is None:
            return f"{name} is not defined in this tree"
        text = self._valuation.setting(entry)
        return f"{name}={text}, {entry.places[0]}"


def spell(expression: Expression) -> str:
    """Return an expression as Kconfig writes it."""
    match expression:
        case Text(value):
            return value if value in ("n", "m", "y") else f'"{value}"'
        case Answer(call):
            return f"$({call})"
        case Ref(name):
            return name
        case ChoiceMode():
            return "the choice"
        case Compare(relation, left, right):
            return f"{spell(left)} {relation} {spell(right)}"
        case Not(operand):
            return f"!{_inner(operand)}"
        case And(terms):
            return " && ".join(map(_inner, terms))
        case Or(terms):
            return " || ".join(map(_inner, terms))


def _inner(expression: Expression) -> str:
    text = spell(expression)
    return f"({text})" if isinstance(expression, And | Or | Compare) else text


def _names(expression: Expression) -> Iterator[str]:
    for part in parts(expression):
        operands: tuple[Expression | Operand, ...] = (part,)
        if isinstance(part, Compare):
            operands = (part.left, part.right)
        yield from (item.name for item in operands if isinstance(item, Ref))


def _alternatives(expression: Expression) -> tuple[Expression, ...]:
    return expression.terms if isinstance(expression, Or) else (expression,)
