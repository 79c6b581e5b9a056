"""Markdown of the parts that reports and embedded blocks share: counts, grids, traces, groups.

Takes the values of `page.py` and `grid.py`, gives `Md`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from matrix.analyze.cell.answer import Finding
from matrix.analyze.cell.verdict import Verdict
from matrix.render.causes import ShownCause
from matrix.render.findings import certainty, events
from matrix.render.grid import Entry, Grid
from matrix.render.markdown import Md, code, escape, fenced, joined, plain, prose, table
from matrix.render.page import CountRow, Group
from matrix.render.quantities import NOTHING, cells, counted, grouped, percent
from matrix.render.top import Fix, HeatMap


def verdict(value: Verdict) -> Md:
    """Return the verdict; the one that needs action stands out."""
    return Md(f"**{value}**") if value is Verdict.UNSOUND else Md(value)


def count_table(rows: Sequence[CountRow]) -> Md:
    """Return the counts, a row for each release."""
    verdicts = [verdict for verdict, _ in rows[0].counts]
    return table(
        ["Release", "Cells", *verdicts],
        [[row.label, grouped(row.total), *_shares(row)] for row in rows],
        "l" + "r" * (1 + len(verdicts)),
    )


def _shares(row: CountRow) -> list[str]:
    return [
        f"{grouped(number)} ({percent(number, row.total)})" if number else "0"
        for _, number in row.counts
    ]


def grid_table(grid: Grid) -> Md:
    """Return a grid as one table; a column of several levels has them in one heading."""
    return table(
        [grid.row_title, *(joined(column.texts, ": ") for column in grid.columns)],
        [[grid.separator.join(line.labels), *map(_entry, line.entries)] for line in grid.lines],
    )


def _entry(entry: Entry | None) -> Md:
    if entry is None:
        return Md(NOTHING)
    notes = [str(entry.note)] if entry.note else []
    told = ", ".join([*notes, *entry.marks])
    return Md(f"{verdict(entry.verdict)} ({told})" if told else verdict(entry.verdict))


def grid_notes(grid: Grid) -> Md:
    """Return the notes of a grid as lists, numbered ones and lettered ones; empty for none."""
    reasons = [
        f"{note.number}. {verdict(note.verdict)}: {prose(note.reason)}" for note in grid.notes
    ]
    marks = [f"- ({mark.letter}) {prose(mark.text)}" for mark in grid.marks]
    return Md("\n\n".join("\n".join(part) for part in (reasons, marks) if part))


def grid_caption(grid: Grid) -> Md:
    """Return what a table shows, all that it fixes, and what a dash means where it has one."""
    gaps = [f"{NOTHING}: no such cell, whatever the other options."] if grid.has_gaps else []
    return prose(" ".join((*grid.caption, *gaps)))


def cause_section(causes: Sequence[ShownCause]) -> Md:
    """Return the causes as a numbered list, and their CPUs, each list under its condition."""
    lines = []
    for shown in causes:
        cause = shown.cause
        source = f" ({code(cause.source)})" if cause.source else ""
        example = code(shown.cell) if shown.cell else "the baseline cell"
        lines.append(
            f"{shown.number}. **{prose(cause.statement)}**: {prose(shown.violated)}; by "
            f"{code(cause.operation)}{source}, in {escape(cells(cause.cells))} of "
            f"{escape(shown.label)}; for example {example}"
        )
        if cause.conditions:
            lines.append(f"   - always where {pairs(cause.conditions)}")
    rows = [
        [str(shown.number), prose(where), cpus] for shown in causes for where, cpus in shown.rows
    ]
    return Md("\n".join([*lines, "", table(["Cause", "Where", "CPUs"], rows)]))


def cause_traces(shown: ShownCause) -> Md:
    """Return how a cause comes about in its example, folded: the shortest trace first."""
    lines = [
        f"### Cause {shown.number}: {prose(shown.cause.statement)}",
        "",
        f"Example: {_example(shown.cell, shown.reservation)}.",
    ]
    for finding in shown.traces:
        # Inside of these tags nothing is Markdown.
        title = html.escape(plain(f"{finding.invariant}, {certainty(finding.certainty)}"))
        lines += ["", f"<details><summary>{title}</summary>", "", trace(finding), "", "</details>"]
    return Md("\n".join(lines))


def tally(heat_map: HeatMap) -> Md:
    """Return how many rows of the baseline view have which verdict."""
    counts = [f"{tile.count} {tile.verdict}" for tile in heat_map.tiles if tile.rows or tile.others]
    return Md(f"Counted {escape(heat_map.counts)}: {', '.join(counts) or NOTHING}.")


def fix_section(fix: Fix) -> Md:
    """Return what to write instead, as a diff, and what comes of it."""
    diff = "\n".join(f"{sign}{line}" for sign, line in fix.lines)
    return Md("\n\n".join([*([fenced(diff, "diff")] if diff else []), prose(fix.said)]))


def pairs(items: Iterable[tuple[str, str]]) -> Md:
    """Return `name=value` pairs as code, separated by commas."""
    return joined((code(f"{name}={value}") for name, value in items), ", ")


def trace(finding: Finding) -> Md:
    """Return the trace of a finding: a numbered list of events with their micro-operations."""
    lines = []
    for number, event in enumerate(events(finding.trace), start=1):
        lines.append(f"{number}. **{escape(event.name)}**")
        for line in event.lines:
            detail = f" {escape(line.detail)}" if line.detail else ""
            source = f" ({code(line.source)})" if line.source else ""
            lines.append(f"   - {code(line.operation)}{detail}{source}")
    return Md("\n".join(lines))


def finding_title(finding: Finding) -> Md:
    """Return the invariant and under which assumption it is broken."""
    return Md(f"{code(finding.invariant)}, {escape(certainty(finding.certainty))}")


def group_section(group: Group, heading: str = "") -> Md:
    """Return a group with all its findings, the shortest trace first.

    `heading` is `###` or so; without one the title is a bold line, which fits any document.
    """
    inner = group.group
    title = f"{group.number}. {escape(group.label)}: {escape(counted(inner.cells, 'cell'))}"
    where = [f"- where: {pairs(inner.conditions)}"] if inner.conditions else []
    lines = [
        f"{heading} {title}" if heading else f"**{title}**",
        "",
        *where,
        f"- example: {_example(group.cell, group.reservation)}",
        f"- {escape(counted(inner.classes, 'behaviour class', 'behaviour classes'))}",
    ]
    for finding in group.findings:
        lines += ["", f"{finding_title(finding)}: {prose(finding.message)}"]
        if finding.trace:
            lines += ["", trace(finding)]
    return Md("\n".join(lines))


def _example(cell: str, reservation: str) -> str:
    shown = f"{code(cell)}, the rest as in the baseline" if cell else "the baseline cell"
    return f"{shown}{reservation}"


def group_table(groups: Sequence[Group], *, judged: bool) -> Md:
    """Return the groups of the remaining verdicts, with what each violates where `judged`."""
    violated = ["What can be violated"] if judged else []
    return table(
        ["Verdict", "Cells", "Classes", "Releases", "Where", *violated, "Example"],
        [
            [
                verdict(group.group.verdict),
                grouped(group.group.cells),
                grouped(group.group.classes),
                group.label,
                pairs(group.group.conditions),
                *[
                    joined(map(finding_title, group.findings), "; ") or group.without_findings
                    for _ in violated
                ],
                code(group.cell) or "the baseline",
            ]
            for group in groups
        ],
        "lrr",
    )
