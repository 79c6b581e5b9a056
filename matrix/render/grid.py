"""A table made small enough to read: equal neighbouring columns merged, reasons and marks as notes.

Takes a `Table` of the study's result, gives a `Grid` that the templates draw. Nothing is lost:
each merged column lists every label it stands for, and `indices` says which columns of the table
it was made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.cell_text import option_text
from matrix.analyze.space.result import Counts, Table, TableCell
from matrix.render.causes import condition, one_of
from matrix.render.quantities import listing, release_label
from matrix.schema.values import MatrixStudy

# In a page with more labels than this, each row lists this many.
_MOST_LABELS = 300
_FIRST_LABELS = 20
# What a cell tells of all cells it stands for.
_SHOWN = {"worst": "The most urgent verdict of all cells", "cells": "All cells"}


class Heading(Struct, frozen=True, kw_only=True):
    """A header cell: its text and over how many columns it reaches."""

    text: str
    span: int


class Column(Struct, frozen=True, kw_only=True):
    """One merged column: its heading at each level, and the table's columns it stands for."""

    texts: tuple[str, ...]
    indices: tuple[int, ...]


class Entry(Struct, frozen=True, kw_only=True):
    """One cell: its verdict and the number of the note that says why, None where none is given.

    `marks` are the letters of what would change it, `causes` the numbers of those of the study.
    """

    verdict: Verdict
    note: int | None
    marks: tuple[str, ...] = ()
    causes: tuple[int, ...] = ()
    counts: Counts = ()


class Line(Struct, frozen=True, kw_only=True):
    """One row: the labels that share it, and one entry a column (None: no such cell exists).

    `more` labels share it and are not listed.
    """

    labels: tuple[str, ...]
    entries: tuple[Entry | None, ...]
    more: int = 0


class Note(Struct, frozen=True, kw_only=True):
    """Why cells have a verdict; `number` is what the cells refer to."""

    number: int
    verdict: Verdict
    reason: str


class MarkNote(Struct, frozen=True, kw_only=True):
    """What a letter in a cell says of the options that the table fixes; words in backticks."""

    letter: str
    text: str


class Grid(Struct, frozen=True, kw_only=True):
    """A table ready to be drawn: caption, header rows outermost first, lines, notes.

    A merged heading lists its labels, or says `all` where none is missing beneath its parent. The
    `caption` are sentences, words in backticks; it has every option that the table fixes.
    """

    title: str
    row_title: str
    levels: tuple[str, ...]
    header: tuple[tuple[Heading, ...], ...]
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[Note, ...]
    caption: tuple[str, ...]
    marks: tuple[MarkNote, ...]

    @property
    def separator(self) -> str:
        """What stands between the labels of one row: no comma where labels hold commas."""
        held = any("," in label for line in self.lines for label in line.labels)
        return "; " if held else ", "

    @property
    def has_gaps(self) -> bool:
        """Tell whether some cell does not exist in the space."""
        return any(entry is None for line in self.lines for entry in line.entries)


class Wording(Struct, frozen=True, kw_only=True):
    """How levels and labels are written: titles of levels, and what is added to a release.

    `titles` maps an axis (or `profiles`) to its title, `releases` are the levels and row titles
    that name releases, `patch` what is ported on top of each (None for nothing).
    """

    titles: Mapping[str, str]
    releases: frozenset[str]
    patch: str | None

    def title(self, level: str) -> str:
        """Return the title of a level."""
        return self.titles.get(level, level)

    def label(self, level: str, labels: Sequence[str]) -> str:
        """Return the text for the labels of one level: `7.2, 7.3 + v12`."""
        return release_label(labels, self.patch if level in self.releases else None)


def study_wording(study: MatrixStudy, patch: str | None) -> Wording:
    """Return how the tables of a study are worded: axes by title, releases with the patch."""
    kernel_axes = [axis for axis in study.axes if axis.kind == "kernel"]
    named = {name for axis in kernel_axes for name in (axis.name, axis.title)}
    return Wording(
        titles={
            "profiles": study.profiles_title,
            **{axis.name: axis.title for axis in study.axes},
        },
        releases=frozenset(named | {"kernel"}),
        patch=patch,
    )


