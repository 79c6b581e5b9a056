"""Claims as text and JSON (`matrix/claims/1`): PROVED with a count, REFUTED with a witness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrix.analyze.cell.answer import Finding
from matrix.analyze.proof.claims import PROVED, ClaimAnswer
from matrix.analyze.space.cell_text import named_cell
from matrix.render.json import Json
from matrix.render.text import wrapped

CLAIMS_SCHEMA = "matrix/claims/1"

# What stands beneath an answer begins where its words do.
_BENEATH = " " * 11


def claims_document(answers: Sequence[ClaimAnswer]) -> dict[str, Json]:
    """Return the JSON document: one entry per claim and group of releases with one expectation."""
    return {"schema": CLAIMS_SCHEMA, "claims": [_entry(answer) for answer in answers]}


def _entry(answer: ClaimAnswer) -> dict[str, Json]:
    result = answer.result
    return {
        "id": result.claim.id,
        "kernels": list(result.kernels),
        "statement": result.claim.statement.text,
        "status": result.status,
        "expected": result.expected,
        "cells": result.cells,
        "witness": dict(result.witness) if result.witness is not None else None,
    }


def claims_text(title: str, answers: Sequence[ClaimAnswer], baseline: Mapping[str, str]) -> str:
    """Return the claims for the terminal, those that are not as expected named at the end."""
    lines = [title]
    shown: str | None = None
    for answer in answers:
        claim = answer.result.claim
        if claim.id != shown:
            lines.extend(["", *wrapped(f"{claim.description} [{claim.id}]", "")])
            lines.append(f"  {claim.statement.text}")
            shown = claim.id
        lines.extend(_lines(answer, baseline))
    unexpected = [answer.result for answer in answers if not answer.result.as_expected]
    lines.append("")
    if not answers:
        return f"{title}\n\nthe study states no claims\n"
    lines.append(f"{len(answers)} answers, {len(answers) - len(unexpected)} as expected")
    lines.extend(
        f"not as expected: {result.claim.id} on {', '.join(result.kernels)}"
        for result in unexpected
    )
    return "\n".join(lines) + "\n"


def _lines(answer: ClaimAnswer, baseline: Mapping[str, str]) -> list[str]:
    result = answer.result
    where = ", ".join(result.kernels)
    expectation = as_expected(result.expected, met=result.as_expected)
    if result.status == PROVED:
        shown = f"{result.cells:,} cells" if result.cells else "vacuously: no cell has its premise"
        return list(wrapped(f"{where}: {shown}{expectation}", "  PROVED   "))
    lines = list(wrapped(f"{where}: {result.cells:,} cells{expectation}", "  REFUTED  "))
    if result.witness is not None:
        lines.append(f"{_BENEATH}nearest: {named_cell(result.witness, baseline)}")
    if answer.witness is not None:
        there = f"there: {answer.witness.verdict}; {answer.witness.reasons[0]}"
        lines.extend(wrapped(there, _BENEATH))
        for finding in answer.witness.violations:
            lines.extend(wrapped(_trace(finding), _BENEATH))
    return lines


def as_expected(expected: str, *, met: bool) -> str:
    """Return what is said behind an answer: a claim may be there to be refuted."""
    return ", as expected" if met else f" (expected: {expected})"


def _trace(finding: Finding) -> str:
    """Return the micro-operation of a trace that breaks the invariant."""
    last = finding.breaking
    source = f" [{last.source}]" if last.source else ""
    done = f"{last.operation} {last.detail}".rstrip()
    return f"{finding.invariant} ({finding.certainty}): {last.event}: {done}{source}"
