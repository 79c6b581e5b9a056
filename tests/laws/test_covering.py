"""Laws of covering arrays, checked by a counter that lists cells and knows no diagram."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from matrix.solve.covering import CoveringArray, covering_array
from matrix.solve.diagram import Diagram
from matrix.solve.space import FiniteVariable, Region, Space
from tests.brute import Brute

Row = tuple[int, ...]
# An option number per axis that is named: a cell with all of them is forbidden.
Forbidden = dict[int, int]

STRENGTHS = pytest.mark.parametrize("strength", [1, 2, 3, 4])


class Model(Struct, frozen=True, dict=True):
    sizes: tuple[int, ...]
    hidden: int
    forbidden: tuple[Forbidden, ...]

    def cells(self) -> set[Row]:
        """The valid cells: those that some option of the hidden variable allows."""
        return {
            row[: len(self.sizes)]
            for row in itertools.product(*map(range, (*self.sizes, self.hidden)))
            if not any(
                all(row[axis] == option for axis, option in names.items())
                for names in self.forbidden
            )
        }

    def region(self, backend_type: type[Brute | Diagram]) -> Region:
        """The same set, as the solver is given it."""
        variables = [
            FiniteVariable(name=f"x{axis}", options=tuple(f"o{option}" for option in range(size)))
            for axis, size in enumerate((*self.sizes, self.hidden))
        ]
        backend = backend_type(Space(variables=tuple(variables[:-1]), hidden=(variables[-1],)))
        region = backend.everything()
        for names in self.forbidden:
            region -= backend.everything().at(
                {f"x{axis}": f"o{option}" for axis, option in names.items()}
            )
        return region


@st.composite
def models(draw: st.DrawFn) -> Model:
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=6)))
    hidden = draw(st.integers(1, 2))
    every = (*sizes, hidden)
    conjunction = st.dictionaries(
        st.integers(0, len(sizes)), st.integers(0, 3), min_size=1, max_size=4
    )
    drawn = draw(st.lists(conjunction, max_size=10))
    forbidden = tuple(
        {axis: option % every[axis] for axis, option in names.items()} for names in drawn
    )
    return Model(sizes=sizes, hidden=hidden, forbidden=forbidden)


def combinations(rows: Iterable[Sequence[int]], axes: int, strength: int) -> set[tuple[Row, Row]]:
    """Every choice of axes with the options that some row has on them."""
    choices = list(itertools.combinations(range(axes), min(strength, axes)))
    return {(chosen, tuple(row[axis] for axis in chosen)) for row in rows for chosen in choices}


def fewest(valid: set[tuple[Row, Row]]) -> int:
    """The most combinations of one choice of axes."""
    counts: dict[Row, int] = {}
    for axes, _ in valid:
        counts[axes] = counts.get(axes, 0) + 1
    return max(counts.values(), default=0)


@STRENGTHS
@given(model=models(), seed=st.integers(0, 3))
def test_every_valid_combination_is_in_a_row_and_every_row_is_a_cell(
    model: Model, seed: int, strength: int
) -> None:
    found = covering_array(model.region(Diagram), strength, seed)
    cells = model.cells()
    valid = combinations(cells, len(model.sizes), strength)
    assert set(found.rows) <= cells
    assert len(set(found.rows)) == len(found.rows)
    assert list(found.rows) == sorted(found.rows)
    assert combinations(found.rows, len(model.sizes), strength) == valid
    assert found.combinations == len(valid)
    assert found.fewest == fewest(valid) <= len(found.rows) <= len(valid)


# Three arrays an example, brute force among them: fewer examples say as much.
@STRENGTHS
@settings(max_examples=50)
@given(model=models())
def test_the_rows_depend_on_the_set_of_cells_alone(model: Model, strength: int) -> None:
    def found(backend_type: type[Brute | Diagram]) -> CoveringArray:
        return covering_array(model.region(backend_type), strength)

    assert found(Diagram) == found(Diagram) == found(Brute)
