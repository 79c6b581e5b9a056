"""docs/first-table.md, followed to the letter: every file is written, every command is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
STEP = re.compile(
    r"(?:^(?P<shown><!-- readme:command [^\n]* -->)\n|^`(?P<file>[\w./-]+)`:\n\n)?"
    r"^(?P<fence>```+)(?P<language>\w*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
# Tools of the environment stand beside its interpreter.
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def steps(page: str = "first-table.md") -> Iterator[re.Match[str]]:
    yield from STEP.finditer((ROOT / "docs" / page).read_text())


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euc", script]
    return subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


def follow(page: str, folder: Path, ends: Mapping[str, int] = MappingProxyType({})) -> str:
    """Write the files of a page and run its commands, one by one; return what they print.

    `ends` has the exit code of a command that does not end with 0.
    """
    said = ""
    for step in steps(page):
        if step["language"] == "sh":
            for command in step["text"].splitlines():
                ran = run(command, folder)
                assert ran.returncode == ends.get(command, 0), (command, ran.stdout, ran.stderr)
                said += ran.stdout
        elif step["file"]:
            (folder / step["file"]).parent.mkdir(parents=True, exist_ok=True)
            (folder / step["file"]).write_text(step["text"])
    return said


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    follow("first-table.md", folder)
    return folder


def in_ci(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what the workflow runs, once the tool is there."""
    workflow = YAML(typ="safe").load((folder / ".github/workflows/tables.yml").read_text())
    _, install, *checks = workflow["jobs"]["tables"]["steps"]
    assert install["run"].startswith("pip install ")
    return run("\n".join(step["run"] for step in checks), folder)


def test_the_steps_make_a_page_and_a_readme(followed: Path) -> None:
    page = (followed / "site" / "index.html").read_text()
    rows = [re.findall(r"<p>(.*?)</p>", row) for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    told = {row[0]: row[1].split(" ")[0] for row in rows[1:]}
    assert told == {
        "aws-graviton3": "not-granted",
        "aws-graviton4": "unknown",
        "neoverse-v2": "granted",
    }
    assert "says yes in" in (followed / "README.md").read_text()


def test_ci_fails_where_something_is_not_as_declared(followed: Path) -> None:
    assert in_ci(followed).returncode == 0
    readme = followed / "README.md"
    filled = readme.read_text()
    readme.write_text(filled.replace("says yes in", "says no in"))
    ran = in_ci(followed)
    assert ran.returncode == 1
    assert "error[MX0811]" in ran.stderr
    readme.write_text(filled)
    (followed / "docs" / "index.rst").write_text("T\n=\n\n.. support-matrix:: gest-tags\n")
    ran = in_ci(followed)
    assert ran.returncode != 0
    assert "did you mean `guest-tags`?" in ran.stderr
