"""`matrix diff A B`: which cells change their verdict, as counts and rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from matrix.analyze.cell.question import predicate_version
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.proof.features import Candidates
from matrix.analyze.proof.rules import LabelRules, find_rules
from matrix.analyze.space.difference import (
    Difference,
    Overlap,
    asked_again,
    between_kernels,
    between_predicates,
    between_studies,
    overlap,
)
from matrix.analyze.space.result import StudyDefect
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    unknown_word_hint,
)
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.rules import label_rules, left_out, rules_left_out
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.schema.values import Axis, MatrixStudy, Option

_SAME = "the same"
_YAML = (".yaml", ".yml")
# The axes whose options choose a kernel, and what a reader calls an option.
_KERNEL_AXES = {"kernel": "kernel", "distro": "distribution"}
# Distributions named in a hint: of some releases there are dozens.
_NAMED = 6


class VerdictChanges(Struct, frozen=True, kw_only=True):
    """What changes its verdict between two things of a kind, with the rules of each change.

    `between` are the words that were compared. Of two studies there is what they have in common
    (`overlap`), and what each asks (`questions`: capability, predicate); of two predicates or
    kernels the study (`study`). `defects` are those of each side.
    """

    between: tuple[str, str]
    difference: Difference
    groups: tuple[LabelRules, ...]
    defects: tuple[tuple[StudyDefect, ...], tuple[StudyDefect, ...]]
    study: MatrixStudy | None = None
    overlap: Overlap | None = None
    questions: tuple[tuple[str, str], tuple[str, str]] | None = None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """UNDECIDED where rules were left out."""
        return ExitCode.UNDECIDED if left_out(self.groups) else ExitCode.OK


def diff(
    one: str,
    other: str,
    study: str | None,
    *,
    configs: tuple[Path, ...],
    predicate: str | None,
    max_rules: int,
) -> VerdictChanges:
    """Return how verdicts change between two predicates or kernels of a study, or two studies.

    A word is a predicate, a kernel (in a study of distributions, one of these), or a study by id or
    by its YAML file, in this order.

    Raises:
        InputError: MX0626, a word that is none of these, or two of different kinds; MX0670, two
            studies with nothing in common; MX0671, two studies and a third one around them.
        UndecidedError: MX0620, where no small set of features tells the changes apart.
    """
    library = Library(configs)
    asked = library.study(study or DEFAULT_STUDY)
    axis = next((axis for axis in asked.axes if axis.kind in _KERNEL_AXES), None)
    kernels = [] if axis is None else [option.name for option in axis.options]
    predicates = [version.name for version in library.capability(asked.capability).predicates]
    words = (one, other)
    shared, questions = None, None
    if all(word in predicates for word in words):
        prepared = prepare_study(library, asked.id, predicate)
        solved = prepared.solve()
        versions = [predicate_version(prepared.capability, word) for word in words]
        before, after = (asked_again(solved, version) for version in versions)
        difference = between_predicates(before, after)
        defects = (study_defects(before), study_defects(after))
    elif axis is not None and all(word in kernels for word in words):
        prepared = prepare_study(library, asked.id, predicate)
        after = prepared.solve()
        difference = between_kernels(after, axis.name, one, other)
        defects = _of_kernels(after, axis.name, words)
    elif all(_is_study(word, library) for word in words):
        if study is not None:
            raise InputError(_study_around_studies(one, other, study))
        earlier, prepared = (_prepared(word, library, configs, predicate) for word in words)
        # Before anything is solved: two studies with nothing in common are refused.
        shared = overlap(earlier.study, prepared.study)
        after = prepared.solve()
        before = earlier.solve()
        difference = between_studies(before, after, shared)
        defects = (study_defects(before), study_defects(after))
        questions = (
            (earlier.study.capability, earlier.predicate.name),
            (prepared.study.capability, prepared.predicate.name),
        )
    else:
        studies = [item.id for item in library.knowledge.studies]
        raise InputError(_cannot_compare(words, predicates, axis, studies, library))
    groups = change_rules(prepared, after, difference, max_rules)
    return VerdictChanges(
        between=words,
        difference=difference,
        groups=groups,
        defects=defects,
        study=None if shared else prepared.study,
        overlap=shared,
        questions=questions,
        diagnostics=rules_left_out(groups, max_rules),
    )


def _is_study(word: str, library: Library) -> bool:
    return word.endswith(_YAML) or any(word == study.id for study in library.knowledge.studies)


def _prepared(
    word: str, library: Library, configs: tuple[Path, ...], predicate: str | None
) -> PreparedStudy:
    """Return the study that a word names; one in a file does not change the others."""
    if not word.endswith(_YAML):
        return prepare_study(library, word, predicate)
    file = Path(word)
    own = Library(configs, (file,))
    found = next(study for study in own.knowledge.studies if study.location.file == str(file))
    return prepare_study(own, found.id, predicate)


def _of_kernels(
    solved: SolvedStudy, axis: str, words: tuple[str, str]
) -> tuple[tuple[StudyDefect, ...], tuple[StudyDefect, ...]]:
    one, other = (study_defects(solved, solved.valid.restrict(axis, (word,))) for word in words)
    return one, other


def change_rules(
    prepared: PreparedStudy, after: SolvedStudy, difference: Difference, max_rules: int
) -> tuple[LabelRules, ...]:
    """Return the rules of each change of verdict."""
    labels = {change_label(old, new): region for old, new, region in difference.changed}
    same = difference.compared
    for region in labels.values():
        same = same - region
    everywhere = {**labels, _SAME: same}
    found = find_rules(Candidates(after, difference.compared), everywhere)
    counts = {label: region.count() for label, region in labels.items()}
    return label_rules(prepared.study, difference.compared, found, counts, max_rules)


def change_label(old: Verdict, new: Verdict) -> str:
    """Return what the rules of a change of verdict are labelled with."""
    return f"{old} → {new}"


def _cannot_compare(
    words: tuple[str, str],
    predicates: list[str],
    axis: Axis | None,
    studies: list[str],
    library: Library,
) -> tuple[Diagnostic, ...]:
    kind = _KERNEL_AXES[axis.kind] if axis else "kernel"
    options = axis.options if axis else ()
    known = [*predicates, *(option.name for option in options), *studies]
    unknown = [
        word for word in dict.fromkeys(words) if word not in known and not word.endswith(_YAML)
    ]
    if not unknown:
        return (
            Diagnostic(
                code="MX0626",
                message=f"`{words[0]}` and `{words[1]}` are not of one kind",
                hint=f"compare two predicates, two {kind}s or two studies",
            ),
        )
    return tuple(
        Diagnostic(
            code="MX0626",
            message=f"`{word}` is no predicate and no {kind} of the study, and no study",
            hint=_of_release(word, options, library)
            or unknown_word_hint(word, known, f"predicates, {kind}s and studies"),
        )
        for word in unknown
    )


def _of_release(word: str, options: Sequence[Option], library: Library) -> str | None:
    """Return the hint for a release in a study whose kernels are those of distributions."""
    profile = next((one for one in library.knowledge.kernels if one.release == word), None)
    if profile is None:
        return None
    having = [option.name for option in options if option.kernel == profile.id]
    if not having:
        return None
    more = f" and {len(having) - _NAMED} more" if len(having) > _NAMED else ""
    return f"its kernels with Linux {word}: {', '.join(having[:_NAMED])}{more}"


def _study_around_studies(one: str, other: str, study: str) -> Diagnostic:
    return Diagnostic(
        code="MX0671",
        message=f"`{one}` and `{other}` are studies, and --matrix gives a third, `{study}`",
        hint="leave --matrix out: it names the study of two predicates or two kernels",
    )
