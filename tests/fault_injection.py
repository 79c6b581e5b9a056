"""Ends or disturbs a command at one of its steps of writing, in a process of its own.

A step is a call that changes what a disk holds: a file or a folder is made, written, synced,
renamed or removed. The process is a fork of this one, so that a run costs no start.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
from collections.abc import Callable
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


def disturbed(arguments: tuple[str, ...], at: int, how: str) -> Ended:
    """Run a command in a fork that is killed (`how="kill"`), or whose disk is full, at a step.

    A step is disturbed before it is done; a file is written by halves, which are two steps.
    """
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
        return Ended(code=code, said="", steps=at)
    return Ended(**dict(zip(("code", "said", "steps"), json.loads(said), strict=True)))


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
