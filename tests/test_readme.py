"""What the documents show is what the tool prints: commands and links."""

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
    "README.md": 2,
    "docs/review-questions.md": 15,
    "docs/ci.md": 2,
    "docs/review.md": 1,
    "docs/staleness.md": 2,
}
COMMAND = re.compile(
    r"(?P<head><!-- readme:command matrix (?P<arguments>[^\n]+) -->\n)```\n(?P<shown>.*?)```\n",
    re.DOTALL,
)


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


def test_it_is_short_and_its_links_lead_somewhere() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 150
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
