"""Standard output and error: no foreign command or control, no traceback when they fail."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from matrix.diagnostics import Diagnostic, Location, format_diagnostic
from matrix.door.streams import StandardStream, commands_allowed, standard_streams

MATRIX = [sys.executable, "-m", "matrix"]
TEXTS = st.text(st.sampled_from(":\n\r\t abc\\"), max_size=30)
# What turns the direction of a text, and what ends a line besides the usual.
TURNING = set("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069")


def lines_of(text: str) -> list[str]:
    return text.replace("\r", "\n").split("\n")


@hypothesis.given(st.lists(TEXTS, max_size=5))
def test_no_line_begins_with_a_command(texts: list[str]) -> None:
    below = io.StringIO(newline="")
    stream = StandardStream(below, "standard output")
    # What prints here ends its lines; two colons that come one by one are no case of it.
    for text in texts:
        stream.write(f"{text}\n")
    written = below.getvalue()
    assert not any(line.lstrip().startswith("::") for line in lines_of(written))
    plain = "".join(f"{text}\n" for text in texts)
    changed = sum(line.lstrip().startswith("::") for line in lines_of(plain))
    assert len(written) == len(plain) + changed
    assert written.replace("\\", "") == plain.replace("\\", "")


def test_a_command_that_is_ours_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    with standard_streams():
        with commands_allowed():
            sys.stdout.write("::notice::ours\n")
        sys.stdout.write("::notice::theirs\n")
    assert capsys.readouterr().out == "::notice::ours\n\\::notice::theirs\n"


@hypothesis.given(st.text(max_size=40))
def test_a_diagnostic_shows_no_control(text: str) -> None:
    location = Location(file=text, line=1, column=1, text=text)
    shown = format_diagnostic(
        Diagnostic(code="MX0301", message=text, location=location, hint=text), 80
    )
    controls = [
        character
        for character in shown
        if character != "\n" and (ord(character) < 32 or 127 <= ord(character) < 160)
    ]
    assert controls == []
    assert not set(shown) & TURNING


@hypothesis.given(
    st.text(st.sampled_from([*"\x1b\x9b\x07\x85[31mK;a:\n\r\t", *TURNING]), max_size=30)
)
def test_no_text_reaches_a_terminal_as_control(text: str) -> None:
    """Whoever forgets to make a name visible: the door does."""
    below = io.StringIO(newline="")
    StandardStream(below, "standard output").write(text)
    written = re.sub(r"\x1b\[[\d;]*[mK]", "", below.getvalue())  # colours are ours
    assert not {"\x1b", "\x9b", "\x07", "\x85", *TURNING} & set(written)


def run(command: list[str], shell: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command under `sh -c`, where `"$@"` is the command."""
    return subprocess.run(
        ["sh", "-c", shell, "sh", *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("arguments", [["--version"], ["cpus", "list"], ["schema"]])
@pytest.mark.parametrize(
    ("target", "why"),
    [
        pytest.param(
            "> /dev/full",
            "No space left on device",
            marks=pytest.mark.skipif(
                not Path("/dev/full").exists(), reason="this system has no /dev/full"
            ),
        ),
        (">&-", "it is closed"),
    ],
)
def test_an_answer_that_cannot_be_written_is_said(
    arguments: list[str], target: str, why: str
) -> None:
    ran = run(MATRIX + arguments, f'"$@" {target}')
    assert ran.returncode == 3
    assert ran.stderr.startswith(f"error[MX0850]: standard output cannot be written: {why}")
    assert "Traceback" not in ran.stderr


def test_a_closed_standard_error_leaves_the_exit_code() -> None:
    ran = run([*MATRIX, "validate", "/nowhere/x.config"], '"$@" 2>&-')
    assert (ran.returncode, ran.stdout) == (3, "")


def test_what_an_encoding_lacks_is_a_question_mark() -> None:
    ran = run([*MATRIX, "rules", "arm64-overview"], '"$@"', PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.isascii()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_with_its_code(number: int, code: int, tmp_path: Path) -> None:
    """While it writes a file of fifteen billion rows; nothing of it is left."""
    out = tmp_path / "out"
    out.mkdir()
    with subprocess.Popen(
        [*MATRIX, "cells", "--limit", "9000000000", "--output", str(out / "cells.csv")],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not any(out.iterdir()) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in err
    assert list(out.iterdir()) == []
