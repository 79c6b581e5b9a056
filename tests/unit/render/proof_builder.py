"""Builds what the solver proves of the hand-made study: one of everything that a report shows."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.analyze.proof.claims import PROVED, REFUTED, ClaimAnswer, ClaimResult
from matrix.analyze.proof.rules import FeatureRule, LabelRules
from matrix.analyze.proof.synthesis import ComparedPredicate, Indistinguishable, Synthesis
from matrix.analyze.space.cause import Place
from matrix.expr.parser import parse
from matrix.flows.proofs import Proofs
from matrix.schema.values import Atom, Claim, PredicateVersion
from matrix.solve.space import FiniteVariable, Space
from tests.brute import Brute
from tests.unit.render import builder

WITNESS = {"kernel": "7.3", "cpu": "cortex-a710", "boot.rodata": "absent"}
ATOMS = ("can_set_direct_map()", "is_realm_world()")


def proofs(label: str = "fwb-suffices", statement: str | None = None) -> Proofs:
    """Return rules, claims and predicates; `label` stands wherever a declaration may put a text."""
    statement = label if statement is None else statement
    placed = Place(change=(), cpus=(label,))
    return Proofs(
        rules=(
            LabelRules(label="unsound", cells=12, rules=((rule(label), (placed,)),), left_out=3),
            LabelRules(label="overstrict", cells=0, rules=(), left_out=0),
        ),
        claims=(
            answer(label, statement, "6.12", cells=10, kernel="6.12"),
            answer(label, statement, "7.3", cells=10, kernel="7.3"),
            ClaimAnswer(
                result=replace(
                    answer("vacuous", statement, "6.12", cells=0, kernel="6.12").result,
                    status=PROVED,
                    witness=None,
                ),
                witness=None,
            ),
        ),
        synthesis=synthesis(label),
        compared=(compared("v12", 12), compared("synthesised", 0)),
    )


def nothing(no_rules: str, no_synthesis: str) -> Proofs:
    """Return proofs of a study of which nothing could be proved."""
    return Proofs(
        rules=None, claims=(), synthesis=None, no_rules=no_rules, no_synthesis=no_synthesis
    )


def rule(label: str) -> FeatureRule:
    """Return a rule over one fact and one axis."""
    space = Space(variables=(FiniteVariable(name="cpu", options=("cortex-a710",)),))
    return FeatureRule(
        label="unsound",
        when=(("has_cache_dic", ("false",)), ("cpu", (label,))),
        shown=(
            ("has_cache_dic", ("false",), ("true", "false")),
            ("cpu", (label,), (label, "another")),
        ),
        cells=12,
        region=Brute(space).everything(),
    )


def answer(name: str, statement: str, release: str, *, cells: int, kernel: str) -> ClaimAnswer:
    """Return a refuted claim of one release with its witness."""
    return ClaimAnswer(
        result=ClaimResult(
            claim=Claim(
                id=name,
                statement=builder.condition(statement),
                expected=(("*", REFUTED),),
                description=name,
                location=builder.PLACE,
            ),
            kernels=(release,),
            not_asked=(),
            status=REFUTED,
            expected=REFUTED,
            cells=cells,
            witness={**WITNESS, "kernel": kernel},
        ),
        witness=builder.answer(),
    )


def synthesis(label: str) -> Synthesis:
    """Return a predicate that is not exact."""
    expression = parse(" && !".join(ATOMS))
    cells: Mapping[str, str] = {**WITNESS, "boot.rodata": label}
    return Synthesis(
        function="bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)",
        atoms=tuple(Atom(c=text, meaning=text) for text in ATOMS),
        expression=expression,
        predicate=PredicateVersion(
            name="synthesised",
            condition=builder.condition(ATOMS[0]),
            description="",
            location=builder.PLACE,
        ),
        indistinguishable=Indistinguishable(
            safe=cells, unsafe=WITNESS, atoms=((ATOMS[0], True), (ATOMS[1], False))
        ),
    )


def compared(name: str, unsound: int) -> ComparedPredicate:
    """Return a predicate with its cells."""
    cells = dict.fromkeys(meanings_of("simulation"), 1000) | {Verdict.UNSOUND: unsound}
    return ComparedPredicate(name=name, verdicts=cells, gained=0, lost=7)
