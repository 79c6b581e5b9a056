"""What a report says, computed once for both of its forms: sentences, counts, grids, groups.

Takes a `StudyResult` (and the CPUs of the knowledge, for their confidence), gives a `Page` of
plain values that the HTML and the Markdown template lay out. Nothing here knows either format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from matrix.analyze.cell.answer import Finding
from matrix.analyze.cell.verdict import Verdict, verdicts_of
from matrix.analyze.space.cell_text import cell_text, named_cell
from matrix.analyze.space.influence import FACT, INPUT, VERDICT, Influence
from matrix.analyze.space.result import ClassGroup, Counts, StudyDefect, StudyResult
from matrix.flows.proofs import Proofs
from matrix.render.basis import (
    AxisRow,
    ConstraintRow,
    CpuTable,
    KernelRow,
    axis_rows,
    constraint_rows,
    cpu_table,
    kernel_rows,
)
from matrix.render.causes import (
    ONE_WAY,
    ShownCause,
    first_sentence,
    other_sentences,
    shown_causes,
)
from matrix.render.grid import Grid, Wording, brief, build_grid, study_wording
from matrix.render.proofs import ProofPage, build_proofs
from matrix.render.quantities import NOTHING, cells, grouped, percent, release_label
from matrix.schema.values import Basis, Cpu, PredicateVersion


class CountRow(Struct, frozen=True, kw_only=True):
    """Cells per verdict of one release or of all; `counts` has every verdict, in their order."""

    label: str
    total: int
    counts: tuple[tuple[Verdict, int], ...]


class Group(Struct, frozen=True, kw_only=True):
    """A group of behaviour classes as shown: `label` of its releases, `cell` as `explain` reads it.

    `findings` stand with the shortest trace first.
    """

    number: int
    group: ClassGroup
    label: str
    cell: str
    findings: tuple[Finding, ...]

    @property
    def reservation(self) -> str:
        """What is said behind the example where its trace is one of several; or nothing."""
        return "" if self.group.settled else f"; {ONE_WAY}"

    @property
    def without_findings(self) -> str:
        """What is said where no finding is listed: only some verdicts mean that there is none."""
        safe = self.group.verdict in (Verdict.SUPPORTED, Verdict.OVERSTRICT)
        return "nothing" if safe else NOTHING


class Advisory(Struct, frozen=True, kw_only=True):
    """An advisory over all groups that show it, with its shortest trace."""

    finding: Finding
    cells: int
    label: str


class InfluenceRow(Struct, frozen=True, kw_only=True):
    """What an axis changes: `before` in a cell, `after` where the axis is as in `change`."""

    title: str
    what: str
    before: str
    cell: str
    change: str
    after: str


class Page(Struct, frozen=True, kw_only=True):
    """Everything a report shows that is not already in the result as it is.

    `patch` is what is ported on top of every release, None for a released feature. `shares` are
    those of the `remarks` that count cells, `defects` what kernels break by themselves; `idle` are
    the axes that change no verdict. Without `proofs` a page has no such sections.
    """

    result: StudyResult
    patch: str | None
    answer: str
    defects: tuple[str, ...]
    remarks: tuple[str, ...]
    shares: tuple[str, ...]
    causes: tuple[ShownCause, ...]
    predicate: PredicateVersion | None
    count_rows: tuple[CountRow, ...]
    grids: tuple[Grid, ...]
    groups: tuple[Group, ...]
    advisories: tuple[Advisory, ...]
    absent_cells: int
    idle: tuple[str, ...]
    influences: tuple[InfluenceRow, ...]
    proofs: ProofPage | None
    releases: str
    axes: tuple[AxisRow, ...]
    kernels: tuple[KernelRow, ...]
    constraints: tuple[ConstraintRow, ...]
    cpus: CpuTable


def build_page(
    result: StudyResult,
    cpus: Sequence[Cpu] = (),
    proofs: Proofs | None = None,
) -> Page:
    """Return the page of a study; of `cpus` those that an axis of the study names are shown."""
    patch = result.capability.assumes_patch
    named = {version.name: version for version in result.capability.predicates}
    titles = {axis.name: axis.title for axis in result.study.axes}
    return Page(
        result=result,
        patch=patch,
        answer=answer_sentence(result),
        defects=tuple(map(defect_sentence, result.defects)),
        remarks=remarks(result),
        shares=share_sentences(result),
        causes=shown_causes(result.causes, patch),
        predicate=named.get(result.predicate),
        count_rows=count_rows(result),
        grids=tuple(brief(build_grid(table, wording(result))) for table in result.tables),
        groups=_groups(result, patch),
        advisories=_advisories(result),
        absent_cells=sum(number for _, number in result.absent_reasons),
        idle=tuple(
            titles.get(item.axis, item.axis) for item in result.influences if item.kind != VERDICT
        ),
        influences=tuple(
            _influence_row(
                item,
                titles.get(item.axis, item.axis),
                dict(result.study.baseline),
                result.capability.basis,
            )
            for item in result.influences
        ),
        proofs=None if proofs is None else build_proofs(proofs, result.study),
        releases=release_label([profile.release for profile in result.kernels], patch),
        axes=axis_rows(result.study),
        kernels=kernel_rows(result.kernels, patch),
        constraints=constraint_rows(result.kernels),
        cpus=cpu_table(result.study, cpus, result.architecture),
    )


# What a kind of change is called.
_CHANGES = {
    VERDICT: "the verdict",
    INPUT: "`{}`, {}, and no verdict",
    FACT: "the fact `{}`, and nothing that follows",
}


# What decides a verdict besides the predicate.
_ROWS: dict[Basis, str] = {
    "simulation": "an input of the simulation",
    "truth": "a part of the truth",
    "nothing": "",
}


def _influence_row(
    item: Influence, title: str, baseline: Mapping[str, str], basis: Basis
) -> InfluenceRow:
    if item.kind is None:
        return InfluenceRow(title=title, what="nothing", before="", cell="", change="", after="")
    changed = item.other[item.axis]
    return InfluenceRow(
        title=title,
        what=_CHANGES[item.kind].format(item.name, _ROWS[basis]),
        before=item.before,
        cell=named_cell(item.one, baseline),
        change=cell_text({item.axis: changed}, {}),
        after=item.after,
    )


def wording(result: StudyResult) -> Wording:
    """Return how the tables of this study are worded: axes by title, releases with the patch."""
    return study_wording(result.study, result.capability.assumes_patch)


def first_line(result: StudyResult) -> str:
    """Return the study's answer, and behind it what kernels break by themselves."""
    return " ".join((answer_sentence(result), *map(defect_sentence, result.defects)))


