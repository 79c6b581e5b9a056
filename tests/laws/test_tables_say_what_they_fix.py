"""A table of a study hides no answer: what it fixes is listed, and marked where it matters.

The tables come from regions; here cells are made one by one, from a `.config` and a command line,
with every option that the caption fixes put in its place.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import pytest
from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import Table, TableCell
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study, study_result
from matrix.schema.values import MatrixStudy, Pivot

LIBRARY = Library()
# What each CPU stands for: DIC, no DIC, no 4k granule, no FWB, DIC a build option.
CPUS = ("aws-graviton3", "apple-m2", "hisi-0xd22", "neoverse-n1", "neoverse-v1")
KERNELS = ("6.12", "6.18", "7.3")

Cell = dict[str, str]


def overview() -> PreparedStudy:
    """Return the overview with few CPUs and kernels, so that each cell can be answered alone."""
    prepared = prepare_study(LIBRARY, "arm64-overview")
    kept = {"cpu": CPUS, "kernel": KERNELS}
    axes = tuple(
        replace(
            axis,
            options=tuple(
                option
                for option in axis.options
                if axis.name not in kept or option.name in kept[axis.name]
            ),
        )
        for axis in prepared.study.axes
    )
    ids = {option.kernel for axis in axes for option in axis.options if option.kernel}
    return replace(
        prepared,
        study=replace(prepared.study, axes=axes),
        kernels=tuple(profile for profile in prepared.kernels if profile.id in ids),
    )


def shown(
    table: Table, pivot: Pivot, study: MatrixStudy
) -> Iterator[tuple[Cell, TableCell | None]]:
    """Yield each cell of a table with all its options, the fixed ones too."""
    profiles = {profile.name: dict(profile.cell) for profile in study.profiles}

    def chosen(axis: str, label: str) -> Mapping[str, str]:
        return profiles[label] if axis == "profiles" else {axis: label}

    for rows, line in zip(table.row_groups, table.cells, strict=True):
        for label, (column, cell) in itertools.product(rows, zip(table.columns, line, strict=True)):
            place = {**dict(study.baseline), **dict(table.fixed), **chosen(pivot.rows, label)}
            for axis, name in zip(pivot.columns, column, strict=True):
                place |= chosen(axis, name)
            yield place, cell


@pytest.fixture(scope="module")
def answered() -> tuple[PreparedStudy, tuple[Table, ...]]:
    prepared = overview()
    return prepared, study_result(prepared, prepared.solve()).tables


def verdict(prepared: PreparedStudy, cell: Cell) -> Verdict | None:
    answer = prepared.answer(cell)
    return None if answer is None else answer.verdict


def test_no_unmarked_cell_changes_with_what_the_table_fixes(
    answered: tuple[PreparedStudy, tuple[Table, ...]],
) -> None:
    """`rodata=off` is supported with the KFENCE interval 0 only; a dash hid hisi-0xd22's 16k."""
    prepared, tables = answered
    options = {axis.name: [o.name for o in axis.options] for axis in prepared.study.axes}
    marked = unmarked = 0
    for table, pivot in zip(tables, prepared.study.pivots, strict=True):
        fixed = [axis for axis, _ in table.fixed]
        for place, cell in shown(table, pivot, prepared.study):
            if place["kernel"] not in ("6.12", "7.3"):
                continue
            others = {}
            for choice in itertools.product(*(options[axis] for axis in fixed)):
                changed = {**place, **dict(zip(fixed, choice, strict=True))}
                others[choice] = verdict(prepared, changed)
            if cell is None:
                assert set(others.values()) == {None}, place
                continue
            assert verdict(prepared, {**place, **dict(cell.instead)}) is cell.verdict
            met = {found for found in others.values() if found is not None}
            told = {mark.verdict for mark in cell.marks} | {cell.verdict, Verdict.ABSENT}
            assert met <= told, (place, met, told)
            marked += bool(cell.marks)
            unmarked += not cell.marks
    assert marked > 5 < unmarked


def test_each_mark_is_true_whichever_of_its_options_is_taken(
    answered: tuple[PreparedStudy, tuple[Table, ...]],
) -> None:
    prepared, tables = answered
    for table, pivot in zip(tables, prepared.study.pivots, strict=True):
        for place, cell in shown(table, pivot, prepared.study):
            if cell is None:
                continue
            for mark in cell.marks:
                axes = [axis for axis, _ in mark.change]
                for choice in itertools.product(*(options for _, options in mark.change)):
                    changed = {**place, **dict(cell.instead)}
                    changed |= dict(zip(axes, choice, strict=True))
                    assert verdict(prepared, changed) is mark.verdict, (place, mark)


def test_a_cell_that_the_baseline_does_not_have_is_answered_where_it_exists(
    answered: tuple[PreparedStudy, tuple[Table, ...]],
) -> None:
    """hisi-0xd22 has no granule of 4 kB: a dash said nothing of its unsound cells."""
    prepared, (by_cpu, _) = answered
    cells = {
        (place["kernel"], place["boot.rodata"], place["boot.kvm_arm_mode"]): cell
        for place, cell in shown(by_cpu, prepared.study.pivots[0], prepared.study)
        if place["cpu"] == "hisi-0xd22"
    }
    cell = cells["7.3", "absent", "absent"]
    assert cell is not None
    assert cell.verdict is Verdict.UNSOUND
    assert cell.instead == (("page_size", "16k"),)


def test_the_caption_lists_every_axis_that_neither_rows_nor_columns_say(
    answered: tuple[PreparedStudy, tuple[Table, ...]],
) -> None:
    prepared, tables = answered
    baseline = dict(prepared.study.baseline)
    by_cpu, by_page_size = (dict(table.fixed) for table in tables)
    command_lines = {axis for axis in baseline if axis.startswith("boot.")}
    assert by_cpu == {
        axis: option
        for axis, option in baseline.items()
        if axis not in {"cpu", "kernel", *command_lines}
    }
    assert by_page_size == {
        axis: option for axis, option in baseline.items() if axis not in {"page_size", "kernel"}
    }


def test_a_row_without_the_capability_in_any_column_says_what_gives_it() -> None:
    """Nested VMs were absent in every column, since none has kvm-arm.mode=nested."""
    prepared = prepare_study(LIBRARY, "arm64-gmem-no-direct-map")
    tables = study_result(prepared, prepared.solve()).tables
    number = next(n for n, pivot in enumerate(prepared.study.pivots) if pivot.rows == "vm")
    cells = {
        (place["vm"], place["kernel"], place["boot.rodata"], place["boot.kvm_arm_mode"]): cell
        for place, cell in shown(tables[number], prepared.study.pivots[number], prepared.study)
    }
    nested = cells["nested", "7.3", "absent", "absent"]
    assert nested is not None
    assert nested.verdict is Verdict.ABSENT
    assert ((("boot.kvm_arm_mode", ("nested",)),), Verdict.SUPPORTED) in {
        (mark.change, mark.verdict) for mark in nested.marks
    }
