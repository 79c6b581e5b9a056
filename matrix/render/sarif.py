"""SARIF 2.1.0, the format of code-scanning dashboards (OASIS, sarif-v2.1.0-errata01).

Takes an outcome, gives one run: a rule for each verdict, a result for each file and CPU system that
needs a reader, inputs that could not be read as notifications. A result points at the `CONFIG_`
line that decides and carries a fingerprint that unrelated changes of the file do not move.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from msgspec.structs import replace

import matrix
from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.diagnostics import Diagnostic, Location
from matrix.door.spool import Spool
from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.kernel.config.config_input import split_name
from matrix.render.annotations import (
    LEVEL_OF_SEVERITY,
    Level,
    details,
    heading,
    level,
)
from matrix.render.json import Json, dump_without_fractions, fields, written
from matrix.schema.values import Basis

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

# What a reader does about each verdict.
_HELP = {
    Verdict.UNSOUND: "Do not enable the capability there: the kernel says yes, and what it "
    "promises can be broken. Change what the fix names, or the CPU.",
    Verdict.UNKNOWN: "Settle what the message names: give the CPU's field (--cpu NAME,field=value) "
    "or the complete .config.",
    Verdict.OVERSTRICT: "The kernel refuses although nothing would be violated: the predicate can "
    "be weakened (matrix synthesize prints how).",
    Verdict.NOT_GRANTED: "The kernel refuses; the fix names what would make it grant it.",
    Verdict.SUPPORTED: "Nothing to do.",
    Verdict.GRANTED: "Nothing to do.",
    Verdict.REFUSED: "The kernel rightly refuses; the fix names what would make it work.",
    Verdict.ABSENT: "The message says what is not built in, switched off, or not available.",
}


class SarifWriter:
    """The document, its results part by part."""

    def __init__(self, outcome: ValidateOutcome) -> None:
        self._outcome = outcome
        self._basis: Basis | None = None
        self._spool = Spool()

    def part(self, results: Sequence[ValidateResult]) -> tuple[Basis | None, bytes]:
        """Return what judges the predicate, and the results that need a reader."""
        shown = [
            written(_result(result, self._outcome)).replace(b"\n", b"\n        ")
            for result in results
            if level(result, self._outcome) is not Level.NONE
        ]
        return results[0].answer.basis if results else None, b",\n        ".join(shown)

    def add(self, part: tuple[Basis | None, bytes]) -> None:
        """Add results."""
        basis, results = part
        self._basis = self._basis or basis
        if results:
            self._spool.write((b",\n        " if self._spool.size else b"\n        ") + results)

    def pieces(self, outcome: ValidateOutcome) -> Iterator[bytes]:
        """Yield the document."""
        here = replace(outcome, root=self._outcome.root)
        text = dump_without_fractions(_document(here, self._basis or "simulation"))
        # The last empty list of the document is `results`: its keys stand in the order above.
        before, _, behind = text.rpartition("[]")
        yield f"{before}[".encode()
        self._spool.begin()
        yield from self._spool.read()
        end = "\n      ]" if self._spool.size else "]"
        yield f"{end}{behind}".encode()


def _document(outcome: ValidateOutcome, basis: Basis) -> dict[str, Json]:
    """Return the document without its results."""
    meanings = meanings_of(basis)
    rules: list[Json] = [_rule(verdict, meaning) for verdict, meaning in meanings.items()]
    notifications: list[Json] = [_notification(problem, outcome) for _, problem in outcome.problems]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "matrix",
                        "semanticVersion": matrix.__version__,
                        "rules": rules,
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": outcome.exit_code != 3,
                        "exitCode": int(outcome.exit_code),
                        "toolExecutionNotifications": notifications,
                    }
                ],
                "results": [],
            }
        ],
    }


def _rule(verdict: Verdict, meaning: str) -> Json:
    return {
        "id": str(verdict),
        "name": str(verdict).capitalize(),
        "shortDescription": {"text": f"{verdict}: {meaning}"},
        "help": {"text": _HELP[verdict]},
        "properties": {"tags": ["kernel", "configuration"]},
    }


def _result(result: ValidateResult, outcome: ValidateOutcome) -> dict[str, Json]:
    verdict = result.answer.verdict
    found: dict[str, Json] = {
        "ruleId": str(verdict),
        # The rules of the run are these in this order (`_document`).
        "ruleIndex": list(meanings_of(result.answer.basis)).index(verdict),
        "level": str(level(result, outcome)),
        "message": {"text": "\n".join([f"{heading(result)}.", *details(result)])},
        "locations": [_location(_place(result), outcome)],
        "partialFingerprints": {"finding/v1": fingerprint(result, outcome)},
        "properties": {
            "cpu": "+".join(result.cpu),
            **fields(result, "kernel version read_on between cmdline vm"),
        },
    }
    if result.standing is Standing.MUTED:
        found["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": result.muted_because}
        ]
    if outcome.compared:
        found["baselineState"] = "unchanged" if result.standing is Standing.KNOWN else "new"
    return found


def fingerprint(result: ValidateResult, outcome: ValidateOutcome) -> str:
    """Return what stays equal while the finding is the same: file, question, verdict, violations.

    Not in it: lines, the release, the wording, other CPUs of the run.
    """
    violated = sorted({finding.invariant for finding in result.answer.violations})
    parts = (
        _uri(outcome.path(result.file)),
        *(result.capability, result.predicate_version, result.vm, "+".join(result.cpu)),
        *(str(result.answer.verdict), *violated),
    )
    # NUL is in no path and no name, so that no two lists of parts are one text.
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _place(result: ValidateResult) -> Location:
    return result.decided_at or Location(file=result.file, line=1, column=1)


def _location(place: Location, outcome: ValidateOutcome) -> Json:
    container, member = split_name(outcome.path(place.file))
    physical: dict[str, Json] = {"artifactLocation": {"uri": _uri(container)}}
    if place.line and not member:
        region: dict[str, Json] = {"startLine": place.line, "startColumn": max(1, place.column)}
        if place.text is not None:
            region["endColumn"] = max(1, place.column) + max(1, place.length)
            region["snippet"] = {"text": place.text}
        physical["region"] = region
    found: dict[str, Json] = {"physicalLocation": physical}
    if member:
        # A line of a member is no line of the package: it is said by name.
        name = f"{member}:{place.line}" if place.line else member
        found["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "member"}]
    return found


def _notification(problem: Diagnostic, outcome: ValidateOutcome) -> Json:
    text = f"{problem.message}\nhint: {problem.hint}" if problem.hint else problem.message
    found: dict[str, Json] = {
        "descriptor": {"id": problem.code},
        "level": str(LEVEL_OF_SEVERITY[problem.severity]),
        "message": {"text": text},
    }
    if problem.location:
        found["locations"] = [_location(problem.location, outcome)]
    return found


def _uri(file: str) -> str:
    """Return a path as a URI reference: relative stays relative, as dashboards want it."""
    quoted = quote(file.encode("utf-8", "surrogateescape"), safe="/!$&'()*+,;=@~-._")
    return f"file://{quoted}" if quoted.startswith("/") else quoted
