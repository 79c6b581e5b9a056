"""The top of a report: question, answer in a word, the fix as a diff, tiles and the heat map.

Takes a study's result, its baseline view and what was synthesised, gives plain values that the
HTML and the Markdown template lay out.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.analyze.space.cell_text import cell_text
from matrix.analyze.space.overview import Overview, overview
from matrix.analyze.space.result import StudyResult
from matrix.flows.proofs import Proofs
from matrix.render.answers import answers_json
from matrix.render.grid import Grid, Line, Wording
from matrix.render.json import Json
from matrix.render.proposed_check import c_function
from matrix.render.quantities import grouped
from matrix.schema.values import Cpu

_HOPELESS = (
    "Nothing: a check that is sound over what the kernel can test at that place says no wherever "
    "the capability works."
)
# With more columns a cell of the heat map has room for its sign alone; the word is still read out.
_WORDED_COLUMNS = 12
# With more rows than this, those that are equal in every cell are one.
_SEPARATE_ROWS = 150
# With more rows than this, those that stand behind another one are found by their name alone.
_WORDED_ROWS = 1_500


class Tile(Struct, frozen=True, kw_only=True):
    """A verdict with its rows where it counts, and the `others`, which are not counted."""

    verdict: Verdict | None
    rows: int
    others: int

    @property
    def count(self) -> str:
        """The rows that are counted, and those that are not."""
        return (
            f"{grouped(self.rows)} + {grouped(self.others)}" if self.others else grouped(self.rows)
        )


class MapRow(Struct, frozen=True, kw_only=True):
    """A row of the heat map; `instead` are options it is answered with, as a cell is written.

    `words` are what else a CPU is found by: product, aliases, groups, MIDR. `alike` are labels and
    words of the rows that it stands for, equal in every cell.
    """

    label: str
    words: str
    instead: str
    line: Line
    alike: tuple[tuple[str, str], ...] = ()


class MapGroup(Struct, frozen=True, kw_only=True):
    """Rows with one verdict in the column that counts; None is that no such cell exists."""

    verdict: Verdict | None
    count: str
    meaning: str
    rows: tuple[MapRow, ...]


class HeatMap(Struct, frozen=True, kw_only=True):
    """A grid by row, the most dangerous first. `counted` is the number of the column that orders.

    `counts` says what is counted where, `chips` are name, title and option of all that the view
    fixes; `worded`: there is room for a word in a cell. `answers` are those of all cells, as JSON;
    empty for none.
    """

    grid: Grid
    counted: int | None
    counts: str
    chips: tuple[tuple[str, str, str], ...]
    tiles: tuple[Tile, ...]
    groups: tuple[MapGroup, ...]
    worded: bool
    answers: str

    @property
    def folded(self) -> bool:
        """Tell whether some row stands for others."""
        return any(row.alike for group in self.groups for row in group.rows)


class Fix(Struct, frozen=True, kw_only=True):
    """What to write instead, as lines of a diff (sign and text), and what comes of it.

    Without `lines` nothing is proposed, and `said` tells why.
    """

    lines: tuple[tuple[str, str], ...]
    said: str


class Top(Struct, frozen=True, kw_only=True):
    """What stands at the top of a report; `heat_map` is None where the study declares no table."""

    short: str
    fix: Fix | None
    heat_map: HeatMap | None


def build_top(
    result: StudyResult,
    grids: Sequence[Grid],
    wording: Wording,
    cpus: Sequence[Cpu],
    proofs: Proofs | None,
    copied: Mapping[str, Json],
) -> Top:
    """Return the top of a study's report; `grids` are those of its tables."""
    found = overview(result.study, result.tables)
    return Top(
        short=_short_answer(result),
        fix=_fix(result, proofs),
        heat_map=None
        if found is None
        else _heat_map(result, found, grids[0], wording, cpus, copied),
    )


def _short_answer(result: StudyResult) -> str:
    """Return in a word or two whether the check is right; nothing where nothing judges it."""
    counts = dict(result.counts)
    absent = counts.get(Verdict.ABSENT, 0)
    if result.capability.basis == "nothing" or absent == result.cells:
        return ""
    if counts.get(Verdict.UNSOUND):
        return "No."
    if counts.get(Verdict.UNKNOWN):
        return "Not known."
    return "Sound, but too strict." if counts.get(Verdict.OVERSTRICT) else "Yes."


def _heat_map(
    result: StudyResult,
    found: Overview,
    grid: Grid,
    wording: Wording,
    cpus: Sequence[Cpu],
    copied: Mapping[str, Json],
) -> HeatMap:
    """Return the heat map of a study's baseline view; `grid` is that of the same table."""
    titles = {axis.name: axis.title for axis in result.study.axes}
    meanings = meanings_of(result.capability.basis)
    words = {name: _words(cpu) for cpu in cpus for name in (cpu.id, *cpu.aliases)}
    by_verdict: dict[Verdict | None, list[MapRow]] = {}
    for row in found.rows:
        shown = MapRow(
            label=wording.label(found.table.row_title, (row.label,)),
            words="; ".join(words[part] for part in row.label.split("+") if part in words)
            if found.of_cpus
            else "",
            instead="" if row.cell is None else cell_text(dict(row.cell.instead), {}),
            line=grid.lines[row.line],
        )
        by_verdict.setdefault(None if row.cell is None else row.cell.verdict, []).append(shown)
    tallies = {
        tally.verdict: Tile(verdict=tally.verdict, rows=tally.rows, others=tally.others)
        for tally in found.tallies
    }
    return HeatMap(
        grid=grid,
        counted=next(
            (at for at, item in enumerate(grid.columns) if found.counted in item.indices), None
        ),
        counts=_counts(found, grid, wording),
        chips=tuple(
            (axis, titles.get(axis, axis).removesuffix("="), option)
            for axis, option in found.table.fixed
        ),
        tiles=tuple(
            tallies.get(verdict, Tile(verdict=verdict, rows=0, others=0)) for verdict in meanings
        ),
        groups=tuple(
            MapGroup(
                verdict=verdict,
                count=tallies[verdict].count,
                meaning=_meaning(verdict, meanings),
                rows=_folded(rows, len(found.rows)),
            )
            for verdict, rows in by_verdict.items()
        ),
        worded=len(grid.columns) <= _WORDED_COLUMNS,
        answers=answers_json(result, found, wording.label, copied),
    )


