"""The baseline view of a study: its first table by row, the most dangerous first, and counted.

Takes a study and its tables, gives an `Overview`. By the verdicts of the column that departs from
the baseline in nothing rows are put in order and counted; where columns are CPUs, of which that is
one, each row by the verdict in it that needs action first.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.cause import is_named
from matrix.analyze.space.result import Table, TableCell
from matrix.schema.values import MatrixStudy


class Tally(Struct, frozen=True, kw_only=True):
    """How many rows have a verdict where it counts; None is that there is no such cell.

    `others` are rows that are no CPU as it is (systems of several types, changed fields), and rows
    that are answered with other options than the table fixes.
    """

    verdict: Verdict | None
    rows: int
    others: int


class OverviewRow(Struct, frozen=True, kw_only=True):
    """A row by its label, the number of its line in the table, and the cell that counts."""

    label: str
    line: int
    cell: TableCell | None


class Overview(Struct, frozen=True, kw_only=True):
    """A table as it is read first. `counted` is the column that orders and counts, None for all.

    `rows` are the most dangerous first, then by what stands beside, then as declared; `tallies` are
    in the same order.
    """

    table: Table
    counted: int | None
    rows: tuple[OverviewRow, ...]
    tallies: tuple[Tally, ...]
    of_cpus: bool


def overview(study: MatrixStudy, tables: Sequence[Table]) -> Overview | None:
    """Return the baseline view of a study; None where it declares no table, or an empty one."""
    if not tables or not tables[0].columns:
        return None
    table = tables[0]
    axes = {axis.title: axis for axis in study.axes}
    axis = axes.get(table.row_title)
    of_cpus = axis is not None and axis.kind == "cpu"
    declared = {option.name: at for at, option in enumerate(axis.options if axis else ())}
    counted = len(table.columns) - 1 if table.usual is None else table.usual
    # None of several CPUs is the one that counts: a row with CPUs across is the worst of its cells.
    across = any(level in axes and axes[level].kind == "cpu" for level in table.column_levels)
    rows = [
        OverviewRow(
            label=label, line=line, cell=min(cells, key=_rank) if across else cells[counted]
        )
        for line, (labels, cells) in enumerate(zip(table.row_groups, table.cells, strict=True))
        for label in labels
    ]

    def danger(row: OverviewRow) -> tuple[int, list[int], int]:
        beside = sorted(map(_rank, table.cells[row.line]))
        return _rank(row.cell), beside, declared.get(row.label, 0)

    rows.sort(key=danger)
    tallies: dict[Verdict | None, list[int]] = {}
    for row in rows:
        tally = tallies.setdefault(row.cell.verdict if row.cell else None, [0, 0])
        tally[_departs(row, of_cpus=of_cpus)] += 1
    return Overview(
        table=table,
        counted=None if across else counted,
        rows=tuple(rows),
        tallies=tuple(
            Tally(verdict=verdict, rows=number, others=others)
            for verdict, (number, others) in tallies.items()
        ),
        of_cpus=of_cpus,
    )


def _departs(row: OverviewRow, *, of_cpus: bool) -> bool:
    is_several = of_cpus and not is_named(row.label)
    return is_several or (row.cell is not None and bool(row.cell.instead))


def _rank(cell: TableCell | None) -> int:
    return len(Verdict) if cell is None else cell.verdict.rank
