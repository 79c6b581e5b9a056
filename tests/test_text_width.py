"""Texts for the terminal keep to its width; only what is there to be copied may be longer."""

from __future__ import annotations

import json
import os
import re
import shlex
import textwrap
from pathlib import Path

import pytest

from matrix.cli.commands import COMMANDS as NAMES
from matrix.cli.examples import EXAMPLES
from tests.cli_runner import run_cli
from tests.documented_commands import PAGES, documented_commands

ROOT = Path(__file__).parent.parent

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


# What a C expression, a cell, a kernel line or a fragment to be copied begins with.
COPIED = re.compile(r"\s*(?:implies\(|safe: |unsafe: |fix: |@@ |[>+] ?\S)|.*\bnearest: ")
MX = re.compile(r"(?m)^.*\b(?:error|warning|note)\[MX\d{4}\]:")
# Words that stand for a file or tree of a reader, or need one; forms that are not for a person.
NOT_HERE = re.compile(
    r"[A-Z]{3,}\b|--tree|DIR|mail\.mbox|hosts\.csv|--save|--host|--write|--record|--fix|--form"
    r"|init|my-|mine|embed|distros import|schema|^report|probe|columns|--sample|kernels verify"
    r"|review$|diff A|--evidence|--output|--scheduler|^block|^explain$"
)


def too_wide(text: str) -> list[str]:
    """Return the lines over 80 columns that could have been broken."""
    return [
        line
        for line in text.splitlines()
        if wide(line) > 80 and " " in line.strip() and not COPIED.match(line)
        # The place of a diagnostic stays in one piece, whatever the path is.
        if not MX.fullmatch(line)
    ]


def groups() -> list[tuple[str, ...]]:
    """Return each command and each command of a group, as examples name them."""
    return [tuple(name.split()) for name in dict.fromkeys((*NAMES, *EXAMPLES))]


@pytest.mark.parametrize("command", groups(), ids=" ".join)
def test_help_has_sentences_examples_and_80_columns(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = run_cli(*command, "--help")
    assert ran.code == 0
    assert too_wide(ran.out) == []
    listed = ran.out.partition("\nCommands:\n")[2]
    assert not re.search(r"\.\.\.$", listed, re.MULTILINE)
    name = " ".join(command)
    if name in EXAMPLES:
        for example in EXAMPLES[name]:
            assert f"\n    {example}\n" in ran.out
    else:
        assert any(other.startswith(f"{name} ") for other in EXAMPLES)


def test_outputs_that_documents_show_are_not_wider_than_80_columns() -> None:
    shown = [
        line
        for page in PAGES
        for block in re.findall(r"```\n(\$ matrix .*?)```\n", page.read_text(), re.DOTALL)
        for line in block.split("\n", 1)[1].splitlines()
        if "--format" not in block.split("\n")[0]
    ]
    assert len(shown) > 100
    assert too_wide("\n".join(shown)) == []


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="runs some forty commands: CI=true")
@pytest.mark.parametrize(
    "command", [text for text in documented_commands() if not NOT_HERE.search(text)]
)
def test_documented_commands_keep_to_80_columns(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(ROOT)
    ran = run_cli(*shlex.split(command))
    assert ran.code in (0, 1, 2, 4), ran.err
    assert too_wide(ran.out) == []
    assert too_wide(ran.err) == []


# Commands that have much to say of what they were given.
WRONG = [
    ("explain", "cpu=graviton33"),
    ("explain", "cpu=cortex-a72,page_size=16k"),
    ("validate", "tests/data/booted/7.3.config", "--cpu", "graviton33"),
    ("validate", "tests/data/booted/7.3.config", "--set", "gicc=v3", "--cpu", "graviton3"),
    ("cells", "--columns", "cpu,verdikt"),
    ("view", "--where", "verdict == unsonud && kpu == 1 && can_set_direct_mapp()"),
    ("review", "tests/cases/review/two-versions.mbox"),
    ("validate", "tests/data/a folder that is not there/nor this file of a long name.config"),
    ("validate", "--vmm", "protected", "tests/data/booted/7.3.config"),
    ("embed", "tests/data/absent.md"),
]


@pytest.mark.parametrize("command", WRONG, ids=" ".join)
def test_what_is_said_keeps_to_80_columns_where_a_person_reads_it(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for_a_log = run_cli(*command)
    monkeypatch.setenv("COLUMNS", "80")
    for_a_person = run_cli(*command)
    assert for_a_log.code == for_a_person.code != 0
    assert too_wide(for_a_person.err) == []
    # Nothing is lost, and what editors and `grep` look for stands in one piece.
    assert for_a_person.err.split() == for_a_log.err.split()
    assert MX.findall(for_a_person.err) == MX.findall(for_a_log.err)
    messages = [line for line in for_a_log.err.splitlines() if MX.match(line)]
    assert len(messages) == len(MX.findall(for_a_log.err))


def test_a_list_of_hundreds_of_names_is_cut() -> None:
    ran = run_cli("explain", "cpu=graviton33")
    hint = ran.err.splitlines()[-1]
    assert hint.startswith("hint: did you mean `aws-graviton3`? known options of cpu: ")
    assert re.search(r", … and \d+ more$", hint)
    assert len(hint) < 400
