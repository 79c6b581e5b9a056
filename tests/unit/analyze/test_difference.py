"""Changes of verdict, compared with cells answered one by one under both."""

from __future__ import annotations

from collections import Counter

import pytest

from matrix.analyze.cell.question import predicate_version
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.difference import asked_again, between_kernels, between_predicates
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import prepare_study
from tests.unit.analyze.small_study import Enumerated, declarations, enumerated


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Enumerated:
    return enumerated(tmp_path_factory.mktemp("small"))


def test_predicates_differ_in_exactly_these_cells(
    small: Enumerated, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = declarations(tmp_path_factory.mktemp("other"))
    other = Enumerated(prepare_study(Library((folder,)), "small", "cacheable-pfnmap"))
    expected = Counter(
        (before.verdict, after.verdict)
        for before, after in zip(small.cells, other.cells, strict=True)
    )
    version = predicate_version(
        small.prepared.library.capability("gmem-no-direct-map"), "cacheable-pfnmap"
    )
    found = between_predicates(small.solved, asked_again(small.solved, version))
    assert {(str(a), str(b)): region.count() for a, b, region in found.changes} == expected
    assert len(found.changed) < len(found.changes)


def test_kernels_differ_in_exactly_these_cells(small: Enumerated) -> None:
    by_kernel: dict[str, dict[tuple[str, ...], str]] = {}
    for answered in small.cells:
        rest = tuple(option for axis, option in answered.cell.items() if axis != "kernel")
        by_kernel.setdefault(answered.cell["kernel"], {})[rest] = answered.verdict
    one, other = by_kernel["6.18"], by_kernel["7.3"]
    expected = Counter((one[rest], other[rest]) for rest in one.keys() & other.keys())
    found = between_kernels(small.solved, "kernel", "6.18", "7.3")
    assert {(str(a), str(b)): region.count() for a, b, region in found.changes} == expected
    assert found.compared.count() == len(one.keys() & other.keys())
    assert found.only_one == len(one.keys() - other.keys())
    assert found.only_other == len(other.keys() - one.keys())


@pytest.mark.parametrize("name", ["v12", "cacheable-pfnmap"])
def test_asking_again_is_solving_anew(name: str) -> None:
    library = Library()
    solved = prepare_study(library, DEFAULT_STUDY).solve()
    version = predicate_version(library.capability("gmem-no-direct-map"), name)
    again = asked_again(solved, version)
    anew = prepare_study(library, DEFAULT_STUDY, name).solve()
    assert {v: again.count(v) for v in Verdict} == {v: anew.count(v) for v in Verdict}
