"""A view: which part of a declared table is shown.

A table (a `Pivot` of a study) has its axes, the baseline that it fixes and an order of its labels;
a view keeps some of these labels and puts rows that have become equal together.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.space.result import Table, TableCell


class View(Struct, frozen=True, kw_only=True):
    """The labels of rows and columns that are kept, in the order of the table; None keeps all.

    Of the levels of the columns, one of which no label is named keeps all of its labels.
    """

    rows: frozenset[str] | None = None
    columns: frozenset[str] | None = None

    def of(self, table: Table) -> Table:
        """Return the part of a table that is shown, equal rows merged."""
        kept = self._columns(table)
        merged: dict[tuple[TableCell | None, ...], tuple[str, ...]] = {}
        for group, cells in zip(table.row_groups, table.cells, strict=True):
            labels = tuple(label for label in group if self.rows is None or label in self.rows)
            if labels:
                row = tuple(cells[index] for index in kept)
                merged[row] = merged.get(row, ()) + labels
        return replace(
            table,
            columns=tuple(table.columns[index] for index in kept),
            row_groups=tuple(merged.values()),
            cells=tuple(merged),
        )

    def _columns(self, table: Table) -> list[int]:
        """Return the numbers of the columns that are kept."""
        chosen = self.columns or frozenset()
        named = [
            {column[level] for column in table.columns} & chosen
            for level in range(len(table.column_levels))
        ]
        return [
            index
            for index, column in enumerate(table.columns)
            # A level of which no label is named keeps all of them.
            if all(not names or label in names for label, names in zip(column, named, strict=True))
        ]
