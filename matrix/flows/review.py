"""`matrix review`: the check that a patch adds, and what a reviewer should say of it.

From the bytes of a mail to the function in it, from there to a version of the predicate that the
study is asked under, and to the answer of the questions that reviews of such checks ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Finding
from matrix.analyze.cell.answering import findings_of, settle
from matrix.analyze.cell.question import simulated_scenario
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.implied import implied, kconfig_parts
from matrix.analyze.proof.claims import REFUTED, decide_claims
from matrix.analyze.proof.features import Candidates
from matrix.analyze.proof.patched_model import AskedKernel, changed_model, refuse_another_kernel
from matrix.analyze.proof.patched_names import (
    in_model_words,
    known_to_any,
    of_kernels_that_have,
    refuse_unknown_symbols,
    refuse_words_of_the_model,
    remarks,
    with_symbol_axes,
)
from matrix.analyze.proof.patched_symbols import (
    changed_kconfig,
    read_as_numbers,
    refuse_values,
    without_prefix,
)
from matrix.analyze.proof.review import (
    equal_versions,
    granularity,
    kernels_of,
    page_sizes,
    present,
    vm_kinds,
)
from matrix.analyze.proof.rules import find_rules
from matrix.analyze.proof.synthesis import declared_synthesis, synthesise
from matrix.analyze.space.cause import causes
from matrix.analyze.space.difference import asked_again
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import (
    Diagnostic,
    InputError,
    Location,
)
from matrix.door.bounded import file_name, read_bounded
from matrix.expr.nodes import Binary, Expression
from matrix.expr.printer import to_c
from matrix.expr.trees import names
from matrix.flows.kernels_verify import evidence_of
from matrix.flows.knowledge import Library
from matrix.flows.review_names import find_check_in
from matrix.flows.review_place import in_tree
from matrix.flows.review_result import (
    KconfigAnswer,
    RefutedStatement,
    ReviewedRule,
    ReviewResult,
)
from matrix.flows.rules import MAX_RULES, label_rules
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.flows.synthesize import chosen_kernels, compared_predicate
from matrix.kernel.patch.check import PatchedCheck, changed_names, find_check
from matrix.kernel.patch.diff import Patch, read_patches
from matrix.kernel.patch.inlining import from_the_left
from matrix.kernel.patch.kconfig import kconfig_touches
from matrix.kernel.patch.mail import PATCH, read_mails
from matrix.kernel.patch.missing import Wanted
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import Atom, Claim, Condition, PredicateVersion
from matrix.solve.nearest import nearest
from matrix.solve.space import Region

# The name of the patch's version of the predicate, beside those that are declared.
PATCH_VERSION = "patch"
_REST = "the rest"


class ReviewRequest(Struct, frozen=True, kw_only=True):
    """What `matrix review` was asked: a file, the kernels (none: all), a tree for the diff."""

    path: str
    study: str
    kernels: tuple[str, ...] = ()
    function: str | None = None
    tree: Path | None = None
    configs: tuple[Path, ...] = ()


def review(request: ReviewRequest) -> ReviewResult:
    """Return what is to be said of the check in a file.

    Raises:
        InputError: MX1201 to MX1220, what is wrong with the file or with the check in it.
    """
    patches = read_file(request.path)
    prepared = prepare_study(Library(request.configs), request.study)
    result = review_patches(prepared, patches, request)
    if request.tree is None:
        return result
    placed = in_tree(result, request.tree, prepared.architecture.id)
    said = (*result.diagnostics, *_of_other_releases(KernelTree(request.tree), result.kernels))
    return replace(result, tree=placed, diagnostics=said)


def _of_other_releases(tree: KernelTree, answered: Sequence[str]) -> Iterator[Diagnostic]:
    """Yield the warning (MX1243) that the tree is of none of the releases that are answered."""
    if tree.release not in answered:
        yield Diagnostic.warning(
            code="MX1243",
            message=f"the tree is Linux {tree.version}, and the reply is about "
            f"{', '.join(answered)}",
            location=Location(file=str(tree.folder / "Makefile")),
            hint="only names and places are taken from the tree: give one of those releases",
        )


def read_file(path: str) -> tuple[Patch, ...]:
    """Return the patches of a file, at least one.

    Raises:
        InputError: MX1201 to MX1205 for the file, MX1206 no patch in it, MX1207 a damaged one.
    """
    file = file_name(path)
    mails = read_mails(read_bounded(path, PATCH), file)
    patches = tuple(patch for mail in mails for patch in read_patches(mail))
    if not patches:
        raise InputError.of(
            code="MX1206",
            message="there is no patch in the file",
            location=Location(file=file),
            hint="a patch has lines such as `@@ -1682,6 +1683,18 @@`; save the mail as plain "
            "text (on lore.kernel.org: `raw`)",
        )
    return patches


def review_patches(
    prepared: PreparedStudy, patches: Sequence[Patch], request: ReviewRequest
) -> ReviewResult:
    """Return what is to be said of the check that patches add.

    Raises:
        InputError: what `find_check` raises, MX1213 a name that no kernel has, MX1214 a Kconfig
            symbol that no profile lists, MX1216 a capability without a function, MX1219 a patch of
            what lies below the check, MX0606 a kernel, MX0691 and MX0692 a capability without
            atoms or scenario.
    """
    # First: without a simulation nothing below tells right from wrong.
    simulated_scenario(prepared.capability)
    wanted = _wanted(prepared, request)
    declared = declared_synthesis(prepared.capability)
    prepared = _of_kernels(prepared, request.kernels)
    programs = [prepared.library.program(profile) for profile in prepared.kernels]
    kernels = [
        AskedKernel(profile=profile, program=program, evidence=evidence_of(profile))
        for profile, program in zip(prepared.kernels, programs, strict=True)
    ]
    touched = changed_names(patches, wanted.architecture)
    capabilities = prepared.library.knowledge.capabilities
    refuse_another_kernel(kernels, capabilities, prepared.capability, touched, wanted.function)
    known = known_to_any(programs, declared.atoms)
    of_tree: tuple[str, ...] = ()
    if request.tree is None:
        check = find_check(patches, wanted, known)
    else:
        check, of_tree = find_check_in(KernelTree(request.tree), patches, wanted, known)
    check, unset = without_prefix(programs, check)
    refuse_values(programs, check)
    refuse_words_of_the_model(check, (axis.name for axis in prepared.architecture.environment))
    version = _version(declared.atoms, check)
    refuse_unknown_symbols(programs, version, check)
    study = with_symbol_axes(prepared.study, programs, version.condition.expression)
    prepared = replace(prepared, study=study)
    base, lacking = of_kernels_that_have(prepared.solve(), version, check)
    solved = _asked(base, version)
    within = present(solved, solved.valid)
    if within.is_empty():
        raise InputError(_absent(prepared))
    having = kernels_of(solved, within)
    caused = causes(solved, within)
    found = synthesise(solved, declared, solved.valid)
    versions = [
        (item.name, base if item == prepared.predicate else asked_again(base, item))
        for item in prepared.capability.predicates
        if not any(part.question.program.lacks(item.condition) for _, part in having)
    ]
    same = equal_versions(solved, versions, within)
    compared = [
        compared_predicate(name, solved, other, within)
        for name, other in (
            (PATCH_VERSION, solved),
            *((name, other) for name, other in versions if name not in same),
            (found.predicate.name, asked_again(base, found.predicate)),
        )
    ]
    return ReviewResult(
        study=prepared.study.id,
        check=check,
        of_tree=of_tree,
        function=prepared.capability.function,
        predicate=to_c(version.condition.expression),
        assumes_patch=prepared.capability.assumes_patch,
        kernels=tuple(profile.release for profile, _ in having),
        without=tuple(
            profile.release
            for profile, _ in base.kernels
            if profile.id not in {item.id for item, _ in having}
        ),
        same_as=same,
        verdicts={verdict: solved.count(verdict, within) for verdict in solved.verdicts},
        causes=tuple(cause for cause, _ in caused),
        rules=_rules(prepared, solved, within, [region for _, region in caused]),
        baseline=dict(prepared.study.baseline),
        command_lines={
            (axis.name, option.name): option.cmdline
            for axis in prepared.study.axes
            for option in axis.options
            if option.cmdline
        },
        surroundings={
            (axis.name, option): text
            for axis in prepared.architecture.environment
            for option, text in axis.options
        },
        permitted={
            item.name: item.permitted
            for item in prepared.architecture.assumptions
            if item.permitted
        },
        statements=_statements(prepared, solved, check, [profile.release for profile, _ in having]),
        kconfig=_kconfig(prepared, check),
        vm_kinds=vm_kinds(solved, "vm", within) if _has_axis(prepared, "vm") else (),
        page_sizes=page_sizes(solved, within),
        granularity=granularity(solved, within),
        synthesis=found,
        compared=tuple(compared),
        defects=study_defects(solved, within),
        diagnostics=(
            *lacking,
            *unset,
            *remarks(check),
            *read_as_numbers(programs, check),
            *changed_model(kernels, touched, wanted.function),
            *changed_kconfig(kernels, kconfig_touches(patches)),
        ),
    )


def _wanted(prepared: PreparedStudy, request: ReviewRequest) -> Wanted:
    declared = prepared.capability.function
    name = request.function or (declared.name if declared is not None else None)
    if name is None:
        raise InputError.of(
            code="MX1216",
            message=f"capability `{prepared.capability.id}` names no function to look for",
            location=prepared.capability.location,
            hint="declare `function: {name: …, source: …}`, or give `--function NAME`",
        )
    return Wanted(
        function=name,
        argument=declared.argument if declared is not None else None,
        architecture=prepared.architecture.id,
    )


def _of_kernels(prepared: PreparedStudy, releases: Sequence[str]) -> PreparedStudy:
    if not releases:
        return prepared
    name, chosen = chosen_kernels(prepared, releases)
    (axis,) = (axis for axis in prepared.study.axes if axis.name == name)
    ids = {option.kernel for option in axis.options if option.name in chosen}
    return replace(
        prepared, kernels=tuple(profile for profile in prepared.kernels if profile.id in ids)
    )


def _version(atoms: Sequence[Atom], check: PatchedCheck) -> PredicateVersion:
    """Return the patch's check as a version of the predicate: what it returns, where compiled."""
    expression = in_model_words(atoms, check.expression)
    # From the inside out, so that the outermost `#if` is asked first, as it is by the preprocessor.
    for guard in reversed(check.guards):
        expression = Binary("&&", guard.condition, expression)
    expression = from_the_left(expression)
    return PredicateVersion(
        name=PATCH_VERSION,
        condition=Condition(expression=expression, text=to_c(expression), location=check.location),
        description=check.patch.subject or "the check of the patch",
        location=check.location,
    )


