"""Work by several threads: in order, few inputs ahead, and nothing of it outlives an error."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from matrix.door.threads import in_threads


def counted(end: int, asked: list[int]) -> Iterator[int]:
    for number in range(end):
        asked.append(number)
        yield number


@pytest.mark.parametrize("jobs", [1, 2, 3, 99])
def test_results_come_in_the_order_of_the_inputs(jobs: int) -> None:
    gate = threading.Event()

    def work(number: int) -> int:
        # The first input is done last of those that are under way.
        if jobs > 1 and number == 0:
            assert gate.wait(60)
        if number == 1:
            gate.set()
        return number * number

    asked: list[int] = []
    for number, square in in_threads(work, counted(50, asked), jobs):
        assert square == number * number
        assert len(asked) - 1 - number <= (0 if jobs == 1 else 4)
    assert asked == list(range(50))


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_error_comes_after_what_was_before_it(jobs: int) -> None:
    seen: list[int] = []
    others = set(threading.enumerate())
    found = in_threads(lambda number: 6 // (2 - number), iter(range(9)), jobs)
    with pytest.raises(ZeroDivisionError):
        seen.extend(inverse for _, inverse in found)
    assert seen == [3, 6]
    assert set(threading.enumerate()) <= others
