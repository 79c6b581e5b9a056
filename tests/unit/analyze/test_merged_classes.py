"""Classes are merged by behaviour once, whatever predicate they are then split by."""

from __future__ import annotations

import pytest

from matrix.analyze.cell.behaviour import Inputs
from matrix.analyze.cell.question import predicate_version
from matrix.analyze.space.difference import asked_again
from matrix.analyze.space.study import SolvedStudy
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.solve.space import Region

LIBRARY = Library(())


def one_by_one(solved: SolvedStudy) -> list[tuple[str, Inputs, bool, Region]]:
    """Return the classes as they come, each split by the predicate and put to those before it."""
    found = []
    for profile, part in solved.kernels:
        merged: dict[tuple[Inputs, bool], Region] = {}
        for inputs, region in part.classes:
            behaviour = solved.behaviours.class_of(inputs)
            for says_yes, share in (
                (True, region & part.predicate),
                (False, region - part.predicate),
            ):
                if not share.is_empty():
                    key = (behaviour, says_yes)
                    merged[key] = merged[key] | share if key in merged else share
        found += [(profile.id, inputs, yes, region) for (inputs, yes), region in merged.items()]
    return found


@pytest.mark.parametrize(
    "study", ["arm64-overview", "arm64-memfd-secret", "x86-gmem-no-direct-map"]
)
def test_merged_classes_are_those_that_are_put_together_one_by_one(study: str) -> None:
    solved = prepare_study(LIBRARY, study).solve()
    capability = solved.kernels[0][1].question.capability
    again = (
        asked_again(solved, predicate_version(capability, version.name))
        for version in capability.predicates[:3]
    )
    for one in (solved, *again):
        split = [
            (item.profile.id, item.inputs, item.predicate, item.region) for item in one.classes
        ]
        assert split == one_by_one(one)
        assert split