class _Node(Struct, frozen=True, kw_only=True):
    """A heading with what stands beneath it: further headings, or the contents of one column."""

    level: str
    labels: tuple[str, ...]
    children: tuple[_Node, ...]
    content: tuple[TableCell | None, ...]
    indices: tuple[int, ...]
    is_all: bool = False

    @property
    def shape(self) -> object:
        """What must be equal for two neighbours to be drawn as one."""
        # Labels of what is beneath count, too: merged headings share one set of columns.
        return tuple((child.labels, child.shape) for child in self.children) or self.content

    @property
    def span(self) -> int:
        return sum(child.span for child in self.children) or 1

    def text(self, wording: Wording) -> str:
        return "all" if self.is_all else wording.label(self.level, self.labels)


def build_grid(table: Table, wording: Wording) -> Grid:
    """Return the grid of a table, whose columns have one label for each of one or more levels."""
    # From the innermost level outwards: two headings are one where all beneath them is equal, so
    # what is beneath must have been merged before.
    nodes = _merged(_nodes(table, range(len(table.columns)), 0), below=False)
    columns = tuple(column for node in nodes for column in _columns(node, (), wording))
    letters = _letters(table, columns)
    lines, notes = _lines(table, columns, wording, letters)
    return Grid(
        title=table.title,
        row_title=wording.title(table.row_title),
        levels=tuple(wording.title(level) for level in table.column_levels),
        header=_header(nodes, len(table.column_levels), wording),
        columns=columns,
        lines=lines,
        notes=notes,
        caption=tuple(_caption(table, wording)),
        marks=tuple(MarkNote(letter=letter, text=text) for text, letter in letters.items()),
    )


def brief(grid: Grid) -> Grid:
    """Return a grid of which a row lists few labels, where there are more than a page has room for.

    Nobody reads a thousand names in one cell.
    """
    if sum(len(line.labels) for line in grid.lines) <= _MOST_LABELS:
        return grid
    return replace(
        grid,
        lines=tuple(
            replace(line, labels=line.labels[:_FIRST_LABELS], more=len(line.labels[_FIRST_LABELS:]))
            for line in grid.lines
        ),
    )


def _caption(table: Table, wording: Wording) -> Iterator[str]:
    """Yield what a reader must know of a table before any cell: all that it fixes."""
    yield f"Columns: {', '.join(map(wording.title, table.column_levels))}."
    if wording.patch:
        yield f"Every release is taken with {wording.patch} on top."
    if table.fixed:
        pairs = [f"`{axis}={option_text(option)}`" for axis, option in table.fixed]
        yield f"Fixed: {', '.join(pairs)}."
    if table.over:
        axes = ", ".join(f"`{axis}`" for axis in table.over)
        yield f"{_SHOWN[table.shows]}, whatever {axes}."
    if table.only:
        told = [f"`{axis}` is {listing([f'`{one}`' for one in ones])}" for axis, ones in table.only]
        yield f"Only where {' and '.join(told)}."
    if table.where:
        yield f"Only cells in which {table.where.replace('`', '')} is true."
    named = [(name, cell) for name, cell in table.named if cell and _is_shown(name, table)]
    if named:
        told = [
            f"{name}: {listing([f'`{axis}={option_text(option)}`' for axis, option in cell])}"
            for name, cell in named
        ]
        yield f"Command lines: {'; '.join(told)}; all else of them as in the baseline."
    if table.without:
        told = [one_of(axis, options) for axis, options in table.without]
        yield f"Not marked, since they take the capability away: {', '.join(told)}."


def _is_shown(name: str, table: Table) -> bool:
    labels = {label for column in table.columns for label in column}
    return name in labels or any(name in group for group in table.row_groups)


def _letters(table: Table, columns: Sequence[Column]) -> dict[str, str]:
    """Return the letter of each text that marks a cell, in the order in which they are met."""
    met = dict.fromkeys(
        text
        for row in table.cells
        for column in columns
        for text in _mark_texts(row[column.indices[0]], table)
    )
    return {text: _letter(number) for number, text in enumerate(met)}


def _letter(number: int) -> str:
    # a … z, aa, ab: as columns of a spreadsheet, where no letter is a zero.
    return (_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("a") + number % 26)


def _mark_texts(cell: TableCell | None, table: Table) -> list[str]:
    """Return what a cell's marks say, one text a change of options."""
    if cell is None:
        return []
    fixed = dict(table.fixed)
    texts = []
    if cell.instead:
        usual = [f"`{axis}={option_text(fixed[axis])}`" for axis, _ in cell.instead]
        taken = [f"`{axis}={option_text(option)}`" for axis, option in cell.instead]
        texts.append(f"no such cell with {listing(usual)}: answered with {listing(taken)}")
    texts.extend(f"with {condition(mark.change)}: {mark.verdict}" for mark in cell.marks)
    return texts


