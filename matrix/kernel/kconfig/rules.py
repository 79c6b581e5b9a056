"""What values Kconfig allows: one statement of the rules, for a concrete `.config` and for logic.

The rules are those of sym_calc_value(), sym_calc_visibility() and sym_calc_choice()
(scripts/kconfig/symbol.c), read as conditions that hold in every `.config` which the kernel's own
`conf` leaves as it is. They are local to a symbol: its value against the values of the others.

* A symbol with a visible prompt has any value between what selects it and its visibility.
* Any other has the first default whose condition holds, raised by what implies it, the whole cut to
  its dependencies where it is implied, raised by what selects it.
* Of the members of a choice with a visible member exactly one visible member is y.

An `Algebra` says what a value is: an int 0 (n), 1 (m), 2 (y) for a `.config`
(`matrix.kernel.kconfig.check`), a pair of literals for logic (`matrix.kernel.kconfig.encoding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from matrix.kernel.kconfig.model import (
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

TriT = TypeVar("TriT")
BitT = TypeVar("BitT")
_TRI = {"n": 0, "m": 1, "y": 2}
_MODULES = Ref("MODULES")


class Algebra(Protocol[TriT, BitT]):
    """Three-valued and two-valued operations over some representation of values."""

    def constant(self, value: int) -> TriT:
        """Return n (0), m (1) or y (2)."""

    def operand(self, operand: Operand) -> TriT:
        """Return the value of a symbol or of an answer of the toolchain, n where it has none."""

    def mode(self, choice: int) -> TriT:
        """Return the value of a choice itself."""

    def compare(self, comparison: Compare) -> BitT:
        """Return whether a comparison holds."""

    def smaller(self, terms: Iterable[TriT]) -> TriT:
        """Return the smallest of at least one value."""

    def larger(self, terms: Iterable[TriT]) -> TriT:
        """Return the largest of at least one value."""

    def opposite(self, value: TriT) -> TriT:
        """Return 2 - value."""

    def choose(self, bit: BitT, then: TriT, otherwise: TriT) -> TriT:
        """Return one of two values."""

    def is_set(self, value: TriT) -> BitT:
        """Return whether a value is not n."""

    def is_yes(self, value: TriT) -> BitT:
        """Return whether a value is y."""

    def at_most(self, value: TriT, bound: TriT) -> BitT:
        """Return whether a value is not above another."""

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


class Rules(Generic[TriT, BitT]):
    """The rules over one algebra; expressions are evaluated once."""

    def __init__(self, tree: ParsedTree, algebra: Algebra[TriT, BitT]) -> None:
        self._tree = tree
        self._algebra = algebra
        self._modern = not tree.tree.rules.choice_has_mode
        self._values: dict[int, TriT] = {}
        self._values_in_choice: dict[int, TriT] = {}

    # --- expressions ------------------------------------------------------------------------------

    def value(self, expression: Expression) -> TriT:
        """Return the value of an expression of the tree."""
        return self._value(expression, self._values, modern=self._modern)

    def _value_in_choice(self, expression: Expression) -> TriT:
        """Return the value it would have were the mode of every choice no bound."""
        if self._modern:
            return self.value(expression)
        return self._value(expression, self._values_in_choice, modern=True)

    def _value(self, expression: Expression, known: dict[int, TriT], *, modern: bool) -> TriT:
        key = id(expression)  # the tree keeps its expressions alive
        if key in known:
            return known[key]
        algebra = self._algebra
        match expression:
            case Text(text):
                found = algebra.constant(_TRI.get(text, 0))
            case Not(operand):
                found = algebra.opposite(self._value(operand, known, modern=modern))
            case And(terms):
                found = algebra.smaller(self._value(term, known, modern=modern) for term in terms)
            case Or(terms):
                found = algebra.larger(self._value(term, known, modern=modern) for term in terms)
            case ChoiceMode(index) if modern:
                depends = self._tree.choice(index).depends
                found = self._value(depends, known, modern=modern)
            case ChoiceMode(index):
                found = algebra.mode(index)
            case Compare():
                holds = algebra.compare(expression)
                found = algebra.choose(holds, algebra.constant(2), algebra.constant(0))
            case operand:
                found = algebra.operand(operand)
        known[key] = found
        return found

    # --- values of a symbol -----------------------------------------------------------------------

    def promoted(self, kind: str, value: TriT) -> TriT:
        """Return a value as a symbol of this type has it: without modules there is no m."""
        algebra = self._algebra
        two_valued = algebra.choose(algebra.is_set(value), algebra.constant(2), algebra.constant(0))
        if kind != "tristate":
            return two_valued
        return algebra.choose(self._modules, value, two_valued)

    @property
    def _modules(self) -> BitT:
        return self._algebra.is_set(self._algebra.operand(_MODULES))

    def visibility(self, entry: Entry | ChoiceEntry) -> TriT:
        """Return the largest value a person may give the symbol."""
        return self.promoted(entry.type, self._any(entry.prompts))

    def _any(self, expressions: tuple[Expression, ...]) -> TriT:
        if not expressions:
            return self._algebra.constant(0)
        return self._algebra.larger(map(self.value, expressions))

    def selected(self, entry: Entry) -> TriT:
        """Return the least value, from what selects the symbol."""
        return self.promoted(entry.type, self.value(entry.selected))

    def computed(self, entry: Entry) -> TriT:
        """Return the value without a person's: defaults and what implies it."""
        algebra = self._algebra
        value = algebra.constant(0)
        for default, condition in reversed(entry.defaults):
            bound = self.value(condition)
            cut = algebra.smaller((self.value(default), bound))
            value = algebra.choose(algebra.is_set(bound), cut, value)
        implied = self.promoted(entry.type, self.value(entry.implied))
        depends = self.promoted(entry.type, self.value(entry.depends))
        raised = algebra.larger((value, implied))
        if self._tree.tree.rules.imply_within_dependencies:
            return algebra.choose(
                algebra.is_set(implied), algebra.smaller((raised, depends)), value
            )
        # Before `imply` was cut to the dependencies: they need only be met, and y implies y.
        met = algebra.all_((algebra.is_set(implied), algebra.is_set(depends)))
        strong = algebra.choose(algebra.is_yes(implied), algebra.constant(2), raised)
        return algebra.choose(met, strong, value)

    # --- statements -------------------------------------------------------------------------------

    def statements(self, entry: Entry, value: TriT) -> Iterator[Statement[BitT]]:
        """Yield what a bool or tristate symbol outside of a choice must satisfy."""
        algebra = self._algebra
        visibility, selected = self.visibility(entry), self.selected(entry)
        visible = algebra.is_set(visibility)
        upper = algebra.at_most(value, algebra.larger((visibility, selected)))
        yield self._where(visible, VISIBLE_UPPER, upper)
        yield Statement(rule=SELECTED, holds=algebra.at_most(selected, value))
        given = self.promoted(entry.type, algebra.larger((self.computed(entry), selected)))
        yield self._where(algebra.not_(visible), INVISIBLE, self._equal(value, given))
        if entry.type == "tristate":
            half = algebra.all_((algebra.is_set(value), algebra.not_(algebra.is_yes(value))))
            yield self._where(half, NEEDS_MODULES, self._modules)

    def choice_statements(
        self, choice: ChoiceEntry, members: dict[str, TriT]
    ) -> Iterator[Statement[BitT]]:
        """Yield what the members of a choice must satisfy; `members` are their values."""
        if self._modern:
            yield from self._modern_choice(choice, members)
        else:
            yield from self._old_choice(choice, members)

    def _modern_choice(
        self, choice: ChoiceEntry, members: dict[str, TriT]
    ) -> Iterator[Statement[BitT]]:
        algebra = self._algebra
        seen: dict[str, BitT] = {
            name: algebra.is_set(self._any(self._prompts(name))) for name in choice.members
        }
        chosen = algebra.any_(
            algebra.all_((seen[name], algebra.is_yes(members[name]))) for name in choice.members
        )
        yield self._where(algebra.any_(seen.values()), CHOICE, chosen)
        yield from self._at_most_one(choice, members)
        for name in choice.members:
            unset = algebra.not_(algebra.is_set(members[name]))
            yield self._where(algebra.not_(seen[name]), INVISIBLE, unset)

    def _old_choice(
        self, choice: ChoiceEntry, members: dict[str, TriT]
    ) -> Iterator[Statement[BitT]]:
        algebra = self._algebra
        mode = algebra.mode(choice.index)
        in_full = algebra.is_yes(mode)
        seen = {name: self._seen_in(choice, name, mode) for name in choice.members}
        yield from self._mode(choice, mode)
        chosen = algebra.any_(
            algebra.all_((algebra.is_yes(seen[name]), algebra.is_yes(members[name])))
            for name in choice.members
        )
        yield self._where(in_full, CHOICE, chosen)
        yield from self._at_most_one(choice, members)
        for name in choice.members:
            value = members[name]
            yield Statement(rule=VISIBLE_UPPER, holds=algebra.at_most(value, seen[name]))
            whole = algebra.any_((algebra.not_(algebra.is_set(value)), algebra.is_yes(value)))
            yield self._where(in_full, CHOICE, whole)

    def _mode(self, choice: ChoiceEntry, mode: TriT) -> Iterator[Statement[BitT]]:
        """Yield the bounds of a choice's own value: a choice that is not optional is at least m.

        One without a member that could be visible has none (sym_calc_choice() resets it).
        """
        algebra = self._algebra
        visibility = self.visibility(choice)
        usable = algebra.all_(
            (
                algebra.is_set(visibility),
                algebra.any_(
                    algebra.is_set(self._value_in_choice(prompt))
                    for name in choice.members
                    for prompt in self._prompts(name)
                ),
            )
        )
        half = algebra.smaller((visibility, algebra.constant(1)))
        least = algebra.constant(0) if choice.is_optional else self.promoted(choice.type, half)
        bounds = (algebra.at_most(least, mode), algebra.at_most(mode, visibility))
        yield self._where(usable, CHOICE, algebra.all_(bounds))
        unset = algebra.not_(algebra.is_set(mode))
        yield self._where(algebra.not_(usable), CHOICE, unset)

    def _seen_in(self, choice: ChoiceEntry, name: str, mode: TriT) -> TriT:
        algebra = self._algebra
        entry = self._tree.entry(name)
        if entry is None:
            return algebra.constant(0)
        visibility = self.visibility(entry)
        none = algebra.constant(0)
        if choice.type == "tristate" and entry.type != "tristate":
            return algebra.choose(algebra.is_yes(mode), visibility, none)
        if entry.type == "tristate":
            half = algebra.all_((algebra.is_yes(mode), algebra.not_(algebra.is_yes(visibility))))
            return algebra.choose(half, none, visibility)
        return visibility

    def _prompts(self, name: str) -> tuple[Expression, ...]:
        entry = self._tree.entry(name)
        return () if entry is None else entry.prompts

    def _at_most_one(
        self, choice: ChoiceEntry, members: dict[str, TriT]
    ) -> Iterator[Statement[BitT]]:
        algebra = self._algebra
        full = [algebra.is_yes(members[name]) for name in choice.members]
        for index, one in enumerate(full):
            for other in full[:index]:
                yield Statement(rule=CHOICE, holds=algebra.not_(algebra.all_((one, other))))

    def _where(self, when: BitT, rule: str, holds: BitT) -> Statement[BitT]:
        return Statement(rule=rule, holds=self._algebra.any_((self._algebra.not_(when), holds)))

    def _equal(self, value: TriT, other: TriT) -> BitT:
        algebra = self._algebra
        return algebra.all_((algebra.at_most(value, other), algebra.at_most(other, value)))
