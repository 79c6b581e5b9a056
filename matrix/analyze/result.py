"""What a study found, ready to be rendered: counts, tables, classes with traces.

Takes nothing, gives the values that `study.py` fills and `render` shows. Every number is an exact
count of cells of the space; nothing here was sampled.
"""

from __future__ import annotations

from msgspec import Struct

from matrix.analyze.answer import Defect, Finding
from matrix.analyze.influence import Influence
from matrix.analyze.verdict import Verdict
from matrix.schema.values import Architecture, Capability, KernelProfile, MatrixStudy

Counts = tuple[tuple[Verdict, int], ...]


class TableCell(Struct, frozen=True, kw_only=True):
    """One cell of a table: its verdict and, in a sentence, why."""

    verdict: Verdict
    reason: str


class Table(Struct, frozen=True, kw_only=True):
    """A table of verdicts. `column_levels` are the header rows, outermost first.

    `columns[i]` has one label per level; `cells[r][c]` is None where no such cell exists in the
    space (a kernel that cannot boot on the CPU). `row_groups` are equal rows merged: each entry
    lists the row labels that share one line of `cells`.
    """

    title: str
    row_title: str
    column_levels: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    row_groups: tuple[tuple[str, ...], ...]
    cells: tuple[tuple[TableCell | None, ...], ...]


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
    there without the capability, too.
    """

    verdict: Verdict
    cells: int
    classes: int
    kernels: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]
    example: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    defects: tuple[str, ...] = ()
    settled: bool = True


class StudyResult(Struct, frozen=True, kw_only=True):
    """All that a report says of one study.

    `combinations` is the product of the axes, `cells` those that satisfy every constraint;
    `counts` sum to `cells`; `counts_by_kernel` likewise per release. `absent_reasons` are the
    sentences of absent cells with their counts, the largest first; `influences` what each axis
    changes. `unsound_cpus` are the CPUs with a name that have an unsound cell.
    `advisories` and `defects` are those that can happen in some cell.
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
    unsound_cpus: tuple[str, ...] = ()
    advisories: tuple[StudyAdvisory, ...] = ()
    defects: tuple[StudyDefect, ...] = ()
