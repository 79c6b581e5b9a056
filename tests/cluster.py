"""A real dask scheduler and workers on the loopback address, each a process of its own.

And rows of a study whose parts wait: a test ends a process while it is known to be at work.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest
from msgspec import Struct

from matrix.analyze.space.cell_rows import CellRows
from matrix.diagnostics import Diagnostic, InputError
from matrix.flows.fleet import HostRows, HostSource
from matrix.flows.fleet_summary import FleetPart
from matrix.kernel.fleet.hosts import HostPart
from matrix.solve.listing import Columns

Made = TypeVar("Made")
# What ends processes takes some seconds, mostly to start them.
IN_CI = pytest.mark.skipif(
    not (os.environ.get("CI") or os.environ.get("MATRIX_CLUSTER")),
    reason="takes some seconds: CI=true or MATRIX_CLUSTER=1",
)

ROOT = Path(__file__).resolve().parent.parent
# Nothing that is waited for takes so long; what never comes ends a test nevertheless.
_SECONDS = 240


def wait_until(holds: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def parts_in(folder: Path) -> dict[str, bytes]:
    """Return the parts that are whole, by name."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def has_begun(folder: Path, gate: Path) -> bool:
    """Tell whether the first part of gated rows is there and another one is being made."""
    return len(list(folder.glob("*-*.parquet"))) == 1 and bool(list(gate.glob("begun-*")))


def wait_at(gate: Path) -> None:
    """Wait for the file `go` of a folder, but for whoever comes first.

    What has begun to wait leaves the file `begun-PID`.
    """
    try:
        (gate / "first").touch(exist_ok=False)
    except FileExistsError:
        (gate / f"begun-{os.getpid()}").touch()
        wait_until((gate / "go").exists)


class Writing(threading.Thread, Generic[Made]):
    """Writes parts by a cluster, while the test does something else."""

    def __init__(self, write: Callable[[], Made]) -> None:
        super().__init__()
        self._write = write
        self.written: Made | None = None
        self.wrong: tuple[Diagnostic, ...] = ()
        self.start()

    def run(self) -> None:
        """Keep what comes of it."""
        try:
            self.written = self._write()
        except InputError as error:
            self.wrong = error.diagnostics


class Loopback:
    """A scheduler, and its workers in the order in which they were started."""

    def __init__(self, folder: Path, **configuration: str) -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"),
            *("--scheduler-file", str(self._file)),
            **configuration,
        )
        wait_until(self._is_written)
        self.address = str(json.loads(self._file.read_text())["address"])

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker that does one task at a time; return once the scheduler knows it."""
        import distributed

        place = ("--host", "127.0.0.1", "--local-directory", str(self._folder))
        how = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        found = self._start("worker", self.address, *place, *how, **environment)
        self.workers.append(found)
        living = sum(worker.poll() is None for worker in self.workers)
        made: Any = distributed.Client  # it has no types
        with made(self.address, timeout=_SECONDS, set_as_default=False) as client:
            client.wait_for_workers(living, timeout=_SECONDS)
        return found

    def end(self) -> None:
        """End all processes that are left."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _is_written(self) -> bool:
        try:
            return "address" in json.loads(self._file.read_text())
        except (OSError, ValueError):  # it is being written
            return False

    def _start(self, what: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "", **environment},
            cwd=self._folder,  # -m looks there first
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextlib.contextmanager
def loopback(folder: Path, **configuration: str) -> Iterator[Loopback]:
    """Start a scheduler; end it and its workers after the block."""
    folder.mkdir(parents=True, exist_ok=True)
    started = Loopback(folder, **configuration)
    try:
        yield started
    finally:
        started.end()


class GatedRows:
    """Rows of a study; each part but the one begun first waits at a gate."""

    def __init__(self, rows: CellRows, gate: Path) -> None:
        self._rows, self._gate = rows, gate

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # while it is unpickled it has none
            raise AttributeError(name)
        return getattr(self._rows, name)

    def part(self, first: int, rows: int, size: int) -> Iterator[Columns]:
        """Yield rows, once the gate is open."""
        wait_at(self._gate)
        return self._rows.part(first, rows, size)


class GatedHosts(Struct, frozen=True):
    """Hosts of a table; each part but the one begun first waits at a gate."""

    source: HostSource
    gate: Path

    @property
    def digest(self) -> str:
        """The digest of the source."""
        return self.source.digest

    def answer(self, part: HostPart, writer: HostRows) -> FleetPart:
        """Answer the rows of a part, once the gate is open."""
        wait_at(self.gate)
        return self.source.answer(part, writer)


class DeadlyRows(GatedRows):
    """Rows that end the process which makes a part of them, as a system out of memory does."""

    def part(self, first: int, rows: int, size: int) -> Iterator[Columns]:  # noqa: ARG002
        """End the process."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class HungryRows(GatedRows):
    """Rows for which there is not enough memory."""

    def part(self, first: int, rows: int, size: int) -> Iterator[Columns]:  # noqa: ARG002
        """Raise what NumPy and Arrow raise then."""
        raise MemoryError
