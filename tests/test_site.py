"""The documentation site: built from docs/ without a network, warnings as errors."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from matrix.cli.examples import EXAMPLES
from matrix.diagnostics.codes import codes
from matrix.schema.documents import DOCUMENTS

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    built = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(ROOT / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stderr) == (0, "")
    return folder / "html"


def test_every_page_is_there(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages <= {path.stem for path in site.glob("*.html")}
    index = (site / "index.html").read_text()
    assert "support-matrix" in index
    assert "<strong>unsound</strong>" in index
    assert index.count("<table") == 1
    assert "map.svg" in index


def test_the_reference_is_made_of_the_code(site: Path) -> None:
    reference = site / "reference"
    assert {path.stem for path in (reference / "codes").glob("*.html")} == set(codes())
    commands = words_of(reference / "cli.html")
    assert "Traceback" not in commands
    for command, examples in EXAMPLES.items():
        assert f"Usage: matrix {command} " in commands, command
        for example in examples:
            assert example in commands, command
    rows = (site / "diagnostics.html").read_text()
    for code in codes():
        assert f'href="reference/codes/{code}.html"' in rows
    fields = words_of(reference / "declarations.html").split()
    for document in DOCUMENTS.values():
        for name, field in document.model_fields.items():
            assert (field.alias or name) in fields, (document, name)


def words_of(page: Path) -> str:
    return unescape(re.sub("<[^>]+>", "", page.read_text()))


def test_a_page_needs_no_network(site: Path) -> None:
    for path in site.rglob("*.html"):
        if "_downloads" in path.parts:
            continue
        text = path.read_text()
        assert 'src="http' not in text, path
        assert '<link rel="stylesheet" type="text/css" href="http' not in text, path


@pytest.mark.skipif(not (CHROMIUM and os.environ.get("CI")), reason="opened in CI, by chromium")
def test_a_browser_shows_the_table(site: Path) -> None:
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    shown = subprocess.run(
        [*command, (site / "index.html").as_uri()], capture_output=True, text=True, check=True
    )
    assert "<strong>unsound</strong>" in shown.stdout
    assert shown.stdout.count("<table") == 1
