"""A `.config` against a parsed tree: every symbol whose value the tree would not allow, and why.

Each symbol is held to the rules with all others as the `.config` has them, so that what is reported
is where a contradiction is, not what follows from it. What the toolchain answers is taken from the
`.config` itself: otherwise the reader's compiler would be validated, not the `.config`.
`Valuation` is the `.config` as values of symbols, the concrete algebra of
`matrix.kernel.kconfig.rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from matrix.kernel.kconfig.comparing import holds, number
from matrix.kernel.kconfig.model import (
    TRISTATES,
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
    Ref,
    Text,
    alternatives,
    conjuncts,
    operands,
    symbols_of,
)
from matrix.kernel.kconfig.reading import ParsedTree
from matrix.kernel.kconfig.rules import INVISIBLE, SELECTED, VISIBLE_UPPER, Rules, Tri

_VALUES = ((False, False), (True, False), (True, True))


class Valuation:
    """A `.config` as values of symbols: the concrete `Algebra` of the rules."""

    def __init__(
        self, tree: ParsedTree, settings: Mapping[str, str], answers: Mapping[str, str]
    ) -> None:
        self._tree = tree
        self._settings = settings
        self._answers = answers
        self._modes: dict[int, tuple[bool, bool]] = {}

    def text(self, operand: Operand) -> tuple[str, str]:
        """Return the text of an operand and the type it is compared as."""
        if isinstance(operand, Text):
            return operand.value, "tristate" if operand.value in TRISTATES else "unknown"
        if isinstance(operand, Answer):
            return self._answers.get(operand.call, "n"), "unknown"
        entry = self._tree.entry(operand.name)
        if entry is None:
            return operand.name, "unknown"
        return self.setting(entry), entry.type

    def setting(self, entry: Entry) -> str:
        """Return what the `.config` says of a symbol; what it leaves out has the empty value."""
        without = "n" if entry.is_logical else ""
        if entry.type in ("int", "hex"):
            without = self._tree.tree.rules.number_without_value
            without = "0x0" if without and entry.type == "hex" else without
        return self._settings.get(entry.name, without)

    def set_mode(self, choice: int, value: tuple[bool, bool]) -> None:
        """Take another value for a choice: where no member is set, n and m are both possible."""
        self._modes[choice] = value

    def operand(self, operand: Operand) -> tuple[bool, bool]:
        """Return the value of a symbol or of an answer."""
        text, kind = self.text(operand)
        if isinstance(operand, Ref) and kind not in ("bool", "tristate"):
            return _VALUES[0]
        return _VALUES[TRISTATES.get(text, 0)]

    def mode(self, choice: int) -> tuple[bool, bool]:
        """Return a choice's value: the `.config` has no line for it, so what its members need."""
        if choice not in self._modes:
            found = self._tree.choice(choice)
            values = (self.operand(Ref(name)) for name in found.members)
            self._modes[choice] = max(values, default=_VALUES[0])
        return self._modes[choice]

    def compare(self, comparison: Compare) -> bool:
        """Return whether a comparison holds."""
        left, right = self.text(comparison.left), self.text(comparison.right)
        return holds(comparison.relation, left, right)

    def not_(self, bit: bool) -> bool:  # noqa: FBT001
        """Return the negation."""
        return not bit

    def all_(self, bits: Iterable[bool]) -> bool:
        """Return the conjunction."""
        return all(bits)

    def any_(self, bits: Iterable[bool]) -> bool:
        """Return the disjunction."""
        return any(bits)


# So many links of a chain a reader follows, and so much of a condition.
_MOST_LINKS = 4
_LONGEST = 80


class Conflict(Struct, frozen=True, kw_only=True):
    """A symbol whose value the tree would not allow.

    `value` is the `.config`'s ("n" where it is not there), `rule` what it breaks; `entry` the
    symbol's, None for a conflict of a whole choice, whose members `choice` then names. `chain` is
    what forbids the value, each link with its line of the tree.
    """

    symbol: str
    value: str
    rule: str
    entry: Entry | None
    choice: ChoiceEntry | None = None
    chain: tuple[str, ...] = ()


