"""Damaged and hostile inputs of every parser end in a value or a diagnostic: the short run.

`python -m tests.fuzz` is the long one; docs/evidence.md says what it found.
"""

from __future__ import annotations

import os

import pytest

from tests.fuzz.harness import input_of, run
from tests.fuzz.parsers import PARSERS

INPUTS = 1000 if os.environ.get("CI") else 100


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_gives_a_value_or_a_diagnostic(name: str) -> None:
    tally = run(name, range(INPUTS))
    assert not tally.findings, tally.findings[0]
    # A generator whose inputs are all alike would find nothing.
    assert len({input_of(name, number) for number in range(50)}) > 25
    assert tally.values, "no input was right: what is read behind the first check is not reached"
    if name not in _NEVER_WRONG:
        assert tally.errors


# What is no C, or in no written form, is passed over.
_NEVER_WRONG = {"C", "written forms of a .config"}


def test_there_are_parsers_enough() -> None:
    assert len(PARSERS) >= 18


def test_a_finding_is_made_again_from_its_number() -> None:
    assert [input_of("mail", number) for number in range(20)] == [
        input_of("mail", number) for number in range(20)
    ]
