"""`matrix review --tree`: what a patch makes of a kernel, where it changes what lies below a check.

The patches are applied to the tree in memory; each function that the profile of the tree's release
declares is read before and after. Where one is another condition now, two kernels are asked: the
release as it is, and with what the patch makes of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.question import lower_question, names_read
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.lowering import Lowering
from matrix.analyze.facts.program import FactProgram, lower
from matrix.analyze.proof.patched_names import known_to_any
from matrix.analyze.space.difference import (
    Difference,
    asked_again,
    between_predicates,
    between_studies,
    overlap,
)
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import Diagnostic, ExitCode, InputError, Location, refuse
from matrix.expr.nodes import Expression
from matrix.expr.printer import to_c
from matrix.flows.diff import VerdictChanges, change_rules
from matrix.flows.kernels_verify import evidence_of
from matrix.flows.knowledge import DEFAULT_STUDY, Library, release_key
from matrix.flows.review import read_file
from matrix.flows.rules import rules_left_out
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.flows.synthesize import chosen_kernels
from matrix.kernel.patch.apply import apply
from matrix.kernel.patch.check import changed_names, find_check
from matrix.kernel.patch.diff import Patch
from matrix.kernel.patch.missing import Wanted
from matrix.kernel.patch.refusals import changed_test
from matrix.kernel.patch.touched import WHOLE
from matrix.kernel.source.c.conversion import NotAnExpression
from matrix.kernel.source.c.derivation import Derived, derive
from matrix.kernel.source.c.source import parse_c
from matrix.kernel.source.truth.citations import citations
from matrix.kernel.source.truth.equivalence import equivalent
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import Condition, KernelProfile, MatrixStudy, PredicateVersion

# Of each change of verdict at most so many rules are shown.
_MOST_RULES = 20
_LEFT_OUT = "the counts are of all cells, and the rules with the most cells are shown"


class ChangedFunction(Struct, frozen=True, kw_only=True):
    """A function of the profile that a patch makes another condition."""

    signature: str
    before: Expression
    after: Expression
    path: str


class KernelsCompared(Struct, frozen=True, kw_only=True):
    """What a patch makes of a kernel: its functions, and the verdicts of each capability.

    `unaffected` are the capabilities whose answers rest on nothing that is changed.
    """

    kernel: str
    functions: tuple[ChangedFunction, ...]
    changes: tuple[VerdictChanges, ...]
    unaffected: tuple[str, ...]

    @property
    def exit_code(self) -> ExitCode:
        """1 where a check says yes and must not, and did not before."""
        new = (after for one in self.changes for _, after, _ in one.difference.changed)
        return ExitCode.FINDINGS if Verdict.UNSOUND in new else ExitCode.OK


def review_in_tree(
    path: str, folder: Path, study: str | None, configs: tuple[Path, ...]
) -> KernelsCompared | None:
    """Return how verdicts change where a patch changes a function below a check.

    None: it changes none, and what it says of the check is for `review` to say.

    Raises:
        InputError: what `read_file` raises; MX1111 no tree, MX1227 a hunk that does not apply,
            MX1228 a tree of a release without a profile, MX1229 a change that cannot be read.
    """
    patches = read_file(path)
    tree = KernelTree(folder)
    library = Library(configs)
    profile = library.kernels_of(library.arch).get(tree.release)
    if profile is None:
        raise InputError(_no_profile(tree, library))
    changed = apply(patches, lambda name: tree.text(name) if tree.has(name) else None, tree.version)
    touched = {touch.name: touch.location for touch in changed_names(patches, profile.arch)}
    if _read_alone(library, profile, study) & touched.keys():
        return None
    of = f"Linux {tree.version}"
    functions = tuple(_changed(touched, profile, tree, changed))
    if not functions:
        return _tested(library, profile, patches, touched.keys(), study, of)
    return _compared(library, profile, functions, touched, study, of)


def review_of_profile(
    path: str,
    study: str | None,
    kernels: Sequence[str],
    configs: tuple[Path, ...],
    refused: int | None,
) -> KernelsCompared | None:
    """Return the same without a tree: of functions that the patch shows whole, over a profile.

    `kernels` are the releases that were asked for, the newest counts; none: the newest of all. Of
    `refused` names that a patch changes below a check each must be such a function (None: nobody
    counted them). The answer is None where some are not, or the patch has a check of its own.

    Raises:
        InputError: what `read_file` and `find_check` raise; MX1229.
    """
    patches = read_file(path)
    library = Library(configs)
    known = library.kernels_of(library.arch)
    asked = [library.kernel(name, library.arch).release for name in kernels]
    profile = known[max(asked or known, key=release_key)]
    program = library.program(profile)
    touched = {touch.name: touch for touch in changed_names(patches, profile.arch)}
    of = f"Linux {profile.release} by its profile (no --tree)"
    tested = _tested(library, profile, patches, touched.keys(), study, of)
    if tested is not None:
        return tested
    own_names = {one.signature.removesuffix("()") for one in profile.functions}
    below = touched.keys() & own_names
    whole = {name for name in below if touched[name].how == WHOLE}
    if _read_alone(library, profile, study) & touched.keys():
        return None
    # All or none: with one function that is not shown whole the other kernel is not known.
    if len(whole) != (refused or len(below)):
        return None
    functions = []
    for function in profile.functions:
        name = function.signature.removesuffix("()")
        if name not in whole:
            continue
        wanted = Wanted(function=name, argument=None, architecture=profile.arch)
        check = find_check(patches, wanted, known_to_any([program], ()))
        own = function.body.expression
        if not equivalent(own, check.expression):
            functions.append(
                ChangedFunction(
                    signature=function.signature,
                    before=own,
                    after=check.expression,
                    path=f"{check.location.file}:{check.location.line}",
                )
            )
    if not functions:
        return None
    places = {name: touch.location for name, touch in touched.items()}
    return _compared(library, profile, functions, places, study, of)


def _tested(
    library: Library,
    profile: KernelProfile,
    patches: Sequence[Patch],
    touched: Collection[str],
    study: str | None,
    of: str,
) -> KernelsCompared | None:
    """Return two kernels of which one function tests other conditions before it goes on.

    It is one in which the kernel asks the check of a capability (`asked_in`), and the patch changes
    nothing else. Everything but that test is as in the profile.
    """
    asking = {
        name: capability
        for capability in library.knowledge.capabilities
        for name in capability.asked_in
    }
    if len(touched) != 1 or not set(touched) <= asking.keys():
        return None
    (name,) = touched
    test = changed_test(patches, name)
    if test is None:
        return None
    names = [
        one
        for one in _studies(library, profile, study)
        if library.study(one).capability == asking[name].id
    ]
    if not names:
        return None
    prepared = prepare_study(library, names[0])
    solved = prepared.solve_kernel(profile)
    item = ChangedFunction(
        signature=f"{name}()", before=test.before, after=test.after, path=test.path
    )
    conditions = ((item.signature, test.before), (item.signature, test.after))
    _refuse_unknown_names(library, profile, conditions, {name: test.location})
    before, after = (
        asked_again(solved, _as_predicate(version, expression, test.location))
        for version, expression in (("before", test.before), ("patch", test.after))
    )
    changes = _changes(
        prepared,
        (f"{profile.release} before the patch", f"{profile.release} with the patch"),
        (before, after),
        between_predicates(before, after),
    )
    return KernelsCompared(kernel=of, functions=(item,), changes=(changes,), unaffected=())


def _as_predicate(name: str, expression: Expression, place: Location) -> PredicateVersion:
    return PredicateVersion(
        name=name,
        condition=Condition(expression=expression, text=to_c(expression), location=place),
        description="what the patch has",
        location=place,
    )


def _compared(
    library: Library,
    profile: KernelProfile,
    functions: Sequence[ChangedFunction],
    touched: Mapping[str, Location],
    study: str | None,
    of: str,
) -> KernelsCompared:
    patched = _with(profile, functions)
    conditions = [(item.signature, item.after) for item in functions]
    _refuse_unknown_names(library, patched, conditions, touched)
    compared, unaffected = [], []
    for name in _studies(library, profile, study):
        found = _compare(library, name, profile, patched, functions)
        if found is None:
            unaffected.append(library.study(name).capability)
        else:
            compared.append(found)
    return KernelsCompared(
        kernel=of,
        functions=tuple(functions),
        changes=tuple(compared),
        unaffected=tuple(unaffected),
    )


def _read_alone(library: Library, profile: KernelProfile, study: str | None) -> set[str]:
    """Return the checks of which a review reads what a patch has, whatever the kernel had.

    That of the study that was asked for, if it is simulated, and those that the release lacks: a
    patch adds them. Any other is a function of the kernel: two kernels are compared.
    """
    of_kernel = {one.signature.removesuffix("()") for one in profile.functions}
    asked = library.study(study).capability if study is not None else None
    return {
        one.function.name
        for one in library.knowledge.capabilities
        if one.function
        and (one.function.name not in of_kernel or (one.id == asked and one.scenario is not None))
    }


def _changed(
    touched: Mapping[str, Location],
    profile: KernelProfile,
    tree: KernelTree,
    now: Mapping[str, str],
) -> Iterator[ChangedFunction]:
    """Yield the functions that are another condition now.

    Raises:
        InputError: MX1229, all that a patch changes and that cannot be read.
    """
    own = {item.signature.removesuffix("()"): item for item in profile.functions}
    problems = []
    for path, text in now.items():
        before, after = tree.source(path), parse_c(text, path)
        for name, function in own.items():
            old = derive(before, name) if before is not None else None
            new = derive(after, name)
            if isinstance(old, Derived) and isinstance(new, Derived):
                if equivalent(old.expression, new.expression):
                    continue
                yield ChangedFunction(
                    signature=function.signature,
                    before=old.expression,
                    after=new.expression,
                    path=f"{path}:{new.line}-{new.last_line}",
                )
            # One that the patch leaves alone need not be readable.
            elif name in touched:
                reason = new.reason if isinstance(new, NotAnExpression) else "it is not there"
                problems.append(_unreadable(name, reason, touched[name]))
    problems += _other_rows(profile, touched)
    refuse(problems)


def _refuse_unknown_names(
    library: Library,
    patched: KernelProfile,
    conditions: Sequence[tuple[str, Expression]],
    touched: Mapping[str, Location],
) -> None:
    """Refuse functions that now ask what the profile does not declare; MX1229, all at once."""
    lowering = Lowering(patched, library.architecture(patched.arch))
    problems = []
    for signature, expression in conditions:
        missing = sorted(lowering.missing(expression))
        name = signature.removesuffix("()")
        if missing:
            said = f"{patched.id} has no `{'`, `'.join(missing)}`"
            problems.append(_unreadable(name, said, touched.get(name)))
    refuse(problems)


def _other_rows(profile: KernelProfile, touched: Mapping[str, Location]) -> Iterator[Diagnostic]:
    """Yield what a patch changes of the code that a mechanism or a variable was read from."""
    evidence = evidence_of(profile)
    if evidence is None:
        return
    rows: dict[str, list[str]] = {}
    for citation in citations(profile):
        place = evidence.places.get(citation.text)
        if place is None or not citation.what.startswith(("mechanism ", "variable ", "cpucap ")):
            continue
        for part in place.parts:
            name = part.piece.rpartition(" ")[2]
            if name in touched and part.piece.startswith(("function ", "variable ")):
                rows.setdefault(name, []).append(citation.what)
    for name, what in rows.items():
        said = ", ".join(dict.fromkeys(what))
        yield _unreadable(name, f"{said} of {profile.id} was read from it", touched[name])


def _with(profile: KernelProfile, functions: Sequence[ChangedFunction]) -> KernelProfile:
    """Return the profile with what a patch makes of its functions."""
    by_name = {item.signature: item for item in functions}
    changed = []
    for function in profile.functions:
        item = by_name.get(function.signature)
        if item is not None:
            body = replace(function.body, text=to_c(item.after), expression=item.after)
            function = replace(function, body=body, source=item.path)  # noqa: PLW2901
        changed.append(function)
    return replace(profile, functions=tuple(changed))


def _studies(library: Library, profile: KernelProfile, study: str | None) -> Iterator[str]:
    """Yield the study that was asked for, else one of each capability that has the kernel.

    Raises:
        InputError: MX0606, the study has not, or there is none.
    """
    if study is not None:
        if profile.id not in _kernels_of(library.study(study)):
            chosen_kernels(prepare_study(library, study), [profile.release])
        yield study
        return
    asked: set[str] = set()
    # The usual study first: of each capability one is asked.
    ordered = sorted(library.knowledge.studies, key=lambda one: (one.id != DEFAULT_STUDY, one.id))
    for one in ordered:
        # Not one of distributions, each of which has one kernel.
        of_releases = any(axis.kind == "kernel" for axis in one.axes)
        if of_releases and profile.id in _kernels_of(one) and one.capability not in asked:
            asked.add(one.capability)
            yield one.id
    if not asked:
        # Without a study nothing is compared, which would read as if nothing changed.
        raise InputError.of(
            code="MX0606",
            message=f"no study has Linux `{profile.release}`",
            hint="declare one in a folder for --configs whose kernel axis has the release",
        )


def _kernels_of(study: MatrixStudy) -> set[str | None]:
    return {option.kernel for axis in study.axes for option in axis.options}


def _compare(
    library: Library,
    name: str,
    profile: KernelProfile,
    patched: KernelProfile,
    functions: Sequence[ChangedFunction],
) -> VerdictChanges | None:
    """Return how the verdicts of a study change; None where it reads nothing that is changed."""
    prepared = prepare_study(library, name)
    own = prepared.questions[profile.id]
    # Not `Library.program`, which keeps programs by the profile's id: the patched one has the same.
    program = lower(patched, prepared.architecture)
    predicate = _patched_check(prepared, functions)
    if predicate is prepared.predicate and not _differ(own.program, program, names_read(own)):
        return None
    question = lower_question(program, prepared.capability, predicate, prepared.study.constraints)
    other: PreparedStudy = replace(
        prepared,
        kernels=(patched,),
        predicate=predicate,
        questions={**prepared.questions, patched.id: question},
    )
    before, after = prepared.solve_kernel(profile), other.solve_kernel(patched)
    shared = overlap(prepared.study, prepared.study)
    return _changes(
        other,
        (profile.release, f"{profile.release} with the patch"),
        (before, after),
        between_studies(before, after, shared),
    )


def _changes(
    prepared: PreparedStudy,
    between: tuple[str, str],
    solved: tuple[SolvedStudy, SolvedStudy],
    difference: Difference,
) -> VerdictChanges:
    """Return the changes of verdict of a study as they are shown; `prepared` asks of the second."""
    before, after = solved
    groups = change_rules(prepared, after, difference, _MOST_RULES)
    return VerdictChanges(
        between=between,
        difference=difference,
        groups=groups,
        defects=(study_defects(before), study_defects(after)),
        study=prepared.study,
        diagnostics=rules_left_out(groups, _MOST_RULES, _LEFT_OUT),
    )


def _patched_check(
    prepared: PreparedStudy, functions: Sequence[ChangedFunction]
) -> PredicateVersion:
    """Return the predicate of a study, with what a patch makes of it where it changes the check."""
    check = prepared.capability.function
    for item in functions:
        if check is not None and item.signature == f"{check.name}()":
            condition = replace(
                prepared.predicate.condition, expression=item.after, text=to_c(item.after)
            )
            return replace(prepared.predicate, condition=condition)
    return prepared.predicate


def _differ(one: FactProgram, other: FactProgram, reads: frozenset[str]) -> bool:
    return any(one.definitions.get(name) != other.definitions.get(name) for name in reads)


def _no_profile(tree: KernelTree, library: Library) -> Diagnostic:
    return Diagnostic(
        code="MX1228",
        message=f"the tree is Linux {tree.version}, and {tree.release} has no profile",
        location=Location(file=str(tree.folder / "Makefile")),
        hint=f"give a tree of {', '.join(library.kernels_of(library.arch))}, draft a profile with "
        "`matrix kernels add`, or leave --tree out",
    )


def _unreadable(name: str, reason: str, place: Location | None) -> Diagnostic:
    return Diagnostic(
        code="MX1229",
        message=f"what the patch makes of `{name}` cannot be read: {reason}",
        location=place,
        hint="declare what it is then in a profile in a folder for --configs, and ask that kernel",
    )
