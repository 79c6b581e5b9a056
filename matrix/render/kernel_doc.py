"""A study as a page of the kernel's own documentation: `matrix report --format kernel-doc`.

Takes a `StudyReport`, gives reStructuredText in the style of Documentation/doc-guide/sphinx.rst:
a licence line, a title with a line above and beneath, list tables, nothing wider than 80 columns.
Or it gives the row of a study's architecture as Documentation/features has them, in the words of
Documentation/features/arch-support.txt (`--format kernel-features`).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.analyze.space.result import StudyResult
from matrix.flows.report import StudyReport
from matrix.render import parts
from matrix.render.causes import shown_causes
from matrix.render.document import Block, Paragraph, Section, Table
from matrix.render.grid import build_grid
from matrix.render.page import count_rows, first_line, remarks, wording
from matrix.render.writers import fragment
from matrix.render.writers.rst import inline

WIDTH = 80
# What stands before the text of a line: white space, and the marks of lists and of list tables.
_HEAD = re.compile(r"\s*(?:\* (?:- )?|- |\d+\. )?")
_UNDERLINE = re.compile(r"([=\-~^])\1*")


def kernel_doc(found: StudyReport) -> str:
    """Return the page of a study."""
    study = found.result.study
    title = inline(study.title)
    line = "=" * len(title)
    head = [
        ".. SPDX-License-Identifier: GPL-2.0",
        "",
        ".. Written by `matrix report --format kernel-doc`; edits are lost.",
        "",
        line,
        title,
        line,
        "",
    ]
    return "\n".join([*head, wrapped(fragment(_blocks(found.result), "rst"))]).rstrip("\n") + "\n"


def kernel_features(found: StudyReport) -> str:
    """Return the head of a file arch-support.txt, and the row of the study's architecture.

    It is `ok` where some cell has the capability, else `TODO`; where that hangs on cells whose
    verdict nobody knows there is no row.
    """
    study, capability, counts = found.result.study, found.result.capability, found.result.counts
    of = dict(counts)
    works = of.get(Verdict.SUPPORTED, 0) + of.get(Verdict.GRANTED, 0)
    symbols = re.findall(
        r"IS_ENABLED\(CONFIG_(\w+)\)", " ".join(item.condition.text for item in capability.requires)
    )
    head = (
        ("Feature name:", capability.id),
        ("        Kconfig:", " && ".join(dict.fromkeys(symbols)) or "none"),
        ("        description:", " ".join(capability.title.split())),
        ("        cells:", ", ".join(f"{number} {word}" for word, number in counts if number)),
    )
    line = f"    {'-' * 23}"
    status = "ok" if works else "TODO"
    row = (
        [f"    | {study.arch:>11}: | {status:^4} |"] if works or not of.get(Verdict.UNKNOWN) else []
    )
    told = [f"# {key:<23}{value}" for key, value in head]
    return "\n".join(["#", *told, "#", line, "    |         arch |status|", line, *row, line, ""])


def _blocks(result: StudyResult) -> Iterator[Block]:
    yield Paragraph(text=" ".join(result.study.description.split()))
    yield Paragraph(text=" ".join((first_line(result), *remarks(result))))
    meanings = meanings_of(result.capability.basis).items()
    rows = tuple((parts.verdict(verdict), meaning) for verdict, meaning in meanings)
    yield Section(
        title="What the verdicts mean", blocks=(Table(header=("Verdict", "Meaning"), rows=rows),)
    )
    yield Section(title="Cells by verdict", blocks=parts.count_table(count_rows(result)))
    for table in result.tables:
        grid = build_grid(table, wording(result))
        caption = Paragraph(text=parts.grid_caption(grid))
        yield Section(
            title=table.title, blocks=(caption, *parts.grid_table(grid), *parts.grid_notes(grid))
        )
    if causes := shown_causes(result.causes, result.capability.assumes_patch):
        yield Section(title="Why the check is unsound", blocks=parts.cause_section(causes))


def wrapped(text: str) -> str:
    """Return reStructuredText of one line a paragraph with no line wider than `WIDTH`.

    A word that is wider stays whole, and so does a title, whose underline is as long.
    """
    lines = text.split("\n")
    shown: list[str] = []
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if len(line) <= WIDTH or _UNDERLINE.fullmatch(line) or _UNDERLINE.fullmatch(below):
            shown.append(line)
            continue
        head = _HEAD.match(line)
        prefix = head[0] if head else ""
        shown += textwrap.wrap(
            line[len(prefix) :],
            WIDTH,
            initial_indent=prefix,
            subsequent_indent=" " * len(prefix),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(shown)
