"""A list of CPUs belongs to one cause, under the least that must depart from the ordinary cell.

Causes come from regions; here each cell is made anew and answered alone, and what it violates is
read from its own answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import settle
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.cause import Cause, causes
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study, study_result

LIBRARY = Library()
# VIPT, FWB and DIC, no DIC, no 4k granule, DIC a build option, no FWB.
CPUS = ("apple-m1", "aws-graviton3", "cortex-a710", "hisi-0xd22", "neoverse-v1", "neoverse-n1")


@pytest.fixture(scope="module", params=["arm64-overview", "arm64-gmem-no-direct-map"])
def found(request: pytest.FixtureRequest) -> tuple[PreparedStudy, tuple[Cause, ...]]:
    prepared = prepare_study(LIBRARY, request.param)
    return prepared, tuple(cause for cause, _ in causes(prepared.solve()))


def is_met(cause: Cause, answer: Answer | None) -> bool:
    """Tell whether a cell is unsound, and by this cause."""
    if answer is None or answer.verdict is not Verdict.UNSOUND:
        return False
    broken = {(finding.invariant, finding.certainty) for finding in answer.violations}
    return bool(broken & set(cause.broken))


def test_each_cpu_is_unsound_by_its_cause_with_what_departs(
    found: tuple[PreparedStudy, tuple[Cause, ...]],
) -> None:
    """Graviton3 and Apple M1 were listed as unsound; in the ordinary cell they are not."""
    prepared, all_causes = found
    for cause in all_causes:
        for place in cause.places:
            axes = [axis for axis, _ in place.change]
            for cpu in place.cpus:
                for choice in itertools.product(*(options for _, options in place.change)):
                    cell = {"cpu": cpu, **dict(zip(axes, choice, strict=True))}
                    answer = prepared.answer(cell)
                    assert is_met(cause, answer), cell
                    assert answer is not None
                    assert cause.statement in answer.reasons


def departures(prepared: PreparedStudy, most: int) -> Iterator[dict[str, str]]:
    """Yield the cells that differ from the baseline in fewer axes than `most`, but for the CPU."""
    axes = [axis for axis in prepared.study.axes if axis.kind != "cpu"]
    baseline = dict(prepared.study.baseline)
    for number in range(most):
        for chosen in itertools.combinations(axes, number):
            others = [
                [option.name for option in axis.options if option.name != baseline[axis.name]]
                for axis in chosen
            ]
            for options in itertools.product(*others):
                yield dict(zip([axis.name for axis in chosen], options, strict=True))


def test_with_less_that_departs_no_cpu_is_unsound_by_the_cause(
    found: tuple[PreparedStudy, tuple[Cause, ...]],
) -> None:
    prepared, all_causes = found
    for cause in all_causes:
        needed = {cpu: len(place.change) for place in cause.places for cpu in place.cpus}
        for cpu in CPUS:
            # Of a CPU that is never unsound so: one departure is tried.
            for departed in departures(prepared, min(needed.get(cpu, 2), 2)):
                cell = {"cpu": cpu, **departed}
                assert not is_met(cause, prepared.answer(cell)), (cause.statement, cell)


def test_the_flagship_has_a_cause_in_the_ordinary_cell_and_others_elsewhere() -> None:
    solved = prepare_study(LIBRARY, "arm64-gmem-no-direct-map").solve()
    pairs = causes(solved)
    everything = solved.backend.nothing()
    for cause, region in pairs:
        assert cause.cells == region.count()
        everything = everything | region
    assert everything == solved.verdicts[Verdict.UNSOUND]
    fetch = pairs[0][0]
    assert fetch.operation == "icache_inval_pou"
    assert {name for name, _ in fetch.broken} == {"alias-access", "coherent-instructions"}
    told = dict(fetch.conditions)
    assert (told["fwb"], told["dic"], told["icache_is_aliasing"]) == ("true", "false", "false")
    assert told["stage2_owner"] == "host"
    ordinary = next(place.cpus for place in fetch.places if not place.change)
    assert {"cortex-a710", "apple-m2"} <= set(ordinary)
    assert not {"aws-graviton3", "nvidia-grace", "apple-m1", "neoverse-v1"} & set(ordinary)
    assert [cause.is_ordinary for cause, _ in pairs] == [True] + [False] * (len(pairs) - 1)
    assert any(
        dict(place.change).get("vm") == ("protected",) and "apple-m1" in place.cpus
        for cause, _ in pairs[1:]
        for place in cause.places
    )


def test_what_a_group_says_of_its_cells_is_true_of_them() -> None:
    """A group of protected VMs said `stage2_owner=host`, which only its class's stand-in had."""
    prepared = prepare_study(LIBRARY, "arm64-gmem-no-direct-map")
    groups = study_result(prepared, prepared.solve()).groups
    protected = 0
    for group in groups:
        question, cell, _ = prepared.cell(dict(group.example))
        for completion in settle(question, cell, prepared.behaviours):
            inputs = completion.leaf.inputs
            if inputs is None or not group.settled:
                continue
            for name, value in group.conditions:
                told = getattr(inputs, name)
                assert (str(told).lower() if isinstance(told, bool) else str(told)) == value
            protected += dict(group.example).get("vm") == "protected"
    assert protected
