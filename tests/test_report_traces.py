"""A card of a report shows the trace of the cell it names, and of no other of its class.

The report finds a cell's simulation inputs by its regions; here each cell is made anew, from a
command line and a `.config`, as `matrix simulate` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from matrix.analyze.cell.answering import settle
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import StudyResult
from matrix.analyze.space.tables import choices
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import SimulationResult
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study, study_result
from matrix.render.report import render_html
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
def answered(request: pytest.FixtureRequest) -> tuple[PreparedStudy, StudyResult]:
    prepared = prepare_study(LIBRARY, request.param)
    return prepared, study_result(prepared, prepared.solve())


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


def test_each_cause_shows_of_its_example_what_simulating_that_shows(
    answered: tuple[PreparedStudy, StudyResult],
) -> None:
    prepared, result = answered
    for cause in result.causes:
        question, cell, _ = prepared.cell(dict(cause.example))
        ways = {
            completion.leaf.inputs: completion.leaf.verdict
            for completion in settle(question, cell, prepared.behaviours)
        }
        assert set(ways.values()) == {Verdict.UNSOUND}, cause.example
        assert cause.settled == (len(ways) == 1), cause.example
        sources = question.program.operation_sources
        simulated = [
            dict(told(simulate(inputs), sources))
            for inputs in ways
            if isinstance(inputs, SimulationInputs)
        ]
        assert cause.findings
        broken = {name for name, _ in cause.broken}
        for finding in cause.findings:
            assert finding.invariant in broken
            shown = [(line.detail, line.source) for line in finding.trace]
            assert shown in [way.get(finding.invariant) for way in simulated]
        lengths = [len(finding.trace) for finding in cause.findings]
        assert lengths == sorted(lengths)


def test_each_unsound_cell_of_a_table_names_a_cause_that_is_met_in_it(
    answered: tuple[PreparedStudy, StudyResult],
) -> None:
    prepared, result = answered
    for table, pivot in zip(result.tables, prepared.study.pivots, strict=True):
        usual = dict(pivot.fixed)
        sets = [dict(choices(prepared.study, name)) for name in pivot.columns]
        rows = dict(choices(prepared.study, pivot.rows))
        for labels, cells in zip(table.row_groups, table.cells, strict=True):
            for column, shown in list(zip(table.columns, cells, strict=True))[::4]:
                if shown is None:
                    continue
                assert bool(shown.causes) == (shown.verdict is Verdict.UNSOUND)
                chosen = {**usual, **rows[labels[-1]]}
                for options, label in zip(sets, column, strict=True):
                    chosen.update(options[label])
                answer = prepared.answer({**chosen, **dict(shown.instead)})
                met = {finding.invariant for finding in answer.violations} if answer else set()
                for number in shown.causes:
                    assert met & {name for name, _ in result.causes[number - 1].broken}


def test_each_card_shows_what_simulating_its_example_shows(
    answered: tuple[PreparedStudy, StudyResult],
) -> None:
    prepared, groups = answered[0], answered[1].groups
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


def test_no_trace_stands_twice_in_a_page(answered: tuple[PreparedStudy, StudyResult]) -> None:
    _, result = answered
    page = render_html(result)
    traces = re.findall(r'<ol class="trace">.*?</ol>', page, re.DOTALL)
    assert len(traces) == len(set(traces))
    assert len(traces) >= sum(any(item.trace for item in x.findings) for x in result.causes)


def test_each_verdict_in_a_table_leads_somewhere(
    answered: tuple[PreparedStudy, StudyResult],
) -> None:
    _, result = answered
    page = render_html(result)
    ids = set(re.findall(r' id="([^"]+)"', page))
    cells = re.findall(r'<td class="verdict (\S+?)">(.*?)</td>', page, re.DOTALL)
    assert cells
    for verdict, cell in cells:
        (first, *_) = re.findall(r'<a class="word" href="#([^"]+)">', cell)
        assert first in ids
        assert verdict != Verdict.UNSOUND or first.startswith("cause-")
