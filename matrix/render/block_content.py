"""What a block of a document shows: counts, a table or a part of one, the unsound groups.

Takes a `Block` and the `StudyResult` it asks for, gives Markdown that begins with the command that
writes it anew. Other architectures are shown from the declarations alone.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import StudyDefect, StudyResult, Table
from matrix.analyze.space.view import View
from matrix.diagnostics import Diagnostic, InputError, unknown_word_hint
from matrix.render.block_request import Block, Option
from matrix.render.causes import shown_causes
from matrix.render.direct_maps import INTRODUCTION, architecture_table, direct_map_rows
from matrix.render.grid import build_grid
from matrix.render.markdown import code, prose
from matrix.render.page import (
    build_page,
    count_rows,
    defect_sentence,
    first_line,
    remarks,
    wording,
)
from matrix.render.tables import (
    cause_section,
    count_table,
    grid_caption,
    grid_notes,
    grid_table,
    group_section,
)
from matrix.schema.direct_maps import DirectMap


def render_block(block: Block, result: StudyResult) -> str:
    """Return the content of a block, blank lines around it included.

    Raises:
        InputError: MX0810, a table, rows or columns that the study does not have.
    """
    return _content(block, _CONTENTS[block.shows](block, result))


def render_architectures(block: Block, direct_maps: Sequence[DirectMap]) -> str:
    """Return the content of a block that shows other architectures; no study decides it."""
    rows = direct_map_rows(direct_maps)
    return _content(block, [prose(INTRODUCTION), "", architecture_table(rows)])


def _content(block: Block, shown: Sequence[str]) -> str:
    return "\n".join(["", f"<!-- {_command(block.file)} -->", "", *shown, "", ""])


def _command(file: str) -> str:
    """Return how the block is written anew. The folder is left out: it depends on who asks."""
    name = PurePath(file).name
    command = f"matrix embed {shlex.quote(name)}"
    # A comment ends at the first of these, whatever stands around it.
    if "-->" in command or "--!>" in command or "\n" in command or "\r" in command:
        command = "matrix embed FILE"
    return f"Written by `{command}`; edits are lost."


def _counts(_: Block, result: StudyResult) -> list[str]:
    return [_answer(result), "", count_table(count_rows(result))]


def _causes(_: Block, result: StudyResult) -> list[str]:
    shown = shown_causes(result.causes, result.capability.assumes_patch)
    return [_answer(result), *(["", cause_section(shown)] if shown else [])]


def _answer(result: StudyResult) -> str:
    return prose(" ".join((first_line(result), *remarks(result))))


def _table(block: Block, result: StudyResult) -> list[str]:
    table = _selected(block, result)
    grid = build_grid(table, wording(result))
    asked = f"Verdicts of {code(result.predicate)} in the study {code(result.study.id)}."
    notes = grid_notes(grid)
    met = [prose(defect_sentence(item)) for item in result.defects if _shows(table, result, item)]
    said = " ".join((*met, asked, grid_caption(grid)))
    return [said, "", grid_table(grid), *(["", notes] if notes else [])]


def _shows(table: Table, result: StudyResult, found: StudyDefect) -> bool:
    """Say whether a table has a column or row of the kernel that is broken by itself."""
    labels = {label for column in table.columns for label in column}
    labels.update(label for group in table.row_groups for label in group)
    named = {profile.release for profile in result.kernels} & labels
    kernel = next((axis.name for axis in result.study.axes if axis.kind == "kernel"), None)
    usual = dict(result.study.baseline).get(kernel or "", "")
    return found.defect.release in (named or {usual})


def _unsound(_: Block, result: StudyResult) -> list[str]:
    lines: list[str] = [_answer(result)]
    for group in build_page(result).groups:
        if group.group.verdict is Verdict.UNSOUND:
            lines += ["", group_section(group)]
    return lines


_CONTENTS: dict[str, Callable[[Block, StudyResult], list[str]]] = {
    "counts": _counts,
    "causes": _causes,
    "table": _table,
    "unsound": _unsound,
}


def _selected(block: Block, result: StudyResult) -> Table:
    """Return the table that the block asks for, cut to its rows and columns."""
    table = _find_table(block, result.tables)
    rows = [label for group in table.row_groups for label in group]
    columns = list(dict.fromkeys(label for column in table.columns for label in column))
    diagnostics: list[Diagnostic] = []
    view = View(
        rows=_chosen(block.option("rows"), rows, diagnostics),
        columns=_chosen(block.option("columns"), columns, diagnostics),
    )
    if diagnostics:
        raise InputError(diagnostics)
    return view.of(table)


def _find_table(block: Block, tables: Sequence[Table]) -> Table:
    """Return a table by its title, or by its number in the report, counted from 1."""
    option = block.option("table")
    if option is None and tables:
        return tables[0]
    by_name = {table.title: table for table in tables}
    by_name |= {str(number): table for number, table in enumerate(tables, start=1)}
    if option and option.value in by_name:
        return by_name[option.value]
    titles = [table.title for table in tables]
    raise InputError(
        Diagnostic(
            code="MX0810",
            message=f"the study has no table `{option.value}`" if option else "no table to show",
            location=option.location if option else block.location,
            hint=unknown_word_hint(option.value if option else "", titles, "tables"),
        )
    )


def _chosen(
    option: Option | None, known: Sequence[str], diagnostics: list[Diagnostic]
) -> frozenset[str] | None:
    """Return the labels that a list with commas names; a word with `*` or `?` names all alike.

    A label may itself hold commas (`neoverse-n2,dic=0`): the longest one that fits is taken.
    """
    if option is None:
        return None
    words = option.value.split(",")
    chosen: set[str] = set()
    while words:
        label, taken = _longest(words, known)
        alike = [label] if taken else [name for name in known if fnmatchcase(name, label)]
        chosen.update(alike)
        if not alike:
            diagnostics.append(
                Diagnostic(
                    code="MX0810",
                    message=f"the table has no `{label}` among its {option.key}",
                    location=option.location,
                    hint=unknown_word_hint(label, known, option.key),
                )
            )
        words = words[taken or 1 :]
    return frozenset(chosen)


def _longest(words: Sequence[str], known: Sequence[str]) -> tuple[str, int]:
    """Return the longest known label that the words begin with, and of how many words it is."""
    for number in range(len(words), 0, -1):
        label = ",".join(words[:number]).strip()
        if label in known:
            return label, number
    return words[0].strip(), 0
