"""`matrix view`: one table of a study, as declared or as asked for.

A view that the study declares, or a table of its report, is where it begins; what the user says of
axes, fixed options, filters, order and aggregation takes the place of what is declared.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict, replace

from matrix.analyze.space.result import Table
from matrix.analyze.space.selection import Selection
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.analyze.space.tables import PROFILES, choices, view_table
from matrix.diagnostics import Diagnostic, Gathered, InputError, Location, refuse, unknown_word_hint
from matrix.flows.cell_argument import parse_cell, unknown_axis
from matrix.flows.knowledge import Library
from matrix.flows.selection import chosen_cells, where_condition
from matrix.flows.study import PreparedStudy, prepare_study, table_cells
from matrix.flows.study_answer import StudyAnswer
from matrix.schema.values import (
    Condition,
    DeclaredView,
    MatrixStudy,
    ViewOrder,
    ViewShows,
)
from matrix.solve.space import Region


class Asked(Struct, frozen=True, kw_only=True):
    """What a user says of a view; None and nothing are "as declared".

    `view` is an id, or the title or number of a table of the report; `fixed` cells and `only`
    `axis=pattern` as they were written.
    """

    view: str | None = None
    rows: str | None = None
    columns: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    where: str | None = None
    order: ViewOrder | None = None
    shows: ViewShows | None = None


class ViewAnswer(StudyAnswer, frozen=True, kw_only=True):
    """A table with the view it is of; `selection` is what its `where` chose and left out."""

    view: DeclaredView
    table: Table
    patch: str | None
    selection: Selection | None = None


def view(
    name: str, asked: Asked, *, configs: tuple[Path, ...], predicate: str | None
) -> ViewAnswer:
    """Return a view of a study.

    Raises:
        InputError: MX0810, no such view or table; MX0604 to MX0606, a cell that is none; MX0820,
            patterns that keep nothing; MX0219, an axis twice; MX0506, a fixed option of an axis
            that is shown; what is wrong with an expression, and MX0662 where it chooses no cell.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    return viewed(prepared, prepared.solve, asked)


def viewed(prepared: PreparedStudy, solve: Callable[[], SolvedStudy], asked: Asked) -> ViewAnswer:
    """Return a view of a study that was looked up; raises as `view`, and before it is solved."""
    wanted = _wanted(prepared, asked)
    solved = solve()
    selection = chosen_cells(prepared, solved, wanted.where)
    kept = selection.region if selection else solved.valid
    table = view_table(solved, wanted, table_cells(prepared), kept)
    met = study_defects(solved, kept)
    shown = partial(shows_kernel, table, prepared.study)
    return ViewAnswer(
        study=prepared.study,
        predicate=prepared.predicate,
        defects=tuple(one for one in met if shown(one.defect.release)),
        view=wanted,
        table=table,
        patch=prepared.capability.assumes_patch,
        selection=selection,
        diagnostics=(_nothing_shown(wanted.where, kept),)
        if wanted.where and not table.row_groups
        else (),
    )


def _nothing_shown(where: Condition, kept: Region) -> Diagnostic:
    """Return that no cell of a view is one of those that its expression chooses."""
    elsewhere = kept.count()
    return Diagnostic.warning(
        code="MX0820",
        location=where.location,
        message="the table is empty: no cell that the view shows is chosen",
        hint=f"{elsewhere:,} cells with other options are: --show cells counts them, --set gives "
        "the options that the view fixes"
        if elsewhere
        else "it chooses no cell of the study",
    )


def shows_kernel(table: Table, study: MatrixStudy, release: str) -> bool:
    """Say whether a table is about a release, as far as the labels of its kernels are releases."""
    axis = next((axis for axis in study.axes if axis.kind == "kernel"), None)
    options = {option.name for option in axis.options} if axis else set()
    if axis is None or release not in options or axis.name in table.over:
        return True
    labels = {label for column in table.columns for label in column}
    labels.update(label for group in table.row_groups for label in group)
    chosen = {**dict(study.baseline), **dict(table.fixed)}[axis.name]
    return release in (options & labels or {chosen})


def named_view(study: MatrixStudy, name: str | None, location: Location | None) -> DeclaredView:
    """Return a view by id, or a table of the report by its title or number; the first for None.

    Raises:
        InputError: MX0810, where the study has none of that name.
    """
    tables = [
        DeclaredView(id=str(number), **asdict(pivot))
        for number, pivot in enumerate(study.pivots, start=1)
    ]
    known = {table.id: table for table in tables} | {table.title: table for table in tables}
    known |= {view.id: view for view in study.views}
    if name is None and known:
        return next(iter((*tables, *study.views)))
    if name in known:
        return known[name]
    names = [*(view.id for view in study.views), *(table.title for table in tables)]
    raise InputError.of(
        code="MX0810",
        message=f"the study `{study.id}` has no view `{name}`"
        if name is not None
        else f"the study `{study.id}` declares no table",
        location=location,
        hint=unknown_word_hint(name or "", names, "views")
        if names
        else "say what is shown: --rows AXIS --columns AXIS",
    )


