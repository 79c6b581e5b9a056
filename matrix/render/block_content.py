"""What a block of a document shows: counts, a table or a part of one, one cell, a `.config`.

Takes a `Block` and what was found of what it asks for, gives the text between its markers, which
begins with the command that writes it anew. Nothing here knows the form of the document but for
the name of its writer.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from operator import attrgetter
from pathlib import PurePath

from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import StudyResult, Table
from matrix.analyze.space.view import View
from matrix.diagnostics import Diagnostic, InputError, refuse, unknown_word_hint
from matrix.flows.session import ViewedCell
from matrix.flows.validate_result import ValidateResult
from matrix.flows.view import shows_kernel
from matrix.render import document, parts
from matrix.render.block_request import Block, Option
from matrix.render.causes import shown_causes
from matrix.render.document import Inline, Paragraph, Run, code, plain, runs, strong
from matrix.render.grid import Grid, build_grid
from matrix.render.page import (
    build_page,
    count_rows,
    defect_sentence,
    first_line,
    remarks,
    wording,
)
from matrix.render.quantities import THIN, cells, grouped, release_label
from matrix.render.writers import fragment

Shown = Iterable[document.Block]
# The labels of a table that one word of a list means, nothing for a word that is no group.
Members = Callable[[str, Sequence[str]], Sequence[str]]


def written(block: Block, shown: Shown) -> str:
    """Return the content of a block, blank lines around it included."""
    told = block.form.comment(_command(block.file))
    text = fragment(shown, block.form.name, indent=len(block.indent.expandtabs()))
    return "\n".join(["", told, "", text.rstrip("\n"), "", ""])


def _command(file: str) -> str:
    """Return how the block is written anew. The folder is left out: it depends on who asks."""
    name = PurePath(file).name
    command = f"matrix embed {shlex.quote(name)}"
    # A comment ends at the first of these, whatever stands around it.
    if "-->" in command or "--!>" in command or "\n" in command or "\r" in command:
        command = "matrix embed FILE"
    return f"Written by `{command}`; edits are lost."


def study_content(block: Block, result: StudyResult, members: Members) -> Shown:
    """Return what a block shows of a study.

    Raises:
        InputError: MX0810, a table, rows or columns that the study does not have; MX0830, nothing
            of it is left.
    """
    return _CONTENTS[block.shows, block.manner](block, result, members)


def cell_content(block: Block, found: ViewedCell) -> Shown:
    """Return what a block shows of one cell: a row, a sentence or the verdict alone."""
    verdict = parts.verdict(found.answer.verdict)
    kernel = release_label((found.kernel,), found.assumes_patch)
    options = parts.pairs(found.chosen) or plain("the baseline")
    why = found.answer.reasons[0] if found.answer.reasons else ""
    if block.manner == "badge":
        cell = ", ".join(f"{name}={value}" for name, value in found.chosen)
        name = f"{kernel}: {cell or 'the baseline'}"
        badge = document.Badge(name=name, verdict=found.answer.verdict)
        return [Paragraph(text=verdict, badge=badge)]
    if block.manner == "sentence":
        said = (*options, Run(" on "), *plain(kernel), Run(": "), *verdict)
        return [Paragraph(text=(*said, *(runs(f" ({why})") if why else ()), Run(".")))]
    rows = ((plain(kernel), options, verdict, why),)
    return [document.Table(header=("Kernel", "Where", "Verdict", "Why"), rows=rows)]


def file_content(block: Block, results: Sequence[ValidateResult]) -> Shown:
    """Return what a block shows of a `.config`: equal answers of CPUs put together."""
    by_answer: dict[tuple[Verdict, str], list[str]] = {}
    for result in results:
        said = (result.answer.verdict, next(iter(result.answer.reasons), ""))
        by_answer.setdefault(said, []).append("+".join(result.cpu))
    ranked = sorted(by_answer.items(), key=lambda item: item[0][0].rank)
    title = (*code(block.value("file") or ""), *plain(f" ({results[0].title})"))
    if block.manner == "badge":
        return [_badge(title, [result.answer.verdict for result in results])]
    if block.manner == "sentence":
        told = [(verdict, names) for (verdict, _), names in ranked]
        return [Paragraph(text=(*title, Run(": "), *_verdicts_of(told), Run(".")))]
    rows = tuple(
        (plain(", ".join(names)), parts.verdict(verdict), why) for (verdict, why), names in ranked
    )
    return [
        Paragraph(text=(*title, Run("."))),
        document.Table(header=("CPU", "Verdict", "Why"), rows=rows),
    ]


def _badge(title: tuple[Run, ...], found: Sequence[Verdict]) -> Paragraph:
    """Return the verdict that most needs action, and how many of all have it."""
    worst = min(found, key=attrgetter("rank"))
    number = found.count(worst)
    share = "" if number == len(found) else f"{number} of {len(found)}"
    return _badge_of(title, worst, f" ({share})" if share else "", share)


def _badge_of(title: tuple[Run, ...], verdict: Verdict, said: str, share: str) -> Paragraph:
    badge = document.Badge(name="".join(run.text for run in title), verdict=verdict, share=share)
    shown = plain(said.replace(THIN, " ")) if said else ()
    text = (*title, Run(": "), *strong(verdict), *shown)
    return Paragraph(text=text, badge=badge)


def _verdicts_of(told: Iterable[tuple[Verdict, Sequence[str]]]) -> Iterator[Run]:
    """Yield for each verdict what has it: `unsound for a, b; supported for c`."""
    names: dict[Verdict, list[str]] = {}
    for verdict, of_verdict in told:
        names.setdefault(verdict, []).extend(of_verdict)
    for number, (verdict, of_verdict) in enumerate(names.items()):
        yield from ((Run("; "),) if number else ())
        yield from (*parts.verdict(verdict), *plain(f" for {', '.join(of_verdict)}"))


def _counts(block: Block, result: StudyResult, _: Members) -> Shown:
    rows = count_rows(result)
    if where := block.value("where"):
        if result.cells == 0:
            raise _nothing_left(block, "where")
        told = (Run("Cells where "), *code(where), Run(":"))
        return [Paragraph(text=told), *parts.count_table([row for row in rows if row.total])]
    return [_answer(result), *parts.count_table(rows)]


def _count_sentence(block: Block, result: StudyResult, members: Members) -> Shown:
    where = block.value("where")
    if where is None:
        return _sentence(block, result, members)
    if result.cells == 0:
        raise _nothing_left(block, "where")
    counts = [f"{grouped(number)} {verdict}" for verdict, number in result.counts if number]
    said = f": {', '.join(counts)}."
    return [Paragraph(text=(Run(f"Of {cells(result.cells)} where "), *code(where), Run(said)))]


def _count_badge(block: Block, result: StudyResult, _: Members) -> Shown:
    if result.cells == 0:
        raise _nothing_left(block, "where")
    # Counts stand in the order of verdicts, the most urgent first.
    worst, number = next((verdict, number) for verdict, number in result.counts if number)
    share = f"in {grouped(number)} of {cells(result.cells)}"
    return [_badge_of(code(result.study.id), worst, f" {share}", share)]


def _causes(_: Block, result: StudyResult, __: Members) -> Shown:
    shown = shown_causes(result.causes, result.capability.assumes_patch)
    return [_answer(result), *(parts.cause_section(shown) if shown else ())]


def _sentence(_: Block, result: StudyResult, __: Members) -> Shown:
    return [_answer(result)]


def _answer(result: StudyResult) -> Paragraph:
    return Paragraph(text=" ".join((first_line(result), *remarks(result))))


def _table(block: Block, result: StudyResult, members: Members) -> Shown:
    table, grid = shown_grid(block, result, members)
    asked = f"Verdicts of `{result.predicate}` in the study `{result.study.id}`."
    met = [
        defect_sentence(item)
        for item in result.defects
        if shows_kernel(table, result.study, item.defect.release)
    ]
    said = " ".join((*met, asked, parts.grid_caption(grid, chosen=bool(table.where))))
    return [Paragraph(text=said), *parts.grid_table(grid), *parts.grid_notes(grid)]


def _table_sentence(block: Block, result: StudyResult, members: Members) -> Shown:
    _, grid = shown_grid(block, result, members)
    told: list[Inline] = []
    for number, column in enumerate(grid.columns):
        found = [
            (entry.verdict, line.labels)
            for line in grid.lines
            if (entry := line.entries[number]) is not None
        ]
        if found:
            head = plain(f"{': '.join(column.texts)}: ")
            found.sort(key=lambda item: item[0].rank)
            told.append((*head, *_verdicts_of(found), Run(".")))
    fixed = " ".join(grid.caption[1:])
    return [Paragraph(text=document.joined((*told, *([fixed] if fixed else [])), " "))]


def _table_badge(block: Block, result: StudyResult, members: Members) -> Shown:
    table, _ = shown_grid(block, result, members)
    found = [
        cell
        for labels, row in zip(table.row_groups, table.cells, strict=True)
        for cell in row
        if cell is not None
        # A row stands for each of its labels.
        for _ in labels
    ]
    return [_badge(code(result.study.id), [cell.verdict for cell in found])]


def shown_grid(block: Block, result: StudyResult, members: Members) -> tuple[Table, Grid]:
    """Return the part of the table that the block asks for, as it is drawn.

    Raises:
        InputError: MX0810, it is not there; MX0830, it has no cell.
    """
    table = _selected(block, result, members)
    kept = _without_gaps(table) if block.value("where") else table
    if not any(cell for row in kept.cells for cell in row):
        raise _nothing_left(block, "where" if block.value("where") else "view")
    return kept, build_grid(kept, wording(result))


def _without_gaps(table: Table) -> Table:
    """Return a table without rows and columns that have no cell."""
    at = [
        number
        for number in range(len(table.columns))
        if any(row[number] is not None for row in table.cells)
    ]
    rows = [
        (labels, tuple(row[number] for number in at))
        for labels, row in zip(table.row_groups, table.cells, strict=True)
        if any(cell is not None for cell in row)
    ]
    return replace(
        table,
        columns=tuple(table.columns[number] for number in at),
        row_groups=tuple(labels for labels, _ in rows),
        cells=tuple(row for _, row in rows),
    )


def _nothing_left(block: Block, key: str) -> InputError:
    option = block.option(key)
    return InputError.of(
        code="MX0830",
        message=f"no cell of the study is left to show by `{key}`"
        if option
        else "the table has no cell to show",
        location=option.location if option else block.location,
        hint="a table has the cells of its fixed options alone: `view=axis=option` fixes "
        "others; `matrix cells STUDY --where EXPR` lists the cells that there are",
    )


def _unsound(_: Block, result: StudyResult, __: Members) -> Shown:
    yield _answer(result)
    for group in build_page(result).groups:
        if group.group.verdict is Verdict.UNSOUND:
            yield from parts.group_section(group)


_CONTENTS: dict[tuple[str, str], Callable[[Block, StudyResult, Members], Shown]] = {
    ("counts", "table"): _counts,
    ("counts", "sentence"): _count_sentence,
    ("counts", "badge"): _count_badge,
    ("causes", "table"): _causes,
    ("causes", "sentence"): _sentence,
    ("causes", "badge"): _count_badge,
    ("table", "table"): _table,
    ("table", "sentence"): _table_sentence,
    ("table", "badge"): _table_badge,
    ("unsound", "table"): _unsound,
    ("unsound", "sentence"): _sentence,
    ("unsound", "badge"): _count_badge,
}


def _selected(block: Block, result: StudyResult, members: Members) -> Table:
    """Return the table that the block asks for, cut to its rows and columns."""
    table = _find_table(block, result.tables)
    rows = [label for group in table.row_groups for label in group]
    columns = list(dict.fromkeys(label for column in table.columns for label in column))
    diagnostics: list[Diagnostic] = []
    view = View(
        rows=_chosen(block.option("rows"), rows, members, diagnostics),
        columns=_chosen(block.option("columns"), columns, members, diagnostics),
    )
    refuse(diagnostics)
    return view.of(table)


def _find_table(block: Block, tables: Sequence[Table]) -> Table:
    """Return a table by its title, or by its number in the report, counted from 1."""
    option = block.option("table")
    # What a view or an expression makes of a table stands alone.
    if tables and (option is None or block.value("where") is not None):
        return tables[0]
    by_name = {table.title: table for table in tables}
    by_name |= {str(number): table for number, table in enumerate(tables, start=1)}
    if option and option.value in by_name:
        return by_name[option.value]
    titles = [table.title for table in tables]
    raise InputError.of(
        code="MX0810",
        message=f"the study has no table `{option.value}`" if option else "no table to show",
        location=option.location if option else block.location,
        hint=unknown_word_hint(option.value if option else "", titles, "tables"),
    )


def _chosen(
    option: Option | None,
    known: Sequence[str],
    members: Members,
    diagnostics: list[Diagnostic],
) -> frozenset[str] | None:
    """Return the labels that a list with commas names; a word with `*` or `?` names all alike.

    A label may itself hold commas (`neoverse-n2,dic=0`): the longest one that fits is taken. A word
    with `@` before it is a group of CPUs: those of its members that the table has.
    """
    if option is None:
        return None
    words = option.value.split(",")
    chosen: set[str] = set()
    while words:
        label, taken = _longest(words, known)
        if label.startswith("@"):
            try:
                alike = list(members(label, known))
            except InputError as error:
                diagnostics.extend(error.diagnostics)
                words = words[1:]
                continue
        else:
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
