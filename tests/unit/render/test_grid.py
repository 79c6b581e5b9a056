"""Tables made small: nothing may be lost by merging columns."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import Table, TableCell
from matrix.render.grid import Grid, Wording, build_grid
from tests.unit.render import builder

WORDING = Wording(
    titles={"kernel": "Linux release", "profiles": "command line", "cpu": "CPU"},
    releases=frozenset({"kernel"}),
    patch="v12",
)
CELLS = st.one_of(
    st.none(),
    st.builds(TableCell, verdict=st.sampled_from(list(Verdict)), reason=st.sampled_from(("", "a"))),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of up to three levels; few cells, so that neighbours are often equal."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    columns: list[tuple[str, ...]] = [()]
    for size in sizes:
        columns = [(*column, f"{len(column)}{n}") for column in columns for n in range(size)]
    kept = draw(st.lists(st.booleans(), min_size=len(columns), max_size=len(columns)))
    columns = [column for column, keep in zip(columns, kept, strict=True) if keep]
    height = draw(st.integers(1, 3))
    row = st.lists(CELLS, min_size=len(columns), max_size=len(columns)).map(tuple)
    return Table(
        title="t",
        row_title="r",
        column_levels=tuple(f"level {n}" for n in range(len(sizes))),
        columns=tuple(columns),
        row_groups=tuple((f"row {n}",) for n in range(height)),
        cells=tuple(draw(row) for _ in range(height)),
    )


def expanded(grid: Grid, width: int) -> list[list[tuple[Verdict, str] | None]]:
    """Undo the merging: what each column of the table showed, row by row."""
    reasons = {note.number: note.reason for note in grid.notes}
    rows: list[list[tuple[Verdict, str] | None]] = []
    for line in grid.lines:
        row: list[tuple[Verdict, str] | None] = [None] * width
        for column, entry in zip(grid.columns, line.entries, strict=True):
            for index in column.indices:
                row[index] = (
                    (entry.verdict, reasons[entry.note] if entry.note else "") if entry else None
                )
        rows.append(row)
    return rows


@given(tables())
def test_every_column_is_still_there(table: Table) -> None:
    grid = build_grid(table, WORDING)
    indices = sorted(index for column in grid.columns for index in column.indices)
    assert indices == list(range(len(table.columns)))
    shown = [[(c.verdict, c.reason) if c else None for c in row] for row in table.cells]
    assert expanded(grid, len(table.columns)) == shown


@given(tables())
def test_every_header_row_reaches_over_all_columns(table: Table) -> None:
    grid = build_grid(table, WORDING)
    assert len(grid.header) == len(table.column_levels)
    assert {sum(heading.span for heading in row) for row in grid.header} == {len(grid.columns)}


@given(tables())
def test_equal_neighbours_beneath_one_heading_are_one(table: Table) -> None:
    grid = build_grid(table, WORDING)
    for left, right in zip(grid.columns, grid.columns[1:], strict=False):
        if left.texts[:-1] == right.texts[:-1]:
            a, b = left.indices[0], right.indices[0]
            assert any(row[a] != row[b] for row in table.cells)


def rows_of(grid: Grid) -> list[Sequence[str]]:
    return [[heading.text for heading in row] for row in grid.header]


def test_a_release_that_says_one_thing_is_one_column() -> None:
    grid = build_grid(builder.cpu_table(), WORDING)
    assert rows_of(grid) == [["6.12 + v12", "7.3 + v12"], ["all", "default", "rodata=off"]]
    assert [heading.span for heading in grid.header[0]] == [1, 2]
    assert grid.has_gaps


def test_releases_that_say_the_same_share_their_columns() -> None:
    table = Table(
        title="t",
        row_title="cpu",
        column_levels=("kernel", "profiles"),
        columns=(("7.2", "default"), ("7.2", "off"), ("7.3", "default"), ("7.3", "off")),
        row_groups=(("a",),),
        cells=((builder.WORKS, builder.OFF, builder.WORKS, builder.OFF),),
    )
    grid = build_grid(table, WORDING)
    assert rows_of(grid) == [["7.2, 7.3 + v12"], ["default", "off"]]
    assert [column.indices for column in grid.columns] == [(0, 2), (1, 3)]


def test_notes_stand_in_the_order_of_action() -> None:
    grid = build_grid(builder.cpu_table(), WORDING)
    assert [(note.number, note.verdict.value) for note in grid.notes] == [
        (1, "unsound"),
        (2, "supported"),
        (3, "refused"),
        (4, "absent"),
    ]


def test_rows_that_are_releases_say_what_is_on_top() -> None:
    table = Table(
        title="t",
        row_title="kernel",
        column_levels=("cpu",),
        columns=(("a",),),
        row_groups=(("7.2", "7.3"),),
        cells=((builder.WORKS,),),
    )
    assert build_grid(table, WORDING).lines[0].labels == ("7.2 + v12", "7.3 + v12")
