"""`matrix rules`: which short conjunctions of axes and facts make each verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matrix.analyze.proof.features import Candidates
from matrix.analyze.proof.rules import FeatureRule, LabelRules, find_rules
from matrix.analyze.space.cause import Place, ordinary, places
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import Diagnostic, ExitCode, InputError
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.flows.study_answer import StudyAnswer
from matrix.schema.values import Capability, MatrixStudy
from matrix.solve.space import Region

# More rules than a person reads; the rest is left out, said, and the command ends undecided.
MAX_RULES = 200


class Rules(StudyAnswer, frozen=True, kw_only=True):
    """The rules of some verdicts, each with its CPUs."""

    groups: tuple[LabelRules, ...]

    @property
    def exit_code(self) -> ExitCode:
        """UNDECIDED where rules were left out."""
        return ExitCode.UNDECIDED if left_out(self.groups) else ExitCode.OK


def rules(
    name: str,
    *,
    configs: tuple[Path, ...],
    predicate: str | None,
    verdict: str | None,
    max_rules: int = MAX_RULES,
) -> Rules:
    """Return the rules of every verdict, or of one.

    Raises:
        InputError: MX0907, a verdict that no cell of the capability can have.
        UndecidedError: MX0620, where no small set of features decides the verdict.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    solved = prepared.solve()
    known = [word.value for word in solved.verdicts]
    if verdict and verdict not in known:
        raise InputError(_no_such_verdict(prepared.capability, verdict, known))
    groups = verdict_rules(solved, (verdict,) if verdict else tuple(known), max_rules)
    return Rules(
        study=prepared.study,
        predicate=prepared.predicate,
        groups=groups,
        defects=study_defects(solved),
        diagnostics=rules_left_out(groups, max_rules),
    )


def _no_such_verdict(capability: Capability, verdict: str, known: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        code="MX0907",
        location=capability.location,
        message=f"capability `{capability.id}` is never `{verdict}`",
        hint=f"what is declared of it makes its cells {', '.join(known)}",
    )


def left_out(groups: Sequence[LabelRules]) -> int:
    """Return how many rules a bound keeps from view."""
    return sum(group.left_out for group in groups)


def rules_left_out(
    groups: Sequence[LabelRules],
    max_rules: int,
    hint: str = "raise --max-rules, or ask for one --verdict",
) -> tuple[Diagnostic, ...]:
    """Return the warning (MX0621) that more than `max_rules` were found of a kind, if so."""
    if not (number := left_out(groups)):
        return ()
    cut = Diagnostic.warning(
        code="MX0621",
        message=f"{number} rules are left out: more than {max_rules} of one kind",
        hint=hint,
    )
    return (cut,)


def verdict_rules(
    solved: SolvedStudy, asked: Sequence[str], max_rules: int
) -> tuple[LabelRules, ...]:
    """Return the rules of the verdicts asked for, at most `max_rules` of each.

    Raises:
        UndecidedError: MX0620, where no small set of features decides the verdict.
    """
    labels = {word.value: region for word, region in solved.verdicts.items()}
    found = find_rules(Candidates(solved), labels)
    counts = {word: labels[word].count() for word in asked}
    return label_rules(solved.study, solved.valid, found, counts, max_rules)


def label_rules(
    study: MatrixStudy,
    asked: Region,
    found: Sequence[FeatureRule],
    counts: Mapping[str, int],
    max_rules: int,
) -> tuple[LabelRules, ...]:
    """Return the rules of the labels counted, at most `max_rules` of each, with their CPUs.

    `asked` are all cells that any rule could be about.
    """
    usual = ordinary(study, asked)
    grouped = []
    for label, cells in counts.items():
        mine = [rule for rule in found if rule.label == label]
        grouped.append(
            LabelRules(
                label=label,
                cells=cells,
                rules=tuple((rule, _places(study, rule, usual)) for rule in mine[:max_rules]),
                left_out=max(0, len(mine) - max_rules),
            )
        )
    return tuple(grouped)


def _places(study: MatrixStudy, rule: FeatureRule, usual: Mapping[str, str]) -> tuple[Place, ...]:
    """Return the CPUs of a rule by condition, nothing where it has every CPU of the study."""
    for axis in study.axes:
        if axis.kind == "cpu" and len(rule.region.options(axis.name)) < len(axis.options):
            return places(study, rule.region, usual)
    return ()
