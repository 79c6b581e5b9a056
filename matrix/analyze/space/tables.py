"""The tables a study declares: concrete cells, answered one by one, equal rows merged.

Takes a solved study and a function that answers a cell, gives `Table` values. What a table fixes is
never taken for granted: it is listed, and a cell that other options would answer otherwise is
marked with them (`marks.py`).
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from matrix.analyze.space.marks import Marker
from matrix.analyze.space.result import Table, TableCell
from matrix.analyze.space.study import SolvedStudy
from matrix.schema.values import MatrixStudy, Pivot

# Answers the cell that differs from the baseline in these options; None: there is no such cell.
AnswerCell = Callable[[Mapping[str, str]], TableCell | None]

PROFILES = "profiles"


def study_tables(solved: SolvedStudy, answer_cell: AnswerCell) -> tuple[Table, ...]:
    """Return the tables of a study in the declared order."""
    return tuple(_table(solved, pivot, answer_cell) for pivot in solved.study.pivots)


def _table(solved: SolvedStudy, pivot: Pivot, answer_cell: AnswerCell) -> Table:
    study = solved.study
    pattern = pivot.leave_out or ""
    rows = [
        (label, cell)
        for label, cell in _choices(study, pivot.rows)
        if not any(fnmatch.fnmatchcase(option, pattern) for option in cell.values())
    ]
    columns = list(itertools.product(*(_choices(study, name) for name in pivot.columns)))
    names = (pivot.rows, *pivot.columns)
    loose = {axis for profile in study.profiles for axis, _ in profile.cell}
    said = {*names, *(loose if PROFILES in names else ())}
    usual = {**dict(study.baseline), **dict(pivot.fixed)}
    fixed = {axis.name: usual[axis.name] for axis in study.axes if axis.name not in said}
    marker = Marker(solved, pivot.rows, tuple(fixed), tuple(loose & said))
    merged: dict[tuple[TableCell | None, ...], list[str]] = {}
    for row, row_cell in rows:
        places = [{**usual, **row_cell, **_joined(column)} for column in columns]
        line = tuple(_answered(marker, place, places, answer_cell) for place in places)
        merged.setdefault(line, []).append(row)
    return Table(
        title=pivot.title,
        row_title=_title(study, pivot.rows),
        column_levels=tuple(_title(study, name) for name in pivot.columns),
        columns=tuple(tuple(label for label, _ in column) for column in columns),
        row_groups=tuple(tuple(labels) for labels in merged.values()),
        cells=tuple(merged),
        fixed=tuple(fixed.items()),
        named=tuple((profile.name, profile.cell) for profile in study.profiles)
        if PROFILES in names
        else (),
        without=marker.without,
    )


def _answered(
    marker: Marker,
    place: Mapping[str, str],
    row: list[dict[str, str]],
    answer_cell: AnswerCell,
) -> TableCell | None:
    """Return a cell with its marks; where what is fixed leaves none, the nearest one there is."""
    instead: dict[str, str] | None = {}
    found = answer_cell(place)
    if found is None:
        instead = marker.instead(place)
        if instead is not None:
            found = answer_cell({**place, **instead})
    if found is None or instead is None:
        return None
    marks = marker.marks({**place, **instead}, found.verdict, row)
    return replace(found, instead=tuple(instead.items()), marks=marks)


def _choices(study: MatrixStudy, name: str) -> list[tuple[str, dict[str, str]]]:
    """Return the labels of an axis, or of the named command lines, with what each sets."""
    if name == PROFILES:
        return [(profile.name, dict(profile.cell)) for profile in study.profiles]
    axis = next(axis for axis in study.axes if axis.name == name)
    return [(option.name, {name: option.name}) for option in axis.options]


def _joined(column: tuple[tuple[str, dict[str, str]], ...]) -> dict[str, str]:
    return {axis: option for _, cell in column for axis, option in cell.items()}


def _title(study: MatrixStudy, name: str) -> str:
    if name == PROFILES:
        return "command line"
    return next(axis.title for axis in study.axes if axis.name == name)
