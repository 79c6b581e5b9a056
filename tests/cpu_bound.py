"""A bound on the processor time of a test: what grows too fast with its input fails, not hangs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TookTooLong(BaseException):
    """No error that the code under test could catch as one of its own."""


@contextmanager
def cpu_bound(seconds: float) -> Iterator[None]:
    """Raise TookTooLong after so many seconds of processor time, whoever else is at work."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLong(f"more than {seconds} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
