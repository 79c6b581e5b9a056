"""The same work on many inputs by several processes, in order, as if one had done it.

The processes are made of this one when all that it knows is loaded, and share it. Each takes some
inputs in turn; what it makes of them comes back in the order of the inputs. A process ends with
the one that made it, however that one ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from itertools import cycle, islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from matrix.diagnostics import Diagnostic, InputError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

Given = TypeVar("Given")
Made = TypeVar("Made")
Begun = TypeVar("Begun")

# So many inputs go to a process at once, and so many times that are under way in each.
_BATCH, _UNDER_WAY = 4, 2
# Fewer inputs of each process are not worth making it; more processes help nobody.
_LEAST_INPUTS, _MOST_JOBS = 16, 32


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ahead(given: Iterator[Begun], most: int) -> Iterator[Begun]:
    """Yield what stands for work that was begun, the oldest first, and at most so many at once.

    `given` begins one each time it is asked.
    """
    waiting: deque[Begun] = deque()
    for one in given:
        waiting.append(one)
        if len(waiting) >= most:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def default_jobs(inputs: int) -> int:
    """Return by how many processes so many inputs are done soonest."""
    if not can_share():
        return 1
    return max(1, min(cores(), inputs // _LEAST_INPUTS, _MOST_JOBS))


# A loop over so many inputs tells how many processes it pays to make.
ENOUGH_INPUTS = _LEAST_INPUTS * _MOST_JOBS


def can_share() -> bool:
    """Tell whether a process can be made of this one: on Linux, and where no thread runs."""
    return sys.platform == "linux" and threading.active_count() == 1


class BrokenWorkError(Exception):
    """Our bug in another process, with its traceback."""


def in_order(
    work: Callable[[Given], Made], given: Iterator[Given], jobs: int
) -> Generator[Made, None, None]:
    """Make so many processes; yield what the work makes of each input, in their order.

    Raises:
        InputError: what the work raises; MX0665, a process was ended from outside.
        BrokenWorkError: the work raised something else in another process.
    """
    if jobs < 2 or not can_share():
        return (work(one) for one in given)
    gc.freeze()
    workers: list[_Worker[Given, Made]] = []
    for _ in range(jobs):
        workers.append(_Worker(work, [one.ours for one in workers]))
    return _shared(workers, given)


def _shared(
    workers: list[_Worker[Given, Made]], given: Iterator[Given]
) -> Generator[Made, None, None]:
    try:
        under_way: deque[_Worker[Given, Made]] = deque()
        for worker in cycle(workers):
            if len(under_way) == _UNDER_WAY * len(workers):
                yield from under_way.popleft().made()
            batch = list(islice(given, _BATCH))
            if not batch:
                break
            worker.give(batch)
            under_way.append(worker)
        for worker in under_way:
            yield from worker.made()
    finally:
        for worker in workers:
            worker.end()
        gc.unfreeze()


class _Worker(Generic[Given, Made]):
    """A process that does the work; `others` are connections that are not its own."""

    def __init__(self, work: Callable[[Given], Made], others: list[Connection]) -> None:
        from multiprocessing import get_context

        fork = get_context("fork")
        self.ours, theirs = fork.Pipe()
        # A signal that comes before the new process is ready is none for it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            self._process: BaseProcess = fork.Process(
                target=_serve, args=(work, theirs, [*others, self.ours], before), daemon=True
            )
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    def give(self, batch: list[Given]) -> None:
        """Give it inputs."""
        try:
            self.ours.send(batch)
        except OSError:
            raise InputError(_ENDED) from None

    def made(self) -> Iterator[Made]:
        """Yield what it made of the inputs that were given first, when it is done."""
        try:
            made, error = self.ours.recv()
        except (EOFError, OSError):
            raise InputError(_ENDED) from None
        yield from made
        if error is not None:
            raise error[0](error[1])

    def end(self) -> None:
        """End it, whatever it does."""
        self.ours.close()
        self._process.terminate()
        self._process.join()


_ENDED = Diagnostic(
    code="MX0665",
    message="a process that answers some of the files was ended from outside",
    hint="where memory was short, give fewer --jobs: with 1 there is no other process",
)


def _serve(
    work: Callable[[Given], Made],
    mine: Connection,
    others: list[Connection],
    mask: set[signal.Signals],
) -> None:
    """Do the work on what is given until nothing is any more."""
    # The interrupt of a terminal goes to all processes; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for other in others:
        other.close()
    given: SimpleQueue[list[Given] | None] = SimpleQueue()
    # Both processes would wait for ever where each sends more than a pipe holds: this one always
    # takes what it is given.
    threading.Thread(target=_receive, args=(mine, given), daemon=True).start()
    with contextlib.suppress(OSError):  # the first process ended
        for batch in iter(given.get, None):
            mine.send(_done(work, batch))


def _receive(mine: Connection, given: SimpleQueue[list[Given] | None]) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            given.put(mine.recv())
    given.put(None)


def _done(
    work: Callable[[Given], Made], batch: list[Given]
) -> tuple[list[Made], tuple[type[Exception], object] | None]:
    """Return what is made of inputs, up to the first of which something is wrong, and that."""
    made: list[Made] = []
    try:
        made += map(work, batch)
    except InputError as error:
        return made, (type(error), error.diagnostics)
    except Exception:  # noqa: BLE001 - it is the first process that says it
        import traceback

        return made, (BrokenWorkError, traceback.format_exc())
    return made, None
