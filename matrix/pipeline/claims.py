"""`matrix claims`: what the study claims, proved or refuted with the nearest witness."""

from __future__ import annotations

from pathlib import Path

from matrix.analyze.claims import ClaimResult, decide_claims
from matrix.diagnostics import ExitCode
from matrix.pipeline.knowledge import Library
from matrix.pipeline.reply import Reply
from matrix.pipeline.study import PreparedStudy, prepare_study
from matrix.render.claims_text import ClaimAnswer, claims_document, claims_text
from matrix.render.json import dump


def claims(name: str, *, configs: tuple[Path, ...], predicate: str | None, as_json: bool) -> Reply:
    """Return every claim of a study and its capability with its status.

    Raises:
        InputError: a statement that is malformed or names what no release has.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    capability = prepared.capability
    declared = {claim.id: claim for claim in (*capability.claims, *prepared.study.claims)}
    found = decide_claims(prepared.solve(), tuple(declared.values()))
    answers = [_answer(prepared, result) for result in found]
    if as_json:
        text = dump(claims_document(answers))
    else:
        title = f"{prepared.study.title}, predicate {prepared.predicate.name}"
        text = claims_text(title, answers, dict(prepared.study.baseline))
    unexpected = any(not result.as_expected for result in found)
    return Reply(text=text, exit_code=ExitCode.FINDINGS if unexpected else ExitCode.OK)


def _answer(prepared: PreparedStudy, result: ClaimResult) -> ClaimAnswer:
    found = prepared.answer(result.witness) if result.witness is not None else None
    return ClaimAnswer(result=result, witness=found)