def answers_of(
    tree: ParsedTree, settings: Mapping[str, str], recorded: Mapping[str, str]
) -> dict[str, str]:
    """Return what the toolchain of a `.config` must have answered, as far as the file shows it.

    A symbol that is set shows the answers it depends on; one whose value is an answer shows it.
    What nothing shows stays as recorded.
    """
    answers = dict(recorded)
    for name in tree.names:
        entry = tree.entry(name)
        if entry is None:
            continue
        value = settings.get(name)
        if entry.is_answered:
            for default, _ in entry.defaults:
                if isinstance(default, Answer):
                    answers[default.call] = value or "n"
        if value is not None and value != "n":
            # Only conjuncts: of an alternative nobody can say which side held.
            for condition in conjuncts(entry.depends):
                if isinstance(condition, Answer):
                    answers[condition.call] = "y"
    return answers


def find_conflicts(
    tree: ParsedTree, settings: Mapping[str, str], recorded: Mapping[str, str]
) -> tuple[Conflict, ...]:
    """Return every symbol of a complete `.config` that the tree would not allow, in file order.

    `settings` are raw values by symbol (`y`, `100`, a string without quotes); a symbol that is not
    there is n, or has no value. An answer of the toolchain that only such a symbol shows is taken
    as the symbol needs it.
    """
    answers = answers_of(tree, settings, recorded)
    # First without guessing. An answer is changed only where that resolves a conflict by itself,
    # and then everything is asked again: another symbol may need the answer as it was.
    conflicts = _conflicts(tree, settings, answers)
    for conflict in conflicts:
        if conflict.entry is not None:
            answers = _answers_needed(tree, settings, answers, conflict.entry)
    return _conflicts(tree, settings, answers) if conflicts else ()


def why_not(
    tree: ParsedTree, settings: Mapping[str, str], answers: Mapping[str, str], symbol: str
) -> Conflict | None:
    """Return what the tree has against the value that one symbol has in complete settings."""
    valuation = Valuation(tree, settings, answers)
    rules: Rules[bool] = Rules(tree, valuation)
    entry = tree.entry(symbol)
    if entry is None:
        return None
    if entry.choice is not None:
        return next(_choice_conflicts(tree.choice(entry.choice), rules, valuation), None)
    found = next(_entry_conflicts(entry, rules, valuation, settings), None)
    if found is None:
        return None
    return replace(found, chain=_Chain(tree, rules, valuation).of(entry, found.rule))


def _answers_needed(
    tree: ParsedTree, settings: Mapping[str, str], answers: dict[str, str], entry: Entry
) -> dict[str, str]:
    """Return the answers with at most one changed, where that resolves the symbol's conflict."""
    calls = (item.call for item in operands(entry.given) if isinstance(item, Answer))
    for call in dict.fromkeys(calls):
        for answer in ("y", "n"):
            tried = {**answers, call: answer}
            valuation = Valuation(tree, settings, tried)
            rules: Rules[bool] = Rules(tree, valuation)
            if not any(_entry_conflicts(entry, rules, valuation, settings)):
                return tried
    return answers


def _conflicts(
    tree: ParsedTree, settings: Mapping[str, str], answers: Mapping[str, str]
) -> tuple[Conflict, ...]:
    valuation = Valuation(tree, settings, answers)
    _settle_modes(tree, valuation)
    rules: Rules[bool] = Rules(tree, valuation)
    found: list[Conflict] = []
    choices: dict[int, None] = {}
    for name in tree.names:
        entry = tree.entry(name)
        # Its value is the toolchain's and was taken from the file (`answers_of`): it contradicts
        # nothing.
        if entry is None or entry.is_answered:
            continue
        if entry.choice is not None:
            choices.setdefault(entry.choice)
        else:
            found += _entry_conflicts(entry, rules, valuation, settings)
    for index in choices:
        found += _choice_conflicts(tree.choice(index), rules, valuation)
    chain = _Chain(tree, rules, valuation)
    return tuple(
        conflict
        if conflict.entry is None
        else replace(conflict, chain=chain.of(conflict.entry, conflict.rule))
        for conflict in found
    )