def _asked(base: SolvedStudy, version: PredicateVersion) -> SolvedStudy:
    """Return the study under the patch's check.

    Raises:
        InputError: MX0653, where the check is neither true nor false, at its place in the mail.
    """
    try:
        return asked_again(base, version)
    except InputError as error:
        raise InputError(
            [
                replace(item, location=item.location or version.location)
                for item in error.diagnostics
            ]
        ) from error


def _rules(
    prepared: PreparedStudy, solved: SolvedStudy, within: Region, caused: Sequence[Region]
) -> tuple[ReviewedRule, ...]:
    """Return the rules of the cells where the check is wrong, each with an example's trace.

    A cell that has two causes is in the rules of the first.
    """
    # Where the answer is unknown a rule may say anything: it would only name what nobody recorded.
    within = within - solved.verdicts[Verdict.UNKNOWN]
    wrong: dict[str, Region] = {}
    kinds: dict[str, tuple[Verdict, int | None]] = {}
    left = within
    for number, region in enumerate(caused, start=1):
        label = f"{Verdict.UNSOUND} {number}"
        wrong[label], kinds[label] = left & region, (Verdict.UNSOUND, number)
        left = left - region
    wrong[Verdict.OVERSTRICT.value] = solved.verdicts[Verdict.OVERSTRICT] & within
    kinds[Verdict.OVERSTRICT.value] = (Verdict.OVERSTRICT, None)
    if all(region.is_empty() for region in wrong.values()):
        return ()
    rest = within
    for region in wrong.values():
        rest = rest - region
    found = find_rules(Candidates(solved, within), {**wrong, _REST: rest})
    counts = {label: region.count() for label, region in wrong.items()}
    reviewed = []
    for group in label_rules(prepared.study, within, found, counts, MAX_RULES):
        verdict, cause = kinds[group.label]
        for rule, places in group.rules:
            cell = _example(prepared, rule.region)
            reviewed.append(
                ReviewedRule(
                    verdict=verdict,
                    cause=cause,
                    rule=rule,
                    places=places,
                    cell=cell,
                    findings=_findings(prepared, cell),
                )
            )
    return tuple(reviewed)


