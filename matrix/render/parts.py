"""Parts that reports and embedded blocks share, before they have a form: counts, grids, traces.

Takes the values of `page.py` and `grid.py`, gives blocks of a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matrix.analyze.cell.answer import Finding
from matrix.analyze.cell.verdict import Verdict
from matrix.render.causes import ShownCause
from matrix.render.document import (
    Block,
    Inline,
    Item,
    List,
    Paragraph,
    Run,
    Table,
    code,
    joined,
    plain,
    runs,
    strong,
    verdict_word,
)
from matrix.render.findings import certainty, events
from matrix.render.grid import Entry, Grid, Line
from matrix.render.page import CountRow, Group
from matrix.render.quantities import NOTHING, cells, counted, grouped, percent


def verdict(value: Verdict) -> tuple[Run, ...]:
    """Return the verdict; the one that needs action stands out."""
    return strong(value) if value is Verdict.UNSOUND else verdict_word(value)


def count_table(rows: Sequence[CountRow]) -> tuple[Block, ...]:
    """Return the counts, a row for each release."""
    verdicts = [verdict for verdict, _ in rows[0].counts]
    table = Table(
        header=("Release", "Cells", *map(str, verdicts)),
        rows=tuple((plain(row.label), grouped(row.total), *_shares(row)) for row in rows),
        align="l" + "r" * (1 + len(verdicts)),
    )
    return (table,)


def _shares(row: CountRow) -> list[str]:
    return [
        f"{grouped(number)} ({percent(number, row.total)})" if number else "0"
        for _, number in row.counts
    ]


def grid_table(grid: Grid) -> tuple[Block, ...]:
    """Return a grid as one table; a column of several levels has them in one heading."""
    table = Table(
        header=(plain(grid.row_title), *(plain(": ".join(item.texts)) for item in grid.columns)),
        rows=tuple(
            (plain(grid.separator.join(line.labels) + _more(line)), *map(_entry, line.entries))
            for line in grid.lines
        ),
        answers=True,
    )
    return (table,)


def _more(line: Line) -> str:
    return f" and {line.more} more" if line.more else ""


def _entry(entry: Entry | None) -> Inline:
    if entry is None:
        return NOTHING
    notes = [str(entry.note)] if entry.note else []
    told = ", ".join([*notes, *entry.marks])
    return (*verdict(entry.verdict), *(plain(f" ({told})") if told else ()))


def grid_notes(grid: Grid) -> tuple[Block, ...]:
    """Return the notes of a grid as lists, numbered ones and lettered ones; nothing for none."""
    reasons = tuple((*verdict(note.verdict), Run(": "), *runs(note.reason)) for note in grid.notes)
    marks = tuple((Run(f"({mark.letter}) "), *runs(mark.text)) for mark in grid.marks)
    lists = (List(items=reasons, ordered=True), List(items=marks))
    return tuple(item for item in lists if item.items)


def grid_caption(grid: Grid, *, chosen: bool = False) -> str:
    """Return what a table shows, all that it fixes, and what a dash means where it has one.

    Where an expression has `chosen` cells, a dash stands for those that it does not choose too.
    """
    lacking = "no cell that is asked for" if chosen else "no such cell"
    gaps = [f"{NOTHING}: {lacking}, whatever the other options."] if grid.has_gaps else []
    return " ".join((*grid.caption, *gaps))


def cause_section(causes: Sequence[ShownCause]) -> tuple[Block, ...]:
    """Return the causes as a numbered list, and their CPUs, each list under its condition."""
    rows = tuple(
        (str(shown.number), where, plain(cpus)) for shown in causes for where, cpus in shown.rows
    )
    return (
        List(items=tuple(map(_cause, causes)), ordered=True),
        Table(header=("Cause", "Where", "CPUs"), rows=rows),
    )


def _cause(shown: ShownCause) -> Item:
    cause = shown.cause
    text = (
        *strong(cause.statement),
        *runs(f": {shown.violated}; by "),
        *code(cause.operation),
        *(_bracketed(cause.source) if cause.source else ()),
        *plain(f", in {cells(cause.cells)} of {shown.label}; for example "),
        *(code(shown.cell) if shown.cell else plain("the baseline cell")),
    )
    always = (Run("always where "), *pairs(cause.conditions))
    return Item(text=text, items=(always,) if cause.conditions else ())


def _bracketed(source: str) -> tuple[Run, ...]:
    return (Run(" ("), *code(source), Run(")"))


def pairs(items: Iterable[tuple[str, str]]) -> tuple[Run, ...]:
    """Return `name=value` pairs as code, separated by commas."""
    return joined((code(f"{name}={value}") for name, value in items), ", ")


def trace(finding: Finding) -> tuple[Block, ...]:
    """Return the trace of a finding: a numbered list of events with their micro-operations."""
    steps = List(
        ordered=True,
        items=tuple(
            Item(
                text=strong(event.name),
                items=tuple(
                    (
                        *code(line.operation),
                        *(plain(f" {line.detail}") if line.detail else ()),
                        *(_bracketed(line.source) if line.source else ()),
                    )
                    for line in event.lines
                ),
            )
            for event in events(finding.trace)
        ),
    )
    return (steps,)


def finding_title(finding: Finding) -> tuple[Run, ...]:
    """Return the invariant and under which assumption it is broken."""
    return (*code(finding.invariant), Run(f", {certainty(finding.certainty)}"))


def group_section(group: Group) -> tuple[Block, ...]:
    """Return a group with all its findings, the shortest trace first.

    Its title is no heading, but a line that stands out, which fits any document.
    """
    inner = group.group
    title = strong(f"{group.number}. {group.label}: {counted(inner.cells, 'cell')}")
    example = (
        (*code(group.cell), Run(", the rest as in the baseline"))
        if group.cell
        else plain("the baseline cell")
    )
    found: list[Block] = [
        Paragraph(text=title),
        List(
            items=(
                *([(Run("where: "), *pairs(inner.conditions))] if inner.conditions else []),
                (Run("example: "), *example, *plain(group.reservation)),
                counted(inner.classes, "behaviour class", "behaviour classes"),
            )
        ),
    ]
    for finding in group.findings:
        text = (*finding_title(finding), Run(": "), *runs(finding.message))
        found += [Paragraph(text=text), *(trace(finding) if finding.trace else ())]
    return tuple(found)
