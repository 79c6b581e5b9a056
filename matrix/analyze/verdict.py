"""The six verdicts, and the one table that decides them."""

from __future__ import annotations

import enum


class Verdict(enum.StrEnum):
    """What is said of one cell, in the order reports list them: what needs action comes first."""

    UNSOUND = "unsound"
    UNKNOWN = "unknown"
    OVERSTRICT = "overstrict"
    SUPPORTED = "supported"
    REFUSED = "refused"
    ABSENT = "absent"


MEANINGS: dict[Verdict, str] = {
    Verdict.UNSOUND: (
        "the kernel's check says yes, and a violation is reachable under at least one permitted "
        "assumption"
    ),
    Verdict.UNKNOWN: "the answer differs with a CPU field or other fact that nobody recorded",
    Verdict.OVERSTRICT: "the kernel's check says no, though nothing would be violated",
    Verdict.SUPPORTED: "the kernel's check says yes, and no violation is reachable",
    Verdict.REFUSED: (
        "the kernel's check says no, and were it forced to yes a violation would follow"
    ),
    Verdict.ABSENT: "not built in, switched off, or not available on this system",
}

# (the kernel's own check says yes, a violation is reachable) -> verdict
_DECISION = {
    (True, False): Verdict.SUPPORTED,
    (True, True): Verdict.UNSOUND,
    (False, True): Verdict.REFUSED,
    (False, False): Verdict.OVERSTRICT,
}


def decide(*, predicate: bool, violates: bool) -> Verdict:
    """Return the verdict of a cell whose capability is present."""
    return _DECISION[(predicate, violates)]
