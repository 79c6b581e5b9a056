"""Which assignments of some symbols a Kconfig tree can produce, worked out in another way.

Ours: conditions on a finished `.config`, as clauses, with a SAT solver. Here: what a person may
choose is a variable, each symbol's value is a function of these variables, built forwards with
decision diagrams over the expressions that stock kconfiglib parsed; the assignments are the image.
Only kinds of Kconfig that the symbols of the profiles meet are known; anything else fails.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import kconfiglib
from oxidd.bdd import BDDManager

Bits = tuple[Any, Any]  # at least m, and y


def parse_stock(tree: Path) -> Any:
    """Parse a tree with kconfiglib as it is; see `answered_tree(for_kconfiglib=True)`."""
    before = {name: os.environ.get(name) for name in ("srctree", "ARCH", "SRCARCH")}
    os.environ.update(srctree=str(tree), ARCH="arm64", SRCARCH="arm64")
    try:
        return kconfiglib.Kconfig("Kconfig", warn=False)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Functions:
    """Values of symbols as functions of what a person chooses."""

    def __init__(self, kconf: Any, *, choices_have_mode: bool) -> None:
        self._kconf = kconf
        self._modes = choices_have_mode
        self._manager = BDDManager(1 << 20, 1 << 18, 1)
        self.true, self.false = self._manager.true(), self._manager.false()
        self.chosen: list[Any] = []  # the person's variables
        self._values: dict[str, Bits] = {}
        self._selections: dict[int, dict[str, Any]] = {}

    def variable(self) -> Any:
        """Return a new variable of the diagram."""
        return self._manager.var(self._manager.add_vars(1).start)

    def _choose(self) -> Any:
        self.chosen.append(self.variable())
        return self.chosen[-1]

    def is_set(self, name: str) -> Any:
        """Return where a symbol is m or y."""
        return self.value(self._kconf.syms[name])[0]

    def visible(self, name: str) -> Any:
        """Return where a person is asked for a symbol."""
        return self._visibility(self._kconf.syms[name])[0]

    def is_zero(self, name: str) -> Any:
        """Return where an int symbol is 0 or has no value; a visible prompt takes any number."""
        symbol = self._kconf.syms[name]
        visible = self._visibility(symbol)[0]
        assert not symbol.ranges
        return ~visible | self._choose()

    def value(self, symbol: Any) -> Bits:
        """Return the value of a bool or tristate symbol."""
        if symbol.name not in self._values:
            self._values[symbol.name] = self._compute(symbol)
        return self._values[symbol.name]

    def _compute(self, symbol: Any) -> Bits:
        if symbol is self._kconf.y:
            return self.true, self.true
        if symbol is self._kconf.m:
            return self.true, self.false
        if not symbol.nodes or symbol.orig_type not in (kconfiglib.BOOL, kconfiglib.TRISTATE):
            return self.false, self.false
        if symbol.choice is not None:
            selected = self._selection(symbol.choice)[symbol.name]
            return selected, selected
        visible = self._visibility(symbol)
        selects = self._promoted(symbol, self._expr(symbol.rev_dep))
        default = self._default(symbol)
        wish_m = self._choose()
        wish = (
            (wish_m, wish_m & self._choose())
            if symbol.orig_type is kconfiglib.TRISTATE
            else (wish_m, wish_m)
        )
        by_hand = (wish[0] & visible[0], wish[1] & visible[1])
        given = tuple(
            (visible[0] & by_hand[i]) | (~visible[0] & default[i]) | selects[i] for i in (0, 1)
        )
        return self._promoted(symbol, (given[0], given[1]))

    def _default(self, symbol: Any) -> Bits:
        value = (self.false, self.false)
        for default, condition in reversed(symbol.defaults):
            bound, given = self._expr(condition), self._expr(default)
            cut = (bound[0] & given[0], bound[1] & given[1])
            value = tuple((bound[0] & cut[i]) | (~bound[0] & value[i]) for i in (0, 1))
        implied = self._promoted(symbol, self._expr(symbol.weak_rev_dep))
        depends = self._promoted(symbol, self._expr(symbol.direct_dep))
        raised = tuple((value[i] | implied[i]) & depends[i] for i in (0, 1))
        both = tuple((implied[0] & raised[i]) | (~implied[0] & value[i]) for i in (0, 1))
        return both[0], both[1]

    def _selection(self, choice: Any) -> dict[str, Any]:
        """Return which member of a choice is y: the first visible one that a person wants.

        Where none is wanted it is the last visible one, so that every visible member can be it.
        """
        if id(choice) not in self._selections:
            assert choice.orig_type is kconfiglib.BOOL
            assert not choice.is_optional
            open_ = self.true
            selected: dict[str, Any] = {}
            members = list(dict.fromkeys(choice.syms))
            visible = {member.name: self._visibility(member)[0] for member in members}
            for index, member in enumerate(members):
                later = self.false
                for other in members[index + 1 :]:
                    later = later | visible[other.name]
                wanted = self._choose() | ~later
                selected[member.name] = open_ & visible[member.name] & wanted
                open_ = open_ & ~selected[member.name]
            self._selections[id(choice)] = selected
        return self._selections[id(choice)]

    def _visibility(self, item: Any) -> Bits:
        found = (self.false, self.false)
        for node in item.nodes:
            if node.prompt:
                condition = self._expr(node.prompt[1])
                found = (found[0] | condition[0], found[1] | condition[1])
        return self._promoted(item, found)

    def _promoted(self, item: Any, value: Bits) -> Bits:
        if item.orig_type is not kconfiglib.TRISTATE:
            return value[0], value[0]
        modules = self.value(self._kconf.modules)[0]
        return value[0], (modules & value[1]) | (~modules & value[0])

    def _expr(self, expression: Any) -> Bits:
        if not isinstance(expression, tuple):
            if isinstance(expression, kconfiglib.Choice):
                # Its mode is y wherever its prompt is visible; now members ignore the prompt.
                if self._modes:
                    visible = self._visibility(expression)[0]
                    return visible, visible
                return self._expr(expression.direct_dep)
            return self.value(expression)
        operator, *operands = expression
        if operator is kconfiglib.NOT:
            one = self._expr(operands[0])
            return ~one[1], ~one[0]
        if operator in (kconfiglib.AND, kconfiglib.OR):
            terms = [self._expr(operand) for operand in _flat(expression)]
            found = terms[0]
            for term in terms[1:]:
                if operator is kconfiglib.AND:
                    found = (found[0] & term[0], found[1] & term[1])
                else:
                    found = (found[0] | term[0], found[1] | term[1])
            return found
        holds = self._compare(operator, *operands)
        return holds, holds

    def _compare(self, relation: Any, left: Any, right: Any) -> Any:
        found = self.false
        for text, when in self._texts(left):
            for other, also in self._texts(right):
                if _holds(relation, text, other):
                    found = found | (when & also)
        return found

    def _texts(self, symbol: Any) -> list[tuple[str, Any]]:
        logical = symbol.orig_type in (kconfiglib.BOOL, kconfiglib.TRISTATE)
        if logical:
            value = self.value(symbol)
            return [("n", ~value[0]), ("m", value[0] & ~value[1]), ("y", value[1])]
        if not symbol.nodes:
            return [(symbol.name, self.true)]
        assert not any(node.prompt for node in symbol.nodes), f"{symbol.name} has a prompt"
        open_ = self.true
        found = []
        for default, condition in symbol.defaults:
            when = self._expr(condition)[0]
            texts = [(default.name, self.true)]
            if default.nodes and not default.is_constant:
                texts = self._texts(default)
            found += [(text, open_ & when & also) for text, also in texts]
            open_ = open_ & ~when
        return [*found, ("0", open_)]

    def image(self, functions: list[Any]) -> set[tuple[bool, ...]]:
        """Return every combination of values that the functions take together."""
        found = set()

        def descend(prefix: tuple[bool, ...], where: Any) -> None:
            if not where.satisfiable():
                return
            if len(prefix) == len(functions):
                found.add(prefix)
                return
            function = functions[len(prefix)]
            descend((*prefix, True), where & function)
            descend((*prefix, False), where & ~function)

        descend((), self.true)
        return found


def _flat(expression: Any) -> list[Any]:
    operator, *operands = expression
    stack, found = operands[::-1], []
    while stack:
        operand = stack.pop()
        if isinstance(operand, tuple) and operand[0] is operator:
            stack += operand[:0:-1]
        else:
            found.append(operand)
    return found


def _holds(relation: Any, left: str, right: str) -> bool:
    ranks = {"n": 0, "m": 1, "y": 2}
    try:
        one, other = (ranks.get(text) if text in ranks else int(text, 0) for text in (left, right))
        order = (one > other) - (one < other)  # type: ignore[operator]
    except ValueError:
        order = (left > right) - (left < right)
    return bool(
        {
            kconfiglib.EQUAL: order == 0,
            kconfiglib.UNEQUAL: order != 0,
            kconfiglib.LESS: order < 0,
            kconfiglib.LESS_EQUAL: order <= 0,
            kconfiglib.GREATER: order > 0,
            kconfiglib.GREATER_EQUAL: order >= 0,
        }[relation]
    )
