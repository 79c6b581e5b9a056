"""Texts for the terminal keep to its width; only what is there to be copied may be longer."""

from __future__ import annotations

import pytest

from tests.cli_runner import run_cli

COMMANDS = [
    ("rules", "arm64-overview"),
    ("claims", "arm64-memfd-secret"),
    ("diff", "v12", "cacheable-pfnmap", "--matrix", "arm64-overview"),
    ("kernels", "list"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_lines_fit(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = run_cli(*command)
    long = [line for line in ran.out.splitlines() if len(line) > 80]
    # A cell and a C expression are copied whole.
    assert all("nearest: " in line or line.startswith("  implies(") for line in long), long


def test_a_study_without_claims_says_so() -> None:
    assert "the study states no claims" in run_cli("claims", "arm64-overview").out
