"""Changes of verdict between studies, compared with cells of both answered one by one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.analyze.space.difference import between_studies, overlap
from matrix.diagnostics import InputError
from matrix.expr.nodes import Constant
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import prepare_study
from matrix.schema.values import Condition
from tests.unit.analyze.small_study import Enumerated, enumerated

STUDIES = Path(__file__).parents[2] / "cases" / "studies"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Enumerated:
    return enumerated(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def wider() -> Enumerated:
    return Enumerated(prepare_study(Library((), (STUDIES / "wider.yaml",)), "wider"))


def matched(one: Enumerated, other: Enumerated) -> dict[tuple[str, ...], str]:
    """The verdicts of one study's cells at its baseline, by their options of shared axes."""
    names = sorted({axis.name for axis in other.prepared.study.axes})
    baseline = dict(one.prepared.study.baseline)
    held = {axis.name for axis in one.prepared.study.axes} - set(names)
    return {
        tuple(answered.cell[name] for name in names if name in answered.cell): answered.verdict
        for answered in one.cells
        if all(answered.cell[name] == baseline[name] for name in held)
    }


@pytest.mark.parametrize("forwards", [True, False])
def test_studies_differ_in_exactly_these_cells(
    small: Enumerated, wider: Enumerated, *, forwards: bool
) -> None:
    one, other = (small, wider) if forwards else (wider, small)
    there, here = matched(one, other), matched(other, one)
    both = there.keys() & here.keys()
    assert len(both) > 50
    expected = Counter((there[cell], here[cell]) for cell in both)
    shared = overlap(one.prepared.study, other.prepared.study)
    found = between_studies(one.solved, other.solved, shared)
    assert {(str(a), str(b)): region.count() for a, b, region in found.changes} == expected
    assert len(found.changed) > 1
    assert found.compared.count() == len(both)
    assert found.only_one == len(one.cells) - len(both)
    assert found.only_other == len(other.cells) - len(both)


def test_what_only_one_study_has_is_said(small: Enumerated, wider: Enumerated) -> None:
    shared = overlap(small.prepared.study, wider.prepared.study)
    assert [axis for axis, _ in shared.common] == [
        "kernel",
        "cpu",
        "kconfig",
        "boot.rodata",
        "boot.kfence_sample_interval",
        "vm",
    ]
    assert shared.held_one == (("boot.kvm_arm_mode", "absent"),)
    assert shared.held_other == (("gic", "v2"),)
    assert dict(shared.only_one) == {
        "kernel": ("6.12",),
        "cpu": ("neoverse-n1",),
        "boot.rodata": ("off",),
    }
    assert dict(shared.only_other) == {"kernel": ("7.2",), "cpu": ("apple-m2",), "vm": ("nested",)}
    assert shared.redeclared == (("kconfig", ("no-kvm",)),)


def test_a_study_does_not_differ_from_itself(small: Enumerated) -> None:
    shared = overlap(small.prepared.study, small.prepared.study)
    assert (shared.held_one, shared.held_other) == ((), ())
    assert (shared.only_one, shared.only_other, shared.redeclared) == ((), (), ())
    found = between_studies(small.solved, small.prepared.solve(), shared)
    assert found.changed == ()
    assert found.compared.count() == len(small.cells)
    assert (found.only_one, found.only_other) == (0, 0)


def test_the_overview_is_a_part_of_the_large_study() -> None:
    # Two studies declared apart, over spaces of their own: where they overlap they agree.
    library = Library()
    overview = prepare_study(library, "arm64-overview")
    large = prepare_study(library, DEFAULT_STUDY)
    shared = overlap(overview.study, large.study)
    assert shared.held_one == ()
    assert (shared.only_one, shared.redeclared) == ((), ())
    solved = overview.solve()
    found = between_studies(solved, large.solve(), shared)
    assert found.changed == ()
    assert found.compared.count() == solved.valid.count()


def test_nothing_in_common_is_refused(small: Enumerated, wider: Enumerated) -> None:
    apart = prepare_study(Library((), (STUDIES / "apart.yaml",)), "apart")
    with pytest.raises(InputError) as caught:
        overlap(small.prepared.study, apart.study)
    assert [item.code for item in caught.value.diagnostics] == ["MX0670", "MX0670"]
    assert "axis `kernel`" in caught.value.diagnostics[0].message
    renamed = replace(
        apart.study, axes=tuple(replace(axis, name=f"my-{axis.name}") for axis in apart.study.axes)
    )
    with pytest.raises(InputError, match="no axis in common"):
        overlap(small.prepared.study, renamed)
    shared = overlap(small.prepared.study, wider.prepared.study)
    nothing = Condition(
        expression=Constant(value=False), text="0", location=small.prepared.study.location
    )
    empty = replace(small.prepared.study, constraints=(nothing,))
    solved = replace(
        small.solved,
        study=empty,
        valid=small.solved.backend.nothing(),
        verdicts=dict.fromkeys(small.solved.verdicts, small.solved.backend.nothing()),
    )
    with pytest.raises(InputError, match="no cell of `small`"):
        between_studies(solved, wider.solved, shared)
