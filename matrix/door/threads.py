"""The same work on many inputs by several threads, in order, while the first ones are used.

It is for work that Arrow and NumPy do: they let other threads run meanwhile, and nothing has to be
sent from one process to another. Of the inputs only a few are in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from matrix.door.workers import ahead

Given = TypeVar("Given")
Made = TypeVar("Made")

# More threads help nobody: what is done with the results in their order takes as long as the work
# of so many. Each has an input in memory.
_MOST_THREADS = 4


def in_threads(
    work: Callable[[Given], Made], given: Iterator[Given], jobs: int
) -> Iterator[tuple[Given, Made]]:
    """Yield each input with what the work makes of it, in their order, some inputs ahead.

    With one job there is no thread, and no input is asked for before the last one was used.
    """
    if jobs < 2:
        yield from ((one, work(one)) for one in given)
        return
    from concurrent.futures import ThreadPoolExecutor

    threads = min(jobs, _MOST_THREADS)
    pool = ThreadPoolExecutor(threads)
    begun = ((one, pool.submit(work, one)) for one in given)
    try:
        for one, made in ahead(begun, threads + 1):
            yield one, made.result()
    finally:
        pool.shutdown(cancel_futures=True)
