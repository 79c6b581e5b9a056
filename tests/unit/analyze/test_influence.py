"""Every axis and every option of the shipped studies matters; each witness holds cell by cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.space.influence import FACT, INPUT, VERDICT, Influence, influences
from matrix.expr.nodes import Expression
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study
from tests.unit.analyze.small_study import CASES, completed

STUDIES = [study.id for study in Library().knowledge.studies]
# Asked over axes of which the answer turns out not to hang.
ALIKE = {
    ("arm64-linear-map-blocks", "kernel"),
    ("arm64-pseudo-nmi", "cpu"),
    ("riscv-memfd-secret", "kernel"),
}


def concrete(prepared: PreparedStudy, found: Influence, cell: dict[str, str]) -> str:
    """What a witness says changes, as the concrete flow has it in one of its cells."""
    answer = prepared.answer(cell)
    assert answer is not None, "the cell does not exist"
    if found.kind == VERDICT:
        return str(answer.verdict)
    question, settled, _ = prepared.cell(cell)
    rows: dict[str, Expression] = dict(
        question.rows if found.kind == INPUT else question.program.facts
    )
    evaluation = Evaluation(question.program.definitions, settled.variables, settled.atoms)
    (value,) = set(completed(evaluation, rows[found.name]))
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("study", STUDIES)
def test_every_axis_of_a_shipped_study_matters(study: str) -> None:
    prepared = prepare_study(Library(), study)
    found = influences(prepared.solve())
    assert [item.axis for item in found] == [axis.name for axis in prepared.study.axes]
    for item in found:
        if (study, item.axis) in ALIKE:
            assert item.kind is None
            continue
        assert item.kind in (VERDICT, INPUT, FACT), f"{item.axis} changes nothing"
        assert item.idle == (), f"these options of {item.axis} change nothing"
        one, other = dict(item.one), dict(item.other)
        assert [axis for axis in one if one[axis] != other[axis]] == [item.axis]
        assert item.before != item.after
        assert concrete(prepared, item, one) == item.before
        assert concrete(prepared, item, other) == item.after


@pytest.mark.parametrize("study", STUDIES)
def test_an_axis_without_a_changed_verdict_has_none_in_a_sample(study: str) -> None:
    prepared = prepare_study(Library(), study)
    solved = prepared.solve()
    for item in influences(solved):
        if item.kind == VERDICT:
            continue
        options = [
            option.name
            for axis in prepared.study.axes
            if axis.name == item.axis
            for option in axis.options
        ]
        for cell in solved.valid.sample(60, 7):
            answers = [prepared.answer({**cell, item.axis: option}) for option in options]
            assert len({answer.verdict for answer in answers if answer is not None}) == 1


def test_what_changes_nothing_is_found(tmp_path: Path) -> None:
    # An axis that no kernel reads, and an option that no cell can have.
    text = (CASES / "small.yaml").read_text(encoding="utf-8")
    text = text.replace(
        "  vm: {kind: environment",
        '  boot.quiet: {kind: boot, title: quiet, options: {absent: "", quiet: quiet}}\n'
        "  vm: {kind: environment",
    )
    text = text.replace("  vm: default\n", "  vm: default\n  boot.quiet: absent\n")
    text = text.replace(
        "constraints:\n", 'constraints:\n  - {c: "vm != \\"nested\\"", because: "an example"}\n'
    )
    text = text.replace("[default, protected]", "[default, protected, nested]")
    file = tmp_path / "small.yaml"
    file.write_text(text, encoding="utf-8")
    prepared = prepare_study(Library((), (file,)), "small")
    found = {item.axis: item for item in influences(prepared.solve())}
    assert found["boot.quiet"].kind is None
    assert found["boot.quiet"].idle == ("absent", "quiet")
    assert found["vm"].kind == VERDICT
    assert found["vm"].idle == ("nested",)
    assert all(item.idle == () for name, item in found.items() if name not in ("vm", "boot.quiet"))
