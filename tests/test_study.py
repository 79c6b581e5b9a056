"""The symbolic and the concrete flow give one answer, and so do classes and single cells.

The concrete flow makes a command line and a `.config` of a cell's options and evaluates them; the
symbolic one compiles tables over the axes. They share the lowered expressions and nothing after.
"""

from __future__ import annotations

from collections import Counter

import pytest

from matrix.analyze.cell.answering import settle
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.verdict import Verdict, decide
from matrix.explore.inputs import SimulationInputs
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.solve.space import Region
from tests.unit.scenarios.by_inputs import simulate

SAMPLE = 2_000


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


def sampled(prepared: PreparedStudy) -> tuple[list[dict[str, str]], dict[Verdict, Region]]:
    """Return cells drawn evenly from every verdict that occurs, so that rare ones are seen."""
    solved = prepared.solve()
    present = [verdict for verdict in Verdict if solved.count(verdict)]
    cells = [
        cell
        for seed, verdict in enumerate(present)
        for cell in solved.verdicts[verdict].sample(SAMPLE // len(present), seed)
    ]
    return cells, dict(solved.verdicts)


def test_regions_agree_with_single_cells(library: Library) -> None:
    prepared = prepare_study(library, DEFAULT_STUDY)
    solved = prepared.solve()
    seen: Counter[Verdict] = Counter()
    for seed, verdict in enumerate(solved.verdicts):
        for cell in solved.verdicts[verdict].sample(SAMPLE // len(solved.verdicts), seed):
            answer = prepared.answer(cell)
            assert answer is not None, cell
            assert answer.verdict == verdict, cell
            seen[verdict] += 1
    assert sum(seen.values()) >= SAMPLE * 2 // 3
    # Under v12 nothing is overstrict in this study: without FWB, and wherever can_set_direct_map()
    # is false, something is violated. The law on `cacheable-pfnmap` below has overstrict cells.
    assert set(seen) == set(solved.verdicts) - {Verdict.OVERSTRICT}


def test_overstrict_regions_agree_with_single_cells(library: Library) -> None:
    prepared = prepare_study(library, DEFAULT_STUDY, "cacheable-pfnmap")
    solved = prepared.solve()
    cells = solved.verdicts[Verdict.OVERSTRICT].sample(100, 1)
    assert len(cells) == 100
    for cell in cells:
        answer = prepared.answer(cell)
        assert answer is not None
        assert answer.verdict is Verdict.OVERSTRICT


def test_regions_know_the_point_releases_of_distributions(library: Library) -> None:
    """What came with a point release is a table in one engine and an atom in the other."""
    prepared = prepare_study(library, "arm64-distros-memfd-secret")
    solved = prepared.solve()
    seen: Counter[Verdict] = Counter()
    for seed, verdict in enumerate(solved.verdicts):
        for cell in solved.verdicts[verdict].sample(60, seed):
            answer = prepared.answer(cell)
            assert answer is not None, cell
            assert answer.verdict == verdict, cell
            seen[verdict] += 1
    assert seen[Verdict.UNSOUND]
    assert seen[Verdict.UNKNOWN]
    assert seen[Verdict.REFUSED]


def test_cells_outside_the_space_do_not_exist(library: Library) -> None:
    prepared = prepare_study(library, "arm64-overview")
    solved = prepared.solve()
    outside = (~solved.valid).project_hidden() - solved.valid
    cells = outside.sample(100, 1)
    assert len(cells) == 100
    existing = [cell for cell in cells if prepared.answer(cell) is not None]
    # What the concrete flow knows of these cells: they are doubles of a cell that counts, because
    # two options of a Kconfig axis are one `.config` in that release.
    for cell in existing:
        assert not (solved.valid.restrict("kernel", (cell["kernel"],))).is_empty()


def test_verdicts_by_class_equal_verdicts_by_simulating_every_cell(library: Library) -> None:
    prepared = prepare_study(library, DEFAULT_STUDY)
    solved = prepared.solve()
    simulated = 0
    for seed, verdict in enumerate((Verdict.SUPPORTED, Verdict.UNSOUND, Verdict.REFUSED)):
        for cell in solved.verdicts[verdict].sample(SAMPLE // 3, seed):
            question, concrete, _ = prepared.cell(cell)
            for completion in settle(question, concrete, prepared.behaviours):
                leaf = completion.leaf
                if leaf.result is None or leaf.predicate is None:
                    continue
                # The class's representative, simulated anew; nothing is remembered.
                assert isinstance(leaf.result.inputs, SimulationInputs)
                again = simulate(leaf.result.inputs)
                assert again == leaf.result
                assert decide(predicate=leaf.predicate, violates=bool(again.violations)) == verdict
                simulated += 1
    assert simulated >= SAMPLE * 2 // 3


def test_the_order_of_simulations_changes_nothing(library: Library) -> None:
    prepared = prepare_study(library, "arm64-overview")
    prepared.solve()
    inputs = [result.inputs for result in prepared.behaviours.results]
    assert len(inputs) > 10
    forwards, backwards = Behaviours(), Behaviours()
    one = {item: forwards.result(item) for item in inputs}
    other = {item: backwards.result(item) for item in reversed(inputs)}
    assert one == other


def test_the_overview_is_small_and_the_large_study_is_large(library: Library) -> None:
    overview = prepare_study(library, "arm64-overview").solve().valid.count()
    large = prepare_study(library, DEFAULT_STUDY).solve().valid.count()
    assert 10**5 <= overview <= 10**6
    assert large > 10**9


def test_verdicts_partition_the_space(library: Library) -> None:
    for study in ("arm64-overview", "arm64-memfd-secret", DEFAULT_STUDY):
        solved = prepare_study(library, study).solve()
        assert sum(solved.count(verdict) for verdict in Verdict) == solved.valid.count()
