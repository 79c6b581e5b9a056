"""Laws of the nearest cells: the walk of the diagram finds what a list of all cells shows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.solve.diagram import Diagram
from matrix.solve.nearest import Changes, nearest_changes
from matrix.solve.space import Backend, Region, Space
from tests.brute import Brute
from tests.strategies import cell_sets, spaces

STUDIES = settings(max_examples=max(200, settings.default.max_examples if settings.default else 0))
BACKENDS = pytest.mark.parametrize("backend_type", [Brute, Diagram])

Cells = frozenset[tuple[str, ...]]


@st.composite
def journeys(draw: st.DrawFn) -> tuple[Space, Cells, dict[str, str], dict[str, int]]:
    """A space, some of its cells, where one starts, and what changing each axis costs."""
    space = draw(spaces(max_hidden=0))
    cells = draw(cell_sets(space))
    origin = {item.name: draw(st.sampled_from(item.options)) for item in space.variables}
    weights = {item.name: draw(st.sampled_from((1, 2, 10))) for item in space.variables}
    return space, cells, origin, weights


def region_of(backend: Backend, cells: Cells) -> Region:
    region = backend.nothing()
    for cell in cells:
        named = zip((item.name for item in backend.space.variables), cell, strict=True)
        region |= backend.everything().at(dict(named))
    return region


def cost(cell: tuple[str, ...], origin: Mapping[str, str], weights: Mapping[str, int]) -> int:
    pairs = zip(origin.items(), cell, strict=True)
    return sum(weights[axis] for (axis, mine), theirs in pairs if mine != theirs)


def reached(changes: tuple[Changes, ...], origin: Mapping[str, str]) -> set[tuple[str, ...]]:
    """Return every cell that the changes describe."""
    cells: set[tuple[str, ...]] = set()
    for change in changes:
        found = [dict(origin)]
        for axis, options in change:
            assert origin[axis] not in options
            found = [{**cell, axis: option} for cell in found for option in options]
        cells.update(tuple(cell.values()) for cell in found)
    return cells


@BACKENDS
@STUDIES
@given(journey=journeys())
def test_the_nearest_cells_are_all_those_of_least_cost(
    backend_type: type[Brute | Diagram],
    journey: tuple[Space, Cells, dict[str, str], dict[str, int]],
) -> None:
    space, cells, origin, weights = journey
    found = nearest_changes(region_of(backend_type(space), cells), origin, weights, 1000)
    if not cells:
        assert found is None
        return
    least = min(cost(cell, origin, weights) for cell in cells)
    nearest = {cell for cell in cells if cost(cell, origin, weights) == least}
    assert found is not None
    assert (found.weight, found.cells) == (least, len(nearest))
    assert reached(found.changes, origin) == nearest


@given(journey=journeys(), limit=st.integers(1, 3))
def test_a_limit_cuts_the_list_and_not_the_numbers(
    journey: tuple[Space, Cells, dict[str, str], dict[str, int]], limit: int
) -> None:
    space, cells, origin, weights = journey
    region = region_of(Diagram(space), cells)
    whole = nearest_changes(region, origin, weights, 1000)
    cut = nearest_changes(region, origin, weights, limit)
    if whole is None or cut is None:
        assert whole is cut is None
        return
    assert (cut.weight, cut.cells) == (whole.weight, whole.cells)
    assert cut.changes == whole.changes[:limit]
