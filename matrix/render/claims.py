"""Claims as a document and as JSON (`matrix/claims/1`): PROVED, or REFUTED with a witness."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from matrix.analyze.cell.answer import Finding
from matrix.analyze.proof.claims import PROVED, ClaimAnswer
from matrix.analyze.space.cell_text import named_cell
from matrix.flows.claims import Claims
from matrix.render.document import (
    NO_BREAK,
    Block,
    Code,
    Definition,
    Definitions,
    Document,
    Inline,
    List,
    Paragraph,
    Section,
    plain,
)
from matrix.render.json import Json, fields
from matrix.render.study_answer import answer_document, answer_values

CLAIMS_SCHEMA = "matrix/claims/1"


def claims_values(found: Claims) -> dict[str, Json]:
    """Return the JSON document: one entry per claim and group of releases with one expectation."""
    entries: list[Json] = [_entry(answer) for answer in found.answers]
    return answer_values(found, {"schema": CLAIMS_SCHEMA, "claims": entries})


def _entry(answer: ClaimAnswer) -> dict[str, Json]:
    result = answer.result
    return {
        "id": result.claim.id,
        "kernels": list(result.kernels),
        "statement": result.claim.statement.text,
        **fields(result, "status expected cells"),
        "witness": dict(result.witness) if result.witness is not None else None,
    }


def claims_document(found: Claims) -> Document:
    """Return the claims, those that are not as expected named at the end."""
    if not found.answers:
        return answer_document(found, [Paragraph(text="the study states no claims")])
    baseline = dict(found.study.baseline)
    expected = len(found.answers) - len(found.unexpected)
    answers = "answer" if len(found.answers) == 1 else "answers"
    summary = [f"{len(found.answers)} {answers}, {expected} as expected"]
    summary += [
        f"not as expected: {answer.result.claim.id} on {', '.join(answer.result.kernels)}"
        for answer in found.unexpected
    ]
    return answer_document(found, [*_sections(found, baseline), List(items=tuple(summary))])


def _sections(found: Claims, baseline: Mapping[str, str]) -> Iterator[Block]:
    for claim, answers in itertools.groupby(found.answers, lambda answer: answer.result.claim):
        yield Section(
            title=f"{claim.description} [{claim.id}]",
            blocks=(
                Code(text=claim.statement.text, language="c", indent=2),
                Definitions(
                    items=tuple(_definition(answer, baseline) for answer in answers),
                    header=("status", "where", "witness"),
                    width=len("REFUTED"),
                ),
            ),
        )


def _definition(answer: ClaimAnswer, baseline: Mapping[str, str]) -> Definition:
    result = answer.result
    extent = f"{result.cells:,} cells"
    if result.status == PROVED and not result.cells:
        extent = "vacuously: no cell has its premise"
    expectation = as_expected(result.expected, met=result.as_expected)
    return Definition(
        term=result.status.upper(),
        text=f"{', '.join(result.kernels)}: {extent}{expectation}",
        notes=tuple(_witness(answer, baseline)),
    )


def _witness(answer: ClaimAnswer, baseline: Mapping[str, str]) -> Iterator[Inline]:
    if answer.result.witness is not None:
        # A cell is copied whole.
        cell = named_cell(answer.result.witness, baseline).replace(" ", NO_BREAK)
        yield plain(f"nearest:{NO_BREAK}{cell}")
    if answer.witness is not None:
        yield f"there: {answer.witness.verdict}; {answer.witness.reasons[0]}"
        yield from (plain(_breaking(finding)) for finding in answer.witness.violations)


def as_expected(expected: str, *, met: bool) -> str:
    """Return what is said behind an answer: a claim may be there to be refuted."""
    return ", as expected" if met else f" (expected: {expected})"


def _breaking(finding: Finding) -> str:
    """Return the micro-operation of a trace that breaks the invariant."""
    last = finding.breaking
    source = f" [{last.source}]" if last.source else ""
    done = f"{last.operation} {last.detail}".rstrip()
    return f"{finding.invariant} ({finding.certainty}): {last.event}: {done}{source}"
