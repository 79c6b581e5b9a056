"""What the documents show is what the tool prints: commands, the README's table, its links."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli_runner import run_cli

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
# Documents that show commands, and how many they show at least.
SHOWING = {
    "README.md": 3,
    "docs/review-questions.md": 15,
    "docs/ci.md": 2,
    "docs/review.md": 1,
    "docs/staleness.md": 2,
}
COMMAND = re.compile(
    r"(?P<head><!-- readme:command matrix (?P<arguments>[^\n]+) -->\n)```\n(?P<shown>.*?)```\n",
    re.DOTALL,
)
ANSWER = re.compile(r"<!-- readme:answer -->\n\n(?P<table>.*?)\n\n<!-- readme:end -->", re.DOTALL)

# The CPUs of the README's first table, row by row, and how its words are asked of the tool.
ROWS = [
    (("graviton3",), ()),
    (("cortex-a710", "apple-m2"), ()),
    (("apple-m1",), ()),
    (("neoverse-v1",), ()),
    (("neoverse-n1",), ()),
    (("cortex-a710",), ("--cmdline", "kvm-arm.mode=protected")),
]


def shown_for(arguments: str) -> str:
    ran = run_cli(*shlex.split(arguments))
    return f"$ matrix {arguments}\n{ran.out}"


@pytest.mark.parametrize(("document", "least"), SHOWING.items(), ids=SHOWING)
def test_commands_print_what_is_shown(
    document: str, least: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    page = ROOT / document
    text = page.read_text()
    fresh = COMMAND.sub(
        lambda found: f"{found['head']}```\n{shown_for(found['arguments'])}```\n", text
    )
    if request.config.getoption("--update-golden"):
        page.write_text(fresh)
    assert len(COMMAND.findall(text)) >= least
    assert page.read_text() == fresh, "make golden writes the outputs anew"


def test_the_first_table_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = ANSWER.search(README.read_text())
    assert found is not None
    rows = [line.split("|")[2].strip(" *") for line in found["table"].splitlines()[2:]]
    assert len(rows) == len(ROWS)
    for verdict, (cpus, extra) in zip(rows, ROWS, strict=True):
        for cpu in cpus:
            ran = run_cli("validate", "tests/data/booted/7.3.config", "--cpu", cpu, *extra)
            assert ran.out.startswith(f"{verdict}: "), (cpu, ran.out)


def test_it_is_short_and_its_links_lead_somewhere() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 150
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
