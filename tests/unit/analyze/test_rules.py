"""Rules cover exactly: compared with cells answered one by one, and with any set of cells."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.analyze.proof import rules as rules_module
from matrix.analyze.proof.features import Candidates
from matrix.analyze.proof.rules import FeatureRule, find_rules
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import UndecidedError
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.solve.space import Region
from tests.unit.analyze.small_study import Answered, Enumerated, enumerated

STUDIES = (DEFAULT_STUDY, "arm64-overview", "arm64-memfd-secret")
SAMPLE = 150


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Enumerated:
    return enumerated(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module", params=STUDIES)
def solved_rules(
    request: pytest.FixtureRequest,
) -> tuple[PreparedStudy, SolvedStudy, tuple[FeatureRule, ...]]:
    prepared = prepare_study(Library(), request.param)
    solved = prepared.solve()
    return prepared, solved, find_rules(Candidates(solved), labels_of(solved))


def labels_of(solved: SolvedStudy) -> dict[str, Region]:
    return {verdict.value: region for verdict, region in solved.verdicts.items()}


def covering(
    small: Enumerated, answered: Answered, rules: tuple[FeatureRule, ...]
) -> list[FeatureRule]:
    """Return the rules a cell falls under, from what the concrete flow says of it."""
    return [
        rule
        for rule in rules
        if all(small.spelled(answered, name) in options for name, options in rule.when)
    ]


def test_the_rules_of_the_small_study_are_its_verdicts(small: Enumerated) -> None:
    solved = small.solved
    rules = find_rules(Candidates(solved), labels_of(solved))
    cells: dict[int, int] = {}
    for answered in small.cells:
        mine = covering(small, answered, rules)
        assert {rule.label for rule in mine} == {answered.verdict}, answered.cell
        for rule in mine:
            cells[id(rule)] = cells.get(id(rule), 0) + 1
    assert cells == {id(rule): rule.cells for rule in rules}


def test_sampled_cells_of_the_shipped_studies_fall_under_rules_of_their_verdict(
    solved_rules: tuple[PreparedStudy, SolvedStudy, tuple[FeatureRule, ...]],
) -> None:
    prepared, solved, rules = solved_rules
    concrete = Enumerated(prepared)
    for seed, verdict in enumerate(solved.verdicts):
        for cell in solved.verdicts[verdict].sample(SAMPLE, seed):
            answered = concrete.answer(cell)
            assert answered is not None
            found = {rule.label for rule in covering(concrete, answered, rules)}
            assert found == {verdict.value}, cell


def test_no_rule_can_be_dropped_and_the_union_is_the_verdict(
    solved_rules: tuple[PreparedStudy, SolvedStudy, tuple[FeatureRule, ...]],
) -> None:
    _, solved, rules = solved_rules
    for label, region in labels_of(solved).items():
        check_cover(region, [rule for rule in rules if rule.label == label], solved)


def check_cover(region: Region, mine: list[FeatureRule], solved: SolvedStudy) -> None:
    union = solved.backend.nothing()
    for rule in mine:
        union = union | rule.region
        assert rule.cells == rule.region.count() > 0
    assert union == region
    for rule in mine:
        others = solved.backend.nothing()
        for other in mine:
            others = others | (other.region if other is not rule else solved.backend.nothing())
        assert not rule.region <= others


def test_no_option_can_be_added_to_a_rule(
    solved_rules: tuple[PreparedStudy, SolvedStudy, tuple[FeatureRule, ...]],
) -> None:
    _, solved, rules = solved_rules
    candidates = Candidates(solved)
    labels = labels_of(solved)
    for rule in rules:
        wider_by: Mapping[str, tuple[str, ...]] = dict(rule.when)
        for name, options in rule.when:
            for option in candidates.feature(name).parts:
                if option not in options:
                    wider = {**wider_by, name: (*options, option)}
                    region = solved.valid
                    for feature, allowed in wider.items():
                        region = region & candidates.feature(feature).where(allowed)
                    assert not region <= labels[rule.label], (rule.when, name, option)


def test_the_shipped_rules_stay_few() -> None:
    solved = prepare_study(Library(), DEFAULT_STUDY).solve()
    rules = find_rules(Candidates(solved), labels_of(solved))
    assert len(rules) < 80
    assert max(len(rule.when) for rule in rules) <= 12


@st.composite
def marks_of(draw: st.DrawFn, small: Enumerated) -> list[int]:
    """A mark from 0 to 2 per cell that depends on up to three axes of it, and on nothing else."""
    axes = draw(st.lists(st.sampled_from(sorted(small.cells[0].cell)), max_size=3, unique=True))
    seed = draw(st.integers(0, 2**32))
    return [
        hash((seed, *(len(item.cell[axis]) * 31 + ord(item.cell[axis][-1]) for axis in axes))) % 3
        for item in small.cells
    ]


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_set_of_cells_has_exact_rules(small: Enumerated, data: st.DataObject) -> None:
    """Labels that no fact explains: axes are added until the rules are exact."""
    solved = small.solved
    # Blocks of equal marks over axes, so that some sets have short rules and some have none.
    marks = data.draw(marks_of(small))
    chosen = {name: solved.backend.nothing() for name in "abc"}
    for mark, answered in zip(marks, small.cells, strict=True):
        key = "abc"[mark]
        chosen[key] = chosen[key] | solved.backend.everything().at(answered.cell)
    rules = find_rules(Candidates(solved), chosen)
    for mark, answered in itertools.islice(zip(marks, small.cells, strict=True), 0, None, 7):
        assert {rule.label for rule in covering(small, answered, rules)} == {"abc"[mark]}


def test_more_features_than_a_reader_follows_are_refused(
    small: Enumerated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_module, "_MAX_FEATURES", 2)
    solved = small.solved
    with pytest.raises(UndecidedError) as caught:
        find_rules(Candidates(solved), labels_of(solved))
    assert caught.value.diagnostics[0].code == "MX0620"
