"""What blocks hold is right for the programs that read it: docutils, Asciidoctor, html5 parsers.

Warnings are errors. Asciidoctor is Debian's package; `.ci/run` installs it.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from docutils.core import publish_string
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.flows.session import Session
from matrix.render.document_forms import FORMS
from matrix.render.embed import filled
from matrix.render.kernel_doc import WIDTH, wrapped
from tests.cli_runner import run_cli

ASCIIDOCTOR = shutil.which("asciidoctor")
STUDY = "arm64-memfd-secret"
# One request for each thing that a block shows.
REQUESTS = (
    STUDY,
    f"{STUDY} show=causes",
    f"{STUDY} show=unsound",
    f"{STUDY} show=table",
    f"{STUDY} show=table as=sentence",
    f"{STUDY} show=table as=badge",
    f"{STUDY} as=sentence where='kernel == \"7.3\"'",
    f"{STUDY} cell=kernel=7.3",
    "arm64-memfd-secret as=badge",
)


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def document(form: str, session: Session) -> str:
    asked = FORMS[form]
    title = {"rst": "Title\n=====", "asciidoc": "= Title", "html": "<title>T</title>"}.get(
        form, "T"
    )
    blocks = [f"{asked.comment(f'matrix:begin {text}')}\n{asked.end}\n" for text in REQUESTS]
    return filled("\n\n".join([title, *blocks]), f"page.{form}", asked, session)


def warnings_of_docutils(text: str) -> str:
    said = io.StringIO()
    settings = {"warning_stream": said, "report_level": 1, "_disable_config": True}
    html = publish_string(text, writer="html5", settings_overrides=settings)
    assert b"<html" in html
    return said.getvalue()


def test_docutils_has_nothing_to_say(session: Session) -> None:
    text = document("rst", session)
    # Nothing inline is broken either: no marks are left in what is shown.
    assert warnings_of_docutils(text) == ""


@pytest.mark.skipif(not ASCIIDOCTOR, reason="no asciidoctor here")
def test_asciidoctor_has_nothing_to_say(session: Session, tmp_path: Path) -> None:
    page = tmp_path / "page.adoc"
    page.write_text(document("asciidoc", session))
    command = [str(ASCIIDOCTOR), "-v", "-w", "--failure-level", "INFO", "-o", "-", str(page)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    assert built.stdout.count("<table") >= 4
    assert "<strong>" in built.stdout
    assert "matrix:begin" not in built.stdout


class Balanced(HTMLParser):
    """Notes elements that are closed in another order than they are opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_elements_of_html_are_closed(session: Session) -> None:
    parser = Balanced()
    parser.feed(document("html", session))
    parser.close()
    assert (parser.open, parser.wrong) == ([], [])


@pytest.mark.parametrize("study", [STUDY, *(["arm64-overview"] if os.environ.get("CI") else [])])
def test_a_page_of_the_kernels_documentation(study: str, tmp_path: Path) -> None:
    asked = ("report", study, "--format", "kernel-doc", "-o", str(tmp_path))
    assert run_cli(*asked).code == 0
    text = (tmp_path / f"{study}.rst").read_text()
    assert text.startswith(".. SPDX-License-Identifier: GPL-2.0\n\n")
    assert warnings_of_docutils(text) == ""
    wide = [line for line in text.splitlines() if len(line) > WIDTH]
    assert [line for line in wide if " " in line.strip()] == []
    assert run_cli(*asked, "--check").code == 0
    (tmp_path / f"{study}.rst").write_text(text + "edited\n")
    assert run_cli(*asked, "--check").code == 1


def test_a_row_of_the_kernels_features(tmp_path: Path) -> None:
    """Read it as the kernel's list-arch.sh did: by columns."""
    assert run_cli("report", STUDY, "--format", "kernel-features", "-o", str(tmp_path)).code == 0
    lines = (tmp_path / STUDY / "arch-support.txt").read_text().splitlines()

    def of(key: str) -> list[str]:
        return [line[24:].strip() for line in lines if line.startswith(f"# {key}:")]

    assert of("Feature name") == ["memfd-secret"]
    assert of("        Kconfig") == ["SECRETMEM"]
    assert len(of("        description")) == 1
    counted = json.loads(run_cli("count", STUDY, "--format", "json").out)["verdicts"]
    (told,) = of("        cells")
    assert told == ", ".join(f"{number} {word}" for word, number in counted.items() if number)
    (row,) = [line for line in lines if re.search(r"\barm64\b", line)]
    assert row.split("|")[2].strip() == ("ok" if counted["supported"] else "TODO")


LINES = st.lists(st.text("ab -.`*", min_size=1, max_size=30).map(str.strip), max_size=30)


@settings(max_examples=40)
@given(LINES, st.sampled_from(("", "- ", "   * - ", "     - ", "12. ")))
def test_wrapping_keeps_every_word(words: list[str], head: str) -> None:
    line = head + " ".join(filter(None, words))
    assert wrapped(line).split() == line.split()