def _wanted(prepared: PreparedStudy, asked: Asked) -> DeclaredView:
    """Return the view that is meant, all that is wrong with it told at once."""
    study = prepared.study
    wrong = Gathered()
    base = wrong.of(lambda: _begun(study, asked))
    where = wrong.of(lambda: where_condition(asked.where))
    cells = [wrong.of(partial(parse_cell, prepared, text)) for text in asked.fixed]
    rows = asked.rows or (base.rows if base else "")
    columns = asked.columns or (base.columns if base else ())
    known = [axis.name for axis in study.axes] + ([PROFILES] if study.profiles else [])
    shown = [name for name in (rows, *columns) if name]
    wrong.problems += [unknown_axis(study, name) for name in shown if name not in known]
    twice = sorted({name for name in shown if shown.count(name) > 1})
    wrong.problems += [
        Diagnostic(
            code="MX0219",
            message=f"`{name}` stands twice in this table",
            hint="say --rows and --columns, each another axis",
        )
        for name in twice
    ]
    wrong.problems += _shown_and_fixed(study, shown, cells)
    only = wrong.of(lambda: _only(study, [name for name in shown if name in known], asked.only))
    if wrong.problems or base is None:
        raise InputError(wrong.problems)
    # A declared pattern of an axis that is not shown any more would have no row to choose.
    kept = {axis: ones for axis, ones in base.only if axis in shown}
    fixed = dict(base.fixed)
    for cell in cells:
        fixed |= cell or {}
    if asked.rows or asked.columns:
        # Title and rows that are left out are declared for the axes that were there.
        base = replace(base, id="", title=" × ".join((rows, *columns)), leave_out=None)
    return replace(
        base,
        rows=rows,
        columns=columns,
        fixed=tuple(fixed.items()),
        only=tuple({**kept, **(only or {})}.items()),
        where=where or base.where,
        order=asked.order or base.order,
        shows=asked.shows or base.shows,
    )


def _shown_and_fixed(
    study: MatrixStudy, shown: Sequence[str], cells: Sequence[Mapping[str, str] | None]
) -> Iterator[Diagnostic]:
    """Yield what is fixed of an axis of which the view shows every option, or command lines do."""
    lines = {axis for profile in study.profiles for axis, _ in profile.cell}
    for axis, option in (item for cell in cells if cell for item in cell.items()):
        if axis in shown:
            hint = f"--only {axis}={option} shows this one alone"
        elif PROFILES in shown and axis in lines:
            hint = f"`{PROFILES}` are command lines, which say it: choose other axes to show"
        else:
            continue
        yield Diagnostic(
            code="MX0506",
            message=f"`--set {axis}={option}` fixes what the view shows",
            hint=hint,
        )


def _begun(study: MatrixStudy, asked: Asked) -> DeclaredView:
    """Return the view to begin with; where rows and columns are said, none need be declared."""
    if asked.view is None and not study.pivots and asked.rows and asked.columns:
        return DeclaredView(
            id="", title="", rows=asked.rows, columns=asked.columns, fixed=(),
            location=study.location,
        )  # fmt: skip
    return named_view(study, asked.view, None)


def _only(
    study: MatrixStudy, shown: Sequence[str], texts: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the patterns of each axis.

    Raises:
        InputError: MX0820, all that keep nothing, and axes that the view does not show.
    """
    found: dict[str, tuple[str, ...]] = {}
    problems = []
    for text in texts:
        axis, separator, pattern = text.partition("=")
        if not separator or axis not in shown:
            hint = f"write AXIS=PATTERN; the view shows {', '.join(shown)}"
            message = f"`{text}` is no pattern of an axis that the view shows"
            problems.append(Diagnostic(code="MX0820", message=message, hint=hint))
            continue
        names = [label for label, _ in choices(study, axis)]
        if not fnmatch.filter(names, pattern):
            problems.append(
                Diagnostic(
                    code="MX0820",
                    message=f"`{pattern}` keeps no option of `{axis}`",
                    hint=unknown_word_hint(pattern, names, f"options of {axis}"),
                )
            )
        found[axis] = (*found.get(axis, ()), pattern)
    refuse(problems)
    return found
