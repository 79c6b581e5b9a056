"""What Kconfig says of a condition of the preprocessor: always true, never true, or neither.

Takes a lowered kernel, what is built in, and the condition; gives the fewest constraints of the
profile from which the answer follows. Every combination of symbols that the constraints allow is
looked at, in a decision diagram over the symbols alone.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from msgspec import Struct

from matrix.analyze.facts.program import FactProgram
from matrix.expr.nodes import Expression
from matrix.expr.trees import calls, children, names
from matrix.schema.values import KconfigConstraint
from matrix.solve.diagram import Diagram
from matrix.solve.partition import Compiler
from matrix.solve.space import FiniteVariable, Region, Space

_SYMBOL = "CONFIG_"
# What an int symbol is compared with is 0; any other value stands for the rest.
_DOMAINS: dict[str, tuple[tuple[str, ...], tuple[bool | int | str, ...]]] = {
    "bool": (("n", "y"), (False, True)),
    "tristate": (("n", "m", "y"), (False, "m", True)),
    "int": (("0", "100"), (0, 100)),
}


class Implied(enum.StrEnum):
    """What follows for a condition."""

    ALWAYS = "always"
    NEVER = "never"
    DECIDES = "decides"
    NO_SUCH_SYMBOL = "no-such-symbol"


class Implication(Struct, frozen=True, kw_only=True):
    """What Kconfig of one release says of a condition, and the constraints it follows from.

    `unlisted` are symbols of the condition that the release does not have.
    """

    release: str
    status: Implied
    because: tuple[KconfigConstraint, ...] = ()
    unlisted: tuple[str, ...] = ()


def implied(
    program: FactProgram,
    constraints: Sequence[KconfigConstraint],
    premises: Sequence[Expression],
    condition: Expression,
) -> Implication:
    """Return what follows for a condition from a release's constraints.

    The premises are built in. Expressions are in the kernel's words, over Kconfig symbols alone.
    """
    unlisted = program.lowering.undeclared_symbols(condition)
    if unlisted:
        return Implication(
            release=program.release,
            status=Implied.NO_SUCH_SYMBOL,
            unlisted=tuple(sorted(unlisted)),
        )
    prover = _Prover(program, constraints, [*premises, condition])
    asked = prover.where(condition)
    given = prover.everything
    for premise in premises:
        given = given & prover.where(premise)
    # ALWAYS is proved where nothing is left of its negation, NEVER where nothing is left of it.
    for status, counterexample in ((Implied.ALWAYS, ~asked), (Implied.NEVER, asked)):
        because = prover.core(given & counterexample)
        if because is not None:
            return Implication(release=program.release, status=status, because=because)
    return Implication(release=program.release, status=Implied.DECIDES)


class _Prover:
    """The Kconfig constraints of a release as regions over its symbols."""

    def __init__(
        self,
        program: FactProgram,
        constraints: Sequence[KconfigConstraint],
        asked: Sequence[Expression],
    ) -> None:
        self._program = program
        about = [
            (lowered, constraint)
            for constraint in constraints
            for lowered in (program.lowering.lower(constraint.condition.expression),)
            # A constraint that reads a cpucap or a variable as well is no region over symbols
            # alone.
            if all(name.startswith(_SYMBOL) for name in names(lowered))
        ]
        roots = [program.lowering.lower(item) for item in asked]
        read = {name for item in (*roots, *(item for item, _ in about)) for name in names(item)}
        self._backend = Diagram(
            Space(variables=tuple(_variable(program, name) for name in sorted(read)))
        )
        self._compiler = Compiler(self._backend)
        self._constraints = [(self._compiler.where(item), constraint) for item, constraint in about]

    @property
    def everything(self) -> Region:
        """All assignments of the symbols."""
        return self._backend.everything()

    def where(self, expression: Expression) -> Region:
        """Return the assignments in which a condition holds."""
        return self._compiler.where(self._program.lowering.lower(expression))

    def core(self, region: Region) -> tuple[KconfigConstraint, ...] | None:
        """Return constraints that leave nothing of a region, none of them idle; None: some stays.

        The later ones are dropped first, so the order of the profile decides between proofs.
        """
        left = region
        for allowed, _ in self._constraints:
            left = left & allowed
        if not left.is_empty():
            return None
        kept = list(range(len(self._constraints)))
        # Deletion: what is not needed for the contradiction goes; profiles have some dozens.
        for number in reversed(range(len(self._constraints))):
            without = region
            for other in kept:
                if other != number:
                    without = without & self._constraints[other][0]
            if without.is_empty():
                kept.remove(number)
        return tuple(self._constraints[number][1] for number in kept)


def _variable(program: FactProgram, name: str) -> FiniteVariable:
    kind = program.symbols.get(name.removeprefix(_SYMBOL), "bool")
    options, values = _DOMAINS.get(kind, _DOMAINS["bool"])
    return FiniteVariable(name=name, options=options, values=values)


def kconfig_parts(expression: Expression) -> tuple[Expression, ...]:
    """Return the largest parts of an expression that are about Kconfig alone, in reading order."""
    read = names(expression)
    if read and all(name.startswith(_SYMBOL) for name in read) and _asks_only_symbols(expression):
        return (expression,)
    return tuple(part for child in children(expression) for part in kconfig_parts(child))


def _asks_only_symbols(expression: Expression) -> bool:
    return all(call.function == "IS_ENABLED" for call in calls(expression))
