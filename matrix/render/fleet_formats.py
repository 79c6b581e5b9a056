"""A fleet's answers as annotations, JUnit or SARIF: each group of hosts is one result.

Takes the summary, gives what the formats of `validate` take; a group stands at its first row.
"""

from __future__ import annotations

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import Diagnostic, ExitCode, Location
from matrix.flows.fleet_summary import FleetSummary, HostGroup
from matrix.flows.validate_result import ValidateOutcome, ValidateResult
from matrix.render.fleet import named_cpus
from matrix.render.quantities import counted
from matrix.render.validate import render_validate


def render_fleet(
    summary: FleetSummary,
    problems: tuple[Diagnostic, ...],
    form: str,
    *,
    fail_on: frozenset[str],
    exit_code: ExitCode,
) -> str:
    """Return the groups in a format of `validate`: github, junit or sarif."""
    outcome = ValidateOutcome(
        results=tuple(_result(group, summary) for group in summary.groups),
        problems=tuple((summary.file, problem) for problem in problems),
        fail_on=fail_on,
        undecided_fails=True,
        compared=False,
        exit_code=exit_code,
        grouped=False,
    )
    return render_validate(outcome, form)


def _result(group: HostGroup, summary: FleetSummary) -> ValidateResult:
    given = group.answer
    first = f"row {group.first_row:,}"
    of = f"{group.first_host}, {first}" if group.first_host else first
    hosts = f"{counted(group.hosts, 'host')}, the first {of}"
    # A row of a CSV stands one line below its number; lines of other tables mean nothing.
    line = group.first_row + 1 if summary.file.endswith(".csv") else 1
    return ValidateResult(
        file=summary.file,
        kernel=given.release,
        read_on=given.read_on,
        assumes_patch=summary.assumes_patch,
        cpu=(named_cpus(group),),
        cmdline="",
        vm="",
        capability=summary.capability,
        predicate_version=summary.predicate_version,
        decided_at=Location(file=summary.file, line=line),
        answer=Answer(
            predicate=given.predicate,
            outcome=given.outcome,
            verdict=given.verdict or Verdict.UNKNOWN,
            confidence="",
            reasons=(hosts, *(f"with {text}" for text in given.defects), *given.reasons),
            fixes=group.fixes,
            basis=summary.basis,
        ),
    )
