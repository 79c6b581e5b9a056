"""A tree's rules over the symbols of interest as clauses.

A tristate is two literals (at least m, and y), a bool one; a number or string is one literal for
each sample value of its cone, exactly one of which holds. A question to the toolchain that nobody
recorded is a free variable: either answer is possible. The `Cone` is the part of a tree that
decides the values of the symbols of interest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from msgspec import Struct

from matrix.expr.clauses import Clause, Clauses
from matrix.kernel.kconfig import comparing
from matrix.kernel.kconfig.comparing import number
from matrix.kernel.kconfig.model import (
    TRISTATES,
    Answer,
    ChoiceMode,
    Compare,
    Entry,
    Expression,
    Operand,
    Ref,
    Text,
    operands,
    parts,
    symbols_of,
)
from matrix.kernel.kconfig.reading import ParsedTree
from matrix.kernel.kconfig.rules import Rules

# Stands for any string that nothing compares with.
OTHER_STRING = "\N{HORIZONTAL ELLIPSIS}"


class Cone(Struct, frozen=True, kw_only=True):
    """Symbols and choices to encode, in the order found; `samples` stand for numbers and strings.

    A number or string enters only through the constants it is compared with: its samples are those
    constants, their neighbours, its defaults and the bounds of its ranges.
    """

    entries: tuple[Entry, ...]
    choices: tuple[int, ...]
    samples: Mapping[str, tuple[str, ...]]


def find_cone(tree: ParsedTree, symbols: Iterable[str]) -> Cone:
    """Return everything that decides the values of the symbols."""
    entries: dict[str, Entry] = {}
    choices: dict[int, None] = {}
    read: list[Expression] = []
    # MODULES decides everywhere whether there is an m (`Rules.promoted`).
    waiting = [*symbols, "MODULES"][::-1]
    while waiting:
        name = waiting.pop()
        entry = tree.entry(name)
        if entry is None or name in entries:
            continue
        entries[name] = entry
        bounds = (part for bound in entry.ranges for part in bound)
        expressions = (*entry.given, *bounds, entry.selected, entry.implied)
        members = [entry.choice] if entry.choice is not None else []
        modes = (item.index for item in operands(expressions) if isinstance(item, ChoiceMode))
        for index in (*members, *modes):
            # A member's value hangs on all the others: a choice is in as a whole.
            if index not in choices:
                choices[index] = None
                choice = tree.choice(index)
                own = (*choice.prompts, choice.depends)
                read += own
                waiting += (*symbols_of(own), *choice.members)
        read += expressions
        waiting += symbols_of(expressions)
    return Cone(
        entries=tuple(entries.values()),
        choices=tuple(choices),
        samples=_samples(tree, entries, read),
    )


def _samples(
    tree: ParsedTree, entries: Mapping[str, Entry], read: Iterable[Expression]
) -> dict[str, tuple[str, ...]]:
    # Symbols that are compared with each other, or take each other's value, share their constants:
    # a sample of one must be one of the other, or an equality could never hold.
    groups = _Groups(name for name, entry in entries.items() if not entry.is_logical)
    for entry in entries.values():
        if not entry.is_logical:
            for operand in _given(entry):
                groups.join(entry.name, operand, tree)
    for expression in read:
        for part in parts(expression):
            if isinstance(part, Compare):
                for one, other in ((part.left, part.right), (part.right, part.left)):
                    if isinstance(one, Ref):
                        groups.join(one.name, other, tree)
    return {
        name: _around(groups.constants(name), entries[name].type, tree) for name in groups.names
    }


def _given(entry: Entry) -> Iterator[Operand]:
    for value, _ in entry.defaults:
        if isinstance(value, Text | Ref | Answer):
            yield value
    for low, high, _ in entry.ranges:
        yield from (low, high)


class _Groups:
    """Symbols whose values are compared or copied share their constants: a union-find."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._parent = {name: name for name in self.names}
        self._constants: dict[str, dict[str, None]] = {name: {} for name in self.names}

    def join(self, name: str, operand: Operand, tree: ParsedTree) -> None:
        """Note that a symbol meets an operand: another symbol, or a constant."""
        if name not in self._parent:
            return
        root = self._root(name)
        if isinstance(operand, Ref) and operand.name in self._parent:
            other = self._root(operand.name)
            if other != root:
                self._parent[other] = root
                self._constants[root].update(self._constants[other])
        elif isinstance(operand, Answer):
            if operand.call in tree.answers:
                self._constants[root].setdefault(tree.answers[operand.call])
        else:
            text = operand.value if isinstance(operand, Text) else operand.name
            self._constants[root].setdefault(text)

    def constants(self, name: str) -> Iterable[str]:
        return self._constants[self._root(name)]

    def _root(self, name: str) -> str:
        while self._parent[name] != name:
            name = self._parent[name]
        return name


