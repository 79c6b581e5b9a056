"""`matrix rules`: which short conjunctions of axes and facts make each verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matrix.analyze.proof.features import Candidates
from matrix.analyze.proof.rules import FeatureRule, LabelRules, find_rules
from matrix.analyze.space.cause import Place, ordinary, places
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import Diagnostic, ExitCode, InputError, Severity, format_diagnostic
from matrix.flows.knowledge import Library
from matrix.flows.reply import Reply
from matrix.flows.study import prepare_study
from matrix.render.defects import paragraphs, study_defect_documents, study_sentences
from matrix.render.json import dump
from matrix.render.solver_text import rules_document, rules_markdown, rules_text
from matrix.render.text import first_lines
from matrix.schema.values import Capability, MatrixStudy
from matrix.solve.space import Region

# More rules than a person reads; the rest is left out, said, and the command ends undecided.
MAX_RULES = 200


def rules(
    name: str,
    *,
    configs: tuple[Path, ...],
    predicate: str | None,
    verdict: str | None,
    form: str,
    max_rules: int = MAX_RULES,
) -> Reply:
    """Return the rules of every verdict, or of one, as `text`, `json` or `markdown`.

    Raises:
        InputError: MX0907, a verdict that no cell of the capability can have.
        UndecidedError: MX0620, where no small set of features decides the verdict.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    solved = prepared.solve()
    known = [word.value for word in solved.verdicts]
    if verdict and verdict not in known:
        raise InputError(_no_such_verdict(prepared.capability, verdict, known))
    asked = (verdict,) if verdict else tuple(known)
    shown = verdict_rules(solved, asked, max_rules)
    title = f"{prepared.study.title}, predicate {prepared.predicate.name}"
    met = study_defects(solved)
    said = study_sentences(met)
    text = {
        "text": lambda: first_lines(said) + rules_text(title, shown),
        "markdown": lambda: paragraphs(said) + rules_markdown(title, shown),
        "json": lambda: dump({**rules_document(shown), "defects": study_defect_documents(met)}),
    }[form]()
    return rules_reply(text, shown, max_rules)


def _no_such_verdict(capability: Capability, verdict: str, known: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        code="MX0907",
        location=capability.location,
        message=f"capability `{capability.id}` is never `{verdict}`",
        hint=f"what is declared of it makes its cells {', '.join(known)}",
    )


def rules_reply(text: str, groups: Sequence[LabelRules], max_rules: int) -> Reply:
    """Return rules as a reply; where some were left out (MX0621), it ends undecided."""
    left_out = sum(group.left_out for group in groups)
    if not left_out:
        return Reply(text=text, exit_code=ExitCode.OK, speech=())
    cut = Diagnostic(
        code="MX0621",
        severity=Severity.WARNING,
        message=f"{left_out} rules are left out: more than {max_rules} of one kind",
        hint="raise --max-rules, or ask for one --verdict",
    )
    return Reply(text=text, exit_code=ExitCode.UNDECIDED, speech=(format_diagnostic(cut),))


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
