"""Boolean operations as clauses: Tseitin's translation with hash-consing.

Equal combinations are one variable, whatever the order of their operands.
"""

from __future__ import annotations

from collections.abc import Iterable

from matrix.expr.clauses import Clause

TRUE = 1
FALSE = -1


class Gates:
    """Literals, and the clauses that define those made from others."""

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
            gate = self._known[key] = self.fresh()
            ordered = sorted(operands)
            self.clauses += [(-gate, literal) for literal in ordered]
            self.clauses.append((gate, *(-literal for literal in ordered)))
        return self._known[key]

    def any_(self, literals: Iterable[int]) -> int:
        """Return a literal that is true where one is."""
        return -self.all_(-literal for literal in literals)

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        """Return a literal that is one of two."""
        if then == otherwise:
            return then
        return self.any_((self.all_((condition, then)), self.all_((-condition, otherwise))))
