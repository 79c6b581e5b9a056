"""What a function does, as a decision tree: conditions, and at the ends what is returned."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from matrix.expr.nodes import Expression, Unary


class Leaf(Struct, frozen=True, kw_only=True):
    """The end of a path: the returned value (None: nothing) and what was assigned on the way.

    `assigned` maps names that are not the function's own to their last values on this path.
    """

    value: Expression | None
    assigned: tuple[tuple[str, Expression], ...]
    line: int


class Branch(Struct, frozen=True, kw_only=True):
    """A condition and what happens on both sides."""

    condition: Expression
    then: Tree
    otherwise: Tree


Tree = Leaf | Branch


def pruned(tree: Tree, known: Mapping[Expression, bool]) -> Tree:
    """Return the tree without the branches that a path has already decided: `#ifdef` … `#else`."""
    if isinstance(tree, Leaf):
        return tree
    condition, holds = tree.condition, True
    # Answers are kept for the condition without its negations, so `#else` finds what `#if` said.
    while isinstance(condition, Unary) and condition.operator == "!":
        condition, holds = condition.operand, not holds
    if condition in known:
        return pruned(tree.then if known[condition] is holds else tree.otherwise, known)
    return branch(
        tree.condition,
        pruned(tree.then, {**known, condition: holds}),
        pruned(tree.otherwise, {**known, condition: not holds}),
    )


def branch(condition: Expression, then: Tree, otherwise: Tree) -> Tree:
    """Return a branch, or what both sides are."""
    if then == otherwise:
        return then
    return Branch(condition=condition, then=then, otherwise=otherwise)
