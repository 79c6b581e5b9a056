from __future__ import annotations

from collections import Counter

import pytest

from matrix.solve.sampling import distinct_ranks


def test_all_numbers_where_no_more_exist() -> None:
    assert distinct_ranks(3, 3, seed=1) == (0, 1, 2)
    assert distinct_ranks(3, 9, seed=1) == (0, 1, 2)
    assert distinct_ranks(0, 2, seed=1) == ()


def test_no_number_asked_for_gives_none() -> None:
    assert distinct_ranks(10, 0, seed=1) == ()


def test_the_same_seed_gives_the_same_numbers() -> None:
    assert distinct_ranks(1000, 5, seed=1) == distinct_ranks(1000, 5, seed=1)
    assert distinct_ranks(1000, 5, seed=1) != distinct_ranks(1000, 5, seed=2)


@pytest.mark.parametrize("total", [10**9, 1 << 700])
def test_numbers_are_different_ascending_and_below_the_bound(total: int) -> None:
    ranks = distinct_ranks(total, 200, seed=4)
    assert len(set(ranks)) == 200
    assert list(ranks) == sorted(ranks)
    assert 0 <= ranks[0] < ranks[-1] < total
    assert ranks[-1] > total // 2 > ranks[0]


def test_every_pair_is_equally_likely() -> None:
    drawn = Counter(distinct_ranks(5, 2, seed) for seed in range(5_000))
    assert len(drawn) == 10
    # Binomial with mean 500 and standard deviation 21: five of them on each side.
    assert all(395 < count < 605 for count in drawn.values())
