"""Labelled regions laid out axis by axis: a decision diagram over options instead of bits.

Takes regions of one space, gives one layer per axis whose nodes lead from options to nodes of the
next layer, and leaves that hold labels. Equal parts are shared, so that a space of billions of
cells is a few thousand nodes (a multi-valued decision diagram: Kam, Villa, Brayton and
Sangiovanni-Vincentelli, 1998). `listing.py` makes columns of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, UndecidedError
from matrix.solve.space import FiniteVariable, Region, Space, within_memory

# The option numbers of an axis that lead on, ascending, each with a node of the next layer.
Node = tuple[tuple[int, int], ...]

# A projection may need more nodes than what it is made from; two million are about a gigabyte.
MAX_NODES = 2_000_000


class Layers(Struct, frozen=True, kw_only=True):
    """Rows as paths: an option per variable, then a label of the leaf that is reached.

    Node 0 of the first layer is the root; where there is no row, every layer is empty. Labels of a
    leaf are ascending. No two nodes of a layer are equal, and all can be reached.
    """

    variables: tuple[FiniteVariable, ...]
    layers: tuple[tuple[Node, ...], ...]
    leaves: tuple[tuple[int, ...], ...]


def layers_of(
    space: Space, regions: Sequence[Region], label: Callable[[tuple[int, ...]], int]
) -> Layers:
    """Return the visible cells of regions that may overlap, each with one label.

    `label` is asked once for each set of regions (their numbers, ascending) that some cell is in.
    """
    with within_memory():
        # A node is a tuple of (number of a region, what remains of it), so nodes that look the same
        # from the axes below are one.
        visible = [region.project_hidden() for region in regions]
        start = tuple((n, region) for n, region in enumerate(visible) if not region.is_empty())
        frontier: dict[tuple[tuple[int, Region], ...], int] = {start: 0} if start else {}
        layers: list[tuple[Node, ...]] = []
        for variable in space.variables:
            below: dict[tuple[tuple[int, Region], ...], int] = {}
            seen = _Splits(variable)
            layer: list[Node] = []
            for node in frontier:
                behind: dict[int, list[tuple[int, Region]]] = {}
                # Regions in ascending number, so the tuples are in one order and comparable.
                for number, region in node:
                    for option, child in seen.split(region):
                        behind.setdefault(option, []).append((number, child))
                layer.append(
                    tuple(
                        (option, below.setdefault(tuple(behind[option]), len(below)))
                        for option in sorted(behind)
                    )
                )
            layers.append(tuple(layer))
            frontier = below
    # What remains of a region behind the last axis is everything: only the numbers tell nodes
    # apart.
    leaves = [(label(tuple(number for number, _ in node)),) for node in frontier]
    return _shared(space.variables, layers, leaves)


def projected(layers: Layers, keep: Collection[str], relabel: Callable[[int], int]) -> Layers:
    """Return the distinct rows that remain when only some axes are kept and labels are renamed.

    A node of the result is a set of nodes that can be reached (the subset construction: Rabin and
    Scott, 1959). Raises UndecidedError MX0634 where that takes more than `MAX_NODES`.
    """
    # Labels first: leaves that become equal make nodes above them equal, and sets of fewer nodes.
    leaves = [tuple(sorted({relabel(label) for label in leaf})) for leaf in layers.leaves]
    layers = _shared(layers.variables, layers.layers, leaves)
    kept = [depth for depth, axis in enumerate(layers.variables) if axis.name in keep]
    # A set of nodes stands in front of the next kept axis: axes between are passed at once.
    ends = [*kept, len(layers.variables)]

    def onwards(nodes: Iterable[int], depth: int, end: int) -> frozenset[int]:
        reached = frozenset(nodes)
        for layer in layers.layers[depth:end]:
            reached = frozenset(child for node in reached for _, child in layer[node])
        return reached

    frontier: dict[frozenset[int], int] = {}
    if layers.leaves:
        frontier[onwards((0,), 0, ends[0])] = 0
    made: list[tuple[Node, ...]] = []
    for depth, end in zip(kept, ends[1:], strict=True):
        below: dict[frozenset[int], int] = {}
        advanced: dict[frozenset[int], int] = {}
        layer: list[Node] = []
        for nodes in frontier:
            chosen = []
            for option, children in _behind(layers.layers[depth], nodes):
                if children not in advanced:
                    reached = onwards(children, depth + 1, end)
                    advanced[children] = below.setdefault(reached, len(below))
                chosen.append((option, advanced[children]))
            layer.append(tuple(chosen))
            # There can be exponentially many sets; the bound is looked at while they are made.
            if len(layer) + len(below) > MAX_NODES:
                raise UndecidedError(_too_large())
        made.append(tuple(layer))
        frontier = below
    found = [
        tuple(sorted({label for leaf in nodes for label in layers.leaves[leaf]}))
        for nodes in frontier
    ]
    return _shared([layers.variables[depth] for depth in kept], made, found)


def _behind(layer: Sequence[Node], nodes: Iterable[int]) -> list[tuple[int, frozenset[int]]]:
    """Return what the nodes of a set lead to, per option, ascending."""
    behind: dict[int, set[int]] = {}
    for node in nodes:
        for option, child in layer[node]:
            behind.setdefault(option, set()).add(child)
    return [(option, frozenset(behind[option])) for option in sorted(behind)]


class _Splits:
    """What regions look like from each option of one variable; each region is split once."""

    def __init__(self, variable: FiniteVariable) -> None:
        self._variable = variable
        self._numbers = {option: number for number, option in enumerate(variable.options)}
        self._known: dict[Region, tuple[tuple[int, Region], ...]] = {}

    def split(self, region: Region) -> tuple[tuple[int, Region], ...]:
        """Return the options that lead to a cell, and what remains behind each."""
        found = self._known.get(region)
        if found is None:
            found = tuple(
                (self._numbers[option], child)
                for options, child in region.split(self._variable.name)
                if not child.is_empty()
                for option in options
            )
            self._known[region] = found
        return found


def _shared(
    variables: Sequence[FiniteVariable],
    layers: Sequence[Sequence[Node]],
    leaves: Sequence[tuple[int, ...]],
) -> Layers:
    """Return the same rows with equal nodes made one, from the leaves upwards."""
    different: dict[tuple[int, ...], int] = {}
    place = [different.setdefault(leaf, len(different)) for leaf in leaves]
    # Only nodes whose children are renamed already can be compared, hence upwards. No node is lost:
    # sets and sweeps make none that cannot be reached.
    upwards: list[tuple[Node, ...]] = []
    for layer in reversed(layers):
        nodes: dict[Node, int] = {}
        place = [
            nodes.setdefault(tuple((option, place[child]) for option, child in node), len(nodes))
            for node in layer
        ]
        upwards.append(tuple(nodes))
    return Layers(
        variables=tuple(variables), layers=tuple(reversed(upwards)), leaves=tuple(different)
    )


def _too_large() -> Diagnostic:
    return Diagnostic(
        code="MX0634",
        message=f"the distinct combinations of these columns need over {MAX_NODES:,} nodes",
        hint="name more of the first axes, or fewer of the last ones; or choose cells with --where",
    )
