"""Laws of listed cells: layers and their columns against plain sets of tuples."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.solve.diagram import Diagram
from matrix.solve.layers import layers_of, projected
from matrix.solve.listing import Columns, Listing
from matrix.solve.space import Backend, Region, Space
from tests.brute import Brute
from tests.strategies import spaces

Row = tuple[int, ...]
Assignments = list[frozenset[Row]]


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Space, Assignments]:
    """A space and one to four sets of assignments to all its variables, which may overlap."""
    space = draw(spaces())
    every = list(itertools.product(*(range(len(v.options)) for v in space.all_variables)))
    bits = draw(st.lists(st.binary(min_size=79, max_size=79), min_size=1, max_size=4))
    masks = [int.from_bytes(mask) for mask in bits]
    return space, [
        frozenset(row for number, row in enumerate(every) if mask >> number % 632 & 1)
        for mask in masks
    ]


def region_of(backend: Backend, rows: frozenset[Row]) -> Region:
    region = backend.nothing()
    for row in rows:
        names = backend.space.all_variables
        region |= backend.everything().at(
            {variable.name: variable.options[n] for variable, n in zip(names, row, strict=True)}
        )
    return region


def by_hand(space: Space, sets: Assignments) -> tuple[list[Row], list[Row]]:
    """Return the visible cells in order, and the numbers of the sets that each is in."""
    width = len(space.variables)
    visible = [{row[:width] for row in rows} for rows in sets]
    cells = sorted(set().union(*visible))
    return cells, [tuple(n for n, rows in enumerate(visible) if cell in rows) for cell in cells]


def listing_of(space: Space, sets: Assignments, backend_type: type[Brute | Diagram]) -> Listing:
    """Return the listing whose label is the set of numbers, as bits."""
    backend = backend_type(space)
    return Listing(layers_of(space, [region_of(backend, rows) for rows in sets], as_bits))


def as_bits(numbers: Sequence[int]) -> int:
    return sum(1 << number for number in numbers)


def rows_of(columns: Columns) -> list[Row]:
    return [tuple(row) for row in np.column_stack(columns).tolist()]


@pytest.mark.parametrize("backend_type", [Brute, Diagram])
@given(drawn=labelled())
def test_rows_are_the_cells_in_order_with_their_labels(
    backend_type: type[Brute | Diagram], drawn: tuple[Space, Assignments]
) -> None:
    space, sets = drawn
    cells, labels = by_hand(space, sets)
    listing = listing_of(space, sets, backend_type)
    assert listing.rows == len(cells)
    expected = [(*cell, as_bits(label)) for cell, label in zip(cells, labels, strict=True)]
    assert rows_of(listing.stretch(0, listing.rows)) == expected
    every = np.array(
        list(itertools.product(*(range(len(axis.options)) for axis in space.variables)))
    )
    known = {cell: as_bits(label) for cell, label in zip(cells, labels, strict=True)}
    found = listing.labels(every).tolist()
    assert found == [known.get(tuple(cell), -1) for cell in every.tolist()]


@given(labelled(), st.data())
def test_a_limit_is_a_prefix_and_stretches_join(
    drawn: tuple[Space, Assignments], data: st.DataObject
) -> None:
    listing = listing_of(*drawn, Diagram)
    every = rows_of(listing.stretch(0, listing.rows))
    limit = data.draw(st.integers(0, listing.rows + 2))
    size = data.draw(st.integers(1, listing.rows + 2))
    stretches = [rows_of(columns) for columns in listing.stretches(size, limit)]
    assert [row for rows in stretches for row in rows] == every[:limit]
    assert all(len(rows) <= size for rows in stretches)
    start = data.draw(st.integers(0, listing.rows))
    assert rows_of(listing.stretch(start, size)) == every[start : start + size]


@given(labelled(), st.integers(0, 30), st.integers())
def test_a_sample_is_that_of_the_region(
    drawn: tuple[Space, Assignments], size: int, seed: int
) -> None:
    space, sets = drawn
    backend = Brute(space)
    region = region_of(backend, frozenset().union(*sets))
    expected = [
        tuple(axis.options.index(cell[axis.name]) for axis in space.variables)
        for cell in region.sample(size, seed)
    ]
    listing = listing_of(space, sets, Diagram)
    assert [row[:-1] for row in rows_of(listing.sample(size, seed))] == expected


@given(labelled(), st.data())
def test_a_projection_is_the_set_of_what_remains(
    drawn: tuple[Space, Assignments], data: st.DataObject
) -> None:
    space, sets = drawn
    kept = data.draw(st.sets(st.sampled_from([axis.name for axis in space.variables])))
    bits = data.draw(st.integers(0, 15))
    backend = Diagram(space)
    layers = layers_of(space, [region_of(backend, rows) for rows in sets], as_bits)
    listing = Listing(projected(layers, kept, lambda label: label & bits))
    cells, labels = by_hand(space, sets)
    places = [place for place, axis in enumerate(space.variables) if axis.name in kept]
    expected = {
        (*(cell[place] for place in places), as_bits(label) & bits)
        for cell, label in zip(cells, labels, strict=True)
    }
    assert rows_of(listing.stretch(0, listing.rows)) == sorted(expected)
