"""Work on many inputs by several processes: as one process does it, whatever happens to them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# A process of one thread: that of the tests has more, of their runner.
SHOWN = """
import os, signal, sys
from matrix.diagnostics import Diagnostic, InputError
from matrix.door.workers import in_order

def work(given):
    if given[:1] == b"x":
        raise InputError(Diagnostic(code="MX0301", message=given.decode()))
    if given[:1] == b"k":
        os.kill(os.getpid(), signal.SIGKILL)
    if given[:1] == b"b":
        return 1 / 0
    return given + b"!"

def shown(inputs, jobs):
    out = []
    try:
        for made in in_order(work, iter(inputs), jobs):
            out.append((len(made), made[:9], made[-1:]))
    except Exception as error:
        out.append((type(error).__name__, [one.code for one in getattr(error, "diagnostics", ())]))
    return out
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SHOWN + script],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=600,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="processes are shared on Linux")
@pytest.mark.parametrize(
    "inputs",
    [
        "[b'%d' % n for n in range(100)]",
        "[]",
        "[b'a'] * 7",
        "[b'a', b'xyz', b'b']",
        # More than a pipe holds, both ways.
        "[bytes([99 + n % 7]) * 400_000 for n in range(40)]",
        "[b'a'] * 30 + [b'x%d' % n for n in range(30)]",
    ],
)
def test_processes_give_what_one_gives(inputs: str) -> None:
    ran = run(f"for jobs in 1, 2, 3:\n    print(shown({inputs}, jobs))")
    assert ran.returncode == 0, ran.stderr
    one, two, three = ran.stdout.splitlines()
    assert one == two == three
    assert ran.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are shared on Linux")
def test_a_process_that_is_ended_and_our_own_bug_are_told_apart() -> None:
    ran = run(
        "print(shown([b'a'] * 9 + [b'k'] + [b'a'] * 30, 2)[-1])\nprint(shown([b'a', b'b'], 2)[-1])"
    )
    assert ran.stdout.splitlines() == ["('InputError', ['MX0665'])", "('BrokenWorkError', [])"]


def test_a_process_with_threads_is_not_shared() -> None:
    ran = run(
        "import threading\nfrom matrix.door.workers import can_share\nprint(can_share())\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\nprint(can_share())"
    )
    linux = sys.platform == "linux"
    assert ran.stdout.split() == [str(linux), str(False)]
