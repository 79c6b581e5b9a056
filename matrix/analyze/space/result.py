"""What a study found, ready to be rendered: counts, tables, classes with traces.

Takes nothing, gives the values that `study.py` fills and `render` shows. Every number is an exact
count of cells of the space; nothing here was sampled.
"""

from __future__ import annotations

from msgspec import Struct

from matrix.analyze.cell.answer import Defect, Finding
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.cause import Cause
from matrix.analyze.space.influence import Influence
from matrix.schema.values import (
    Architecture,
    Capability,
    KernelProfile,
    MatrixStudy,
    ViewShows,
)
from matrix.solve.layers import Layers
from matrix.solve.nearest import Changes

Counts = tuple[tuple[Verdict, int], ...]


class Mark(Struct, frozen=True, kw_only=True):
    """Options that a table fixes and a reader may have otherwise, with the verdict they give.

    Any of the options of an axis will do; where several axes are named, each of them must change.
    """

    change: Changes
    verdict: Verdict


class TableCell(Struct, frozen=True, kw_only=True):
    """One cell of a table: its verdict and, in a sentence, why.

    `instead` are options it was answered with, since with those that the table fixes there is no
    such cell. A cell without `marks` has its verdict whatever the fixed options are, or loses the
    capability with them; of one that is absent that is no mark by itself. `causes` are the numbers,
    from 1, of those of the study that make it unsound. `counts` say how many cells have which
    verdict where it stands for several.
    """

    verdict: Verdict
    reason: str
    instead: tuple[tuple[str, str], ...] = ()
    marks: tuple[Mark, ...] = ()
    causes: tuple[int, ...] = ()
    counts: Counts = ()


class Table(Struct, frozen=True, kw_only=True):
    """A table of verdicts. `column_levels` are the header rows, outermost first.

    `columns[i]` has one label per level; `cells[r][c]` is None where no such cell exists in the
    space, whatever the other options are. `row_groups` are equal rows merged: each entry lists the
    row labels that share one line of `cells`. `fixed` is the option of every axis that neither rows
    nor columns say; `named` what the name of a command line sets; `without` options of fixed axes
    that take the capability from some cell that has it. `usual` is the number of the column that
    departs from the baseline in nothing but the row, None where there is none. Where cells stand
    for several, `over` are the axes whose options all count, and `shows` says what of them is told.
    `only` are the patterns that chose rows and columns, `where` the expression that chose cells.
    """

    title: str
    row_title: str
    column_levels: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    row_groups: tuple[tuple[str, ...], ...]
    cells: tuple[tuple[TableCell | None, ...], ...]
    fixed: tuple[tuple[str, str], ...] = ()
    named: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    without: Changes = ()
    usual: int | None = None
    over: tuple[str, ...] = ()
    shows: ViewShows = "verdict"
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()
    where: str = ""


class StudyAdvisory(Struct, frozen=True, kw_only=True):
    """An advisory with the cells in which it can happen and the releases that have them."""

    finding: Finding
    cells: int
    kernels: tuple[str, ...]


class StudyDefect(Struct, frozen=True, kw_only=True):
    """A defect of a kernel by itself, with the cells that may meet it."""

    defect: Defect
    cells: int


class ClassGroup(Struct, frozen=True, kw_only=True):
    """Behaviour classes that share verdict and findings: how many cells, an example, what broke.

    `conditions` are the simulation inputs all of them share and other groups do not all have. The
    findings are those of the example; it is not `settled` where what nobody recorded decides how
    that one goes, and they show one way. `defects` are the invariants that the kernel violates
    there without the capability, too; `causes` the numbers, from 1, of those of the study.
    """

    verdict: Verdict
    cells: int
    classes: int
    kernels: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]
    example: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    defects: tuple[str, ...] = ()
    causes: tuple[int, ...] = ()
    settled: bool = True


class Diagram(Struct, frozen=True, kw_only=True):
    """The verdict of every cell: an option per axis, then the label of the leaf that is reached.

    `labels` are a verdict and the numbers, from 1, of the causes that make a cell unsound.
    """

    layers: Layers
    labels: tuple[tuple[Verdict, tuple[int, ...]], ...]


class StudyResult(Struct, frozen=True, kw_only=True):
    """All that a report says of one study.

    `combinations` is the product of the axes, `cells` those that satisfy every constraint;
    `counts` sum to `cells`; `counts_by_kernel` likewise per release. `absent_reasons` are the
    sentences of absent cells with their counts, the largest first; `influences` what each axis
    changes; `causes` why cells are unsound, the ordinary ones first. `advisories` and `defects` are
    those that can happen in some cell. The `diagram` has every cell.
    """

    study: MatrixStudy
    capability: Capability
    predicate: str
    predicate_text: str
    architecture: Architecture
    kernels: tuple[KernelProfile, ...]
    combinations: int
    cells: int
    behaviour_classes: int
    states: int
    transitions: int
    counts: Counts
    counts_by_kernel: tuple[tuple[str, Counts], ...]
    tables: tuple[Table, ...]
    groups: tuple[ClassGroup, ...]
    absent_reasons: tuple[tuple[str, int], ...]
    influences: tuple[Influence, ...]
    digest: str
    causes: tuple[Cause, ...] = ()
    advisories: tuple[StudyAdvisory, ...] = ()
    defects: tuple[StudyDefect, ...] = ()
    diagram: Diagram | None = None
