"""Hostile inputs end in an answer or a diagnostic, within ten seconds and 500 MB.

Each runs as a process of its own, whose memory the system counts. What a case must say, besides,
stands in the table; what none may say holds for all: a traceback, a control character, a line that
a runner of jobs would take for a command, the content of a file that was not given.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile_inputs import CASES, SECRET

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")

_MOST_SECONDS = 10
_MOST_BYTES = 500_000_000
# A tab and a line break are all that is written of them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_COMMAND = re.compile(r"^\s*::", re.MULTILINE)


# Runs a command and writes down its exit code, processor time in seconds, and memory in kB. Started
# from here, what this process takes would be counted as the command's: exec() keeps the peak.
_LAUNCH = """
import json, os, resource, signal, sys
use, *command = sys.argv[1:]
child = os.fork()
if not child:
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    os.execv(command[0], command)
signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
signal.alarm(120)
_, status, used = os.wait4(child, 0)
with open(use, "w") as file:
    seconds = used.ru_utime + used.ru_stime
    json.dump([os.waitstatus_to_exitcode(status), seconds, used.ru_maxrss], file)
"""


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_input(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    monkeypatch.setenv("MATRIX_TEST_SECRET", SECRET)
    folder = tmp_path / "home"
    folder.mkdir()
    command = [sys.executable, "-m", "matrix", *case.make(folder)]
    with (tmp_path / "out").open("w+b") as out:
        subprocess.run(
            [sys.executable, "-S", "-E", "-c", _LAUNCH, str(tmp_path / "use"), *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            check=True,
        )
    said = (tmp_path / "out").read_bytes().decode("utf-8")
    code, seconds, memory = json.loads((tmp_path / "use").read_text())
    assert code in case.codes, said[-3000:]
    assert "Traceback" not in said
    assert case.says in said
    assert SECRET not in said
    assert not _CONTROL.search(said)
    assert not _COMMAND.search(said)
    assert memory * (1 if sys.platform == "darwin" else 1024) <= _MOST_BYTES
    # Of the processor: another job of the machine is no fault of the input.
    assert seconds <= _MOST_SECONDS
