"""The answer for a release between two profiles, and for a kernel that is not its release alone.

Takes the builds of one `.config` with the profiles beside its release and the answers of both;
gives one answer: theirs, marked as interpolated, where they agree in the verdict, else `unknown`
with what differs. Beside it what a vendor's kernel may have otherwise than the release.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Defect, Fix, Unsettled
from matrix.analyze.cell.answering import Cell
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.facts.program import FactProgram
from matrix.diagnostics import UndecidedError
from matrix.expr.nodes import Name, Value, told
from matrix.expr.trees import names
from matrix.flows.answers import Answers, Build, Situation
from matrix.flows.knowledge import release_key
from matrix.kernel.cpu.system import CpuSystem
from matrix.schema.cpu_fields import weakest
from matrix.schema.values import Basis, Capability, KernelProfile

# An answer that was not read in the kernel's own source is no firmer than this.
_PRESUMED = "inferred"
# What a profile may say of a kernel that has less than it.
_FAILS = frozenset({Verdict.UNSOUND, Verdict.REFUSED})
# Of a longer list of differences the rest is counted.
_MOST_SAID = 4
# Of a `.config` that one of the two releases could not have made: it is of neither.
_OF_A_RELEASE = frozenset({"MX0919"})


def interpolated(
    builds: Sequence[Build], cells: Sequence[Cell], answers: Sequence[Answer], release: str
) -> Answer:
    """Return the answer of a release from those of the two profiles beside it, the older first.

    What differs is the verdict, or who says no: one check with another reason is the same answer.
    """
    older, newer = answers
    below, above = (build.profile.release for build in builds)
    kept = [
        tuple(item for item in one.diagnostics if item.code not in _OF_A_RELEASE) for one in answers
    ]
    if (older.verdict, older.predicate) == (newer.verdict, newer.predicate):
        said = (
            f"interpolated: Linux {below} and {above} agree in the verdict, and nobody has read "
            f"{release}; source lines are of {below}"
        )
        return replace(
            older,
            confidence=weakened(older.confidence, newer.confidence),
            reasons=(*older.reasons, said),
            unsettled=tuple(dict.fromkeys((*older.unsettled, *newer.unsettled))),
            defects=_not_fixed((*older.defects, *newer.defects), release),
            diagnostics=tuple(dict.fromkeys((*kept[0], *kept[1]))),
        )
    alone = _alone(builds, answers)
    if alone is not None:
        number, symbol = alone
        like, other = builds[number].profile.release, builds[1 - number].profile.release
        said = (
            f"as Linux {like} alone: {other} has no CONFIG_{symbol}, which the file sets, and "
            f"nobody has read {release}"
        )
        return replace(
            answers[number],
            confidence=weakened(answers[number].confidence),
            reasons=(*answers[number].reasons, said),
            defects=_not_fixed(answers[number].defects, release),
            diagnostics=kept[number],
        )
    differs = list(_differences(builds, cells))
    rest = len(differs) - _MOST_SAID
    shown = [*differs[:_MOST_SAID], *([f"{rest} more names"] if rest > 0 else [])]
    disagree = f"{older.verdict} as Linux {below}, {newer.verdict} as {above}"
    reasons = [
        f"{disagree}, and nobody has read {release}, which is between them",
        *(
            f"as Linux {name}: {'; '.join(one.reasons)}"
            for name, one in zip((below, above), answers, strict=True)
        ),
    ]
    if shown:
        reasons.append(f"what differs: {'; '.join(shown)}")
    open_fact = Unsettled(
        names=(f"Linux {release}",),
        why=f"it has no profile, and {below} and {above} differ",
        settled_by=f"`matrix kernels add` with the tree of {release}",
    )
    return replace(
        _unknown(older.basis, tuple(reasons), (open_fact,)),
        facts=_agreed_facts(older, newer),
        predicate=older.predicate if older.predicate == newer.predicate else None,
        diagnostics=tuple(dict.fromkeys((*kept[0], *kept[1]))),
    )


def _not_fixed(defects: Sequence[Defect], release: str) -> tuple[Defect, ...]:
    """Return the defects, each once, without those that a release has the fix of."""
    return tuple(
        defect
        for defect in dict.fromkeys(defects)
        if defect.fixed_in is None or release_key(release) < release_key(defect.fixed_in)
    )


def _alone(builds: Sequence[Build], answers: Sequence[Answer]) -> tuple[int, str] | None:
    """Return which of two profiles answers alone, and the symbol that says so; None: neither.

    A profile without a symbol that the capability requires and the file sets is of a kernel from
    before it. The other one may have more than this kernel has: that it does not work is taken
    from it, that it works is not. A file of another release says nothing of this one.
    """
    if builds[0].chosen.other is not None:
        return None
    for number, answer in enumerate(answers):
        symbol = ported_back(builds[number].question.capability, builds[number])
        other = answers[1 - number].verdict
        if answer.verdict is Verdict.ABSENT and symbol is not None and other in _FAILS:
            return 1 - number, symbol
    return None


def _unknown(basis: Basis, reasons: tuple[str, ...], unsettled: tuple[Unsettled, ...]) -> Answer:
    return Answer(
        basis=basis,
        predicate=None,
        outcome="not-run",
        verdict=Verdict.UNKNOWN,
        confidence="unknown",
        reasons=reasons,
        unsettled=unsettled,
    )


def _of_drafts(drafts: Sequence[KernelProfile]) -> tuple[tuple[str, ...], tuple[Unsettled, ...]]:
    """Return what is said where too much of a profile is unread to try all that it may be."""
    found = []
    for profile in drafts:
        why = f"{profile.id} is a draft: nobody has read {len(profile.open)} rows of `open`"
        settled = f"`matrix kernels verify {profile.id} --tree DIR`, and reading them"
        found.append(Unsettled(names=(f"Linux {profile.release}",), why=why, settled_by=settled))
    return tuple(item.why for item in found), tuple(found)


def answer_in(
    engine: Answers, situations: Sequence[Situation], system: CpuSystem, *, detailed: bool = True
) -> Answer:
    """Return the answer of a kernel on a CPU system: of its profile, or of the two beside it.

    Raises:
        InputError: MX0902, what the kernel lacks of the predicate.
    """
    cpus = [one.build.asked.memory.cpu(system) for one in situations]
    asked = list(zip(situations, cpus, strict=True))
    try:
        answers = [engine.answer(one, cpu, detailed=detailed) for one, cpu in asked]
    except UndecidedError:
        drafts = [
            one.build.profile for one in situations if one.build.question.program.lowering.unread
        ]
        # Of a kernel that somebody has read, too much that is unknown is the file's, and is for its
        # owner to hear; a draft multiplies it by itself.
        if not drafts:
            raise
        return _unknown(engine.capability.basis, *_of_drafts(drafts))
    build = situations[0].build
    chosen, answer = build.chosen, answers[0]
    if len(situations) == 2:
        cells = [one.cell(cpu) for one, cpu in asked]
        answer = interpolated([one.build for one in situations], cells, answers, chosen.release)
    elif chosen.vendor and detailed:
        answer = replace(answer, confidence=weakened(answer.confidence))
    # A file that is answered as another release than its own says nothing of what this release
    # lacks.
    if answer.verdict is Verdict.ABSENT and build.config.release == chosen.release:
        brought = {_brought_back(one.build) for one in situations}
        if len(brought) == 1 and (symbol := brought.pop()) is not None:
            return patched(answer, symbol, chosen.release)
    return answer


def verdict_in(engine: Answers, situations: Sequence[Situation], system: CpuSystem) -> Verdict:
    """Return the verdict of `answer_in`, for who needs nothing else of it.

    Raises:
        InputError: as `answer_in`.
    """
    situation = situations[0]
    build = situation.build
    if len(situations) > 1 or build.question.program.lowering.unread:
        return answer_in(engine, situations, system, detailed=False).verdict
    memory = build.asked.memory
    verdict = memory.verdict(situation.around, memory.cpu(system))
    if verdict is Verdict.ABSENT:  # it may have been brought back
        return answer_in(engine, situations, system, detailed=False).verdict
    return verdict


def fixes_in(
    engine: Answers, situations: Sequence[Situation], system: CpuSystem
) -> tuple[Fix, ...]:
    """Return the verified changes that make the capability work, on both sides of a release."""
    found = [engine.fixes(one, one.build.asked.memory.cpu(system)) for one in situations]
    known = [{(fix.change, fix.verdict) for fix in fixes} for fixes in found[1:]]
    return tuple(
        fix for fix in found[0] if all((fix.change, fix.verdict) in other for other in known)
    )


def weakened(*confidences: str) -> str:
    """Return the confidence of an answer that was not read in the kernel's own source.

    Those of answers without details are empty, and so is theirs.
    """
    return weakest([*confidences, _PRESUMED]) if all(confidences) else ""


def ported_back(capability: Capability, build: Build) -> str | None:
    """Return the symbol of a file that shows that its kernel is not the release alone, or None.

    A capability requires it, by its name of today or an older one, and the release has none of
    the names: whoever built the kernel brought it back.
    """
    for requirement in capability.requires:
        read = names(requirement.condition.expression)
        symbols = [name.removeprefix("CONFIG_") for name in read if name.startswith("CONFIG_")]
        known = [*symbols, *requirement.formerly]
        if not symbols or any(symbol in build.question.program.symbols for symbol in symbols):
            continue
        for symbol in known:
            if build.config.value(symbol) not in (None, False):
                return symbol
    return None


# The CPUs of a file follow each other.
_brought_back = lru_cache(maxsize=2)(lambda build: ported_back(build.question.capability, build))


def patched(answer: Answer, symbol: str, release: str) -> Answer:
    """Return the answer for a kernel that has what its release lacks: nothing is known of it."""
    why = (
        f"the file sets CONFIG_{symbol}, which Linux {release} cannot have: somebody brought it "
        "back, and how nobody has read"
    )
    settled = "`matrix kernels add` with its tree"
    open_fact = Unsettled(names=(f"CONFIG_{symbol}",), why=why, settled_by=settled)
    return replace(
        _unknown(answer.basis, (why,), (open_fact,)),
        facts=answer.facts,
        diagnostics=answer.diagnostics,
    )


def _agreed_facts(older: Answer, newer: Answer) -> tuple[tuple[str, Value], ...]:
    other = dict(newer.facts)
    return tuple((name, value if other.get(name) == value else None) for name, value in older.facts)


def _differences(builds: Sequence[Build], cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the names on which the answers rest and that the two kernels make otherwise."""
    programs = [build.question.program for build in builds]
    reads = sorted(builds[0].asked.reads | builds[1].asked.reads)
    releases = [build.profile.release for build in builds]
    for name in reads:
        symbol = name.removeprefix("CONFIG_")
        if symbol != name and builds[0].config.value(symbol) not in (None, False):
            has = [symbol in program.symbols for program in programs]
            if has[0] != has[1]:
                yield f"{releases[has[0]]} has no {name}"
    known = [
        Evaluation(program.definitions, cell.variables, cell.atoms)
        for program, cell in zip(programs, cells, strict=True)
    ]
    rows = [dict(build.question.rows) for build in builds]
    # What others are made of first.
    reads.sort(key=lambda name: not all(name in program.variables for program in programs))
    for name in (*reads, *sorted(rows[0].keys() & rows[1].keys())):
        if all(_has(program, name) for program in programs):
            found = [one.of(Name(name)) for one in known]
        elif all(name in row for row in rows):
            found = [one.of(row[name]) for one, row in zip(known, rows, strict=True)]
        else:
            continue
        if None not in found and found[0] != found[1]:
            values = (f"{told(one)} in {at}" for one, at in zip(found, releases, strict=True))
            yield f"{name} is {', '.join(values)}"


def _has(program: FactProgram, name: str) -> bool:
    return name in program.definitions or name in program.dated or name in program.variables
