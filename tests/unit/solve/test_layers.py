"""Layers of a space worked by hand, bounds, and spaces too large for machine integers."""

from __future__ import annotations

import numpy as np
import pytest

from matrix.diagnostics import UndecidedError
from matrix.solve import layers as layers_module
from matrix.solve import listing as listing_module
from matrix.solve.diagram import Diagram
from matrix.solve.layers import Layers, layers_of, projected
from matrix.solve.listing import Listing, number_type
from matrix.solve.space import FiniteVariable, Space

KERNEL = FiniteVariable(name="kernel", options=("6.12", "7.3"))
CPU = FiniteVariable(name="cpu", options=("a", "b", "c"))
HIDDEN = FiniteVariable(name="?dic", options=("no", "yes"), values=(False, True))


def one_label(_: tuple[int, ...]) -> int:
    return 0


def first(numbers: tuple[int, ...]) -> int:
    return numbers[0]


def listed(listing: Listing) -> list[list[int]]:
    rows: list[list[int]] = np.column_stack(listing.stretch(0, listing.rows)).tolist()
    return rows


def test_rows_worked_by_hand() -> None:
    diagram = Diagram(Space(variables=(KERNEL, CPU)))
    everything = diagram.everything()
    new_b = everything.at({"kernel": "7.3", "cpu": "b"})
    rest = everything - new_b - everything.at({"kernel": "6.12", "cpu": "a"})
    layers = layers_of(diagram.space, [rest, new_b], first)
    assert listed(Listing(layers)) == [[0, 1, 0], [0, 2, 0], [1, 0, 0], [1, 1, 1], [1, 2, 0]]
    by_label = projected(layers, ("kernel",), lambda label: label)
    assert listed(Listing(by_label)) == [[0, 0], [1, 0], [1, 1]]
    by_cpu = projected(layers, ("cpu",), lambda _: 0)
    assert listed(Listing(by_cpu)) == [[0, 0], [1, 0], [2, 0]]
    labels_only = projected(layers, (), lambda label: label)
    assert listed(Listing(labels_only)) == [[0], [1]]


def test_a_hidden_variable_is_no_row_of_its_own() -> None:
    diagram = Diagram(Space(variables=(KERNEL,), hidden=(HIDDEN,)))
    with_dic = diagram.everything().restrict("?dic", ("yes",))
    new = diagram.everything().restrict("kernel", ("7.3",))
    seen: list[tuple[int, ...]] = []

    def label(numbers: tuple[int, ...]) -> int:
        seen.append(numbers)
        return len(numbers)

    listing = Listing(layers_of(diagram.space, [with_dic, new - with_dic], label))
    # Where only some value of the hidden variable is in a region, the cell is in it.
    assert listed(listing) == [[0, 1], [1, 2]]
    assert seen == [(0,), (0, 1)]


def test_no_cell() -> None:
    diagram = Diagram(Space(variables=(KERNEL, CPU)))
    layers = layers_of(diagram.space, [diagram.nothing()], one_label)
    for found in (layers, projected(layers, ("cpu",), lambda label: label)):
        listing = Listing(found)
        assert listing.rows == 0
        assert list(listing.stretches(10)) == []
        assert [len(column) for column in listing.stretch(0, 5)] == [0] * (len(found.layers) + 1)
        assert [len(column) for column in listing.sample(5, 1)] == [0] * (len(found.layers) + 1)
    assert Listing(layers).labels(np.array([[0, 0], [1, 2]])).tolist() == [-1, -1]


def test_numbers_outside_the_rows_are_refused() -> None:
    diagram = Diagram(Space(variables=(KERNEL, CPU)))
    listing = Listing(layers_of(diagram.space, [diagram.everything()], one_label))
    for wrong in (-1, 6):
        with pytest.raises(IndexError, match="there are 6 rows"):
            listing.at([0, wrong])
    outside = np.array([[0, 0], [2, 0], [0, -1], [0, 3]])
    assert listing.labels(outside).tolist() == [0, -1, -1, -1]


def test_a_space_beyond_machine_integers() -> None:
    names = [f"axis{number:02}" for number in range(60)]
    axes = tuple(FiniteVariable(name=name, options=("0", "1", "2")) for name in names)
    diagram = Diagram(Space(variables=axes))
    # Everything but the first cell: 3^60 - 1 rows, of 95 bits.
    zero = diagram.everything().at(dict.fromkeys(names, "0"))
    listing = Listing(layers_of(diagram.space, [~zero], one_label))
    assert listing.rows == 3**60 - 1
    rank = 3**59 + 12_345

    def digits(number: int) -> list[int]:
        return [number // 3**place % 3 for place in reversed(range(60))]

    found = np.column_stack(listing.stretch(rank, 100_000)[:-1])
    assert len(found) == 100_000
    assert found[0].tolist() == digits(rank + 1)
    assert found[-1].tolist() == digits(rank + 100_000)
    few = np.column_stack(listing.stretch(rank, 3)[:-1])
    assert few.tolist() == found[:3].tolist()
    assert np.column_stack(listing.at([0, rank, 3**60 - 2])[:-1]).tolist() == [
        digits(1),
        digits(rank + 1),
        digits(3**60 - 1),
    ]
    assert len(listing.stretch(3**60 - 3, 10)[0]) == 2


def test_too_many_combinations_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    diagram = Diagram(Space(variables=(KERNEL, CPU)))
    layers = layers_of(diagram.space, [diagram.everything()], one_label)
    monkeypatch.setattr(layers_module, "MAX_NODES", 1)
    with pytest.raises(UndecidedError) as caught:
        projected(layers, ("kernel", "cpu"), lambda label: label)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["MX0634"]


def test_both_ways_to_expand_a_stretch_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = Layers(
        variables=(KERNEL, CPU),
        layers=((((0, 0), (1, 1)),), (((0, 0), (2, 1)), ((1, 0),))),
        leaves=((0,), (0, 2)),
    )
    plain = Listing(layers)
    monkeypatch.setattr(listing_module, "_FEW", 0)
    for most in (1, 2, 4, 1000):
        monkeypatch.setattr(listing_module, "_TAIL_ROWS", most)
        kept = Listing(layers)
        for start in range(plain.rows):
            for size in range(plain.rows + 2):
                expected = np.column_stack(plain.at(range(start, min(start + size, plain.rows))))
                assert np.column_stack(kept.stretch(start, size)).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("count", "kind"),
    [(0, "int8"), (128, "int8"), (129, "int16"), (32_768, "int16"), (32_769, "int32")],
)
def test_the_smallest_type_that_holds_the_numbers(count: int, kind: str) -> None:
    assert number_type(count) == np.dtype(kind)
