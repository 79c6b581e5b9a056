"""What every format of a code host or build server needs: how bad a result is, in one sentence.

Takes validate results, gives level and message, and the place a result points at.
"""

from __future__ import annotations

import enum

from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.diagnostics import Severity
from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.render.defects import with_defects
from matrix.render.fixes import snippet_lines
from matrix.render.text import why


class Level(enum.StrEnum):
    """How much a result matters, in SARIF's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NONE = "none"


# The level of a verdict that --fail-on does not name.
_LEVELS = {
    Verdict.UNSOUND: Level.WARNING,
    Verdict.UNKNOWN: Level.WARNING,
    Verdict.OVERSTRICT: Level.NOTE,
    Verdict.NOT_GRANTED: Level.NOTE,
    Verdict.REFUSED: Level.NOTE,
    Verdict.SUPPORTED: Level.NONE,
    Verdict.GRANTED: Level.NONE,
    Verdict.ABSENT: Level.NONE,
}
LEVEL_OF_SEVERITY = {
    Severity.ERROR: Level.ERROR,
    Severity.WARNING: Level.WARNING,
    Severity.NOTE: Level.NOTE,
}


def level(result: ValidateResult, outcome: ValidateOutcome) -> Level:
    """Return how much a verdict matters in this run, whatever its standing."""
    verdict = result.answer.verdict
    if verdict in outcome.fail_on:
        return Level.ERROR
    if result.answer.defects and verdict is Verdict.SUPPORTED:
        return Level.WARNING
    return _LEVELS[verdict]


def fails(result: ValidateResult, outcome: ValidateOutcome) -> bool:
    """Tell whether a result makes the run fail."""
    verdict = result.answer.verdict
    return result.standing is Standing.OPEN and (
        verdict in outcome.fail_on or (verdict is Verdict.UNKNOWN and outcome.undecided_fails)
    )


def heading(result: ValidateResult) -> str:
    """Return what a result is about in a few words."""
    cpu = " + ".join(result.cpu)
    verdict = with_defects(str(result.answer.verdict), result.answer.defects)
    return f"{result.capability} on {cpu}, {result.title}, is {verdict}"


def details(result: ValidateResult) -> list[str]:
    """Return the reasons of a result, what decides it, and its fixes, a line each."""
    answer = result.answer
    lines = list(why(answer)) or [meanings_of(answer.basis)[answer.verdict]]
    place = result.decided_at
    if result.decided_by and place:
        lines.append(f"decided by: {place.text or f'{result.decided_by}, which is not set'}")
    for fix in answer.fixes:
        lines += [f"fix: {line}" for line in snippet_lines(fix)]
    return lines
