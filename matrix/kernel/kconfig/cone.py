"""What the symbols of interest depend on: the part of a tree that decides their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from matrix.kernel.kconfig.comparing import number
from matrix.kernel.kconfig.model import (
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
