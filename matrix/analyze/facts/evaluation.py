"""Values of one cell's names: each evaluated at most once, with the atoms it was made from.

Takes a lowered program, the kernel variables as the command line left them, and the atoms (Kconfig
symbols, CPU properties, surroundings); gives three-valued values. What is kept remembers which
atoms were read, so that a cell that differs in one atom starts from all that does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Constant, Expression, Value
from matrix.expr.trees import names

# A name, or the identity of an expression: what is kept holds the expression too, so that no other
# one can come to have its identity.
_Key = str | int
_Kept = tuple[Value, int, Expression | None]


class _Atoms:
    """What cells of one family share: a bit for each atom, and the names in each expression.

    Sets of atoms are integers here: they are joined a hundred times for each cell. `reading` is
    the set of what any of them has read.
    """

    __slots__ = ("_bits", "_named", "reading")

    def __init__(self) -> None:
        self.reading = 0
        self._bits: dict[str, int] = {}
        self._named: dict[int, tuple[Expression, tuple[str, ...]]] = {}

    def bit(self, name: str) -> int:
        """Return the set that holds one name."""
        bit = self._bits.get(name)
        if bit is None:
            bit = self._bits[name] = 1 << len(self._bits)
        return bit

    def bits(self, some: Iterable[str]) -> int:
        """Return the set that holds some names."""
        found = 0
        for name in some:
            found |= self.bit(name)
        return found

    def members(self, bits: int) -> frozenset[str]:
        """Return the names of a set."""
        return frozenset(name for name, bit in self._bits.items() if bit & bits)

    def named(self, expression: Expression) -> tuple[str, ...]:
        """Return the names in an expression, the last first."""
        # By identity: a hash would walk the whole expression each time.
        found = self._named.get(id(expression))
        if found is None:
            found = (expression, tuple(sorted(names(expression), reverse=True)))
            self._named[id(expression)] = found
        return found[1]


class Evaluation:
    """The names of one cell.

    An atom that `atoms` does not list is unknown; a definition that it lists has that value.
    `definitions` must be acyclic, which `program.lower` has checked.
    """

    __slots__ = ("_atoms", "_definitions", "_family", "_kept", "_reading", "_variables")

    def __init__(
        self,
        definitions: Mapping[str, Expression],
        variables: Mapping[str, Expression],
        atoms: Mapping[str, Value],
    ) -> None:
        self._definitions = definitions
        self._variables = variables
        self._atoms = atoms
        self._kept: dict[_Key, _Kept] = {}
        self._reading = 0
        self._family = _Atoms()

    @property
    def reads(self) -> frozenset[str]:
        """The atoms and kernel variables on which everything asked so far rests."""
        return self._family.members(self._reading)

    @property
    def read_by_all(self) -> frozenset[str]:
        """The same of this cell and every cell that was made from it."""
        return self._family.members(self._family.reading)

    def reads_of(self, expression: Expression) -> frozenset[str]:
        """The same of one expression that was asked for."""
        return self._family.members(self._kept[id(expression)][1])

    def with_atoms(self, changed: Mapping[str, Value]) -> Evaluation:
        """Return the same cell with some atoms changed, keeping what does not depend on them."""
        return self.with_names({}, changed)

    def with_names(
        self, variables: Mapping[str, Expression], atoms: Mapping[str, Value]
    ) -> Evaluation:
        """Return the same cell with kernel variables and atoms changed, keeping all else."""
        other = Evaluation(
            self._definitions,
            {**self._variables, **variables} if variables else self._variables,
            {**self._atoms, **atoms},
        )
        # Bits of one family mean the same names, which is what makes `kept[1] & changed` right.
        other._family = self._family
        changed = self._family.bits(variables) | self._family.bits(atoms)
        # What read none of the changed names has the same value in the new cell.
        other._kept = {key: kept for key, kept in self._kept.items() if not kept[1] & changed}
        return other

    def decided_without(self, others: Iterable[str], names: Iterable[str]) -> dict[str, Value]:
        """Return the names that are decided, with their values, if none of `others` was read."""
        unread = self._family.bits(others)
        values = {name: self.value(name) for name in names}
        return {
            name: value
            for name, value in values.items()
            if value is not None and not self._kept[name][1] & unread
        }

    def folded_without(
        self, others: Iterable[str], conditions: Iterable[Expression]
    ) -> tuple[Expression, ...]:
        """Return conditions, each that is decided, none of `others` being read, as a constant."""
        unread = self._family.bits(others)
        return tuple(
            Constant(bool(value))
            if (value := self.of(item)) is not None and not self._kept[id(item)][1] & unread
            else item
            for item in conditions
        )

    def value(self, name: str) -> Value:
        """Return the value of a definition, a kernel variable or an atom; None if unknown."""
        kept = self._kept.get(name)
        if kept is None:
            definition = self._definition(name)
            if definition is None:
                kept = self._kept[name] = (self._atoms.get(name), self._family.bit(name), None)
            else:
                kept = self._keep(name, definition)
                if name in self._variables:
                    # A variable is what a command line left: another line may leave something else,
                    # so that what rests on it must be known to have read it.
                    kept = self._kept[name] = (kept[0], kept[1] | self._family.bit(name), kept[2])
            # What another cell of the family kept, it has counted.
            self._family.reading |= kept[1]
        self._reading |= kept[1]
        return kept[0]

    def of(self, expression: Expression) -> Value:
        """Return the value of an expression over this cell's names."""
        # A kept entry is a tuple and never falsy, an unknown value included.
        kept = self._kept.get(id(expression)) or self._keep(id(expression), expression)
        self._reading |= kept[1]
        return kept[0]

    def refutes(self, expressions: Iterable[Expression]) -> bool:
        """Tell whether one of some expressions is false; those behind it are not asked."""
        # The hottest loop of an answer: `of` for each would cost three times as much.
        for expression in expressions:
            kept = self._kept.get(id(expression)) or self._keep(id(expression), expression)
            self._reading |= kept[1]
            if truth(kept[0]) is False:
                return True
        return False

    def values_of(self, rows: Iterable[tuple[str, Expression]]) -> dict[str, Value] | Expression:
        """Return the value of each row; the expression of the first that is unknown, if one is."""
        found: dict[str, Value] = {}
        for name, expression in rows:
            kept = self._kept.get(id(expression)) or self._keep(id(expression), expression)
            self._reading |= kept[1]
            if kept[0] is None:
                return expression
            found[name] = kept[0]
        return found

    def undecided_atoms(self, expression: Expression) -> Iterator[str]:
        """Yield the unknown atoms an expression leads to, in a stable order, each once."""
        seen: set[str] = set()
        # Depth first along what is unknown only: what has a value cannot be what is waited for.
        stack = list(self._family.named(expression))
        while stack:
            name = stack.pop()
            if name in seen:
                continue
            seen.add(name)
            if self.value(name) is not None:
                continue
            definition = self._definition(name)
            if definition is None:
                yield name
            else:
                stack.extend(self._family.named(definition))

    def _keep(self, key: _Key, expression: Expression) -> _Kept:
        """Evaluate an expression, noting the atoms it reads apart from what was read before."""
        # What this expression reads is kept with it alone; whoever asked for it adds it afterwards.
        outer, self._reading = self._reading, 0
        value = evaluate(expression, self.value)
        kept = self._kept[key] = (value, self._reading, expression)
        self._family.reading |= self._reading
        self._reading = outer
        return kept

    def _definition(self, name: str) -> Expression | None:
        if name in self._atoms:
            # What is given as an atom wins over its definition: `memory.py` hands in what it has
            # decided.
            return None
        return self._variables.get(name) or self._definitions.get(name)
