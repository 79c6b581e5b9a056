from __future__ import annotations

import itertools

import pytest

from matrix.diagnostics import UndecidedError
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.solve import covering
from matrix.solve.covering import CoveringArray, covering_array
from matrix.solve.diagram import Diagram
from matrix.solve.space import FiniteVariable, Region, Space


def region_of(*sizes: int) -> Region:
    """Return the region of everything over axes of these sizes."""
    axes = tuple(
        FiniteVariable(name=f"x{number}", options=tuple(map(str, range(size))))
        for number, size in enumerate(sizes)
    )
    return Diagram(Space(variables=axes)).everything()


def assert_covers(array: CoveringArray, sizes: tuple[int, ...]) -> None:
    """Count, for every choice of axes, the combinations that the rows have."""
    for axes in itertools.combinations(range(len(sizes)), array.strength):
        expected = 1
        for axis in axes:
            expected *= sizes[axis]
        assert len({tuple(row[axis] for axis in axes) for row in array.rows}) == expected


# The models of the literature (Cohen et al. 1997), with the rows of allpairspy 2.5.1 and of PICT:
# 9 and 12, 17 and 19, 37 and 38, 219 and 213. Ours must not be more than the smaller of the two.
@pytest.mark.parametrize(
    ("sizes", "most"),
    [
        ((3,) * 4, 9),
        ((3,) * 13, 17),
        ((4,) * 15 + (3,) * 17 + (2,) * 29, 37),
        ((10,) * 20, 213),
    ],
    ids=["3^4", "3^13", "4^15-3^17-2^29", "10^20"],
)
def test_no_more_rows_than_the_known_tools(sizes: tuple[int, ...], most: int) -> None:
    for seed in range(3):
        array = covering_array(region_of(*sizes), 2, seed)
        assert_covers(array, sizes)
        assert len(array.rows) <= most


@pytest.mark.parametrize(
    ("strength", "sizes", "most"),
    [(1, (5, 3, 3), 5), (3, (3,) * 13, 70), (3, (2,) * 20, 24), (4, (2,) * 12, 30)],
)
def test_rows_at_other_strengths(strength: int, sizes: tuple[int, ...], most: int) -> None:
    array = covering_array(region_of(*sizes), strength)
    assert_covers(array, sizes)
    assert array.fewest <= len(array.rows) <= most


def test_nothing_has_no_rows_and_a_space_without_axes_one() -> None:
    everything = region_of(3, 3)
    assert covering_array(everything - everything, 2).rows == ()
    assert covering_array(region_of(), 2).rows == ((),)


def test_fewer_axes_than_the_strength_give_every_cell() -> None:
    array = covering_array(region_of(2, 3), 4)
    assert array.rows == tuple(itertools.product(range(2), range(3)))
    assert next(array.cells()) == {"x0": "0", "x1": "0"}


def test_an_unknown_strength_is_refused() -> None:
    with pytest.raises(ValueError, match="strength 5"):
        covering_array(region_of(2, 3), 5)


def test_too_many_combinations_are_refused_before_any_row_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(covering, "MOST_COMBINATIONS", 100)
    with pytest.raises(UndecidedError) as caught:
        covering_array(region_of(*(3,) * 6), 4)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "MX0640"
    # C(6,4) * 3^4 of four options, 6 * 3 of one; C(6,2) * 3^2 = 135 of two are too many as well.
    assert diagnostic.message.startswith("1,215 combinations of 4 options")
    assert diagnostic.hint == "strength 1 has 18 of them; or leave axes or options out"


@pytest.fixture(scope="module")
def shipped() -> tuple[PreparedStudy, Region]:
    prepared = prepare_study(Library(()), "arm64-gmem-no-direct-map")
    return prepared, prepared.solve().valid


def test_pairs_of_the_shipped_study(shipped: tuple[PreparedStudy, Region]) -> None:
    prepared, valid = shipped
    array = covering_array(valid, 2)
    cells = list(array.cells())
    axes = valid.space.variables
    pairs = 0
    for one, other in itertools.combinations(axes, 2):
        held = {(cell[one.name], cell[other.name]) for cell in cells}
        expected = {
            (first, second)
            for first in one.options
            for second in other.options
            if valid.at({one.name: first, other.name: second}).count()
        }
        assert held == expected
        pairs += len(expected)
    assert array.combinations == pairs
    # Each CPU with each form of `rodata=` needs a row of its own: no array is smaller. An algorithm
    # for pairs alone came to 1.001 times as many, this one, which is for every strength, to 1.07.
    assert array.fewest == 284 * 8
    assert len(cells) <= 1.08 * array.fewest
    assert all(prepared.answer(cell) is not None for cell in cells[:: len(cells) // 50])


def test_triples_of_the_shipped_study(shipped: tuple[PreparedStudy, Region]) -> None:
    _, valid = shipped
    array = covering_array(valid, 3)
    names = [axis.name for axis in valid.space.variables]
    # All triples of the axes that constraints tie together, by enumeration of their valid cells.
    tied = ("kernel", "page_size", "kconfig.KFENCE", "entry", "realm", "host")
    free = [name for name in names if name not in tied]
    projected = valid.forget(free).at(
        {name: valid.space.variable(name).options[0] for name in free}
    )
    listed = {tuple(cell[name] for name in tied) for cell in projected.cells()}
    assert len(listed) == projected.count()
    rows = [tuple(cell[name] for name in tied) for cell in array.cells()]
    assert set(rows) <= listed
    for axes in itertools.combinations(range(len(tied)), 3):
        expected = {tuple(cell[axis] for axis in axes) for cell in listed}
        assert {tuple(row[axis] for axis in axes) for row in rows} == expected
    # `fewest` knows of no axes tied together: each CPU has rows of its own for protected VMs whose
    # slot maps other memory, which cover nothing of the other VM kinds and modes.
    assert array.fewest <= len(array.rows) <= 1.35 * array.fewest
