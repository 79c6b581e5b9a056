"""Rows of cells against the concrete flow, which answers one cell at a time."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.analyze.cell.answering import settle
from matrix.analyze.cell.behaviour import Inputs
from matrix.analyze.space.cell_rows import ANSWER_COLUMNS, CellRows
from matrix.analyze.space.frame import frames
from matrix.analyze.space.selection import select
from matrix.diagnostics import InputError, Location
from matrix.expr.parser import parse
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.schema.values import Axis, Condition
from tests.unit.analyze.small_study import Enumerated, enumerated

# What one study may take by the concrete flow; solving and simulating are shared or quick.
MOST_CELLS = 150

Texts = dict[str, str | None]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Enumerated:
    return enumerated(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def shipped() -> PreparedStudy:
    return prepare_study(Library(), DEFAULT_STUDY)


def condition(text: str) -> Condition:
    location = Location(file="--where", line=1, column=1, text=text)
    return Condition(expression=parse(text, location), text=text, location=location)


def frame_of(rows: CellRows, **options: int) -> pd.DataFrame:
    made = list(frames(rows, **options))
    return pd.concat(made, ignore_index=True) if made else pd.DataFrame()


def texts_of(frame: pd.DataFrame) -> list[Texts]:
    plain = frame.astype(object)
    rows: list[Texts] = plain.where(plain.notna(), None).to_dict("records")
    return rows


def is_a_double(prepared: PreparedStudy, cell: dict[str, str]) -> bool:
    """Tell whether another option of a Kconfig axis makes the same `.config` and stands for it."""
    question, _, _ = prepared.cell(cell)
    for axis in prepared.study.axes:
        if axis.kind != "kconfig":
            continue

        def meaning(name: str, axis: Axis = axis) -> frozenset[tuple[str, str]]:
            (option,) = (option for option in axis.options if option.name == name)
            pairs = ((symbol, str(value)) for symbol, value in option.kconfig)
            known = question.program.symbols
            return frozenset(pair for pair in pairs if pair[0] in known and pair[1] != "n")

        mine = cell[axis.name]
        same = [item.name for item in axis.options if meaning(item.name) == meaning(mine)]
        baseline = dict(prepared.study.baseline)[axis.name]
        if mine != (baseline if baseline in same else same[0]):
            return True
    return False


def by_hand(prepared: PreparedStudy) -> Iterator[tuple[Texts, frozenset[Inputs]]]:
    """Yield every cell with what `validate` would say of it, and the classes it may be in."""
    axes = prepared.study.axes
    for chosen in itertools.product(*([o.name for o in axis.options] for axis in axes)):
        cell = dict(zip((axis.name for axis in axes), chosen, strict=True))
        answer = prepared.answer(cell)
        if answer is None or is_a_double(prepared, cell):
            continue
        question, concrete, _ = prepared.cell(cell)
        classes = frozenset(
            prepared.behaviours.class_of(completion.leaf.inputs)
            for completion in settle(question, concrete, prepared.behaviours)
            if completion.leaf.inputs is not None
        )
        predicate = None if answer.predicate is None else str(answer.predicate).lower()
        words = {
            "predicate": predicate,
            "outcome": answer.outcome,
            "verdict": str(answer.verdict),
        }
        yield {**cell, **words}, classes


def check(prepared: PreparedStudy) -> None:
    """Compare all rows of a study with the concrete flow, row by row."""
    expected = list(by_hand(prepared))
    if not expected:
        with pytest.raises(InputError, match="MX0661"):
            prepared.solve()
        return
    solved = prepared.solve()
    found = texts_of(frame_of(CellRows(solved)))
    numbers = {"behaviour_class": "", "cause": ""}
    assert [{**row, **numbers} for row in found] == [{**row, **numbers} for row, _ in expected]
    distinct = dict.fromkeys(item.inputs for item in solved.classes)
    numbered = {str(number): inputs for number, inputs in enumerate(distinct, start=1)}
    for row, (_, classes) in zip(found, expected, strict=True):
        mine = {numbered[number] for number in (row["behaviour_class"] or "").split("/") if number}
        # The concrete flow tries what is unknown of the boot CPU and of the only CPU apart, so it
        # may list a class that no machine is in; it never misses one.
        assert mine <= classes
        assert bool(mine) is bool(classes)
        results = [prepared.behaviours.result(inputs) for inputs in mine]
        broken = {result.violations[0].message for result in results if result.violations}
        told = broken.pop() if len(broken) == 1 and row["verdict"] != "unknown" else ""
        assert (row["cause"] or "") == told


def test_the_small_study_row_by_row(small: Enumerated) -> None:
    check(small.prepared)


@st.composite
def axes_of_part(draw: st.DrawFn, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """One or some options of each axis, the product of their numbers bounded."""
    kept = []
    room = MOST_CELLS
    for axis in draw(st.permutations(axes)):
        most = max(1, min(len(axis.options), room, 4))
        chosen = draw(
            st.lists(st.integers(0, len(axis.options) - 1), min_size=1, max_size=most, unique=True)
        )
        room //= len(chosen)
        kept.append(replace(axis, options=tuple(axis.options[n] for n in sorted(chosen))))
    return tuple(sorted(kept, key=lambda axis: [known.name for known in axes].index(axis.name)))


# A counterexample is a study already small; making it smaller would take minutes.
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data())
def test_random_parts_of_the_shipped_study_row_by_row(
    shipped: PreparedStudy, data: st.DataObject
) -> None:
    study = replace(shipped.study, axes=data.draw(axes_of_part(shipped.study.axes)))
    kept = {option.kernel for axis in study.axes for option in axis.options if option.kernel}
    kernels = tuple(kernel for kernel in shipped.kernels if kernel.id in kept)
    check(replace(shipped, study=study, kernels=kernels))


def test_chunks_join_and_a_limit_is_a_prefix(small: Enumerated) -> None:
    rows = CellRows(small.solved)
    whole = frame_of(rows)
    assert len(whole) == rows.rows == small.solved.valid.count()
    for size in (1, 7, 100):
        pieces = list(frames(rows, size=size))
        assert [len(piece) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
        pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole)
    pd.testing.assert_frame_equal(frame_of(rows, limit=33, size=10), whole.head(33))


def test_frames_are_categorical_over_the_options(small: Enumerated) -> None:
    frame = next(frames(CellRows(small.solved), limit=5))
    for axis in small.prepared.study.axes:
        kind = frame[axis.name].dtype
        assert list(kind.categories) == [option.name for option in axis.options]
    assert all(column.cat.codes.dtype == np.int8 for _, column in frame.items())
    assert list(frame.columns) == [axis.name for axis in small.prepared.study.axes] + list(
        ANSWER_COLUMNS
    )


# Axes, facts, simulation inputs and what they are compared with; one per kind of name.
ATOMS = (
    'kernel == "7.3"',
    'cpu == "neoverse-v1"',
    'vm != "default"',
    'boot.rodata == "noalias"',
    'verdict == "unsound"',
    'verdict == "unknown"',
    "has_stage2_fwb",
    "has_cache_dic",
    "icache_is_aliasing",
    "can_set_direct_map",
    "rodata_full",
    "PAGE_SIZE == 4096",
    "IS_ENABLED(CONFIG_KVM)",
    'violates("alias-access")',
)
EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.builds("!({})".format, inner),
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=15, deadline=None)
@given(text=EXPRESSIONS)
def test_where_is_filtering_afterwards(small: Enumerated, text: str) -> None:
    wanted = condition(text)
    selection = select(small.solved, wanted)
    found = texts_of(frame_of(CellRows(small.solved, selection.region)))
    lacking = {release for release, _ in selection.lacking}
    expected, undecided = [], 0
    for answered in small.cells:
        if answered.cell["kernel"] in lacking:
            continue
        true = small.maybe(answered, wanted.expression)
        false = small.maybe(answered, wanted.expression, negated=True)
        if true and not false:
            expected.append(answered.cell)
        undecided += true and false
    axes = [axis.name for axis in small.prepared.study.axes]
    assert [{name: row[name] for name in axes} for row in found] == expected
    assert selection.undecided == undecided
    every = texts_of(frame_of(CellRows(small.solved)))
    chosen = {tuple(cell.values()) for cell in expected}
    assert found == [row for row in every if tuple(row[name] for name in axes) in chosen]


def test_where_over_axes_and_verdicts_is_filtering_the_frame(small: Enumerated) -> None:
    text = 'verdict == "unsound" && (kernel == "7.3" || boot.rodata != "absent")'
    rows = CellRows(small.solved, select(small.solved, condition(text)).region)
    frame = frame_of(CellRows(small.solved)).astype(object)
    kept = frame[
        (frame.verdict == "unsound")
        & ((frame.kernel == "7.3") | (frame["boot.rodata"] != "absent"))
    ]
    assert len(kept) > 0
    pd.testing.assert_frame_equal(
        frame_of(rows).astype(object).reset_index(drop=True), kept.reset_index(drop=True)
    )


def test_what_a_release_lacks_is_said(shipped: PreparedStudy) -> None:
    solved = shipped.solve()
    selection = select(solved, condition("kfence_early_init"))
    assert selection.lacking == (("5.10", ("kfence_early_init",)),)
    kernels = CellRows(solved, selection.region, ["kernel"])
    assert [row["kernel"] for row in texts_of(frame_of(kernels))] == [
        kernel.release for kernel in shipped.kernels if kernel.release != "5.10"
    ]


def test_a_name_that_no_release_has(small: Enumerated) -> None:
    with pytest.raises(InputError) as caught:
        select(small.solved, condition('verdct == "unsound" || cpu == "m1"'))
    assert {item.code for item in caught.value.diagnostics} == {"MX0624"}


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_columns_are_the_distinct_combinations(small: Enumerated, data: st.DataObject) -> None:
    whole = frame_of(CellRows(small.solved))
    names = data.draw(
        st.lists(st.sampled_from(list(whole.columns)), min_size=1, max_size=5, unique=True)
    )
    rows = CellRows(small.solved, columns=names)
    found = frame_of(rows, size=13)
    assert list(found.columns) == names
    expected = whole[names].drop_duplicates().astype(object)
    assert rows.rows == len(expected)
    as_sets = [
        {tuple(map(str, row)) for row in frame.itertuples(index=False)}
        for frame in (found.astype(object), expected)
    ]
    assert as_sets[0] == as_sets[1]
    # Sorted by the axes as declared, then by the answers; drop_duplicates() keeps that order for
    # leading axes.
    codes = found[[name for name in whole.columns if name in names]].apply(lambda c: c.cat.codes)
    keys = list(codes.itertuples(index=False, name=None))
    assert keys == sorted(keys)


def test_a_random_choice_favours_no_cell(small: Enumerated) -> None:
    rows = CellRows(small.solved, select(small.solved, condition('kernel == "7.3"')).region)
    draws, size = 2_000, 3
    seen: Counter[tuple[int, ...]] = Counter()
    for seed in range(draws):
        (columns,) = rows.sample(size, seed, 10)
        chosen = list(zip(*(column.tolist() for column in columns), strict=True))
        assert len(set(chosen)) == size
        seen.update(chosen)
    assert len(seen) == rows.rows
    mean = draws * size / rows.rows
    chi_square = sum((count - mean) ** 2 / mean for count in seen.values())
    # Sum of squares of nearly normal numbers: its mean is the number of cells - 1, and five
    # standard deviations (the root of twice that) are passed once in millions of runs.
    freedom = rows.rows - 1
    assert abs(chi_square - freedom) < 5 * (2 * freedom) ** 0.5


def test_any_cells_are_answered_as_their_rows(shipped: PreparedStudy) -> None:
    solved = shipped.solve()
    rows = CellRows(solved)
    for columns in rows.sample(3_000, 5, 1_000):
        cells = np.column_stack(columns[: -len(ANSWER_COLUMNS)])
        for answered, listed in zip(rows.answered(cells), columns, strict=True):
            assert answered.tolist() == listed.tolist()
    axes = solved.backend.space.variables
    outside = (~solved.valid).pick()
    assert outside is not None
    wrong = np.array([[axis.options.index(outside[axis.name]) for axis in axes]])
    with pytest.raises(ValueError, match="no cell of the study"):
        rows.answered(wrong)


def test_rows_of_the_shipped_study_agree_with_count(shipped: PreparedStudy) -> None:
    solved = shipped.solve()
    assert CellRows(solved).rows == solved.valid.count()
    text = 'kernel == "7.3" && cpu == "neoverse-v1" && page_size == "4k" && entry == "el2"'
    region = select(solved, condition(text)).region
    counts: Counter[str] = Counter()
    for frame in frames(CellRows(solved, region), size=50_000):
        counts.update(frame.verdict.value_counts().to_dict())
    assert sum(counts.values()) == region.count() > 100_000
    for verdict in solved.verdicts:
        assert counts[str(verdict)] == solved.count(verdict, region)
