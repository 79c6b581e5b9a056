"""What is proved of a study for its report: rules, claims, the right predicate by the others."""

from __future__ import annotations

from msgspec import Struct

from matrix.analyze.proof.claims import ClaimAnswer
from matrix.analyze.proof.rules import LabelRules
from matrix.analyze.proof.synthesis import ComparedPredicate, Elsewhere, Synthesis
from matrix.analyze.space.difference import asked_again
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import InputError, UndecidedError
from matrix.flows.claims import answer_claims
from matrix.flows.other_studies import OtherStudies
from matrix.flows.rules import verdict_rules
from matrix.flows.study import PreparedStudy
from matrix.flows.synthesize import compare_predicates, compared_predicate

# A page is read, not searched: `matrix rules` has the rest.
_MAX_RULES = 8


class Proofs(Struct, frozen=True, kw_only=True):
    """The answers of the solver for one study.

    `rules` or `synthesis` are None where there are none, and `no_rules` or `no_synthesis` says why.
    `refuting` are other studies in which `synthesis` is unsound, the one with the most cells first;
    `wider` is what was synthesised over that one, asked of this study last in `compared`.
    """

    rules: tuple[LabelRules, ...] | None
    claims: tuple[ClaimAnswer, ...]
    synthesis: Synthesis | None
    compared: tuple[ComparedPredicate, ...] = ()
    no_rules: str = ""
    no_synthesis: str = ""
    refuting: tuple[Elsewhere, ...] = ()
    wider: Synthesis | None = None


def study_proofs(prepared: PreparedStudy, solved: SolvedStudy, others: OtherStudies) -> Proofs:
    """Return the proofs of a report; what cannot be had is left out with the reason.

    Where another study refutes the check that was synthesised, the one of the largest such study
    is shown before it.

    Raises:
        InputError: what is wrong with a claim.
    """
    rules, no_rules = None, ""
    try:
        rules = verdict_rules(solved, [word.value for word in solved.verdicts], _MAX_RULES)
    except UndecidedError as error:
        no_rules = error.diagnostics[0].message
    synthesis, no_synthesis = None, ""
    compared: tuple[ComparedPredicate, ...] = ()
    try:
        synthesis, compared = compare_predicates(prepared, solved, solved.valid)
    except InputError as error:
        no_synthesis = error.diagnostics[0].message
    refuting: tuple[Elsewhere, ...] = ()
    wider = None
    if synthesis is not None:
        refuting = others.refuting(prepared.study.id, synthesis.predicate)
        wider = others.synthesis(refuting[0].study.id) if refuting else None
    if wider is not None:
        name = f"synthesised over {refuting[0].study.id}"
        asked = asked_again(solved, wider.predicate)
        compared = (*compared, compared_predicate(name, solved, asked, solved.valid))
    return Proofs(
        rules=rules,
        claims=answer_claims(prepared, solved),
        synthesis=synthesis,
        compared=compared,
        refuting=refuting,
        wider=wider,
        no_rules=no_rules,
        no_synthesis=no_synthesis,
    )