def defect_sentence(found: StudyDefect) -> str:
    """Return what a kernel breaks by itself, with the cells of a study that may meet it."""
    return f"In {cells(found.cells)} there is {found.defect.sentence}."


def answer_sentence(result: StudyResult) -> str:
    """Return the study's answer in one sentence, computed from its counts."""
    counts = dict(result.counts)
    unsound, unknown = counts.get(Verdict.UNSOUND, 0), counts.get(Verdict.UNKNOWN, 0)
    basis = result.capability.basis
    # What leaves nothing to judge comes first: the sentences below divide by what is left.
    if result.cells == 0:
        return "No cell satisfies every constraint of this study."
    if counts.get(Verdict.ABSENT) == result.cells:
        return f"Nothing is judged: the capability is absent in all {cells(result.cells)}."
    if basis == "nothing":
        return (
            f"`{result.predicate}` says yes in {_share(counts[Verdict.GRANTED], result)}, and no "
            f"in {_share(counts[Verdict.NOT_GRANTED], result)}; whether it should is not declared."
        )
    if unsound:
        return first_sentence(result.predicate, result.causes, unknown=unknown > 0)
    if unknown:
        return (
            f"No cell is known in which `{result.predicate}` is unsound, but the answer is unknown "
            f"in {_share(unknown, result)}: it hangs on facts that nobody recorded."
        )
    return (
        f"`{result.predicate}` is sound in all {cells(result.cells)}: wherever the kernel's check "
        f"says yes, {_HOLDS[basis]}."
    )


