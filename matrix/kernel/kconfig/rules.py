"""What values Kconfig allows: one statement of the rules, for a concrete `.config` and for logic.

The rules are those of sym_calc_value(), sym_calc_visibility() and sym_calc_choice()
(scripts/kconfig/symbol.c), read as conditions that hold in every `.config` which the kernel's own
`conf` leaves as it is. They are local to a symbol: its value against the values of the others.

* A symbol with a visible prompt has any value between what selects it and its visibility.
* Any other has the first default whose condition holds, raised by what implies it, the whole cut to
  its dependencies where it is implied, raised by what selects it.
* Of the members of a choice with a visible member exactly one visible member is y.

A value is two bits: at least m, and y. An `Algebra` says what a bit is: a bool for a `.config`
(`matrix.kernel.kconfig.check`), a literal for logic (`matrix.kernel.kconfig.encoding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from matrix.kernel.kconfig.model import (
    TRISTATES,
    And,
    ChoiceEntry,
    ChoiceMode,
    Compare,
    Entry,
    Expression,
    Not,
    Operand,
    Or,
    Ref,
    Text,
)
from matrix.kernel.kconfig.reading import ParsedTree

BitT = TypeVar("BitT")
# n is neither bit, m the first, y both: so pairs of bools are ordered as n < m < y.
Tri: TypeAlias = tuple[BitT, BitT]
_MODULES = Ref("MODULES")


class Algebra(Protocol[BitT]):
    """The values of symbols, and the operations on bits, in some representation."""

    def operand(self, operand: Operand) -> Tri[BitT]:
        """Return the value of a symbol or of an answer of the toolchain, n where it has none."""

    def mode(self, choice: int) -> Tri[BitT]:
        """Return the value of a choice itself."""

    def compare(self, comparison: Compare) -> BitT:
        """Return whether a comparison holds."""

    def not_(self, bit: BitT) -> BitT:
        """Return the negation."""

    def all_(self, bits: Iterable[BitT]) -> BitT:
        """Return the conjunction; true of none."""

    def any_(self, bits: Iterable[BitT]) -> BitT:
        """Return the disjunction; false of none."""


class Statement(Struct, Generic[BitT], frozen=True, kw_only=True):
    """A condition that must hold; `rule` is what it says, as `check` and explanations quote it."""

    rule: str
    holds: BitT


# The rules a value may break.
VISIBLE_UPPER = "not above its dependencies"
SELECTED = "not below what selects it"
INVISIBLE = "given by its defaults: it has no visible prompt"
NEEDS_MODULES = "m only with modules"
CHOICE = "one visible member of the choice is y"


class Rules(Generic[BitT]):
    """The rules over one algebra; expressions are evaluated once."""

    def __init__(self, tree: ParsedTree, algebra: Algebra[BitT]) -> None:
        self._tree = tree
        self._algebra = algebra
        no, yes = algebra.any_(()), algebra.all_(())
        self._constants: tuple[Tri[BitT], ...] = ((no, no), (yes, no), (yes, yes))
        self._modern = not tree.tree.rules.choice_has_mode
        self._values: dict[int, Tri[BitT]] = {}
        self._values_in_choice: dict[int, Tri[BitT]] = {}

    def value(self, expression: Expression) -> Tri[BitT]:
        """Return the value of an expression of the tree."""
        return self._value(expression, self._values, modern=self._modern)

    def _value_in_choice(self, expression: Expression) -> Tri[BitT]:
        """Return the value it would have were the mode of every choice no bound."""
        if self._modern:
            return self.value(expression)
        return self._value(expression, self._values_in_choice, modern=True)

    def _value(
        self, expression: Expression, known: dict[int, Tri[BitT]], *, modern: bool
    ) -> Tri[BitT]:
        key = id(expression)  # the tree keeps its expressions alive
        if key in known:
            return known[key]
        algebra = self._algebra
        match expression:
            case Text(text):
                found = self._constants[TRISTATES.get(text, 0)]
            case Not(operand):
                value = self._value(operand, known, modern=modern)
                # 2 - E: at least m where E is not y, y where E is n.
                found = algebra.not_(value[1]), algebra.not_(value[0])
            case And(terms):
                found = self._smallest(*(self._value(term, known, modern=modern) for term in terms))
            case Or(terms):
                found = self._largest(*(self._value(term, known, modern=modern) for term in terms))
            case ChoiceMode(index) if modern:
                depends = self._tree.choice(index).depends
                found = self._value(depends, known, modern=modern)
            case ChoiceMode(index):
                found = algebra.mode(index)
            case Compare():
                holds = algebra.compare(expression)
                found = holds, holds
            case operand:
                found = algebra.operand(operand)
        known[key] = found
        return found

    def promoted(self, kind: str, value: Tri[BitT]) -> Tri[BitT]:
        """Return a value as a symbol of this type has it: without modules there is no m."""
        two_valued = value[0], value[0]
        if kind != "tristate":
            return two_valued
        return self._choose(self._modules, value, two_valued)

    @property
    def _modules(self) -> BitT:
        return self._algebra.operand(_MODULES)[0]

    def visibility(self, entry: Entry | ChoiceEntry) -> Tri[BitT]:
        """Return the largest value a person may give the symbol."""
        return self.promoted(entry.type, self._any(entry.prompts))

    def _any(self, expressions: tuple[Expression, ...]) -> Tri[BitT]:
        return self._largest(*map(self.value, expressions))

    def selected(self, entry: Entry) -> Tri[BitT]:
        """Return the least value, from what selects the symbol."""
        return self.promoted(entry.type, self.value(entry.selected))

    def computed(self, entry: Entry) -> Tri[BitT]:
        """Return the value without a person's: defaults and what implies it."""
        algebra = self._algebra
        # Backwards, so that the first default whose condition is not n comes out on top.
        value = self._constants[0]
        for default, condition in reversed(entry.defaults):
            bound = self.value(condition)
            cut = self._smallest(self.value(default), bound)
            value = self._choose(bound[0], cut, value)
        implied = self.promoted(entry.type, self.value(entry.implied))
        depends = self.promoted(entry.type, self.value(entry.depends))
        raised = self._largest(value, implied)
        if self._tree.tree.rules.imply_within_dependencies:
            return self._choose(implied[0], self._smallest(raised, depends), value)
        # Before `imply` was cut to the dependencies: they need only be met, and y implies y.
        met = algebra.all_((implied[0], depends[0]))
        strong = self._choose(implied[1], self._constants[2], raised)
        return self._choose(met, strong, value)

    # Minimum and maximum go bit by bit: n < m < y is (0,0) < (1,0) < (1,1).
    def _smallest(self, *values: Tri[BitT]) -> Tri[BitT]:
        all_ = self._algebra.all_
        return all_(value[0] for value in values), all_(value[1] for value in values)

    def _largest(self, *values: Tri[BitT]) -> Tri[BitT]:
        """Return the largest value; n of none."""
        any_ = self._algebra.any_
        return any_(value[0] for value in values), any_(value[1] for value in values)

    def _choose(self, bit: BitT, then: Tri[BitT], otherwise: Tri[BitT]) -> Tri[BitT]:
        return self._either(bit, then[0], otherwise[0]), self._either(bit, then[1], otherwise[1])

    def _either(self, bit: BitT, then: BitT, otherwise: BitT) -> BitT:
        algebra = self._algebra
        # In logic this saves most gates: the bits of a bool are one.
        if then == otherwise:
            return then
        unmet = algebra.all_((algebra.not_(bit), otherwise))
        return algebra.any_((algebra.all_((bit, then)), unmet))

    def _at_most(self, value: Tri[BitT], bound: Tri[BitT]) -> BitT:
        algebra = self._algebra
        pairs = zip(value, bound, strict=True)
        return algebra.all_([algebra.any_((algebra.not_(one), other)) for one, other in pairs])

    def statements(self, entry: Entry, value: Tri[BitT]) -> Iterator[Statement[BitT]]:
        """Yield what a bool or tristate symbol outside of a choice must satisfy."""
        algebra = self._algebra
        visibility, selected = self.visibility(entry), self.selected(entry)
        visible = visibility[0]
        # A value above what is visible may still be what selects it.
        upper = self._at_most(value, self._largest(visibility, selected))
        yield self._where(visible, VISIBLE_UPPER, upper)
        yield Statement(rule=SELECTED, holds=self._at_most(selected, value))
        # sym_calc_value() without a person's value: default, implied, selected, in that order.
        given = self.promoted(entry.type, self._largest(self.computed(entry), selected))
        yield self._where(algebra.not_(visible), INVISIBLE, self._equal(value, given))
        if entry.type == "tristate":
            half = algebra.all_((value[0], algebra.not_(value[1])))
            yield self._where(half, NEEDS_MODULES, self._modules)

    def choice_statements(
        self, choice: ChoiceEntry, members: dict[str, Tri[BitT]]
    ) -> Iterator[Statement[BitT]]:
        """Yield what the members of a choice must satisfy; `members` are their values."""
        if self._modern:
            yield from self._modern_choice(choice, members)
        else:
            yield from self._old_choice(choice, members)

    def _modern_choice(
        self, choice: ChoiceEntry, members: dict[str, Tri[BitT]]
    ) -> Iterator[Statement[BitT]]:
        algebra = self._algebra
        # Members of a choice without a mode are bool: m counts as y.
        seen: dict[str, BitT] = {name: self._any(self._prompts(name))[0] for name in choice.members}
        chosen = algebra.any_(
            algebra.all_((seen[name], members[name][1])) for name in choice.members
        )
        yield self._where(algebra.any_(seen.values()), CHOICE, chosen)
        yield from self._at_most_one(choice, members)
        for name in choice.members:
            unset = algebra.not_(members[name][0])
            yield self._where(algebra.not_(seen[name]), INVISIBLE, unset)

    def _old_choice(
        self, choice: ChoiceEntry, members: dict[str, Tri[BitT]]
    ) -> Iterator[Statement[BitT]]:
        algebra = self._algebra
        mode = algebra.mode(choice.index)
        in_full = mode[1]
        seen = {name: self._seen_in(choice, name, mode) for name in choice.members}
        yield from self._mode(choice, mode)
        chosen = algebra.any_(
            algebra.all_((seen[name][1], members[name][1])) for name in choice.members
        )
        yield self._where(in_full, CHOICE, chosen)
        yield from self._at_most_one(choice, members)
        for name in choice.members:
            value = members[name]
            yield Statement(rule=VISIBLE_UPPER, holds=self._at_most(value, seen[name]))
            whole = algebra.any_((algebra.not_(value[0]), value[1]))
            yield self._where(in_full, CHOICE, whole)

    def _mode(self, choice: ChoiceEntry, mode: Tri[BitT]) -> Iterator[Statement[BitT]]:
        """Yield the bounds of a choice's own value: a choice that is not optional is at least m.

        One without a member that could be visible has none (sym_calc_choice() resets it).
        """
        algebra = self._algebra
        visibility = self.visibility(choice)
        # `_value_in_choice`: whether a member could be visible must not hang on the mode that is
        # being decided.
        usable = algebra.all_(
            (
                visibility[0],
                algebra.any_(
                    self._value_in_choice(prompt)[0]
                    for name in choice.members
                    for prompt in self._prompts(name)
                ),
            )
        )
        # m, or what is visible where that is less.
        half = self._smallest(visibility, self._constants[1])
        least = self._constants[0] if choice.is_optional else self.promoted(choice.type, half)
        bounds = (self._at_most(least, mode), self._at_most(mode, visibility))
        yield self._where(usable, CHOICE, algebra.all_(bounds))
        unset = algebra.not_(mode[0])
        yield self._where(algebra.not_(usable), CHOICE, unset)

    def _seen_in(self, choice: ChoiceEntry, name: str, mode: Tri[BitT]) -> Tri[BitT]:
        algebra = self._algebra
        entry = self._tree.entry(name)
        if entry is None:
            return self._constants[0]
        visibility = self.visibility(entry)
        none = self._constants[0]
        # A bool member cannot be m: where the choice is m, and several members may be, it is not
        # visible.
        if choice.type == "tristate" and entry.type != "tristate":
            return self._choose(mode[1], visibility, none)
        if entry.type == "tristate":
            # In a choice that is y a member that could only be m is not visible
            # (sym_calc_visibility()).
            half = algebra.all_((mode[1], algebra.not_(visibility[1])))
            return self._choose(half, none, visibility)
        return visibility

    def _prompts(self, name: str) -> tuple[Expression, ...]:
        entry = self._tree.entry(name)
        return () if entry is None else entry.prompts

    def _at_most_one(
        self, choice: ChoiceEntry, members: dict[str, Tri[BitT]]
    ) -> Iterator[Statement[BitT]]:
        algebra = self._algebra
        full = [members[name][1] for name in choice.members]
        for index, one in enumerate(full):
            for other in full[:index]:
                yield Statement(rule=CHOICE, holds=algebra.not_(algebra.all_((one, other))))

    def _where(self, when: BitT, rule: str, holds: BitT) -> Statement[BitT]:
        return Statement(rule=rule, holds=self._algebra.any_((self._algebra.not_(when), holds)))

    def _equal(self, value: Tri[BitT], other: Tri[BitT]) -> BitT:
        algebra = self._algebra
        return algebra.all_((self._at_most(value, other), self._at_most(other, value)))
