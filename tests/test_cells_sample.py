"""`matrix cells --sample`: the chosen rows hold what all rows hold, and are answered alike."""

from __future__ import annotations

import itertools
import json

import pytest

from matrix.diagnostics import ExitCode
from matrix.solve import covering
from tests.cli_runner import run_cli

OVERVIEW = "arm64-overview"
# Some thousand cells, the constraints and several verdicts among them.
PART = (
    'kernel == "7.3" && (cpu == "cortex-a72" || cpu == "aws-graviton3" || cpu == "neoverse-v1")'
    ' && boot.rodata != "off"'
)
ANSWERS = {"predicate", "outcome", "verdict", "cause", "behaviour_class"}


def listed(*options: str) -> list[dict[str, str | None]]:
    ran = run_cli("cells", OVERVIEW, "--format", "json-lines", *options)
    assert ran.code == ExitCode.OK, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_a_sample_holds_every_combination_of_all_rows(strength: int) -> None:
    every = listed("--where", PART)
    chosen = listed("--where", PART, "--sample", str(strength))
    assert len(chosen) < len(every) / 10
    assert all(row in every for row in chosen[:: max(1, len(chosen) // 20)])
    axes = [name for name in every[0] if name not in ANSWERS]
    for group in itertools.combinations(axes, strength):
        held = {tuple(row[axis] for axis in group) for row in chosen}
        assert held == {tuple(row[axis] for axis in group) for row in every}


def test_the_same_seed_gives_the_same_rows() -> None:
    assert listed("--sample", "2") == listed("--sample", "2", "--seed", "0")
    assert listed("--sample", "2") != listed("--sample", "2", "--seed", "1")


def test_what_was_done_is_said() -> None:
    said = run_cli("cells", OVERVIEW, "--sample", "2").err
    assert said.endswith(" combinations of options of any 2 axes; fewer cannot\n")
    nothing = run_cli(
        "cells", OVERVIEW, "--sample", "2", "--where", 'verdict == "unsound" && kernel == "6.12"'
    )
    assert nothing.code == ExitCode.OK
    assert nothing.err == "0 rows: no cell is chosen\n"


def test_too_many_combinations_end_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "MOST_COMBINATIONS", 3_000)
    ran = run_cli("cells", OVERVIEW, "--sample", "4")
    assert ran.code == ExitCode.UNDECIDED
    assert not ran.out
    assert "error[MX0640]: 177,755 combinations of 4 options are valid" in ran.err
    assert "hint: strength 2 has 2,610 of them" in ran.err
