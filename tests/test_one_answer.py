"""Commands that answer for one cell give one answer: `explain` and `simulate`, on every study."""

from __future__ import annotations

import itertools
import json
from functools import cache

import pytest

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import inputs_of
from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import InputError
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study
from tests.cli_runner import run_cli

LIBRARY = Library()
STUDIES = sorted(
    study.id
    for study in LIBRARY.knowledge.studies
    if LIBRARY.capability(study.capability).scenario is not None
)
# As many options of an axis as are combined with every kernel and CPU.
MOST_OTHERS = 3


@cache
def prepared(study: str) -> PreparedStudy:
    return prepare_study(Library(), study)


def cells(asked: PreparedStudy) -> list[dict[str, str]]:
    """Return every kernel on every CPU, alone and with an option of each other axis."""
    axes = {axis.name: axis for axis in asked.study.axes}
    wide = [name for name, axis in axes.items() if axis.chooses_kernel or axis.kind == "cpu"]
    others = [
        {name: option.name}
        for name, axis in axes.items()
        if name not in wide
        for option in axis.options[:MOST_OTHERS]
    ]
    combined = itertools.product(*([option.name for option in axes[name].options] for name in wide))
    found = []
    for number, options in enumerate(combined):
        chosen = dict(zip(wide, options, strict=True))
        found += [chosen, {**chosen, **others[number % len(others)]}]
    return found


def simulated(asked: PreparedStudy, chosen: dict[str, str]) -> tuple[set[str], str]:
    """Return the invariants that `simulate` finds violated, or why it does not simulate."""
    question, cell, _ = asked.cell(chosen)
    try:
        inputs = inputs_of(question, cell, asked.behaviours)
    except InputError as error:
        return set(), error.diagnostics[0].message
    return {item.invariant for item in asked.behaviours.exact(inputs).violations}, ""


@pytest.mark.parametrize("study", STUDIES)
def test_simulate_shows_the_run_that_explain_speaks_of(study: str) -> None:
    asked = prepared(study)
    compared = dict.fromkeys(Verdict, 0)
    for chosen in cells(asked):
        answer: Answer | None = asked.answer(chosen)
        if answer is None:
            continue
        found, why_not = simulated(asked, chosen)
        compared[answer.verdict] += 1
        if answer.verdict is Verdict.ABSENT:
            assert f"the cell's answer is absent: {answer.reasons[0]}" in why_not, chosen
        elif answer.verdict is Verdict.UNKNOWN:
            assert not why_not or f"the cell's answer is unknown: {answer.reasons[0]}" in why_not
        else:
            assert not why_not, chosen
            assert found == {item.invariant for item in answer.violations}, chosen
    assert sum(compared.values()) > len(asked.systems)


def test_what_nobody_recorded_need_not_matter() -> None:
    """`simulate cpu=neoverse-n1` said "unknown" (MX0918) where `explain` says refused."""
    explained = json.loads(run_cli("explain", "cpu=neoverse-n1", "--format", "json").out)
    assert explained["verdict"] == "refused"
    ran = run_cli("simulate", "cpu=neoverse-n1", "--brief")
    assert ran.code == 0, ran.err
    assert "violation alias-access (certain)" in ran.out


def test_simulate_says_first_what_the_check_answers() -> None:
    """A violation of a cell that the check refuses was read as a defect."""
    said = run_cli("simulate", "cpu=neoverse-n1", "--brief").out.split("\n  violation")[0]
    assert said.endswith("; v12 says no: it refuses what is violated below")
    assert "v12 says yes" in run_cli("simulate", "cpu=graviton3", "--brief").out.split("\n")[0]
    (cell,) = json.loads(run_cli("simulate", "cpu=neoverse-n1", "--format", "json").out)["cells"]
    assert (cell["predicate_version"], cell["predicate"]) == ("v12", False)
