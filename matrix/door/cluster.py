"""One function called for many tasks by the workers of a dask cluster (extra `cluster`).

A task of a worker that goes away is given to another one. Workers are asked first, and again with
each task, what they are and whether they see the folder that they write to: one that came later
is no other than those before it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.output import marked
from matrix.door.processes import AHEAD, EndedError
from matrix.door.workers import ahead

_State = TypeVar("_State")
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

# For so many seconds a scheduler is tried to be reached, and a worker waited for.
_PATIENCE = 20
# How often somebody looks whether there is a worker left, in seconds.
_LOOKS = 5
_TAKES_UP = "the same command takes them up"
_SAME = "install one version, with the same declarations, on all machines"


class Worker(Struct, frozen=True, kw_only=True):
    """What a worker says of itself: its versions by name, and whether it sees a file."""

    versions: Mapping[str, str]
    sees: bool


class Cluster(Struct, frozen=True, kw_only=True):
    """The workers of a scheduler; without one, those of a cluster on this machine.

    `jobs` is the number of processes of the latter. `versions` returns all that decides what is
    made of a task, by name; it is called here and by each worker.
    """

    scheduler: str | None
    jobs: int
    versions: Callable[[], Mapping[str, str]]

    def results(
        self,
        function: Callable[[_State, _Task], _Result],
        state: _State,
        tasks: Sequence[_Task],
        folder: Path,
    ) -> Generator[_Result]:
        """Yield what the function returns for each task, in their order.

        Raises:
            EndedError: the scheduler went away, or all workers, or a task ended one after another.
            InputError: MX0825, dask is not installed; MX0826, no scheduler or no worker; MX0827, a
                worker of another version; MX0828, one that does not see the folder; MX0801, the
                folder cannot be written.
        """
        distributed = _library()
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(self._client(distributed, len(tasks)))
            mark = stack.enter_context(marked(folder.absolute()))
            ours = self.versions()
            _refuse(client.run(_worker, self.versions, mark, on_error="return"), ours, folder)
            threads = max(1, sum(client.nthreads().values()))
            stack.enter_context(_ended(distributed))
            # In the graph, unlike what is scattered: where its worker goes away it is made again.
            held = client.submit(_held, state, pure=False)
            called = (function, self.versions, ours, mark, held)
            under_way: list[Any] = []

            def begun(task: _Task) -> Any:
                under_way.append(client.submit(_call, *called, task, pure=False))
                return under_way[-1]

            for future in ahead(map(begun, tasks), AHEAD * threads):
                yield _result(client, future, under_way, ours, folder)
                under_way.remove(future)

    @contextlib.contextmanager
    def _client(self, distributed: ModuleType, tasks: int) -> Iterator[Any]:
        """Connect to the scheduler, or begin one with workers of its own."""
        with contextlib.ExitStack() as stack:
            try:
                if self.scheduler:
                    distributed.comm.get_address_host_port(self.scheduler, strict=True)
                place = self.scheduler or stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=max(1, min(self.jobs, tasks)),
                        threads_per_worker=1,
                        # No page, and for what it serves all the same a port that nobody has.
                        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                        silence_logs=logging.CRITICAL,
                    )
                )
                client = stack.enter_context(
                    distributed.Client(place, timeout=_PATIENCE, set_as_default=False)
                )
            except (OSError, RuntimeError, TimeoutError, ValueError, MemoryError) as error:
                # What answers may speak another language: its first bytes are no length then.
                reason = str(error).partition("\n")[0]
                raise _unreachable(self.scheduler, reason) from None
            try:
                client.wait_for_workers(1, timeout=_PATIENCE)
            except TimeoutError:
                reason = f"no worker came to it within {_PATIENCE} seconds"
                raise _unreachable(self.scheduler, reason) from None
            yield client


class _Refused(Struct, frozen=True, kw_only=True):
    """The worker that a task was given to is another one than it should be."""

    address: str
    worker: Worker


def _library() -> ModuleType:
    try:
        import distributed
    except ImportError:
        raise InputError.of(
            code="MX0825",
            message="--engine dask needs dask, which is not installed",
            hint="pip install 'gmem-matrix[cluster]'",
        ) from None
    # What goes wrong is said once, in our words.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in {"distributed", "tornado"}:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    module: ModuleType = distributed
    return module


def _worker(versions: Callable[[], Mapping[str, str]], mark: Path) -> Worker:
    return Worker(versions=versions(), sees=mark.exists())


def _held(state: _State) -> _State:
    return state


def _call(
    function: Callable[[_State, _Task], _Result],
    versions: Callable[[], Mapping[str, str]],
    ours: Mapping[str, str],
    mark: Path,
    state: _State,
    task: _Task,
) -> _Result | _Refused:
    found = _worker(versions, mark)
    if found != Worker(versions=ours, sees=True):
        from distributed import get_worker

        return _Refused(address=get_worker().address, worker=found)
    return function(state, task)


def _result(
    client: Any, future: Any, under_way: list[Any], ours: Mapping[str, str], folder: Path
) -> Any:
    """Wait for a result as long as there is somebody to make it, and none of the others failed."""
    idle = 0
    while True:
        try:
            found = future.result(timeout=_LOOKS)
        except TimeoutError:
            # A scheduler begins with any of them: what ended the workers may be a later one.
            for other in under_way:
                if other.status == "error":
                    other.result()
            idle = 0 if client.nthreads() else idle + _LOOKS
            if idle >= _PATIENCE:
                hint = f"{_TAKES_UP}, once there are some"
                raise EndedError("all workers of the scheduler went away", hint) from None
        else:
            if isinstance(found, _Refused):
                _refuse({found.address: found.worker}, ours, folder)
            return found


@contextlib.contextmanager
def _ended(distributed: ModuleType) -> Iterator[None]:
    """Say in our words what ended the work."""
    from concurrent.futures import CancelledError

    from distributed.client import ClosedClientError
    from distributed.comm.core import CommClosedError

    try:
        yield
    except (CancelledError, ClosedClientError, CommClosedError):
        hint = f"{_TAKES_UP}, once it runs"
        raise EndedError("the scheduler went away", hint) from None
    except distributed.KilledWorker as error:
        raise EndedError(
            f"a part ended each worker that had it ({error.allowed_failures + 1}), "
            f"`{error.last_worker.address}` last",
            f"{_TAKES_UP}; where memory was short, give workers more of it, or fewer threads",
        ) from None
    except MemoryError:
        raise EndedError(
            "a worker had not enough memory for a part",
            f"{_TAKES_UP}; give workers more of it, or fewer threads",
        ) from None


def _refuse(workers: Mapping[str, object], ours: Mapping[str, str], folder: Path) -> None:
    """Refuse workers that would make something else, or elsewhere; all of them are named."""
    wrong = [
        item
        for address, worker in sorted(workers.items())
        for item in _problems(address, worker, ours, folder)
    ]
    if wrong:
        raise InputError(wrong)


def _problems(
    address: str, worker: object, ours: Mapping[str, str], folder: Path
) -> Iterator[Diagnostic]:
    if not isinstance(worker, Worker):
        yield Diagnostic(
            code="MX0827",
            message=f"worker `{address}` has not the matrix that is here: {worker}",
            hint=_SAME,
        )
        return
    differs = [name for name in ours if worker.versions.get(name) != ours[name]]
    if differs:
        there = ", ".join(f"{name} {worker.versions.get(name, '(none)')}" for name in differs)
        here = ", ".join(f"{name} {ours[name]}" for name in differs)
        yield Diagnostic(
            code="MX0827", message=f"worker `{address}` has {there}; here is {here}", hint=_SAME
        )
    if not worker.sees:
        yield Diagnostic(
            code="MX0828",
            message=f"worker `{address}` does not see what is written to the folder here",
            location=Location(file=str(folder)),
            hint="give a folder that all machines share, under one path",
        )


def _unreachable(scheduler: str | None, reason: str) -> InputError:
    place = f"scheduler `{scheduler}`" if scheduler else "cluster of this machine"
    return InputError.of(
        code="MX0826",
        message=f"the {place} cannot be used: {reason}",
        hint="dask scheduler says its address, such as tcp://10.0.0.1:8786; dask worker ADDRESS "
        "gives it a worker",
    )
