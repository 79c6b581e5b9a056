"""The changes of lines on a module that is read at a glance; whole runs are by hand."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tests.mutation.mutate_lines import Change, changes_of, switched

SOURCE = '''"""A module."""
from __future__ import annotations


def answer(given: int, most: int = 3) -> tuple[int, ...]:
    """Return numbers."""
    found: list[int] = []
    if given < 2 and most:
        found.append(1)
    return tuple(found)
'''
# By hand: the place (from 1), what is done there, and what answer(0), answer(2) are then.
WORKED = [
    (8, 8, "and/or", (1,), (1,)),
    (8, 8, "branch removed", (), ()),
    (8, 8, "comparison flipped", (1,), (1,)),
    (8, 8, "condition inverted", (), (1,)),
    (8, 16, "number", (1,), (1,)),
    (9, 9, "statement removed", (), ()),
    (9, 22, "number", (2,), ()),
    (10, 12, "returned constant", (), ()),
]


def kind(change: Change) -> tuple[int, int, str]:
    return change.line, change.first + 1, change.kind


def test_what_can_be_changed() -> None:
    assert sorted(map(kind, changes_of("answer.py", SOURCE))) == sorted(row[:3] for row in WORKED)


@pytest.mark.parametrize("row", WORKED, ids=lambda row: f"{row[0]}-{row[2]}")
def test_a_change_is_made_where_it_is_switched_on(
    row: tuple[int, int, str, tuple[int, ...], tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (change,) = (item for item in changes_of("answer.py", SOURCE) if kind(item) == row[:3])
    text = switched(SOURCE, [(7, change)])
    assert len(text.splitlines()) == len(SOURCE.splitlines())
    module, switch = {"__name__": "answer"}, ModuleType("matrix.mutation_switch")
    monkeypatch.setitem(sys.modules, "matrix.mutation_switch", switch)
    for chosen, expected in ((None, ((1,), ())), (7, row[3:])):
        vars(switch)["on"] = lambda number, chosen=chosen: number == chosen
        exec(text, module)  # noqa: S102 - the module that is written above
        answer = module["answer"]
        assert callable(answer)
        assert (answer(0), answer(2)) == expected
