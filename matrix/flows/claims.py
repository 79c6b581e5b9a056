"""`matrix claims`: what the study claims, proved or refuted with the nearest witness."""

from __future__ import annotations

from pathlib import Path

from matrix.analyze.proof.claims import ClaimAnswer, decide_claims
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import ExitCode
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.flows.study_answer import StudyAnswer
from matrix.schema.values import Claim


class Claims(StudyAnswer, frozen=True, kw_only=True):
    """What became of every claim of a study, of each group of releases apart."""

    answers: tuple[ClaimAnswer, ...]

    @property
    def unexpected(self) -> tuple[ClaimAnswer, ...]:
        """The answers that are not what the study expects."""
        return tuple(answer for answer in self.answers if not answer.result.as_expected)

    @property
    def exit_code(self) -> ExitCode:
        """FINDINGS where an answer is not as expected."""
        return ExitCode.FINDINGS if self.unexpected else ExitCode.OK


def claims(name: str, *, configs: tuple[Path, ...], predicate: str | None) -> Claims:
    """Return every claim of a study and its capability with its status.

    Raises:
        InputError: a statement that is malformed or names what no release has.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    solved = prepared.solve()
    return Claims(
        study=prepared.study,
        predicate=prepared.predicate,
        answers=answer_claims(prepared, solved),
        defects=study_defects(solved),
    )


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
