"""The formats of code hosts and build servers, made from the outcome of `validate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matrix.flows.validate_result import Report
from matrix.render.json import dump

if TYPE_CHECKING:
    from matrix.flows.validate import ValidateOutcome


def render_report(outcome: ValidateOutcome, form: str) -> str:
    """Return an outcome as `github`, `junit` or `sarif`."""
    request = outcome.request
    report = Report(
        results=outcome.results,
        problems=outcome.problems,
        fail_on=frozenset(request.fail_on),
        undecided_fails=bool(request.cpus and request.fail_on),
        compared=request.baseline is not None,
        exit_code=outcome.exit_code,
        root=str(Path.cwd()),
    )
    match form:
        case "github":
            from matrix.render.github import render_github

            return render_github(report)
        case "junit":
            from matrix.render.junit import render_junit

            return render_junit(report)
        case _:
            from matrix.render.sarif import sarif_document

            return dump(sarif_document(report))
