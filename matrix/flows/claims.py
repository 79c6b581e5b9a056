"""`matrix claims`: what the study claims, proved or refuted with the nearest witness."""

from __future__ import annotations

from pathlib import Path

from matrix.analyze.proof.claims import ClaimAnswer, decide_claims
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import ExitCode
from matrix.flows.knowledge import Library
from matrix.flows.reply import Reply
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.render.claims_text import claims_document, claims_text
from matrix.render.defects import study_defect_documents, study_sentences
from matrix.render.json import dump
from matrix.render.text import first_lines
from matrix.schema.values import Claim


def claims(name: str, *, configs: tuple[Path, ...], predicate: str | None, as_json: bool) -> Reply:
    """Return every claim of a study and its capability with its status.

    Raises:
        InputError: a statement that is malformed or names what no release has.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    solved = prepared.solve()
    answers = answer_claims(prepared, solved)
    met = study_defects(solved)
    if as_json:
        text = dump({**claims_document(answers), "defects": study_defect_documents(met)})
    else:
        title = f"{prepared.study.title}, predicate {prepared.predicate.name}"
        said = first_lines(study_sentences(met))
        text = said + claims_text(title, answers, dict(prepared.study.baseline))
    unexpected = any(not answer.result.as_expected for answer in answers)
    return Reply(text=text, exit_code=ExitCode.FINDINGS if unexpected else ExitCode.OK)


def declared_claims(prepared: PreparedStudy) -> tuple[Claim, ...]:
    """Return the claims of a study and of its capability, the study's own instead of equal ids."""
    claims = (*prepared.capability.claims, *prepared.study.claims)
    return tuple({claim.id: claim for claim in claims}.values())


def answer_claims(prepared: PreparedStudy, solved: SolvedStudy) -> tuple[ClaimAnswer, ...]:
    """Return what becomes of every claim of a study, with the answer in each witness.

    Raises:
        InputError: a statement that is malformed or names what no release has.
    """
    return tuple(
        ClaimAnswer(
            result=result,
            witness=None if result.witness is None else prepared.answer(result.witness),
        )
        for result in decide_claims(solved, declared_claims(prepared))
    )