def _settle_modes(tree: ParsedTree, valuation: Valuation) -> None:
    """Give a tristate choice without a member that is set the value m where only that fits."""
    if not tree.tree.rules.choice_has_mode:
        return
    entries = filter(None, map(tree.entry, tree.names))
    for index in dict.fromkeys(entry.choice for entry in entries if entry.choice is not None):
        choice = tree.choice(index)
        if choice.type == "tristate" and not valuation.mode(index)[0]:
            # The smaller first; where neither fits, m stays and the conflict is reported with it.
            for value in ((False, False), (True, False)):
                valuation.set_mode(index, value)
                rules: Rules[bool] = Rules(tree, valuation)
                if not any(_choice_conflicts(choice, rules, valuation)):
                    break


def _entry_conflicts(
    entry: Entry, rules: Rules[bool], valuation: Valuation, settings: Mapping[str, str]
) -> Iterator[Conflict]:
    if entry.is_logical:
        value = valuation.operand(Ref(entry.name))
        broken = (item.rule for item in rules.statements(entry, value) if not item.holds)
        rule = next(broken, None)
        if rule is not None:
            # n has neither bit, m the first, y both: their sum is the letter's place.
            yield Conflict(symbol=entry.name, value="nmy"[sum(value)], rule=rule, entry=entry)
    elif _is_other_text(entry, rules, valuation, settings):
        text = settings.get(entry.name, "")
        yield Conflict(symbol=entry.name, value=text, rule=INVISIBLE, entry=entry)


def _choice_conflicts(
    choice: ChoiceEntry, rules: Rules[bool], valuation: Valuation
) -> Iterator[Conflict]:
    members = {name: valuation.operand(Ref(name)) for name in choice.members}
    statements = rules.choice_statements(choice, members)
    broken = next((statement.rule for statement in statements if not statement.holds), None)
    if broken is not None:
        symbol = next((name for name in choice.members if members[name][0]), choice.members[0])
        yield Conflict(
            symbol=symbol,
            value="nmy"[sum(members[symbol])],
            rule=broken,
            entry=None,
            choice=choice,
            chain=_choice_chain(choice, members),
        )


def _choice_chain(choice: ChoiceEntry, members: Mapping[str, Tri[bool]]) -> tuple[str, ...]:
    chosen = [name for name, value in members.items() if value[0]]
    said = ", ".join(chosen) if chosen else "none"
    places = ", ".join(map(str, choice.places))
    return (f'the choice "{choice.title}" is defined at {places}', f"of its members is set: {said}")


def _is_other_text(
    entry: Entry, rules: Rules[bool], valuation: Valuation, settings: Mapping[str, str]
) -> bool:
    """Tell whether a number or string without visible prompt differs from its default."""
    if entry.name not in settings or rules.visibility(entry)[0]:
        return False
    for value, condition in entry.defaults:
        if rules.value(condition)[0]:
            # A default that is an expression gives a number no text to compare.
            if not isinstance(value, Text | Ref | Answer):
                return False
            text = valuation.text(value)[0]
            given = settings[entry.name]
            # `0x10` and `0X10` are one number; two texts that are no numbers are None and not the
            # same.
            same = number(text, entry.type) == number(given, entry.type) is not None
            return not (same or text == given or _is_from_outside(value, text))
    return True


def _is_from_outside(value: Operand, text: str) -> bool:
    """Tell whether a default comes from the environment of the build, which no tree knows."""
    return isinstance(value, Answer) or (isinstance(value, Text) and not text)


class _Chain:
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
            for term in conjuncts(prompt):
                # Terms of `&&` are compared one by one: each that is below the value keeps it down
                # by itself.
                if self._rules.value(term) < value:
                    yield f"it depends on {self._spelt(term)}"

    def _selectors(self, entry: Entry) -> Iterator[str]:
        """Yield what selects it."""
        value = self._valuation.operand(Ref(entry.name))
        for term in alternatives(entry.selected):
            # Terms of `||`: each that is above the value raises it by itself.
            if self._rules.value(term) > value:
                yield f"it is selected by {self._spelt(term)}"

    def _given(self, entry: Entry) -> Iterator[str]:
        """Yield why no prompt is visible, and what gives its value then."""
        for prompt in entry.prompts:
            for term in conjuncts(prompt):
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
        names = (
            name for name in dict.fromkeys(symbols_of((expression,))) if not name[:1].isdigit()
        )
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
