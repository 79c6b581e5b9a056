"""The tables a study declares: concrete cells, answered one by one, equal rows merged.

Takes a solved study and a function that answers a cell, gives `Table` values. What a table fixes is
never taken for granted: it is listed, and a cell that other options would answer otherwise is
marked with them. One axis changed by itself is named first; a verdict that only several together
give is named by the fewest that do. What a cell says is held against every combination of the fixed
options, so one without a mark keeps its verdict under all of them, but for those that take the
capability away; these are collected in `without`.
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.nearest import with_doubles
from matrix.analyze.space.result import Mark, Table, TableCell
from matrix.analyze.space.study import SolvedStudy
from matrix.schema.values import DeclaredView, MatrixStudy, Pivot
from matrix.solve.nearest import Changes, nearest_changes
from matrix.solve.space import Region
from matrix.solve.tally import tally

# Answers the cell that differs from the baseline in these options; None: there is no such cell.
AnswerCell = Callable[[Mapping[str, str]], TableCell | None]

# A label, and the options it sets.
_Choice = tuple[str, dict[str, str]]

PROFILES = "profiles"


def study_tables(
    solved: SolvedStudy, answer_cell: AnswerCell, causes: Sequence[Region]
) -> tuple[Table, ...]:
    """Return the tables of a study in the declared order; `causes` are the cells of each cause."""
    return tuple(_table(solved, pivot, answer_cell, causes) for pivot in solved.study.pivots)


def _table(
    solved: SolvedStudy, pivot: Pivot, answer_cell: AnswerCell, causes: Sequence[Region]
) -> Table:
    study = solved.study
    rows, columns, loose, said = _shown(study, pivot)
    usual = {**dict(study.baseline), **dict(pivot.fixed)}
    # What the name of a command line sets is said by the name, so these axes are not fixed either.
    fixed = {axis.name: usual[axis.name] for axis in study.axes if axis.name not in said}
    marker = Marker(solved, pivot.rows, tuple(fixed), tuple(loose & said), causes)
    kind_of = _kinds(solved, pivot.rows, causes)
    answered: dict[object, tuple[TableCell | None, ...]] = {}
    merged: dict[tuple[TableCell | None, ...], list[str]] = {}
    for row, row_cell in rows:
        # Label and number cannot be confused: labels are texts.
        kind = kind_of.get(row, row)
        if kind not in answered:
            places = [{**usual, **row_cell, **_joined(column)} for column in columns]
            answered[kind] = tuple(
                _answered(marker, place, places, answer_cell) for place in places
            )
        merged.setdefault(answered[kind], []).append(row)
    return replace(
        _drawn(study, pivot, columns, merged, fixed),
        without=marker.without,
        usual=next(
            (at for at, column in enumerate(columns) if {**usual, **_joined(column)} == usual), None
        ),
    )


def _kinds(solved: SolvedStudy, name: str, causes: Sequence[Region]) -> dict[str, int]:
    """Return a number for each CPU of an axis, equal for those that no cell of a row tells apart.

    They are alike to every kernel, lack the same fields and have the same cells of each verdict and
    cause. With
    thousands of CPUs most are like another one, whose row then stands for theirs.
    """
    axis = next((axis for axis in solved.study.axes if axis.name == name), None)
    if axis is None or axis.kind != "cpu":
        return {}
    told: dict[str, list[object]] = {}
    for _, part in solved.kernels:
        alike = part.compiler.alike(name)
        for option in axis.options:
            fields = part.seen[option.cpu or option.name].open_fields
            told.setdefault(option.name, []).append((alike[option.name], fields))
    for region in (solved.valid, *solved.verdicts.values(), *causes):
        for number, (options, _) in enumerate(region.split(name)):
            for label in options:
                told[label].append(number)
    numbers: dict[tuple[object, ...], int] = {}
    return {option: numbers.setdefault(tuple(by), len(numbers)) for option, by in told.items()}


def _shown(
    study: MatrixStudy, pivot: Pivot
) -> tuple[list[_Choice], list[tuple[_Choice, ...]], set[str], set[str]]:
    """Return the rows and columns of a table, what command lines set, and the axes that it says."""
    pattern = pivot.leave_out or ""
    only = dict(pivot.only) if isinstance(pivot, DeclaredView) else {}

    def kept(name: str) -> list[_Choice]:
        patterns = only.get(name, ("*",))
        return [
            (label, cell)
            for label, cell in choices(study, name)
            if any(fnmatch.fnmatchcase(label, one) for one in patterns)
        ]

    rows = [
        (label, cell)
        for label, cell in kept(pivot.rows)
        if not any(fnmatch.fnmatchcase(option, pattern) for option in cell.values())
    ]
    columns = list(itertools.product(*map(kept, pivot.columns)))
    names = {pivot.rows, *pivot.columns}
    loose = {axis for profile in study.profiles for axis, _ in profile.cell}
    return rows, columns, loose, names | (loose if PROFILES in names else set())


def view_table(
    solved: SolvedStudy, view: DeclaredView, answer_cell: AnswerCell, kept: Region
) -> Table:
    """Return the table of a view; only cells of `kept` are answered or counted.

    Where an expression chooses cells, a row of which it chooses none is left out.
    """

    def answered(cell: Mapping[str, str]) -> TableCell | None:
        return None if kept.at(cell).is_empty() else answer_cell(cell)

    # Causes are left out of a view: their numbers are those of the report's list, which is not
    # there.
    if view.shows == "verdict":
        table = _table(solved, view, answered, ())
    else:
        table = _counted(solved, view, kept)
    if view.order == "danger":
        table = _by_danger(table)
    table = replace(table, shows=view.shows, only=view.only)
    if view.where is None:
        return table
    met = [row for row in zip(table.row_groups, table.cells, strict=True) if any(row[1])]
    return replace(
        table,
        row_groups=tuple(group for group, _ in met),
        cells=tuple(cells for _, cells in met),
        where=view.where.text,
    )


def _counted(solved: SolvedStudy, view: DeclaredView, kept: Region) -> Table:
    """Return a table of how many cells have which verdict, whatever it neither says nor fixes."""
    study = solved.study
    rows, columns, loose, said = _shown(study, view)
    fixed = {axis: option for axis, option in view.fixed if axis not in said}
    usual = dict(study.baseline)
    names = (view.rows, *view.columns)
    named = {axis: usual[axis] for axis in loose & said if axis not in names}
    at = names.index(PROFILES) if PROFILES in names else None
    lines = dict(choices(study, PROFILES)) if at is not None else {"": {}}

    def counted(regions: Mapping[Verdict, Region]) -> dict[tuple[str, ...], Mapping[Verdict, int]]:
        """Return the cells of each verdict, by the option or command line of every axis shown."""
        found: dict[tuple[str, ...], Mapping[Verdict, int]] = {}
        for line, cell in lines.items():
            # The line at hand comes last: an axis that only other lines set is at the baseline's
            # option.
            here = {word: part.at({**fixed, **named, **cell}) for word, part in regions.items()}
            for options, counts in tally(
                here, [name for name in names if name != PROFILES]
            ).items():
                place = options if at is None else (*options[:at], line, *options[at:])
                found[place] = counts
        return found

    mine = counted({word: region & kept for word, region in solved.verdicts.items()})
    # Whoever asks for the verdict with an option that a release lacks asks for the same `.config`.
    if view.shows == "worst":
        same = {word: with_doubles(solved, cells & kept) for word, cells in solved.verdicts.items()}
        # The counts proper win; doubles only fill places whose options are counted under another
        # name.
        mine = {**counted(same), **mine}
    merged: dict[tuple[TableCell | None, ...], list[str]] = {}
    for label, _ in rows:
        places = [(label, *(name for name, _ in column)) for column in columns]
        merged.setdefault(tuple(_count_of(mine.get(place, {})) for place in places), []).append(
            label
        )
    return replace(
        _drawn(study, view, columns, merged, fixed),
        over=tuple(
            axis.name for axis in study.axes if axis.name not in said and axis.name not in fixed
        ),
    )


def _drawn(
    study: MatrixStudy,
    shown: Pivot | DeclaredView,
    columns: Sequence[Sequence[_Choice]],
    merged: Mapping[tuple[TableCell | None, ...], Sequence[str]],
    fixed: Mapping[str, str],
) -> Table:
    """Return the table of cells whose rows are merged: what a pivot and a view have alike."""
    return Table(
        title=shown.title,
        row_title=_title(study, shown.rows),
        column_levels=tuple(_title(study, name) for name in shown.columns),
        columns=tuple(tuple(label for label, _ in column) for column in columns),
        row_groups=tuple(tuple(labels) for labels in merged.values()),
        cells=tuple(merged),
        fixed=tuple(fixed.items()),
        named=tuple((profile.name, profile.cell) for profile in study.profiles)
        if PROFILES in (shown.rows, *shown.columns)
        else (),
    )


def _count_of(counts: Mapping[Verdict, int]) -> TableCell | None:
    """Return how many cells have which verdict, and the most urgent one; None for no cell."""
    met = tuple((word, counts[word]) for word in Verdict if word in counts)
    return TableCell(verdict=met[0][0], reason="", counts=met) if met else None


def _by_danger(table: Table) -> Table:
    """Return a table with the rows first that have the most urgent verdict, and it most often."""

    def urgency(cells: tuple[TableCell | None, ...]) -> tuple[int, int]:
        ranks = [cell.verdict.rank for cell in cells if cell is not None]
        worst = min(ranks, default=len(Verdict))
        return worst, -ranks.count(worst)

    ranked = sorted(
        zip(table.row_groups, table.cells, strict=True), key=lambda row: urgency(row[1])
    )
    return replace(
        table,
        row_groups=tuple(group for group, _ in ranked),
        cells=tuple(cells for _, cells in ranked),
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
    there = {**place, **instead}
    return replace(
        found,
        instead=tuple(instead.items()),
        marks=marker.marks(there, found.verdict, row),
        causes=marker.causes(there) if found.verdict is Verdict.UNSOUND else (),
    )


def choices(study: MatrixStudy, name: str) -> list[tuple[str, dict[str, str]]]:
    """Return the labels of an axis, or of the named command lines, with what each sets."""
    if name == PROFILES:
        return [(profile.name, dict(profile.cell)) for profile in study.profiles]
    axis = next(axis for axis in study.axes if axis.name == name)
    return [(option.name, {name: option.name}) for option in axis.options]


def _joined(column: tuple[tuple[str, dict[str, str]], ...]) -> dict[str, str]:
    return {axis: option for _, cell in column for axis, option in cell.items()}


def _title(study: MatrixStudy, name: str) -> str:
    if name == PROFILES:
        return study.profiles_title
    return next(axis.title for axis in study.axes if axis.name == name)


Options = Mapping[str, str]


class Marker:
    """Marks the cells of one table with the axis `rows`, which does not say the axes of `fixed`.

    `loose` are those that named command lines set: what a name sets is what a column says, but for
    a cell without the capability, which another command line may give it.
    """

    def __init__(
        self,
        solved: SolvedStudy,
        rows: str,
        fixed: Sequence[str],
        loose: Sequence[str],
        causes: Sequence[Region],
    ) -> None:
        self._solved = solved
        self._causes = causes
        self._fixed = tuple(fixed)
        self._all = tuple(axis.name for axis in solved.study.axes if axis.name in {*fixed, *loose})
        # The axis of the rows last: most cells of a table differ in it.
        named = [axis.name for axis in solved.study.axes if axis.name not in fixed]
        self._held = sorted(named, key=lambda axis: axis == rows)
        self._firm = tuple(axis for axis in named if axis not in loose)
        self._parts: dict[tuple[Region, str], dict[str, Region]] = {}
        # All alike, unlike the weights of `nearest.py`: a mark says what else to look at, not what
        # is cheap to change.
        self._weights = {axis.name: 1 for axis in solved.study.axes}
        self._without: dict[str, set[str]] = {}
        self._known: dict[object, tuple[Mark, ...]] = {}

    @property
    def without(self) -> Changes:
        """The options of fixed axes that take the capability from some cell marked so far."""
        return tuple(
            (axis.name, tuple(item.name for item in axis.options if item.name in found))
            for axis in self._solved.study.axes
            if (found := self._without.get(axis.name))
        )

    def causes(self, place: Options) -> tuple[int, ...]:
        """Return the numbers, from 1, of the causes that a cell is in."""
        return tuple(
            number
            for number, region in enumerate(self._causes, start=1)
            if not region.at(place).is_empty()
        )

    def instead(self, place: Options) -> dict[str, str] | None:
        """Return the fewest fixed options to change until a cell exists; None where none does.

        The CPU stays: a cell of another one is no answer to what was asked.
        """
        cpus = {axis.name for axis in self._solved.study.axes if axis.kind == "cpu"}
        free = [axis for axis in self._fixed if axis not in cpus]
        found = self._nearest(self._opened(self._solved.valid, place, free), place)
        return None if found is None else {axis: options[0] for axis, options in found}

    def marks(self, place: Options, verdict: Verdict, row: Sequence[Options]) -> tuple[Mark, ...]:
        """Return the marks of a cell with a verdict; `row` are all cells that stand beside it."""
        absent = verdict is Verdict.ABSENT
        # A cell with the capability keeps its named command line, which its column says; one
        # without may get it from another command line.
        free = self._all if absent else self._fixed
        regions = {
            word: self._opened(region, place, free)
            for word, region in self._solved.verdicts.items()
            if word is not verdict
        }
        fixed_here = tuple(place[axis] for axis in free)
        if absent:
            return tuple(self._of_absent(place, regions, row))
        # Regions are canonical: cells that see the same verdicts over the free axes have equal
        # keys, and equal marks. A table of hundreds of CPUs has a handful.
        key = (verdict, fixed_here, tuple(regions.values()))
        if key not in self._known:
            self._known[key] = tuple(self._of_present(place, regions, free))
        return self._known[key]

    def _of_present(
        self, place: Options, regions: Mapping[Verdict, Region], free: Sequence[str]
    ) -> Iterator[Mark]:
        alone = set()
        for axis in free:
            for word, options in self._alone(place, regions, free, axis):
                if word is Verdict.ABSENT:
                    self._without.setdefault(axis, set()).update(options)
                else:
                    alone.add(word)
                    yield Mark(change=((axis, options),), verdict=word)
        for word, region in regions.items():
            if word is not Verdict.ABSENT and word not in alone:
                together = self._nearest(region, place)
                if together is not None:
                    yield Mark(change=together, verdict=word)

    def _of_absent(
        self,
        place: Options,
        regions: Mapping[Verdict, Region],
        row: Sequence[Options],
    ) -> Iterator[Mark]:
        """Yield what gives a cell the capability, unless a cell beside it has it."""
        # A reader sees the neighbouring columns: that another command line gives the capability
        # need not be said where one of them shows it.
        beside = (cell for cell in row if all(cell[axis] == place[axis] for axis in self._firm))
        for cell in beside:
            chosen = {axis: cell[axis] for axis in self._all}
            if any(not region.at(chosen).is_empty() for region in regions.values()):
                return
        found = [
            Mark(change=change, verdict=word)
            for word, region in regions.items()
            if (change := self._nearest(region, place)) is not None
        ]
        least = min((len(mark.change) for mark in found), default=0)
        yield from (mark for mark in found if len(mark.change) == least)

    def _alone(
        self, place: Options, regions: Mapping[Verdict, Region], free: Sequence[str], axis: str
    ) -> Iterator[tuple[Verdict, tuple[str, ...]]]:
        """Yield the verdicts that other options of one axis give, all else as it is."""
        rest = {other: place[other] for other in free if other != axis}
        for word, region in regions.items():
            options = tuple(o for o in region.at(rest).options(axis) if o != place[axis])
            if options:
                yield word, options

    def _opened(self, region: Region, place: Options, free: Sequence[str]) -> Region:
        """Return which fixed options a place has in a region; it depends on nothing else."""
        for axis in self._held:
            if axis not in free and not region.is_empty():
                region = self._seen_from(region, axis)[place[axis]]
        return region

    def _seen_from(self, region: Region, axis: str) -> Mapping[str, Region]:
        """Return a region as seen from each option of an axis; a column has hundreds of rows."""
        key = (region, axis)
        if key not in self._parts:
            self._parts[key] = {
                option: part for options, part in region.split(axis) for option in options
            }
        return self._parts[key]

    def _nearest(self, region: Region, place: Options) -> Changes | None:
        found = nearest_changes(region, place, self._weights, 1)
        return None if found is None else found.changes[0]
