"""Numbers as readers see them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.render.quantities import counted, grouped, listing, percent, release_label

NARROW = "\u202f"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1_000"), (1234567, "1_234_567"), (5 * 10**9, "5_000_000_000")],
)
def test_digits_stand_in_groups_of_three(number: int, text: str) -> None:
    assert grouped(number) == text.replace("_", NARROW)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 10**10, "< 0.1 %"),
        (10**10 - 1, 10**10, "> 99.9 %"),
        (1, 2, "50.0 %"),
        (1, 3, "33.3 %"),
        (2, 3, "66.7 %"),
        (1, 2000, "0.1 %"),
        (1, 2001, "< 0.1 %"),
        (1999, 2000, "> 99.9 %"),
    ],
)
def test_percent_by_hand(part: int, whole: int, text: str) -> None:
    assert percent(part, whole) == text.replace(" ", NARROW)


@given(st.integers(1, 10**12), st.data())
def test_percent_never_rounds_something_to_nothing_or_to_all(
    whole: int, data: st.DataObject
) -> None:
    part = data.draw(st.integers(0, whole))
    text = percent(part, whole).replace(NARROW, " ")
    assert (text == "0 %") == (part == 0)
    assert (text == "100 %") == (part == whole)
    if text[0] not in "<>" and 0 < part < whole:
        assert abs(Fraction(text.split()[0]) - Fraction(100 * part, whole)) <= Fraction(1, 20)


@pytest.mark.parametrize(("part", "whole"), [(-1, 3), (4, 3)])
def test_what_is_no_share_is_a_bug(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        percent(part, whole)


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_listing(words: list[str], text: str) -> None:
    assert listing(words) == text


def test_a_noun_follows_its_number() -> None:
    assert counted(1, "cell") == "1 cell"
    assert counted(0, "cell") == "0 cells"
    assert counted(2, "behaviour class", "behaviour classes") == "2 behaviour classes"


def test_releases_say_what_is_ported_on_top() -> None:
    assert release_label(["7.2", "7.3"], "v12") == "7.2, 7.3 + v12"
    assert release_label(["7.3"], None) == "7.3"