def _example(prepared: PreparedStudy, region: Region) -> dict[str, str]:
    """Return the cell of a region nearest to the baseline, of a CPU that has a name if one is."""
    for axis in prepared.study.axes:
        if axis.kind == "cpu":
            named = [option.name for option in axis.options if "=" not in option.name]
            with_name = region.restrict(axis.name, named)
            region = region if with_name.is_empty() else with_name
    return nearest(region, dict(prepared.study.baseline)) or {}


def _findings(prepared: PreparedStudy, chosen: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return what the simulation finds in a cell, the shortest trace first."""
    question, cell, _ = prepared.cell(chosen)
    violations = [
        violation
        for completion in settle(question, cell, prepared.behaviours)
        if completion.leaf.inputs is not None
        for violation in prepared.behaviours.exact(completion.leaf.inputs).violations
    ]
    violations.sort(key=lambda item: sum(len(step.operations) for step in item.trace))
    # Reversed: of equal keys the last one stays, which is the shortest.
    shortest = {(item.invariant, item.assumption): item for item in reversed(violations)}
    return findings_of(question, tuple(reversed(shortest.values())))


def _statements(
    prepared: PreparedStudy, solved: SolvedStudy, check: PatchedCheck, releases: Sequence[str]
) -> tuple[RefutedStatement, ...]:
    """Return the claims that the patch's message makes and that are refuted of some releases."""
    message = check.patch.message
    text = " ".join(line.text for line in message)
    # The line of each character of `text`: what a message claims may run over several lines.
    numbers = [line.number for line in message for _ in range(len(line.text) + 1)]
    made = {
        claim: tuple(dict.fromkeys(numbers[found.start() : found.end()]))
        for claim in (*prepared.study.claims, *prepared.capability.claims)
        if claim.said and claim.instead and (found := re.search(claim.said, text))
    }
    refuted: dict[Claim, list[str]] = {}
    for result in decide_claims(solved, tuple(made)):
        if result.status == REFUTED:
            known = [release for release in result.kernels if release in releases]
            refuted.setdefault(result.claim, []).extend(known)
    program = solved.kernels[-1][1].question.program
    sources = {**program.sources, **program.operation_sources}
    return tuple(
        RefutedStatement(
            claim=claim.id,
            lines=made[claim],
            kernels=tuple(kernels),
            instead=claim.instead or "",
            source=sources.get(claim.shown_by or ""),
            release=program.release,
        )
        for claim, kernels in refuted.items()
        if kernels
    )


def _kconfig(prepared: PreparedStudy, check: PatchedCheck) -> tuple[KconfigAnswer, ...]:
    """Return what Kconfig says of every `#if` around the function and of those inside of it."""
    asked: list[tuple[Expression, str | None, Location]] = [
        (guard.condition, guard.text, guard.location) for guard in check.guards
    ]
    inside = dict.fromkeys(kconfig_parts(check.expression))
    asked.extend((part, None, check.place_of(part)) for part in inside)
    answers = []
    for condition, directive, location in asked:
        built_in = _built_in(prepared, condition)
        answers.append(
            KconfigAnswer(
                condition=to_c(condition),
                directive=directive,
                location=location,
                premise=" && ".join(to_c(item) for item in built_in),
                kernels=tuple(
                    implied(
                        prepared.library.program(profile), profile.constraints, built_in, condition
                    )
                    for profile in prepared.kernels
                ),
            )
        )
    return tuple(answers)


def _built_in(prepared: PreparedStudy, condition: Expression) -> tuple[Expression, ...]:
    """Return what the capability needs built in, but for what the condition itself asks."""
    read = names(condition)
    required = (item.condition.expression for item in prepared.capability.requires)
    return tuple(
        item for item in required if kconfig_parts(item) == (item,) and not names(item) & read
    )


def _has_axis(prepared: PreparedStudy, name: str) -> bool:
    return any(axis.name == name for axis in prepared.study.axes)


def _absent(prepared: PreparedStudy) -> Diagnostic:
    releases = ", ".join(profile.release for profile in prepared.kernels)
    return Diagnostic(
        code="MX0622",
        message=f"the capability is absent from every cell of Linux {releases}",
        hint="choose other kernels: matrix kernels list",
    )
