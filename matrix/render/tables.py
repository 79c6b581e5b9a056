"""Markdown of what only reports have; what blocks in documents show too is in `parts.py`.

Takes the values of `page.py`, `causes.py` and `top.py`, gives `Md`.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from matrix.render import parts
from matrix.render.causes import ShownCause
from matrix.render.findings import certainty
from matrix.render.markdown import Md, code, escape, fenced, joined, plain, prose, table
from matrix.render.page import Group
from matrix.render.quantities import NOTHING, grouped
from matrix.render.top import Fix, HeatMap
from matrix.render.writers.markdown import fragment, inline


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
        lines += [
            "",
            f"<details><summary>{title}</summary>",
            "",
            fragment(parts.trace(finding)),
            "",
            "</details>",
        ]
    return Md("\n".join(lines))


def tally(heat_map: HeatMap) -> Md:
    """Return how many rows of the baseline view have which verdict."""
    counts = [f"{tile.count} {tile.verdict}" for tile in heat_map.tiles if tile.rows or tile.others]
    return Md(f"Counted {escape(heat_map.counts)}: {', '.join(counts) or NOTHING}.")


def fix_section(fix: Fix) -> Md:
    """Return what to write instead, as a diff, and what comes of it."""
    diff = "\n".join(f"{sign}{line}" for sign, line in fix.lines)
    return Md("\n\n".join([*([fenced(diff, "diff")] if diff else []), prose(fix.said)]))


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
                inline(parts.verdict(group.group.verdict)),
                grouped(group.group.cells),
                grouped(group.group.classes),
                group.label,
                inline(parts.pairs(group.group.conditions)),
                *[
                    joined((inline(parts.finding_title(item)) for item in group.findings), "; ")
                    or group.without_findings
                    for _ in violated
                ],
                code(group.cell) or "the baseline",
            ]
            for group in groups
        ],
        "lrr",
    )
