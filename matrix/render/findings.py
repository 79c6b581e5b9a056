"""Findings as readers see them: the assumption in words, the trace cut into events.

Takes what the analysis found, gives values for text and pages; imports little, for `validate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from matrix.analyze.cell.advice import POSSIBLE, UNKNOWN
from matrix.analyze.cell.answer import TraceLine


class Event(Struct, frozen=True, kw_only=True):
    """One event of a trace and the micro-operations it did."""

    name: str
    lines: tuple[TraceLine, ...]


def events(trace: Sequence[TraceLine]) -> tuple[Event, ...]:
    """Return a trace cut where the event changes."""
    return tuple(
        Event(name=name, lines=tuple(lines))
        for (_, name), lines in groupby(trace, lambda line: (line.step, line.event))
    )


def certainty(text: str) -> str:
    """Return the certainty of a finding in words, an assumption as the condition it is."""
    return f"if {text.replace('=', ' = ', 1)}" if "=" in text else text


def hangs(text: str) -> bool:
    """Tell whether a finding of this certainty hangs on more than the cell."""
    return text in (POSSIBLE, UNKNOWN)
