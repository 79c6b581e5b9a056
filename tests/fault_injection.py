"""Ends or disturbs a command at one of its steps of writing, in a process of its own.

A step is a call that changes what a disk holds: a file or a folder is made, written, synced,
renamed or removed. Each run is a fork of a process that has only this to do and a single thread,
so that it costs no start: what forks beside the threads of a library may crash in it.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.cli_runner import run_cli

KILLED = 137


class Ended(Struct, frozen=True, kw_only=True):
    """How a disturbed command ended: its exit code, what it said, and the steps it came to."""

    code: int
    said: str
    steps: int


class _Steps:
    """Counts steps; at one of them `act` is called."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.count = 0
        self._at = at
        self._act = act

    def step(self) -> None:
        self.count += 1
        if self.count == self._at:
            self._act()


# A full disk does not keep a file from being removed.
_SAVES = {
    "kill": ("replace", "fsync", "mkdir", "unlink"),
    "full": ("replace", "fsync", "mkdir"),
}


def _kill() -> None:
    os._exit(KILLED)


def _full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


Disturbed = Callable[[tuple[str, ...], int, str], Ended]


@contextlib.contextmanager
def disturber(once: tuple[str, ...], warm: tuple[str, ...] | None) -> Iterator[Disturbed]:
    """Give a function that runs a command here and disturbs it at one of its steps.

    `once` are functions (`module:name`) whose first result serves all runs, `warm` is a command
    that is run undisturbed before all others. The function takes a command, the number of the step,
    and `kill` or `full` (the disk is); a step is disturbed before it is done, and a file is written
    by halves, which are two steps. Raises ValueError where forking is not safe.
    """
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fault_injection"],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def asked(request: Any) -> Any:
            requests.write(json.dumps(request) + "\n")
            requests.flush()
            answer = answers.readline()
            if not answer:
                raise ValueError(f"no single thread, or no more process, at {request}")
            return json.loads(answer)

        asked({"once": once, "warm": warm})
        yield lambda arguments, at, how: Ended(**asked([arguments, at, how]))


def once(module: Any, name: str, replace: Callable[[Any, str, Any], None]) -> None:
    """Do a part of the work once: its first result serves every later call."""
    work = getattr(module, name)
    kept: list[Any] = []

    def first(*arguments: Any, **named: Any) -> Any:
        if not kept:
            kept.append(work(*arguments, **named))
        return kept[0]

    replace(module, name, first)


def _serve() -> None:
    """Answer the requests of a `disturber` until it ends."""
    first = json.loads(sys.stdin.readline())
    for place in first["once"]:
        module, _, name = place.partition(":")
        *classes, name = name.split(".")
        once(reduce(getattr, classes, importlib.import_module(module)), name, setattr)
    if first["warm"] is not None:
        run_cli(*first["warm"])
    _say({})
    for line in sys.stdin:
        if sum(1 for _ in Path("/proc/self/task").iterdir()) > 1:
            return
        arguments, at, how = json.loads(line)
        _say(_disturbed(arguments, at, how))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _disturbed(arguments: list[str], at: int, how: str) -> dict[str, Any]:
    """Run a command in a fork of this process, and say how it ended, in the words of `Ended`."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with contextlib.suppress(BaseException):
            steps = _Steps(at, _kill if how == "kill" else _full)
            _inject(steps, _SAVES[how])
            ran = run_cli(*arguments)
            os.write(writing, json.dumps([ran.code, ran.out + ran.err, steps.count]).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        return {"code": code, "said": "", "steps": at}
    return dict(zip(("code", "said", "steps"), json.loads(said), strict=True))


def _inject(steps: _Steps, names: tuple[str, ...]) -> None:
    """Count the steps of this process from now on; `names` are functions of `os` that are some."""
    plain_open, plain_fdopen = os.open, os.fdopen

    def counted(name: str) -> None:
        plain = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            steps.step()
            return plain(*arguments, **named)

        setattr(os, name, call)

    def opened(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_CREAT:
            steps.step()
        return plain_open(path, flags, *more, **named)

    class ByHalves(io.BufferedWriter):
        def write(self, data: Any) -> int:
            view = memoryview(data).cast("B")
            for half in (view[: len(view) // 2], view[len(view) // 2 :]):
                steps.step()
                super().write(half)
                super().flush()  # what was written before the end is on the disk
            return len(view)

    def descriptor(number: int, mode: str = "r", *more: Any, **named: Any) -> Any:
        if mode == "wb":
            return ByHalves(io.FileIO(number, "wb"))
        return plain_fdopen(number, mode, *more, **named)

    for name in names:
        counted(name)
    # Stand-ins of fewer overloads than the originals have.
    os.open, os.fdopen = opened, descriptor  # type: ignore[assignment]


if __name__ == "__main__":
    _serve()
