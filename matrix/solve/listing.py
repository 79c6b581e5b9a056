"""The rows of layered regions as columns of numbers: any stretch of them, any choice, any cell.

Takes `Layers`, gives NumPy columns of option numbers and labels, in the order of the space: the
first axis changes slowest. A stretch is expanded layer by layer with `repeat`, never row by row,
and takes memory in proportion to its own length whatever the number of rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from matrix.solve.layers import Layers
from matrix.solve.sampling import distinct_ranks

# Numbers of rows up to here are machine integers; a sum of two cannot overflow. Beyond it NumPy
# holds Python's own integers: slower, never wrong.
_MACHINE = 1 << 61

# The rows below the nodes of one layer that are kept expanded: some ten megabytes at most.
_TAIL_ROWS = 1 << 20
# A stretch of fewer rows does without: the first rows come at once.
_FEW = 1 << 16

Numbers = NDArray[np.signedinteger]
# One column per axis of the layers and one of labels, all of equal length.
Columns = tuple[Numbers, ...]


class _Layer(Struct, frozen=True, kw_only=True):
    """The edges of all nodes of a layer, one after the other.

    Node `n` has the edges `first[n]` to `first[n + 1]`; edge `e` says option `code[e]`, leads to
    node `child[e]` and has the rows `rank[e]` to `rank[e + 1]` when all are numbered through.
    """

    options: int
    first: NDArray[np.int64]
    code: Numbers
    child: NDArray[np.int64]
    rank: NDArray[np.int64]


class _Tails(Struct, frozen=True, kw_only=True):
    """The columns from layer `depth` on; those of its node `n` begin at row `first[n]`."""

    depth: int
    first: NDArray[np.int64]
    columns: Columns


class Listing:
    """All rows of some layers, numbered from 0; nothing is expanded before it is asked for."""

    def __init__(self, layers: Layers) -> None:
        # Labels are a last layer of their own, all of whose edges lead to one node with one row.
        counts = [len(leaf) for leaf in layers.leaves]
        labels = [[(label, 0) for label in leaf] for leaf in layers.leaves]
        most = 1 + max((label for leaf in layers.leaves for label in leaf), default=0)
        upwards = [_layer(labels, [1], most)]
        for variable, nodes in zip(
            reversed(layers.variables), reversed(layers.layers), strict=True
        ):
            upwards.append(_layer(nodes, counts, len(variable.options)))
            counts = [sum(counts[child] for _, child in node) for node in nodes]
        self._layers = tuple(reversed(upwards))
        self._dense: tuple[NDArray[np.int64], ...] | None = None
        self._expanded: _Tails | None = None
        self.rows: int = counts[0] if counts else 0

    @property
    def numbers(self) -> Iterator[NDArray[np.int64] | Numbers]:
        """All that the rows are made of."""
        for layer in self._layers:
            yield from (layer.first, layer.code, layer.child, layer.rank)

    def stretch(self, first: int, size: int) -> Columns:
        """Return rows `first` to `first + size`, or as many as there are."""
        size = max(0, min(size, self.rows - first))
        if not size:
            return tuple(layer.code[:0] for layer in self._layers)
        root = np.zeros(1, np.int64)
        # Expanding the tails would cost more than a short stretch.
        if size < _FEW:
            return tuple(_descend(self._layers, root, first, size).columns)
        tails = self._tails()
        found = _descend(self._layers[: tails.depth], root, first, size)
        starts = tails.first[found.nodes]
        # Only the first node can be entered in its middle; the last one's count ends it.
        starts[0] += found.skipped
        rows = _ranges(starts, found.counts)
        return (*found.columns, *(column.take(rows) for column in tails.columns))

    def stretches(self, size: int, limit: int | None = None) -> Iterator[Columns]:
        """Yield all rows, or the first `limit`, in stretches of at most `size` rows."""
        end = self.rows if limit is None else min(limit, self.rows)
        for first in itertools.count(0, size):
            if first >= end:
                return
            yield self.stretch(first, min(size, end - first))

    def at(self, ranks: Sequence[int]) -> Columns:
        """Return the rows of these numbers, in the order given; IndexError for one there is not."""
        if any(not 0 <= rank < self.rows for rank in ranks):
            raise IndexError(f"there are {self.rows} rows")
        machine = self.rows < _MACHINE
        remaining = np.array(ranks, np.int64 if machine else object)
        nodes = np.zeros(len(ranks), np.int64)
        columns = []
        for layer in self._layers:
            # Rows are numbered through all nodes of a layer, so one binary search serves every
            # node: the row's number inside its node becomes one of the layer, then one inside the
            # edge.
            wanted = layer.rank[layer.first[nodes]] + remaining
            edges = np.searchsorted(layer.rank, wanted, side="right") - 1
            remaining = wanted - layer.rank[edges]
            columns.append(layer.code[edges])
            nodes = layer.child[edges]
        return tuple(columns)

    def sample(self, size: int, seed: int) -> Columns:
        """Return `size` different rows, every such choice equally likely, in the order of rows.

        The same seed gives the same rows as `Region.sample`; all where there are no more.
        """
        return self.at(distinct_ranks(self.rows, size, seed))

    def _tails(self) -> _Tails:
        """Return the last columns of every node of one layer, expanded once and then copied."""
        if self._expanded is None:
            # The first layer whose nodes have few rows between them; nodes are shared, so that is
            # far fewer than the rows above.
            depth = next(
                (n for n, layer in enumerate(self._layers) if layer.rank[-1] <= _TAIL_ROWS),
                len(self._layers) - 1,
            )
            layer = self._layers[depth]
            nodes = np.arange(len(layer.first) - 1)
            self._expanded = _Tails(
                depth=depth,
                first=layer.rank[layer.first].astype(np.int64),
                columns=_descend(self._layers[depth:], nodes, 0, int(layer.rank[-1])).columns,
            )
        return self._expanded

    def labels(self, cells: Numbers) -> NDArray[np.int64]:
        """Return the label of each cell, -1 for what is no cell here.

        `cells` has one row per cell and one column per axis, option numbers in it. For layers whose
        leaves have one label; elsewhere it is the first one.
        """
        if self._dense is None:
            self._dense = tuple(map(_table, self._layers[:-1]))
        nodes = np.zeros(len(cells), np.int64) if self.rows else np.full(len(cells), -1, np.int64)
        for table, options in zip(self._dense, cells.T, strict=True):
            # NumPy has no lookup that is skipped: what is outside looks up 0, 0 and is overwritten.
            inside = (nodes >= 0) & (options >= 0) & (options < table.shape[1])
            nodes = np.where(inside, table[nodes * inside, options * inside], -1)
        last = self._layers[-1]
        if not len(last.code):
            return nodes
        return np.where(nodes >= 0, last.code[last.first[nodes * (nodes >= 0)]], -1)


def number_type(count: int) -> np.dtype[np.signedinteger]:
    """Return the smallest type that holds -1 and the numbers below `count`."""
    return next(
        np.dtype(kind)
        for kind in (np.int8, np.int16, np.int32, np.int64)
        if count <= np.iinfo(kind).max + 1
    )


def _layer(
    nodes: Sequence[Sequence[tuple[int, int]]], counts: Sequence[int], options: int
) -> _Layer:
    """Return a layer as arrays; `counts` are the rows below each node of the next layer."""
    # `first` and `rank` have one entry more than nodes and edges: where the last one ends.
    lengths = [len(node) for node in nodes]
    edges = [edge for node in nodes for edge in node]
    ranks = list(itertools.accumulate((counts[child] for _, child in edges), initial=0))
    return _Layer(
        options=options,
        first=np.array([0, *itertools.accumulate(lengths)], np.int64),
        code=np.array([option for option, _ in edges], number_type(options)),
        child=np.array([child for _, child in edges], np.int64),
        rank=np.array(ranks, np.int64 if ranks[-1] < _MACHINE else object),
    )


class _Descent(Struct, frozen=True, kw_only=True):
    """A stretch down to some layer: its columns so far, the nodes reached with the rows of each.

    `skipped` rows of the first node lie before the stretch.
    """

    columns: tuple[Numbers, ...]
    nodes: NDArray[np.int64]
    counts: NDArray[np.int64]
    skipped: int


def _descend(
    layers: Sequence[_Layer], nodes: NDArray[np.int64], skipped: int, size: int
) -> _Descent:
    """Return `size` rows of what is below some nodes of the first layer, after `skipped` rows."""
    taken = []
    counts = np.array([size], np.int64)
    for layer in layers:
        # All edges of the nodes in order, each as many rows wide as its `rank` says; those wholly
        # before or behind the stretch are cut off at every layer, so no layer keeps more edges than
        # the stretch has rows.
        starts = layer.first[nodes]
        edges = _ranges(starts, layer.first[nodes + 1] - starts)
        # Row numbers, counted from the beginning of the stretch, at which each edge's rows end.
        stops = np.cumsum(layer.rank[edges + 1] - layer.rank[edges]) - skipped
        low = int(np.searchsorted(stops, 0, side="right"))
        high = int(np.searchsorted(stops, size, side="left")) + 1
        edges = edges[low:high]
        # Stops lie inside the stretch but for the last one: machine integers from here on.
        inside = np.minimum(stops[low:high], size).astype(np.int64)
        counts = np.diff(inside, prepend=0)
        # The first edge may begin before the stretch: so many of its rows the layer below skips.
        width = int(layer.rank[edges[0] + 1] - layer.rank[edges[0]])
        skipped = width - int(stops[low])
        taken.append((layer.code[edges], counts))
        nodes = layer.child[edges]
    return _Descent(
        columns=tuple(np.repeat(codes, times) for codes, times in taken),
        nodes=nodes,
        counts=counts,
        skipped=skipped,
    )


def _ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers `start` to `start + length` of each pair, one range after the other."""
    ends = np.cumsum(lengths)
    # One arange over all ranges, shifted for each to where it starts.
    numbers: NDArray[np.int64] = np.repeat(starts - (ends - lengths), lengths)
    numbers += np.arange(len(numbers))
    return numbers


def _table(layer: _Layer) -> NDArray[np.int64]:
    """Return the child of each node and option, -1 where there is none; never without a row."""
    count = len(layer.first) - 1
    table = np.full((max(count, 1), layer.options), -1, np.int64)
    table[np.repeat(np.arange(count), np.diff(layer.first)), layer.code] = layer.child
    return table
