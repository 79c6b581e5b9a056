"""The tables a study declares: concrete cells, answered one by one, equal rows merged.

Takes a study and a function that answers a cell, gives `Table` values. A table's cell that cannot
exist (the kernel does not boot on that CPU) is None.
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Callable, Mapping

from matrix.analyze.result import Table, TableCell
from matrix.schema.values import MatrixStudy, Pivot

# Answers the cell that differs from the baseline in these options; None: there is no such cell.
AnswerCell = Callable[[Mapping[str, str]], TableCell | None]

PROFILES = "profiles"


def study_tables(study: MatrixStudy, answer_cell: AnswerCell) -> tuple[Table, ...]:
    """Return the tables of a study in the declared order."""
    return tuple(_table(study, pivot, answer_cell) for pivot in study.pivots)


def _table(study: MatrixStudy, pivot: Pivot, answer_cell: AnswerCell) -> Table:
    pattern = pivot.leave_out or ""
    rows = [
        (label, cell)
        for label, cell in _choices(study, pivot.rows)
        if not any(fnmatch.fnmatchcase(option, pattern) for option in cell.values())
    ]
    columns = list(itertools.product(*(_choices(study, name) for name in pivot.columns)))
    fixed = dict(pivot.fixed)
    merged: dict[tuple[TableCell | None, ...], list[str]] = {}
    for row, row_cell in rows:
        line = tuple(answer_cell({**fixed, **row_cell, **_joined(column)}) for column in columns)
        merged.setdefault(line, []).append(row)
    return Table(
        title=pivot.title,
        row_title=_title(study, pivot.rows),
        column_levels=tuple(_title(study, name) for name in pivot.columns),
        columns=tuple(tuple(label for label, _ in column) for column in columns),
        row_groups=tuple(tuple(labels) for labels in merged.values()),
        cells=tuple(merged),
    )


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
