"""Texts for the terminal keep to its width; only what is there to be copied may be longer."""

from __future__ import annotations

import json
import textwrap

import pytest

from tests.cli_runner import run_cli

CELL = ("simulate", "cpu=apple-m2")
COMMANDS = [
    ("rules", "arm64-overview"),
    ("claims", "arm64-memfd-secret"),
    ("diff", "v12", "cacheable-pfnmap", "--matrix", "arm64-overview"),
    ("count", "arm64-overview"),
    ("kernels", "list"),
    *[("kernels", "show", release) for release in ("5.10", "6.6", "7.3")],
    ("cpus", "list"),
    ("cpus", "list", "@server"),
    CELL,
    (*CELL, "--brief"),
    (*CELL, "--event", "guest instruction fetch"),
    ("simulate", "boot.kvm_arm_mode=protected,vm=protected", "--variant", "guest=no-exec"),
    ("synthesize", "arm64-memfd-secret"),
]
# Each takes seconds: at the width that is promised only.
SLOW = [(*CELL, "--two-actors"), ("synthesize",)]


def wide(line: str) -> int:
    """Return the columns of a line; C in kernel style begins with tabs of 8."""
    return len(line.expandtabs(8))


@pytest.mark.parametrize(
    ("command", "width"),
    [*((command, width) for command in COMMANDS for width in (80, 100)), *((c, 80) for c in SLOW)],
)
def test_lines_fit(command: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    ran = run_cli(*command)
    assert ran.code == 0, ran.err
    long = [line for line in ran.out.splitlines() if wide(line) > width]
    # A cell and a C expression are copied whole.
    copied = ("  implies(", "    safe:    ", "    unsafe:  ")
    assert all("nearest: " in line or line.startswith(copied) for line in long), long


@pytest.mark.parametrize("command", [CELL, ("kernels", "show", "7.3"), ("cpus", "list")])
def test_a_wider_terminal_is_used(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {}
    for width in (80, 100):
        monkeypatch.setenv("COLUMNS", str(width))
        texts[width] = run_cli(*command).out
    assert max(map(wide, texts[100].splitlines())) > 80
    # Wrapping breaks and indents lines, and changes nothing else.
    assert texts[80].split() == texts[100].split()


def test_the_wrapped_predicate_is_the_one_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, _, rest = run_cli("synthesize").out.partition("As one expression:\n\n")
    shown = rest.partition("\n\n")[0]
    assert len(shown.splitlines()) > 1
    predicate = json.loads(run_cli("synthesize", "--format", "json").out)["predicate"]
    assert textwrap.dedent(shown).split() == predicate.split()


def test_cpus_list_says_what_its_marks_stand_for() -> None:
    listed = run_cli("cpus", "list").out.splitlines()
    assert listed[-1] == "? = unknown; opt = build option"


@pytest.mark.parametrize("option", ["--cpu", "--kernel", "--vm", "--capability", "--fail-on"])
def test_a_word_of_thousands_of_characters_does_not_bury_the_message(option: str) -> None:
    config = "tests/data/booted/7.3.config"
    given = {"--cpu": "graviton3", option: "9" * 5000}
    ran = run_cli("validate", config, *(word for pair in given.items() for word in pair))
    assert ran.code in (2, 3)
    said = [line for line in ran.err.splitlines() if not line.startswith("hint: ")]
    assert f"`{'9' * 40}…`" in ran.err
    assert max(map(len, said)) <= 120


def test_a_study_without_claims_says_so() -> None:
    assert "the study states no claims" in run_cli("claims", "arm64-overview").out