def _around(constants: Iterable[str], kind: str, tree: ParsedTree) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in constants:
        found.setdefault(text)
        value = number(text, kind) if kind in ("int", "hex") else None
        if value is not None:
            spell = hex if kind == "hex" else str
            # Below and above: so every relation with the constant has a sample where it holds and
            # one where it does not.
            found.setdefault(spell(value - 1))
            found.setdefault(spell(value + 1))
    if kind == "string":
        found.setdefault("")
        found.setdefault(OTHER_STRING)
    elif tree.tree.rules.number_without_value:
        found.setdefault("0x0" if kind == "hex" else "0")
    else:
        found.setdefault("")
    return tuple(found)


# Literals as SAT solvers have them (DIMACS): the number of a variable, negative where it is
# negated. Variable 1 is the constant, true by a clause of its own.
TRUE = 1
FALSE = -1
Pair: TypeAlias = tuple[int, int]  # at least m, and y
_CONSTANTS: tuple[Pair, ...] = ((FALSE, FALSE), (TRUE, FALSE), (TRUE, TRUE))
_KeyT = TypeVar("_KeyT", str, int)


def encode(tree: ParsedTree, symbols: Sequence[str], constants: Iterable[int] = (0,)) -> Clauses:
    """Return the clauses that decide the symbols.

    The atoms are `IS_ENABLED(CONFIG_X)` of a bool or tristate symbol, and `CONFIG_X == N` of an int
    symbol for each of the `constants` it is compared with; an int without value counts as 0.
    """
    return _Encoding(tree, find_cone(tree, symbols)).clauses(symbols, tuple(constants))


def encode_prompts(
    tree: ParsedTree, symbols: Sequence[str], named: Iterable[str], constants: Iterable[int] = (0,)
) -> Clauses:
    """Return the clauses that decide whether the prompts of symbols are visible.

    The atoms are `prompt CONFIG_X` of each symbol, and `IS_ENABLED(CONFIG_X)` of each bool or
    tristate name that conditions on those have (`named`) and the tree knows.
    """
    words = [name for name in named if (entry := tree.entry(name)) and entry.is_logical]
    cone = find_cone(tree, (*symbols, *words))
    return _Encoding(tree, cone).clauses(words, tuple(constants), symbols)


class _Gates:
    """Literals, and the clauses that define those made from others: Tseitin's translation.

    Equal combinations are one variable, whatever the order of their operands.
    """

    def __init__(self) -> None:
        self.variables = 1
        self.clauses: list[Clause] = [(TRUE,)]
        self._known: dict[frozenset[int], int] = {}

    def fresh(self) -> int:
        """Return a new variable."""
        self.variables += 1
        return self.variables

    def add(self, *clause: int) -> None:
        """Demand a clause."""
        self.clauses.append(clause)

    def all_(self, literals: Iterable[int]) -> int:
        """Return a literal that is true where all are."""
        # Constants and complements first, so that no clause holds a literal that decides nothing.
        operands: set[int] = set()
        for literal in literals:
            if literal == FALSE or -literal in operands:
                return FALSE
            if literal != TRUE:
                operands.add(literal)
        if not operands:
            return TRUE
        if len(operands) == 1:
            return operands.pop()
        key = frozenset(operands)
        if key not in self._known:
            # Both directions, gate to operands and back: a gate may be used negated.
            gate = self._known[key] = self.fresh()
            ordered = sorted(operands)
            self.clauses += [(-gate, literal) for literal in ordered]
            self.clauses.append((gate, *(-literal for literal in ordered)))
        return self._known[key]

    def any_(self, literals: Iterable[int]) -> int:
        """Return a literal that is true where one is."""
        # De Morgan: one kind of gate, and equal disjunctions share theirs, too.
        return -self.all_(-literal for literal in literals)

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        """Return a literal that is one of two."""
        if then == otherwise:
            return then
        return self.any_((self.all_((condition, then)), self.all_((-condition, otherwise))))


