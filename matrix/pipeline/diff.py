"""`matrix diff A B`: which cells change their verdict, as counts and rules."""

from __future__ import annotations

from pathlib import Path

from matrix.analyze.difference import Difference, asked_again, between_kernels, between_predicates
from matrix.analyze.features import Candidates
from matrix.analyze.question import predicate_version
from matrix.analyze.rules import find_rules
from matrix.analyze.study import SolvedStudy
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    format_diagnostic,
    unknown_word_hint,
)
from matrix.pipeline.knowledge import Library
from matrix.pipeline.reply import Reply
from matrix.pipeline.rules import label_rules, too_many
from matrix.pipeline.study import PreparedStudy, prepare_study
from matrix.render.diff_text import diff_document, diff_text
from matrix.render.json import dump

_SAME = "the same"


def diff(
    one: str,
    other: str,
    study: str,
    *,
    configs: tuple[Path, ...],
    predicate: str | None,
    max_rules: int,
    as_json: bool,
) -> Reply:
    """Return how verdicts change from one predicate or kernel of a study to another.

    Raises:
        InputError: MX0626, a word that is neither a predicate nor a kernel of the study, or one of
            each.
        UndecidedError: MX0620, where no small set of features tells the changes apart.
    """
    library = Library(configs)
    prepared = prepare_study(library, study, predicate)
    kernels = _kernels(prepared)
    capability = library.capability(prepared.study.capability)
    predicates = [version.name for version in capability.predicates]
    solved = prepared.solve()
    if one in predicates and other in predicates:
        asked = [asked_again(solved, predicate_version(capability, name)) for name in (one, other)]
        difference = between_predicates(*asked)
        after = asked[1]
    elif one in kernels and other in kernels:
        difference = between_kernels(solved, _kernel_axis(prepared), one, other)
        after = solved
    else:
        raise InputError(_neither(one, other, predicates, kernels))
    return _reply(prepared, after, difference, (one, other), max_rules, as_json=as_json)


def _reply(
    prepared: PreparedStudy,
    after: SolvedStudy,
    difference: Difference,
    between: tuple[str, str],
    max_rules: int,
    *,
    as_json: bool,
) -> Reply:
    labels = {f"{old} → {new}": region for old, new, region in difference.changed}
    same = difference.compared
    for region in labels.values():
        same = same - region
    everywhere = {**labels, _SAME: same}
    found = find_rules(Candidates(after, difference.compared), everywhere)
    counts = {label: region.count() for label, region in labels.items()}
    groups = label_rules(prepared.study, found, counts, max_rules)
    left_out = sum(group.left_out for group in groups)
    if as_json:
        text = dump(diff_document(between, difference, groups))
    else:
        text = diff_text(f"{prepared.study.title}: {between[0]} → {between[1]}", difference, groups)
    return Reply(
        text=text,
        exit_code=ExitCode.UNDECIDED if left_out else ExitCode.OK,
        speech=(format_diagnostic(too_many(left_out, max_rules)),) if left_out else (),
    )


def _kernel_axis(prepared: PreparedStudy) -> str:
    return next(axis.name for axis in prepared.study.axes if axis.kind == "kernel")


def _kernels(prepared: PreparedStudy) -> list[str]:
    return [
        option.name
        for axis in prepared.study.axes
        if axis.kind == "kernel"
        for option in axis.options
    ]


def _neither(
    one: str, other: str, predicates: list[str], kernels: list[str]
) -> tuple[Diagnostic, ...]:
    known = [*predicates, *kernels]
    unknown = [word for word in dict.fromkeys((one, other)) if word not in known]
    if not unknown:
        return (
            Diagnostic(
                code="MX0626",
                message=f"`{one}` and `{other}` are a kernel and a predicate",
                hint="compare two kernels or two predicates",
            ),
        )
    return tuple(
        Diagnostic(
            code="MX0626",
            message=f"`{word}` is no predicate and no kernel of the study",
            hint=unknown_word_hint(word, known, "predicates and kernels"),
        )
        for word in unknown
    )
