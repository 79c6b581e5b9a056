"""The verdicts, and the one table that decides them.

Where a capability says how its truth is known, a verdict compares the kernel's check with it. Where
it does not, the answer is what the kernel says, and no word that judges it is used.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from matrix.schema.values import Basis, Capability


class Verdict(enum.StrEnum):
    """What is said of one cell, in the order reports list them: what needs action comes first."""

    UNSOUND = "unsound"
    UNKNOWN = "unknown"
    OVERSTRICT = "overstrict"
    NOT_GRANTED = "not-granted"
    SUPPORTED = "supported"
    GRANTED = "granted"
    REFUSED = "refused"
    ABSENT = "absent"

    @property
    def rank(self) -> int:
        """Its place in that order."""
        return list(Verdict).index(self)


# What a user wants: the capability works, as far as anything says so.
WORKS = frozenset({Verdict.SUPPORTED, Verdict.GRANTED})

_UNKNOWN = "the answer differs with a CPU field or other fact that nobody recorded"
_ABSENT = "not built in, switched off, or not available on this system"

_MEANINGS: dict[Basis, dict[Verdict, str]] = {
    "simulation": {
        Verdict.UNSOUND: (
            "the kernel's check says yes, and a violation is reachable under at least one "
            "permitted assumption"
        ),
        Verdict.UNKNOWN: _UNKNOWN,
        Verdict.OVERSTRICT: "the kernel's check says no, though nothing would be violated",
        Verdict.SUPPORTED: "the kernel's check says yes, and no violation is reachable",
        Verdict.REFUSED: (
            "the kernel's check says no, and were it forced to yes a violation would follow"
        ),
        Verdict.ABSENT: _ABSENT,
    },
    "truth": {
        Verdict.UNSOUND: "the kernel's check says yes, though a part of the truth does not hold",
        Verdict.UNKNOWN: _UNKNOWN,
        Verdict.OVERSTRICT: "the kernel's check says no, though every part of the truth holds",
        Verdict.SUPPORTED: "the kernel's check says yes, and every part of the truth holds",
        Verdict.REFUSED: "the kernel's check says no, and a part of the truth does not hold",
        Verdict.ABSENT: _ABSENT,
    },
    "nothing": {
        Verdict.UNKNOWN: _UNKNOWN,
        Verdict.NOT_GRANTED: "the kernel's check says no; whether it should is not declared",
        Verdict.GRANTED: "the kernel's check says yes; whether it should is not declared",
        Verdict.ABSENT: _ABSENT,
    },
}

# (the kernel's own check says yes, a violation is reachable) -> verdict
_DECISION: dict[tuple[bool, bool | None], Verdict] = {
    (True, False): Verdict.SUPPORTED,
    (True, True): Verdict.UNSOUND,
    (False, True): Verdict.REFUSED,
    (False, False): Verdict.OVERSTRICT,
    (True, None): Verdict.GRANTED,
    (False, None): Verdict.NOT_GRANTED,
}


def decide(*, predicate: bool, violates: bool | None) -> Verdict:
    """Return the verdict of a cell whose capability is present.

    `violates` is None where nothing says what the check should be.
    """
    return _DECISION[(predicate, violates)]


def meanings_of(basis: Basis) -> Mapping[Verdict, str]:
    """Return the verdicts that cells can have, in the order of reports, and what each means.

    `basis` is what tells whether the kernel's check says what it should.
    """
    return _MEANINGS[basis]


def wanted_of(basis: Basis) -> Verdict:
    """Return the verdict of a cell in which the capability works."""
    return next(verdict for verdict in _MEANINGS[basis] if verdict in WORKS)


def verdicts_of(capability: Capability) -> tuple[Verdict, ...]:
    """Return the verdicts that cells of a capability can have, in the order of reports."""
    return tuple(_MEANINGS[capability.basis])
