"""A card of a report shows the trace of the cell it names, and of no other of its class.

The report finds a cell's simulation inputs by its regions; here each cell is made anew, from a
command line and a `.config`, as `matrix simulate` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from matrix.analyze.cell.answering import settle
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import ClassGroup
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import SimulationResult
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study, study_result
from tests.unit.scenarios.by_inputs import simulate

LIBRARY = Library()
STUDIES = tuple(
    study.id
    for study in LIBRARY.knowledge.studies
    if LIBRARY.capability(study.capability).scenario is not None
)
# What a trace shows of a page size: a leaf of the linear map.
PAGES = {"4k": "4 KiB page", "16k": "16 KiB page", "64k": "64 KiB page"}


@pytest.fixture(scope="module", params=STUDIES)
def answered(request: pytest.FixtureRequest) -> tuple[PreparedStudy, tuple[ClassGroup, ...]]:
    prepared = prepare_study(LIBRARY, request.param)
    return prepared, study_result(prepared, prepared.solve()).groups


Told = list[tuple[str, list[tuple[str, str | None]]]]


def told(result: SimulationResult, sources: Mapping[str, str]) -> Told:
    """Return what a simulation shows of each violation: its name and its trace."""
    return [
        (
            item.invariant,
            [
                (line.detail, sources.get(line.name))
                for step in item.trace
                for line in step.operations
            ],
        )
        for item in result.violations
    ]


def test_each_card_shows_what_simulating_its_example_shows(
    answered: tuple[PreparedStudy, tuple[ClassGroup, ...]],
) -> None:
    prepared, groups = answered
    assert any(group.settled for group in groups)
    for group in groups:
        question, cell, _ = prepared.cell(dict(group.example))
        ways = {
            completion.leaf.inputs: completion.leaf.verdict
            for completion in settle(question, cell, prepared.behaviours)
        }
        assert set(ways.values()) == {group.verdict}, group.example
        assert group.settled == (len(ways) == 1), group.example
        shown = [
            (finding.invariant, [(line.detail, line.source) for line in finding.trace])
            for finding in group.findings
        ]
        sources = question.program.operation_sources
        simulated = [
            told(simulate(inputs), sources)
            for inputs in ways
            if isinstance(inputs, SimulationInputs)
        ]
        assert shown in simulated, group.example


def test_traces_of_a_baseline_of_4k_pages_show_4_kib_pages() -> None:
    prepared = prepare_study(LIBRARY, "arm64-overview")
    shown = {
        name
        for group in study_result(prepared, prepared.solve()).groups
        if group.verdict is Verdict.UNSOUND and "page_size" not in dict(group.example)
        for finding in group.findings
        for line in finding.trace
        for name in PAGES.values()
        if f" {name}" in line.detail
    }
    assert shown == {PAGES["4k"]}
