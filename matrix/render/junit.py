"""JUnit XML, as build servers read it: a suite per file, a case per CPU system.

Takes an outcome, gives the document: `failure` for what makes the run fail, `error` for an input
that could not be read, `skipped` for what is absent, muted or known. No times: output is
deterministic.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree as ET

from msgspec import Struct
from msgspec.structs import asdict

from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import Diagnostic, Severity, format_diagnostic
from matrix.door.spool import Spool
from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.render.annotations import details, fails, heading

# What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Columns of a quoted line: not those of the terminal that happens to be there.
_WIDTH = 100


class _Counts(Struct):
    """How many cases there are, and how many of each kind."""

    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0

    def add(self, other: _Counts) -> None:
        """Add those of others."""
        self.tests += other.tests
        self.failures += other.failures
        self.errors += other.errors
        self.skipped += other.skipped


class _Suite(Struct, kw_only=True):
    """The cases of a file, written: so many bytes."""

    file: str
    counts: _Counts
    size: int = 0


class JunitWriter:
    """The document, its cases part by part."""

    def __init__(self, outcome: ValidateOutcome) -> None:
        self._outcome = outcome
        self._suites: list[_Suite] = []
        self._spool = Spool()

    def part(self, results: Sequence[ValidateResult]) -> list[tuple[str, _Counts, bytes]]:
        """Return the cases of each file, written."""
        by_file: dict[str, list[ET.Element]] = {}
        for result in results:
            by_file.setdefault(result.file, []).append(_case(result, self._outcome))
        return [(file, _counts(cases), _written(cases)) for file, cases in by_file.items()]

    def add(self, part: list[tuple[str, _Counts, bytes]]) -> None:
        """Add the cases of files."""
        for file, counts, cases in part:
            self._suites.append(_Suite(file=file, counts=counts, size=len(cases)))
            self._spool.write(cases)

    def pieces(self, outcome: ValidateOutcome) -> Iterator[bytes]:
        """Yield the document."""
        # All counts first: each head has those of what stands behind it.
        errors: dict[str, list[ET.Element]] = {}
        for file, problem in outcome.problems:
            if problem.severity is Severity.ERROR:
                errors.setdefault(file, []).append(_error(problem))
        suites = list(self._suites)
        answered = {suite.file for suite in suites}
        suites += [_Suite(file=file, counts=_Counts()) for file in errors if file not in answered]
        total = _Counts()
        behind = []
        for suite in suites:
            own = errors.pop(suite.file, [])
            suite.counts.add(_counts(own))
            total.add(suite.counts)
            behind.append(_written(own))
        yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
        if not suites:
            yield _tag("testsuites", "matrix validate", total) + b" />\n"
            return
        yield _tag("testsuites", "matrix validate", total) + b">\n"
        self._spool.begin()
        for suite, others in zip(suites, behind, strict=True):
            yield b"  " + _tag("testsuite", _text(suite.file), suite.counts) + b">\n"
            yield from self._spool.read(suite.size)
            yield others + b"  </testsuite>\n"
        yield b"</testsuites>\n"


def _tag(name: str, title: str, counts: _Counts) -> bytes:
    """Return the beginning of an element that has counts, without its end."""
    shown = {key: str(value) for key, value in asdict(counts).items()}
    element = ET.Element(name, {"name": title, **shown})
    return ET.tostring(element, encoding="unicode").removesuffix(" />").encode()


def _written(cases: Iterable[ET.Element]) -> bytes:
    """Return cases as they stand in a suite."""
    lines = []
    for case in cases:
        ET.indent(case, level=2)
        lines.append(f"    {ET.tostring(case, encoding='unicode')}\n")
    return "".join(lines).encode()


def _counts(cases: Sequence[ET.Element]) -> _Counts:
    kinds = Counter(part.tag for case in cases for part in case)
    return _Counts(len(cases), kinds["failure"], kinds["error"], kinds["skipped"])


def _error(problem: Diagnostic) -> ET.Element:
    case = ET.Element("testcase", classname="input", name=problem.code)
    error = ET.SubElement(case, "error", message=_text(problem.message), type=problem.code)
    error.text = _text(format_diagnostic(problem, _WIDTH))
    return case


def _case(result: ValidateResult, outcome: ValidateOutcome) -> ET.Element:
    name = _text("+".join(result.cpu))
    case = ET.Element("testcase", classname=_text(result.capability), name=name)
    verdict = result.answer.verdict
    said = _text("\n".join([heading(result), *details(result)]))
    if fails(result, outcome):
        failure = ET.SubElement(case, "failure", message=_text(heading(result)), type=verdict)
        failure.text = said
    elif result.standing is Standing.MUTED:
        ET.SubElement(case, "skipped", message=_text(f"{verdict}, muted: {result.muted_because}"))
    elif result.standing is Standing.KNOWN:
        ET.SubElement(case, "skipped", message=f"{verdict}, known from the baseline")
    elif verdict is Verdict.ABSENT:
        ET.SubElement(case, "skipped", message=_text("; ".join(["absent", *details(result)])))
    else:
        ET.SubElement(case, "system-out").text = said
    return case


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
