"""JUnit XML, as build servers read it: a suite per file, a case per CPU system.

Takes an outcome, gives the document: `failure` for what makes the run fail, `error` for an input
that could not be read, `skipped` for what is absent, muted or known. No times: output is
deterministic.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import Severity, format_diagnostic
from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.render.annotations import details, fails, heading

# What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Columns of a quoted line: not those of the terminal that happens to be there.
_WIDTH = 100


def render_junit(outcome: ValidateOutcome) -> str:
    """Return the document."""
    root = ET.Element("testsuites", name="matrix validate")
    suites: dict[str, ET.Element] = {}

    def suite(file: str) -> ET.Element:
        if file not in suites:
            suites[file] = ET.SubElement(root, "testsuite", name=_text(file))
        return suites[file]

    for result in outcome.results:
        _case(suite(result.file), result, outcome)
    for file, problem in outcome.problems:
        if problem.severity is Severity.ERROR:
            case = ET.SubElement(suite(file), "testcase", classname="input", name=problem.code)
            error = ET.SubElement(case, "error", message=_text(problem.message), type=problem.code)
            error.text = _text(format_diagnostic(problem, _WIDTH))
    for element in [*suites.values(), root]:
        element.set("tests", str(len(element.findall(".//testcase"))))
        for kind, name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            element.set(kind, str(len(element.findall(f".//{name}"))))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(suite: ET.Element, result: ValidateResult, outcome: ValidateOutcome) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=_text(result.capability), name=_text("+".join(result.cpu))
    )
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


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