def _folded(rows: Sequence[MapRow], of_all: int) -> tuple[MapRow, ...]:
    """Return the rows of a verdict, where there are many `of_all` each with those equal to it."""
    if of_all <= _SEPARATE_ROWS:
        return tuple(rows)
    found: dict[tuple[Line, str], list[MapRow]] = {}
    for row in rows:
        found.setdefault((row.line, row.instead), []).append(row)
    worded = of_all <= _WORDED_ROWS
    return tuple(
        replace(first, alike=tuple((row.label, row.words if worded else "") for row in rest))
        for first, *rest in found.values()
    )


def _words(cpu: Cpu) -> str:
    """Return what a CPU is found by; a MIDR both whole and by its parts."""
    parts = [f"{part:#05x}" for part in cpu.parts]
    midrs = [f"{midr:#010x}" for midr in cpu.midrs]
    maker = [] if cpu.implementer is None else [f"{cpu.implementer:#04x}"]
    return " ".join([cpu.name, cpu.vendor, *cpu.aliases, *cpu.groups, *maker, *parts, *midrs])


def _counts(found: Overview, grid: Grid, wording: Wording) -> str:
    """Return what the tiles count, and in which cells."""
    table = found.table
    noun = "CPU" if found.of_cpus else grid.row_title
    if found.counted is None:
        return f"each {noun} by the verdict in its row that needs action first"
    column = zip(table.column_levels, table.columns[found.counted], strict=True)
    where = ", ".join(wording.label(level, (label,)) for level, label in column)
    others = any(tally.others for tally in found.tallies)
    kinds = "systems of several CPU types and CPUs" if found.of_cpus else "rows"
    told = f"; +: {kinds} answered with other options" if others else ""
    return f"by {noun}, {where}{told}"


def _meaning(verdict: Verdict | None, meanings: Mapping[Verdict, str]) -> str:
    return "no such cell, whatever the other options" if verdict is None else meanings[verdict]


def _fix(result: StudyResult, proofs: Proofs | None) -> Fix | None:
    """Return what to write instead of the study's check; None where nothing was to be proved."""
    counts = dict(result.counts)
    judged = result.capability.basis != "nothing" and counts.get(Verdict.ABSENT) != result.cells
    if proofs is None or not judged:
        return None
    if proofs.synthesis is None:
        return Fix(lines=(), said=f"No check was synthesised: {proofs.no_synthesis}.")
    if not counts.get(Verdict.UNSOUND) and not counts.get(Verdict.OVERSTRICT):
        return Fix(lines=(), said="Nothing is to be changed: it never says yes or no wrongly.")
    proposed = proofs.wider if proofs.refuting else proofs.synthesis
    if proposed is None:
        other = proofs.refuting[0].study.id
        return Fix(lines=(), said=f"What holds on every machine is to be asked of `{other}`.")
    named = {version.name: version for version in result.capability.predicates}
    present = named.get(result.predicate)
    if present is None:
        return None
    before, after = proofs.compared[0].verdicts, proofs.compared[-1].verdicts
    # A check that is always no is sound as well, and nobody wants it.
    if before[Verdict.SUPPORTED] and not after[Verdict.SUPPORTED]:
        return Fix(lines=(), said=_HOPELESS)
    lines = tuple(
        _diff(
            c_function(present.condition.expression, proposed.function),
            c_function(proposed.expression, proposed.function),
        )
    )
    if not lines:
        return Fix(lines=(), said="The check is the weakest sound one that is possible there.")
    return Fix(lines=lines, said=_effect(proofs))


def _diff(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a diff with all of its context, each with its sign."""
    before, after = old.splitlines(), new.splitlines()
    whole = len(before) + len(after)
    # Behind the names of both and the head of the one hunk; nothing where they are equal.
    lines = difflib.unified_diff(before, after, n=whole, lineterm="")
    yield from ((line[0], line[1:]) for line in itertools.islice(lines, 3, None))


def _effect(proofs: Proofs) -> str:
    """Return what changes with the check: the cells of this study, before and then."""
    before, after = proofs.compared[0], proofs.compared[-1]
    changes = [
        f"{word} {grouped(before.verdicts[word])} → {grouped(after.verdicts[word])}"
        for word in (Verdict.UNSOUND, Verdict.OVERSTRICT, Verdict.SUPPORTED)
        if before.verdicts[word] or after.verdicts[word]
    ]
    told = f"Cells of this study: {', '.join(changes)}, {grouped(after.lost)} of these lost."
    if after.lost and not proofs.refuting and proofs.synthesis and not proofs.synthesis.exact:
        told += " What the kernel can test there does not tell those from unsound ones."
    return told
