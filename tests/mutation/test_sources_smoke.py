"""The seeded changes of kernel sources on a small sample; whole runs are by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mutation.mutate_sources import ROOT, changes, measure

EACH = 6 if os.environ.get("CI") else 2


def profile(release: str) -> str:
    return (ROOT / "configs" / "kernels" / f"linux-{release}-arm64.yaml").read_text("utf-8")


def test_there_are_changes_of_every_kind(kernel_tree: Callable[[str], Path]) -> None:
    made = list(changes(profile("7.3"), kernel_tree("7.3"), neutral=False))
    neutral = list(changes(profile("7.3"), kernel_tree("7.3"), neutral=True))
    assert len({change.rule for change in made}) >= 20
    assert len({change.rule for change in neutral}) >= 8
    assert len(made) > 300
    # A change is one: no line is replaced by itself.
    for change in (*made, *neutral):
        text = (kernel_tree("7.3") / change.path).read_text("utf-8").split("\n")
        assert tuple(text[change.first : change.last + 1]) != change.lines


@pytest.mark.parametrize(("release", "seed"), [("5.10", 3), ("6.12", 4), ("7.3", 5)])
def test_changes_of_meaning_are_noticed(
    release: str, seed: int, kernel_tree: Callable[[str], Path]
) -> None:
    result = measure(release, kernel_tree(release), each=EACH, seed=seed)
    assert result.made.total() == EACH
    assert result.wrong == ()


@pytest.mark.parametrize(("release", "seed"), [("6.1", 3), ("7.2", 4)])
def test_neutral_changes_are_not(
    release: str, seed: int, kernel_tree: Callable[[str], Path]
) -> None:
    result = measure(release, kernel_tree(release), each=EACH, seed=seed, neutral=True)
    assert result.made.total() == EACH
    assert result.wrong == ()
