"""Workflow commands of GitHub Actions: annotations in the log and on the changed lines.

Takes an outcome, gives lines `::error file=…,line=…,title=…::message`. CPUs that share verdict,
reasons and line share one annotation, since a step shows ten of a kind at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from matrix.diagnostics import Diagnostic, Severity
from matrix.door.spool import Spool
from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.kernel.config.config_input import split_name
from matrix.render.annotations import (
    LEVEL_OF_SEVERITY,
    Level,
    details,
    level,
)
from matrix.render.defects import with_defects
from matrix.render.text import without_name

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


class GithubWriter:
    """The annotations: what was wrong with inputs, then what counts, file by file."""

    def __init__(self, outcome: ValidateOutcome) -> None:
        self._outcome = outcome
        self._spool = Spool()

    def part(self, results: Sequence[ValidateResult]) -> bytes:
        """Return the annotations of some results."""
        return _lines(_of_results(results, self._outcome))

    def add(self, part: bytes) -> None:
        """Add annotations."""
        self._spool.write(part)

    def pieces(self, outcome: ValidateOutcome) -> Iterator[bytes]:
        """Yield all annotations."""
        yield _lines(
            _of_problem(problem, self._outcome)
            for _, problem in outcome.problems
            if problem.severity is not Severity.NOTE
        )
        self._spool.begin()
        yield from self._spool.read()


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def _of_problem(problem: Diagnostic, outcome: ValidateOutcome) -> str:
    place = problem.location
    properties = {"file": split_name(outcome.path(place.file))[0]} if place else {}
    if place and place.line:
        properties |= {"line": str(place.line), "col": str(place.column)}
    message = f"{problem.message}\nhint: {problem.hint}" if problem.hint else problem.message
    command = _COMMANDS[LEVEL_OF_SEVERITY[problem.severity]]
    return _command(command, {**properties, "title": problem.code}, message)


def _of_results(results: Sequence[ValidateResult], outcome: ValidateOutcome) -> Iterator[str]:
    alike: dict[tuple[str, ...], list[ValidateResult]] = {}
    for result in results:
        shown = level(result, outcome)
        if shown is Level.NONE or result.standing is not Standing.OPEN:
            continue
        said = without_name("+".join(result.cpu), details(result))
        number = result.decided_at.line if result.decided_at else 1
        alike_in = (_COMMANDS[shown], result.file, str(number), _title(result), *said)
        alike.setdefault(alike_in, []).append(result)
    for shared, own in alike.items():
        command, file, line, title = shared[:4]
        container, member = split_name(outcome.path(file))
        properties = {"file": container, "line": line, "title": title}
        inside = [f"{member}, line {line}"] if member else []
        cpus = ", ".join("+".join(result.cpu) for result in own)
        # One CPU by its name, and several without.
        lines = shared[4:] if len(own) > 1 else details(own[0])
        yield _command(command, properties, "\n".join([*inside, f"on {cpus}", *lines]))


def _title(result: ValidateResult) -> str:
    return f"{_subject(result)} is {with_defects(result.answer.verdict, result.answer.defects)}"


def _subject(result: ValidateResult) -> str:
    return f"{result.capability} on {result.title}"


def _command(command: str, properties: dict[str, str], message: str) -> str:
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{command} {written}::{_data(message)}"


def _data(text: str) -> str:
    """Return a message as the runner unescapes it (actions/toolkit, packages/core/command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
