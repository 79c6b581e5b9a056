"""What is known of variables at one point of a path, and what assignments and blocks do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from matrix.expr.nodes import Call, Expression, Name
from matrix.kernel.source.c.conversion import Values
from matrix.kernel.source.c.decisions import Tree
from matrix.kernel.source.c.syntax import declared_name

if TYPE_CHECKING:
    from tree_sitter import Node


class State(Struct, frozen=True):
    """What is known at one point of a path."""

    local: Values
    assigned: Mapping[str, Expression]

    def names(self) -> Values:
        """Return the values of everything that has one here."""
        return {**self.assigned, **self.local}


Next = Callable[[State], Tree]


def without_own(outer: State, after: Next) -> Next:
    """Return what follows a block: its own variables end with it, what it assigned stays."""

    def leave(reached: State) -> Tree:
        kept = {name: reached.local[name] for name in outer.local}
        return after(State(kept, reached.assigned))

    return leave


def declared_by(nodes: Sequence[Node]) -> frozenset[str]:
    """Return the variables that statements declare for all that follow them."""
    return frozenset(
        declared_name(declarator)
        for node in nodes
        if node.type == "declaration"
        for declarator in node.children_by_field_name("declarator")
    )


def with_values(state: State, values: Mapping[str, Expression | None]) -> State:
    """Return a state after assignments."""
    local, assigned = dict(state.local), dict(state.assigned)
    for name, value in values.items():
        if name in local:
            local[name] = value
        elif value is not None:
            assigned[name] = value
    return State(local, assigned)


def stored_by(call: Expression) -> dict[str, Expression | None]:
    """Return what a parser stores at its last argument, an address: the name `value`."""
    match call:
        case Call(_, (*_, Name(name))):
            return {name: Name("value")}
    return {}
