"""What clauses say about a few of their variables: projection with a SAT solver.

The projection is a set of clauses over the variables of interest alone: each is implied (no
assignment that it excludes can be completed), every assignment that they all allow can be, and none
is implied by the others. Clauses are prime: without any of its literals one is not implied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import Any, Self

from msgspec import Struct

from matrix.diagnostics import UndecidedError
from matrix.expr.clauses import Clause, Clauses

# Assignments of the variables of interest that are looked at one by one; more would take minutes.
MOST_ASSIGNMENTS = 200_000
_DECIDED = 40  # names of a random model that are decided before the solver is left to guess


class Projection(Struct, frozen=True, kw_only=True):
    """The clauses over the variables of interest, and how many assignments satisfy them."""

    clauses: tuple[Clause, ...]
    assignments: int


def project(clauses: Clauses, onto: Sequence[int], most: int = MOST_ASSIGNMENTS) -> Projection:
    """Return what the clauses say about the variables in `onto`.

    Raises:
        UndecidedError: MX1010, more than `most` assignments to look at.
    """
    implied: list[Clause] = []
    count = 1
    with _Solver(clauses) as solver:
        # What no clause joins is independent, and is not looked at in all its combinations.
        for group in _independent(clauses, onto):
            own = _short_implicates(solver, group)
            # Groups are independent: their assignments multiply.
            count *= _complete(solver, group, own, most)
            implied += own
    return Projection(clauses=_irredundant(onto, implied), assignments=count)


def _independent(clauses: Clauses, onto: Sequence[int]) -> list[list[int]]:
    """Return the variables of interest in groups that share no clause, directly or by others."""
    # Unit propagation first: a literal that is fixed everywhere joins nothing. What is left of
    # clauses joins the variables in it (union-find with path splitting).
    left = [*clauses.definitions, *((literal,) for _, literal in clauses.demands)]
    fixed: set[int] = set()
    known = -1
    while known < len(fixed):
        known, open_ = len(fixed), left
        left = []
        for clause in open_:
            if not any(literal in fixed for literal in clause):
                rest = tuple(literal for literal in clause if -literal not in fixed)
                if len(rest) == 1:
                    fixed.add(rest[0])
                else:
                    left.append(rest)
    joined: dict[int, int] = {}

    def root(variable: int) -> int:
        while (above := joined.get(variable, variable)) != variable:
            joined[variable] = joined.get(above, above)
            variable = above
        return variable

    # A clause that nothing is left of is a contradiction and has no variable to join; `project`
    # then gives the empty clause.
    for clause in left:
        for literal in clause[1:]:
            joined[root(abs(literal))] = root(abs(clause[0]))
    groups: dict[int, list[int]] = {}
    for variable in onto:
        groups.setdefault(root(variable), []).append(variable)
    return list(groups.values())


def possible(clauses: Clauses, assignments: Iterable[Sequence[int]]) -> bool:
    """Tell whether one of some assignments of variables can be completed."""
    with _Solver(clauses) as solver:
        return any(solver.allows(literals) for literals in assignments)


def explain(clauses: Clauses, clause: Clause) -> tuple[str, ...]:
    """Return owners whose demands imply a clause, none of which can be left out."""
    owners = list(dict.fromkeys(owner for owner, _ in clauses.demands))
    # Each owner's demands hold under an assumption of its own, so a core of assumptions is a set of
    # owners (selector variables).
    selectors = {owner: clauses.variables + 1 + index for index, owner in enumerate(owners)}
    names = {selector: owner for owner, selector in selectors.items()}
    with _sat() as solver:
        solver.append_formula(clauses.definitions)
        for owner, literal in clauses.demands:
            solver.add_clause((-selectors[owner], literal))
        # Implied is what cannot be false.
        for literal in clause:
            solver.add_clause((-literal,))
        if solver.solve(assumptions=list(names)):
            return ()
        core = list(solver.get_core() or ())
        # Deletion; a core that the solver gives while one is left out may be smaller still.
        for selector in tuple(core):
            rest = [other for other in core if other != selector]
            if not solver.solve(assumptions=rest):
                core = [other for other in rest if other in set(solver.get_core() or ())]
    kept = {names[selector] for selector in core}
    return tuple(owner for owner in owners if owner in kept)


def models(clauses: Clauses, count: int, generator: Random) -> Iterator[Mapping[str, bool]]:
    """Yield random models: a truth value for each name in `values`.

    The solver prefers random values; a few names are decided at random first, so that what it
    would rather leave alone varies too.
    """
    names = [name for name in clauses.values if abs(clauses.values[name]) != 1]
    with _Solver(clauses) as solver:
        for _ in range(count):
            wanted = [
                clauses.values[name] * (1 if generator.random() < 0.5 else -1) for name in names
            ]
            solver.prefer(wanted)
            chosen: list[int] = []
            for literal in generator.sample(wanted, min(_DECIDED, len(wanted))):
                if solver.allows((*chosen, literal)):
                    chosen.append(literal)
            solver.allows(chosen)
            model = set(solver.model())
            yield {name: literal in model for name, literal in clauses.values.items()}


def _sat() -> Any:
    from pysat.solvers import Glucose4

    return Glucose4(incr=False)


class _Solver:
    """The clauses with all demands, asked under assumptions."""

    def __init__(self, clauses: Clauses) -> None:
        self._solver = _sat()
        self._solver.append_formula(clauses.definitions)
        for _, literal in clauses.demands:
            self._solver.add_clause((literal,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._solver.delete()

    def allows(self, literals: Sequence[int]) -> bool:
        """Tell whether an assignment can be completed."""
        return bool(self._solver.solve(assumptions=list(literals)))

    def prefer(self, literals: Sequence[int]) -> None:
        """Take these values first wherever the solver has to guess."""
        self._solver.set_phases(list(literals))

    def model(self) -> Sequence[int]:
        """Return the last model."""
        found: Sequence[int] = self._solver.get_model()
        return found

    def core(self, literals: Sequence[int]) -> list[int]:
        """Return a minimal part of an assignment that cannot be completed."""
        kept = [literal for literal in literals if literal in set(self._solver.get_core() or ())]
        for literal in tuple(kept):
            rest = [other for other in kept if other != literal]
            if not self.allows(rest):
                core = set(self._solver.get_core() or ())
                kept = [other for other in rest if other in core]
        return kept


def _short_implicates(solver: _Solver, onto: Sequence[int]) -> list[Clause]:
    """Return the prime implicates of one and two literals: they read best."""
    found: list[Clause] = []
    open_: list[int] = []
    for variable in onto:
        values = [literal for literal in (variable, -variable) if solver.allows((literal,))]
        if len(values) == 1:
            found.append((values[0],))
        elif values:
            open_.append(variable)
        else:
            return [()]
    # Both values of each are possible, so a pair that is excluded makes a prime clause of two.
    for one, other in combinations(open_, 2):
        pairs = ((one, other), (one, -other), (-one, other), (-one, -other))
        found += [(-pair[0], -pair[1]) for pair in pairs if not solver.allows(pair)]
    return found


def _complete(solver: _Solver, onto: Sequence[int], implied: list[Clause], most: int) -> int:
    """Add implicates until every assignment they allow can be completed; return their number."""
    count = 0
    # One solver proposes assignments that the implicates allow, the other one completes them or
    # says which part cannot be: that part's negation is a new implicate, and excludes many
    # candidates at once. The loop ends when nothing is proposed.
    with _sat() as candidates:
        candidates.append_formula(implied)
        # Every variable of interest is decided, so that a candidate is a whole assignment.
        for variable in onto:
            candidates.add_clause((variable, -variable))
        while candidates.solve():
            model = set(candidates.get_model())
            assignment = [item if item in model else -item for item in onto]
            if solver.allows(assignment):
                count += 1
                if count > most:
                    raise UndecidedError.of(
                        code="MX1010",
                        message=f"the symbols have more than {most} realizable assignments",
                        hint="ask about fewer symbols with --symbols",
                    )
                candidates.add_clause([-literal for literal in assignment])
            else:
                clause = tuple(-literal for literal in solver.core(assignment))
                implied.append(clause)
                candidates.add_clause(clause)
    return count


def _irredundant(onto: Sequence[int], implied: Iterable[Clause]) -> tuple[Clause, ...]:
    """Return the clauses without those that the others imply, the longest left out first.

    They come in the order of `onto`; in a clause, which reads as an implication, what is negated
    comes first.
    """
    rank = {variable: index for index, variable in enumerate(onto)}
    kept = sorted(
        {tuple(sorted(clause, key=lambda item: (item > 0, rank[abs(item)]))) for clause in implied},
        key=lambda clause: (sorted(rank[abs(item)] for item in clause), clause),
    )
    # The order decides which of several irredundant sets remains: short ones read best.
    for clause in sorted(kept, key=len, reverse=True):
        rest = [other for other in kept if other != clause]
        with _sat() as solver:
            solver.append_formula(rest)
            if not solver.solve(assumptions=[-literal for literal in clause]):
                kept = rest
    return tuple(kept)
