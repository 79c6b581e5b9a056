"""Laws of tallies: the diagram against a loop over listed assignments."""

from __future__ import annotations

import collections
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.solve.diagram import Diagram
from matrix.solve.space import Backend, Region, Space
from matrix.solve.tally import combinations, tally
from tests.brute import Brute
from tests.strategies import spaces

Row = tuple[str, ...]


@st.composite
def asked(draw: st.DrawFn) -> tuple[Space, dict[str, list[Row]], list[str]]:
    """A space, two sets of assignments by name that may overlap, and some axes in any order."""
    space = draw(spaces())
    every = list(itertools.product(*(variable.options for variable in space.all_variables)))
    masks = [int.from_bytes(draw(st.binary(min_size=79, max_size=79))) for _ in range(2)]
    sets = {
        name: [row for number, row in enumerate(every) if mask >> number % 632 & 1]
        for name, mask in zip(("one", "other"), masks, strict=True)
    }
    names = draw(st.permutations([variable.name for variable in space.variables]))
    return space, sets, names[: draw(st.integers(0, len(names)))]


def region_of(backend: Backend, rows: list[Row]) -> Region:
    names = [variable.name for variable in backend.space.all_variables]
    region = backend.nothing()
    for row in rows:
        region |= backend.everything().at(dict(zip(names, row, strict=True)))
    return region


@pytest.mark.parametrize("backend_type", [Brute, Diagram])
@given(drawn=asked())
def test_a_tally_is_what_counting_rows_gives(
    backend_type: type[Brute | Diagram], drawn: tuple[Space, dict[str, list[Row]], list[str]]
) -> None:
    space, sets, names = drawn
    backend = backend_type(space)
    regions = {name: region_of(backend, rows) for name, rows in sets.items()}
    places = [[variable.name for variable in space.variables].index(name) for name in names]
    expected: dict[Row, dict[str, int]] = collections.defaultdict(dict)
    for name, rows in sets.items():
        for cell in {row[: len(space.variables)] for row in rows}:
            counts = expected[tuple(cell[place] for place in places)]
            counts[name] = counts.get(name, 0) + 1
    found = tally(regions, names)
    assert found == expected
    options = [space.variable(name).options for name in names]
    assert list(found) == [row for row in itertools.product(*options) if row in expected]
    everywhere = regions["one"] | regions["other"]
    assert combinations(everywhere, names) == len(expected)


def test_nothing_is_asked_of_no_region() -> None:
    assert tally({}, ["axis"]) == {}
