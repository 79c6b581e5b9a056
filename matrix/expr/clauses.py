"""Clauses over numbered variables: what a room that knows a domain hands to the one that solves.

A literal is a variable's number, 1 or more, or its negative. Nothing here knows what a variable
stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

Clause: TypeAlias = tuple[int, ...]


class Clauses(Struct, frozen=True, kw_only=True):
    """A set of clauses, and literals that must hold besides, each with who demands it.

    `definitions` only give names to combinations of other variables: they never exclude an
    assignment of those. `demands` pairs an owner with a literal; without them everything is
    possible, so the owners of a contradiction explain it. `atoms` names the literals that a reader
    knows, `IS_ENABLED(CONFIG_KVM)`; `values` those of every variable with a name of its own.
    """

    variables: int
    definitions: tuple[Clause, ...]
    demands: tuple[tuple[str, int], ...]
    atoms: Mapping[str, int]
    values: Mapping[str, int]
