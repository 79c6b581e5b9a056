"""What a person at a terminal gets: colours, a pager, a page of cells, a line while it takes long.

Each command runs in a pseudo-terminal of its own, as its session's controlling one.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MATRIX = (sys.executable, "-m", "matrix")
STUDY = "arm64-memfd-secret"
PROGRESS = re.compile(r"matrix \w+: \d+ s\r\x1b\[K")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def at_terminal(*arguments: str, lines: int = 200, **environment: str) -> str:
    """Return what a terminal of 80 columns gets of both streams."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 80, 0, 0))
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with subprocess.Popen(
        [*MATRIX, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env={**kept, "TERM": "xterm", **environment},
        start_new_session=True,
    ) as running:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 1 << 16):
                shown += part
        except OSError:  # Linux: the other side is closed
            pass
        running.wait()
    os.close(ours)
    # The line that says that it goes on: whether there is one depends on the machine.
    return PROGRESS.sub("", shown.decode().replace("\r\n", "\n"))


def piped(*arguments: str, **environment: str) -> str:
    """Return what a pipe gets of standard output."""
    return subprocess.run(
        [*MATRIX, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_verdicts_have_colours_on_a_terminal_and_nothing_else_changes() -> None:
    plain = piped("count", STUDY)
    assert ESCAPE.search(plain) is None
    shown = at_terminal("count", STUDY)
    assert "\x1b[1;32msupported\x1b[0m" in shown
    assert ESCAPE.sub("", shown) == plain
    assert at_terminal("count", STUDY, NO_COLOR="1") == plain
    assert at_terminal("--color", "never", "count", STUDY) == plain
    assert piped("--color=always", "count", STUDY) == shown


def test_a_file_has_no_colours(tmp_path: Path) -> None:
    piped("--color", "always", "count", STUDY, "--output", str(tmp_path / "counts"))
    assert ESCAPE.search((tmp_path / "counts").read_text()) is None


def test_a_long_answer_goes_through_the_pager() -> None:
    script = "import os, sys; print('paged', os.environ['LESS'], len(sys.stdin.read()))"
    pager = shlex.join([sys.executable, "-c", script])
    assert at_terminal("cpus", "list", lines=20, PAGER=pager).startswith("paged FRX ")
    assert "paged" not in at_terminal("cpus", "list", lines=2000, PAGER=pager)
    assert "paged" not in piped("cpus", "list", PAGER=pager)
    listed = piped("cpus", "list")
    for none in ("", "cat", "/nowhere/less", '"'):
        assert at_terminal("cpus", "list", lines=20, PAGER=none) == listed


def test_cells_fill_a_page_and_say_how_many_more_there_are() -> None:
    shown = at_terminal("cells", "arm64-overview", lines=24)
    assert len(shown.splitlines()) < 60  # rows of several lines each; the study has 605,520
    assert re.search(r"20 rows, the first of 605,520\n", shown)
    assert "hint: --limit 605520 shows all of them, --output FILE writes them" in shown
    assert piped("cells", STUDY).count("\n") > 200


def test_work_over_a_second_says_so_on_a_terminal_and_leaves_no_line() -> None:
    slow = "import time; time.sleep(2.2)"
    script = (
        "from matrix.cli.console import PROGRESS, deliver\n"
        f"with PROGRESS.of('matrix count'):\n    {slow}\n    deliver('answer\\n', None)\n"
    )
    ours, theirs = pty.openpty()
    run = subprocess.run(
        [sys.executable, "-c", script], stderr=theirs, capture_output=False,
        stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert run.stdout == "answer\n"
    assert "matrix count: 1 s" in said
    assert said.endswith("\r\x1b[K")
    quiet = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert (quiet.stdout, quiet.stderr) == ("answer\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_complete_commands_and_studies(shell: str) -> None:
    found = subprocess.run(
        [*MATRIX, "--show-completion", shell],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert "_MATRIX_COMPLETE" in found.stdout


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("matrix ", {"count", "validate", "view", "report"}),
        ("matrix coun", {"count"}),
        ("matrix count arm64-k", {"arm64-kpti"}),
        ("matrix count --f", {"--format"}),
        ("matrix capabilities show memfd", {"memfd-secret"}),
    ],
)
def test_words_are_completed(words: str, wanted: set[str]) -> None:
    found = subprocess.run(
        [*MATRIX],
        env={
            **os.environ,
            "_MATRIX_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        },
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert wanted <= set(found.stdout.split())
