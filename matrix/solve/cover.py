"""Rules: a region as an irredundant list of conjunctions over axes.

Minato and Morreale's recursion (Minato, "Fast Generation of Prime-Irredundant Covers from Binary
Decision Diagrams", 1993) lifted from bits to axes: options that look the same are one branch, and a
literal is a set of options. Its conjunctions are then widened as far as the region and its
don't-cares allow, and those that the others cover are dropped, so that what is promised holds
whatever the order of the axes.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from matrix.solve.space import Region, within_memory

# The options each axis may have, in the order of the axes; an axis that is not there is free.
_Conjunction = tuple[tuple[str, tuple[str, ...]], ...]


class Rule(Struct, frozen=True, kw_only=True):
    """One conjunction: every axis of `when` has one of its options.

    `region` is the part of the covered region inside the conjunction, without don't-cares, and
    `cells` the number of its cells. Rules may overlap.
    """

    when: Mapping[str, tuple[str, ...]]
    region: Region
    cells: int


def cover(region: Region, dont_care: Region | None = None) -> tuple[Rule, ...]:
    """Return rules whose union is the visible part of `region`; don't-cares may be in or out.

    No rule can be dropped, and no option can be added to a rule without leaving the region and its
    don't-cares. Most cells first, equal counts by their axes. An empty region has no rules.
    """
    with within_memory():
        lower = region.project_hidden()
        upper = lower if dont_care is None else lower | dont_care.project_hidden()
        task = _Cover(lower)
        conjunctions, _ = task.recurse(lower, upper, 0)
        # Different conjunctions may grow into the same one.
        widened = dict.fromkeys(task.widen(conjunction, upper) for conjunction in conjunctions)
        rules = [task.rule(conjunction, lower) for conjunction in widened]
        return tuple(sorted(_without_redundant(rules), key=_rank))


def _rank(rule: Rule) -> tuple[int, list[tuple[str, tuple[str, ...]]]]:
    return -rule.cells, list(rule.when.items())


def _without_redundant(rules: list[Rule]) -> list[Rule]:
    """Drop, smallest first, each rule whose region the rules that remain cover."""
    if not rules:
        return []
    rules = sorted(rules, key=_rank)
    # Invariant of the loop below: what is kept and what is still to be looked at cover everything.
    # A rule is dropped only where the rest of both covers it, so nothing that is kept becomes
    # redundant by a later drop.
    nothing = rules[0].region - rules[0].region
    # larger[i]: what the rules before i, all larger, cover together.
    larger = [nothing]
    for rule in rules:
        larger.append(larger[-1] | rule.region)
    kept: list[Rule] = []
    kept_region = nothing
    for index in range(len(rules) - 1, -1, -1):
        if not rules[index].region <= (larger[index] | kept_region):
            kept.append(rules[index])
            kept_region |= rules[index].region
    return kept


class _Cover:
    """One task: the axes of its space, and what the recursion has found for each pair of bounds."""

    def __init__(self, region: Region) -> None:
        self._variables = region.space.variables
        self._nothing = region - region
        self._everything = ~self._nothing
        self._found: dict[tuple[Region, Region], tuple[tuple[_Conjunction, ...], Region]] = {}

    def recurse(
        self, lower: Region, upper: Region, depth: int
    ) -> tuple[tuple[_Conjunction, ...], Region]:
        """Return conjunctions that cover `lower` inside `upper`, and the region they make.

        Neither bound depends on an axis before `depth`.
        """
        # The bounds are an interval: any region between `lower` and `upper` will do, which is what
        # makes the conjunctions short.
        if lower.is_empty():
            return (), self._nothing
        if upper == self._everything:
            return ((),), self._everything
        # The depth is not in the key: an axis that both bounds do not depend on is skipped, so they
        # alone decide what is found.
        key = (lower, upper)
        if key not in self._found:
            self._found[key] = self._branch(lower, upper, depth)
        return self._found[key]

    def _branch(
        self, lower: Region, upper: Region, depth: int
    ) -> tuple[tuple[_Conjunction, ...], Region]:
        """Split at the first axis that matters: first what needs a literal of it, then the rest."""
        branches = self._branches(lower, upper, depth)
        # It ends before the axes do: bounds that depend on no axis are empty or everything, which
        # `recurse` has answered.
        while len(branches) == 1:
            depth += 1
            branches = self._branches(lower, upper, depth)
        axis = self._variables[depth].name
        # What may be covered without a literal of this axis: inside the upper bound of all
        # branches.
        common = self._everything
        for _, branch_upper in branches:
            common &= branch_upper
        literals: dict[_Conjunction, list[str]] = {}
        union = uncovered = self._nothing
        for (branch_lower, branch_upper), options in branches.items():
            # Cells outside of `common` need the literal. Their conjunctions may reach into
            # `common`.
            inner, made = self.recurse(branch_lower - common, branch_upper, depth + 1)
            for conjunction in inner:
                # Equal conjunctions of several branches are one, under a literal of all their
                # options.
                literals.setdefault(conjunction, []).extend(options)
            union |= made.restrict(axis, options)
            uncovered |= branch_lower - made
        # The rest of every branch lies inside `common`, for a conjunction without this axis.
        free, made = self.recurse(uncovered, common, depth + 1)
        order = self._variables[depth].options.index
        bound = tuple(
            ((axis, tuple(sorted(options, key=order))), *inner)
            for inner, options in literals.items()
        )
        return (*bound, *free), union | made

    def _branches(
        self, lower: Region, upper: Region, depth: int
    ) -> dict[tuple[Region, Region], list[str]]:
        """Return the options of an axis by what both bounds are under them."""
        axis = self._variables[depth].name
        uppers = {option: part for options, part in upper.split(axis) for option in options}
        branches: dict[tuple[Region, Region], list[str]] = {}
        for options, part in lower.split(axis):
            for option in options:
                branches.setdefault((part, uppers[option]), []).append(option)
        return branches

    def widen(self, conjunction: _Conjunction, upper: Region) -> _Conjunction:
        """Return the conjunction with every option added that keeps it inside `upper`.

        The axis that forbids most comes first. No axis becomes free: the recursion gives it a
        literal only for cells that are outside under another option.
        """
        when = dict(conjunction)
        region = self._region(conjunction)
        sizes = {variable.name: len(variable.options) for variable in self._variables}
        for axis in sorted(when, key=lambda axis: len(when[axis]) / sizes[axis]):
            freed = region.forget((axis,))
            outside = set((freed - upper).options(axis))
            options = region.space.variable(axis).options
            when[axis] = tuple(option for option in options if option not in outside)
            region = freed.restrict(axis, when[axis])
        return tuple((axis, when[axis]) for axis, _ in conjunction)

    def rule(self, conjunction: _Conjunction, lower: Region) -> Rule:
        """Return the rule of a conjunction; its region leaves don't-cares out."""
        region = self._region(conjunction) & lower
        return Rule(when=dict(conjunction), region=region, cells=region.count())

    def _region(self, conjunction: _Conjunction) -> Region:
        region = self._everything
        for axis, options in conjunction:
            region = region.restrict(axis, options)
        return region