class _Encoding:
    """The symbolic `Algebra` of the rules: bits are literals."""

    def __init__(self, tree: ParsedTree, cone: Cone) -> None:
        self._tree = tree
        self._cone = cone
        self._gates = _Gates()
        self._pairs: dict[str, Pair] = {}
        self._modes: dict[int, Pair] = {}
        self._answers: dict[str, int] = {}
        self._samples: dict[str, dict[str, int]] = {}
        self._demands: list[tuple[str, int]] = []
        self._comparisons: dict[Compare, int] = {}
        self._constants: tuple[int, ...] = ()

    def clauses(
        self,
        symbols: Sequence[str],
        constants: tuple[int, ...],
        prompted: Sequence[str] = (),
    ) -> Clauses:
        """Return the clauses of the whole cone."""
        self._constants = constants
        rules: Rules[int] = Rules(self._tree, self)
        for entry in self._cone.entries:
            if entry.is_logical:
                # Members of a choice follow the rules of the choice alone, below.
                if entry.choice is None:
                    value = self.operand(Ref(entry.name))
                    for statement in rules.statements(entry, value):
                        self._demand(entry.name, statement.holds)
            else:
                self._number_statements(entry, rules)
        for index in self._cone.choices:
            choice = self._tree.choice(index)
            members = {name: self.operand(Ref(name)) for name in choice.members}
            for statement in rules.choice_statements(choice, members):
                self._demand(f"choice {choice.places[0]}", statement.holds)
        atoms = {text: self._named(literal) for text, literal in self._atoms(symbols, constants)}
        for name in prompted:
            prompted_entry = self._tree.entry(name)
            visible = FALSE if prompted_entry is None else rules.visibility(prompted_entry)[0]
            atoms[f"prompt CONFIG_{name}"] = self._named(visible)
        return Clauses(
            variables=self._gates.variables,
            definitions=tuple(self._gates.clauses),
            demands=tuple(dict.fromkeys(self._demands)),
            atoms=atoms,
            values={
                **{f"{name}>=m": pair[0] for name, pair in self._pairs.items()},
                **{f"{name}=y": pair[1] for name, pair in self._pairs.items()},
                **{
                    f"{name}={text}": literal
                    for name, found in self._samples.items()
                    for text, literal in found.items()
                },
            },
        )

    def _atoms(
        self, symbols: Sequence[str], constants: tuple[int, ...]
    ) -> Iterable[tuple[str, int]]:
        for name in symbols:
            entry = self._tree.entry(name)
            if entry is None or entry.is_logical:
                yield f"IS_ENABLED(CONFIG_{name})", self.operand(Ref(name))[0]
            elif entry.type in ("int", "hex"):
                for constant in constants:
                    yield f"CONFIG_{name} == {constant}", self._equals(entry, constant)

    def _equals(self, entry: Entry, constant: int) -> int:
        return self._gates.any_(
            literal
            for text, literal in self._sample_literals(entry).items()
            if (number(text, entry.type) or 0) == constant
        )

    def _named(self, literal: int) -> int:
        """Return a variable of its own for a literal."""
        # Two atoms may be one literal, or one the negation of the other; the projection needs a
        # variable for each.
        variable = self._gates.fresh()
        self._gates.add(-variable, literal)
        self._gates.add(variable, -literal)
        return variable

    def _demand(self, owner: str, literal: int) -> None:
        if literal != TRUE:
            self._demands.append((owner, literal))

    def _sample_literals(self, entry: Entry) -> dict[str, int]:
        if entry.name not in self._samples:
            texts = dict.fromkeys(self._cone.samples[entry.name])
            if entry.type in ("int", "hex"):
                # What is asked about (`CONFIG_X == 0`) is compared with the symbol nowhere in the
                # tree, so it is no sample of the cone; its neighbours come as in `_around`.
                for constant in self._constants:
                    texts.update(dict.fromkeys(map(str, range(constant - 1, constant + 2))))
            literals = {text: self._gates.fresh() for text in texts}
            self._samples[entry.name] = literals
            ordered = list(literals.values())
            # Exactly one sample: at least one, and no two.
            self._gates.add(*ordered)
            for index, one in enumerate(ordered):
                for other in ordered[:index]:
                    self._gates.add(-one, -other)
        return self._samples[entry.name]

    def _number_statements(self, entry: Entry, rules: Rules[int]) -> None:
        """Demand a value within its range where it is visible, its default where it is not."""
        gates = self._gates
        literals = self._sample_literals(entry)
        visible = rules.visibility(entry)[0]
        for text, literal in literals.items():
            inside = self._within(entry, text, rules)
            self._demand(entry.name, gates.any_((-visible, -literal, inside)))
        # Where none of the conditions so far holds, and no prompt is visible: the first default
        # whose condition holds is the one that counts.
        remaining = -visible
        for value, condition in entry.defaults:
            active = gates.all_((remaining, rules.value(condition)[0]))
            remaining = gates.all_((remaining, -rules.value(condition)[0]))
            # A default that is an expression gives a number no value (`_given` takes no sample of
            # it either).
            given = self._cases(value) if isinstance(value, Text | Ref | Answer) else None
            for text, _, case in given or ():
                # What the range makes of the default is a sample of the same symbol, or one that
                # nothing compares with: TRUE demands nothing of it.
                for target, allowed in self._clamped(entry, text, rules):
                    when = gates.all_((active, case, allowed))
                    self._demand(entry.name, gates.any_((-when, literals.get(target, TRUE))))
        without = self._empty(entry)
        if without in literals:
            self._demand(entry.name, gates.any_((-remaining, literals[without])))

    def _empty(self, entry: Entry) -> str:
        initial = self._tree.tree.rules.number_without_value if entry.type != "string" else ""
        return "0x0" if initial and entry.type == "hex" else initial

    def _within(self, entry: Entry, text: str, rules: Rules[int]) -> int:
        """Return where a value is within the range that counts: the first whose condition holds."""
        gates = self._gates
        # Built from the last range backwards: the first whose condition holds is asked first.
        found = TRUE
        for low, high, condition in reversed(entry.ranges):
            inside = gates.all_(
                self._compare_cases(relation, Text(text), bound, entry.type)
                for relation, bound in ((">=", low), ("<=", high))
            )
            found = gates.choose(rules.value(condition)[0], inside, found)
        return found

    def _clamped(self, entry: Entry, text: str, rules: Rules[int]) -> Iterable[tuple[str, int]]:
        """Yield what a default is cut to by the range: sym_validate_range()."""
        inside = self._within(entry, text, rules)
        yield text, inside
        if inside == TRUE:
            return
        # sym_validate_range() (scripts/kconfig/symbol.c): below the low bound it becomes that
        # bound; else, where it is not inside, the high one.
        none_before = -inside
        for low, high, condition in entry.ranges:
            active = self._gates.all_((none_before, rules.value(condition)[0]))
            none_before = self._gates.all_((none_before, -rules.value(condition)[0]))
            below = self._compare_cases("<", Text(text), low, entry.type)
            for bound, side in ((low, below), (high, -below)):
                for target, _, case in self._cases(bound):
                    yield target, self._gates.all_((active, side, case))

    def _cases(self, operand: Operand) -> list[tuple[str, str, int]]:
        """Return every text an operand may have, the type it is compared as, and when it has it."""
        if isinstance(operand, Text):
            return [(operand.value, "tristate" if operand.value in TRISTATES else "unknown", TRUE)]
        if isinstance(operand, Answer):
            answer = self._tree.answers.get(operand.call)
            if answer is not None:
                return [(answer, "unknown", TRUE)]
            free = self._answer(operand.call)
            return [("y", "unknown", free), ("n", "unknown", -free)]
        entry = self._tree.entry(operand.name)
        if entry is None:
            return [(operand.name, "unknown", TRUE)]
        if not entry.is_logical:
            return [
                (text, entry.type, literal)
                for text, literal in self._sample_literals(entry).items()
            ]
        set_, full = self.operand(operand)
        half = self._gates.all_((set_, -full))
        return [("n", entry.type, -set_), ("m", entry.type, half), ("y", entry.type, full)]

    def _compare_cases(self, relation: str, left: Operand, right: Operand, kind: str = "") -> int:
        return self._gates.any_(
            self._gates.all_((one, other))
            # Every pair of texts: a group of symbols shares a handful of samples.
            for text, type_, one in self._cases(left)
            for other_text, other_type, other in self._cases(right)
            if comparing.holds(relation, (text, kind or type_), (other_text, kind or other_type))
        )

    def compare(self, comparison: Compare) -> int:
        """See Algebra; as all that follow."""
        if comparison not in self._comparisons:
            self._comparisons[comparison] = self._compare_cases(
                comparison.relation, comparison.left, comparison.right
            )
        return self._comparisons[comparison]

    def _answer(self, call: str) -> int:
        if call not in self._answers:
            self._answers[call] = self._gates.fresh()
        return self._answers[call]

    def operand(self, operand: Operand) -> Pair:
        if isinstance(operand, Text):
            return _CONSTANTS[TRISTATES.get(operand.value, 0)]
        if isinstance(operand, Answer):
            answer = self._tree.answers.get(operand.call)
            if answer is not None:
                return _CONSTANTS[TRISTATES.get(answer, 0)]
            free = self._answer(operand.call)
            return free, free
        entry = self._tree.entry(operand.name)
        if entry is None or not entry.is_logical:
            return _CONSTANTS[0]
        return self._pair(self._pairs, entry.name, entry.type)

    def mode(self, choice: int) -> Pair:
        return self._pair(self._modes, choice, self._tree.choice(choice).type)

    def _pair(self, known: dict[_KeyT, Pair], key: _KeyT, kind: str) -> Pair:
        if key not in known:
            set_ = self._gates.fresh()
            full = self._gates.fresh() if kind == "tristate" else set_
            # y is at least m.
            if full != set_:
                self._gates.add(-full, set_)
            known[key] = (set_, full)
        return known[key]

    def not_(self, bit: int) -> int:
        return -bit

    def all_(self, bits: Iterable[int]) -> int:
        return self._gates.all_(bits)

    def any_(self, bits: Iterable[int]) -> int:
        return self._gates.any_(bits)
