"""One function called for many tasks by several processes of this machine.

Takes a state that all calls share and small tasks, gives the results in the order of the tasks. A
call decides by its arguments alone, so that whoever is given a task makes the same of it.
`cluster.py` does the same with the workers of a cluster.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from matrix.door.workers import ahead

_State = TypeVar("_State")
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

# Tasks given out for each process: enough that none waits for the first one's result.
AHEAD = 4
# What this process calls with, where it is one of several: a function and its state.
_CALLED: list[tuple[Callable[[Any, Any], Any], Any]] = []


class EndedError(Exception):
    """Work that ended before it was done; what was made of it stays. `hint` says what to do."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.hint = hint


class Workers(Protocol):
    """Who calls a function: processes of this machine, or of several."""

    def results(
        self,
        function: Callable[[_State, _Task], _Result],
        state: _State,
        tasks: Sequence[_Task],
        folder: Path,
    ) -> Generator[_Result]:
        """Yield what the function returns for each task, in their order.

        `folder` is where calls write. The function is one of a module, as it goes by its name.

        Raises:
            EndedError: a process was ended, or had not enough memory.
            InputError: nobody can be given a task.
        """


class Processes(Struct, frozen=True, kw_only=True):
    """So many processes of this machine."""

    jobs: int

    def results(
        self,
        function: Callable[[_State, _Task], _Result],
        state: _State,
        tasks: Sequence[_Task],
        folder: Path,  # noqa: ARG002 - one machine has one folder
    ) -> Generator[_Result]:
        """Yield what the function returns for each task, in their order."""
        jobs = max(1, min(self.jobs, len(tasks)))
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(jobs, spawn, _begin, initargs=(function, state))
        given = (pool.submit(_call, task) for task in tasks)
        try:
            for future in ahead(given, AHEAD * jobs):
                yield future.result()
        except BrokenProcessPool:
            raise EndedError(
                "a process that writes parts was ended",
                "the same command takes them up; where memory was short, give fewer --jobs",
            ) from None
        except MemoryError:
            raise EndedError(
                "a process had not enough memory for a part",
                "the same command takes them up; give fewer --jobs",
            ) from None
        finally:
            # A task that was begun is finished, also where a signal ends the run.
            pool.shutdown(cancel_futures=True)


def _begin(function: Callable[[Any, Any], Any], state: object) -> None:
    # The interrupt of a terminal goes to all processes; the first one says what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _CALLED.append((function, state))


def _call(task: object) -> Any:
    ((function, state),) = _CALLED
    return function(state, task)