# What judges a check, where it says yes and is right, and wrong; where it says no and is wrong.
_HOLDS: dict[Basis, str] = {
    "simulation": "no violation is reachable",
    "truth": "every part of the declared truth holds",
}
_BROKEN: dict[Basis, str] = {
    "simulation": "something is violated",
    "truth": "a part of the declared truth does not hold",
}
_WOULD_HOLD: dict[Basis, str] = {
    "simulation": "nothing would be violated",
    "truth": "every part of the declared truth holds",
}


def remarks(result: StudyResult) -> tuple[str, ...]:
    """Return what a reader must also know of the causes and counts, a sentence each."""
    return (*other_sentences(result.causes), *share_sentences(result))


def share_sentences(result: StudyResult) -> tuple[str, ...]:
    """Return how many of the cells have a verdict that needs action, a sentence each."""
    counts = dict(result.counts)
    remarks = []
    if unsound := counts.get(Verdict.UNSOUND, 0):
        remarks.append(
            f"In all it is unsound in {_share(unsound, result)}: the check says yes there, and "
            f"{_BROKEN[result.capability.basis]}."
        )
    if over := counts.get(Verdict.OVERSTRICT, 0):
        remarks.append(
            f"It is overstrict in {_share(over, result)}: the check says no, though "
            f"{_WOULD_HOLD[result.capability.basis]}."
        )
    judged = result.capability.basis != "nothing"
    # Where nothing is unsound the answer itself says how much is unknown (`answer_sentence`).
    if (unknown := counts.get(Verdict.UNKNOWN, 0)) and (
        counts.get(Verdict.UNSOUND, 0) or not judged
    ):
        remarks.append(
            f"The answer is unknown in {_share(unknown, result)}: it hangs on facts that "
            "nobody recorded."
        )
    return tuple(remarks)


def _share(part: int, result: StudyResult) -> str:
    """Return a part of the cells that have the capability: the others say nothing of a check."""
    absent = dict(result.counts).get(Verdict.ABSENT, 0)
    present = result.cells - absent
    whole = f"the {cells(present)} that have the capability" if absent else cells(present)
    return f"{grouped(part)} of {whole} ({percent(part, present)})"


def count_rows(result: StudyResult) -> tuple[CountRow, ...]:
    """Return the counts over all releases, then of each."""
    patch = result.capability.assumes_patch
    rows = [("all releases", result.counts)]
    rows += [(release_label((name,), patch), counts) for name, counts in result.counts_by_kernel]
    verdicts = verdicts_of(result.capability)
    return tuple(_count_row(label, counts, verdicts) for label, counts in rows)


def _count_row(label: str, counts: Counts, verdicts: Sequence[Verdict]) -> CountRow:
    by_verdict = dict(counts)
    return CountRow(
        label=label,
        total=sum(by_verdict.values()),
        counts=tuple((verdict, by_verdict.get(verdict, 0)) for verdict in verdicts),
    )


def _groups(result: StudyResult, patch: str | None) -> tuple[Group, ...]:
    """Return the groups by verdict in the order of action, then the larger first, numbered."""
    ranked = sorted(result.groups, key=lambda group: (group.verdict.rank, -group.cells))
    baseline = dict(result.study.baseline)
    return tuple(
        Group(
            number=number,
            group=group,
            label=release_label(group.kernels, patch),
            cell=cell_text(dict(group.example), baseline),
            findings=tuple(sorted(group.findings, key=lambda finding: len(finding.trace))),
        )
        for number, group in enumerate(ranked, start=1)
    )


def _advisories(result: StudyResult) -> tuple[Advisory, ...]:
    """Return each advisory with its cells and releases, in the order of the kernels."""
    releases = {profile.release: number for number, profile in enumerate(result.kernels)}
    return tuple(
        Advisory(
            finding=item.finding,
            cells=item.cells,
            label=release_label(
                sorted(item.kernels, key=lambda name: (releases.get(name, len(releases)), name)),
                result.capability.assumes_patch,
            ),
        )
        for item in result.advisories
    )