def _nodes(table: Table, indices: Sequence[int], level: int) -> list[_Node]:
    """Return the headings of one level over the given columns, not merged yet."""
    is_last = level == len(table.column_levels) - 1
    nodes = []
    for label, group in groupby(indices, key=lambda index: table.columns[index][level]):
        # On the last level each column is a node of its own.
        for members in [[index] for index in group] if is_last else [list(group)]:
            below = [] if is_last else _merged(_nodes(table, members, level + 1), below=True)
            nodes.append(
                _Node(
                    level=table.column_levels[level],
                    labels=(label,),
                    children=tuple(below),
                    content=tuple(row[members[0]] for row in table.cells) if is_last else (),
                    indices=tuple(members),
                )
            )
    return nodes


def _merged(nodes: Sequence[_Node], *, below: bool) -> list[_Node]:
    """Return the nodes with equal neighbours merged, their labels in order."""
    result = []
    for _, group in groupby(nodes, key=lambda node: node.shape):
        members = list(group)
        # A label seen twice (the table repeats itself) is written once.
        labels = tuple(dict.fromkeys(label for node in members for label in node.labels))
        result.append(
            replace(
                members[0],
                labels=labels,
                children=_joined(members),
                indices=tuple(index for node in members for index in node.indices),
                # Only beneath another heading: at the top nobody would know all of what.
                is_all=below and len(members) == len(nodes) and len(labels) > 1,
            )
        )
    return result


def _joined(members: Sequence[_Node]) -> tuple[_Node, ...]:
    """Return the children of merged nodes: those of the first, standing for the columns of all."""
    return tuple(
        replace(
            same[0],
            children=_joined(same),
            indices=tuple(index for node in same for index in node.indices),
        )
        for same in zip(*(member.children for member in members), strict=True)
    )


def _columns(node: _Node, above: tuple[str, ...], wording: Wording) -> list[Column]:
    texts = (*above, node.text(wording))
    if node.children:
        return [column for child in node.children for column in _columns(child, texts, wording)]
    return [Column(texts=texts, indices=node.indices)]


def _header(
    nodes: Sequence[_Node], depth: int, wording: Wording
) -> tuple[tuple[Heading, ...], ...]:
    """Return the header rows, outermost first."""
    rows: list[tuple[Heading, ...]] = []
    level = list(nodes)
    for _ in range(depth):
        rows.append(tuple(Heading(text=node.text(wording), span=node.span) for node in level))
        level = [child for node in level for child in node.children]
    return tuple(rows)


def _lines(
    table: Table, columns: Sequence[Column], wording: Wording, letters: Mapping[str, str]
) -> tuple[tuple[Line, ...], tuple[Note, ...]]:
    """Return the rows over the merged columns, and the notes: by verdict, then as first met."""
    # Merged columns are equal in every row: the first stands for all.
    shown = [[row[column.indices[0]] for column in columns] for row in table.cells]
    met = dict.fromkeys(
        (cell.verdict, cell.reason) for row in shown for cell in row if cell and cell.reason
    )
    ranked = sorted(met, key=lambda said: said[0].rank)
    number_of = {said: number for number, said in enumerate(ranked, start=1)}
    lines = tuple(
        Line(
            labels=tuple(wording.label(table.row_title, (label,)) for label in labels),
            entries=tuple(_entry(cell, number_of, letters, table) for cell in row),
        )
        for labels, row in zip(table.row_groups, shown, strict=True)
    )
    notes = tuple(
        Note(number=number, verdict=verdict, reason=reason)
        for (verdict, reason), number in number_of.items()
    )
    return lines, notes


def _entry(
    cell: TableCell | None,
    number_of: Mapping[tuple[Verdict, str], int],
    letters: Mapping[str, str],
    table: Table,
) -> Entry | None:
    if cell is None:
        return None
    told = _mark_texts(cell, table)
    return Entry(
        verdict=cell.verdict,
        note=number_of.get((cell.verdict, cell.reason)),
        marks=tuple(letter for text, letter in letters.items() if text in told),
        causes=cell.causes,
        counts=cell.counts,
    )
