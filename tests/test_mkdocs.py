"""The MkDocs plugin and the Python-Markdown extension, over the same blocks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import markdown
import pytest

from matrix.diagnostics import InputError
from tests.cli_runner import run_cli

BLOCK = "<!-- matrix:begin arm64-memfd-secret -->\n<!-- matrix:end -->\n"
SITE = """\
site_name: Verdicts
theme: {name: %s}
plugins: [matrix]
markdown_extensions: [tables, admonition]
"""


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q"],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
    )


def site(folder: Path, text: str, theme: str = "mkdocs") -> Path:
    (folder / "docs").mkdir()
    (folder / "mkdocs.yml").write_text(SITE % theme)
    (folder / "docs" / "index.md").write_text(text)
    return folder


def nested(spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}\n" for line in BLOCK.splitlines())


def test_a_site_has_its_tables(tmp_path: Path) -> None:
    theme = "material" if os.environ.get("CI") else "mkdocs"
    text = f"# T\n\n{BLOCK}\n1.  one\n\n{nested(4)}\n!!! note\n\n    - a\n\n{nested(8)}"
    folder = site(tmp_path, text, theme)
    built = build(folder)
    assert (built.returncode, built.stderr) == (0, "")
    page = (folder / "site" / "index.html").read_text()
    assert page.count("<table>") == 3
    assert "| --- |" not in page
    assert (folder / "docs" / "index.md").read_text() == text


def test_what_is_wrong_ends_the_build_at_its_line(tmp_path: Path) -> None:
    folder = site(tmp_path, f"---\ntitle: T\n---\n\n# T\n\n{BLOCK.replace('secret', 'secrt')}")
    built = build(folder)
    assert built.returncode == 1
    assert f"{folder}/docs/index.md:7:1: error[MX0906]" in built.stderr
    assert "Traceback" not in built.stderr


def test_a_list_keeps_to_four_spaces_for_both_readers(tmp_path: Path) -> None:
    """What `embed` writes into a list of MkDocs stays in it, also the list within a list."""
    page = tmp_path / "page.md"
    page.write_text(
        "- item\n\n" + nested(4).replace("secret", "secret show=causes") + "\n    after\n"
    )
    assert run_cli("embed", str(page)).code == 0
    shown = markdown.markdown(page.read_text(), extensions=["tables"])
    assert shown.count("<ul>") >= 2
    assert "<table>" in shown
    assert shown.index("after") < shown.rindex("</li>")


def test_the_extension_fills_a_text() -> None:
    shown = markdown.markdown(BLOCK, extensions=["tables", "matrix.integrations.markdown"])
    assert "<table>" in shown
    assert markdown.markdown("text", extensions=["matrix.integrations.markdown"]) == "<p>text</p>"
    with pytest.raises(InputError):
        markdown.markdown(
            BLOCK.replace("secret", "secrt"), extensions=["matrix.integrations.markdown"]
        )
