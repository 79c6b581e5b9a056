"""`confidence`: cells worked out by hand, and a second statement of the rule over seeded cells."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace
from ruamel.yaml import YAML

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import Cell
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.memory import AnswerMemory
from matrix.analyze.cell.question import Question
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study

CASES = Path(__file__).parents[2] / "cases" / "confidence"
# From the firmest to the weakest, as docs/glossary.md has them.
FIRMEST_FIRST = ("given", "register", "trm", "log", "inferred", "unknown")
SEEDED_CELLS = 24


class Case(Struct, frozen=True, dict=True, kw_only=True):
    """One cell worked out by hand."""

    cell: str
    verdict: str
    confidence: str
    rests_on: dict[str, str]

    def chosen(self) -> dict[str, str]:
        """Return axis and option; only a name at the beginning or after a comma is an axis."""
        axes = r"(?:^|,)(cpu|page_size|kvm|rodata|vm)="
        parts = re.split(axes, self.cell)[1:]
        return dict(zip(parts[::2], parts[1::2], strict=True))


def cases() -> list[Case]:
    return [Case(**row) for row in YAML(typ="safe").load((CASES / "by_hand.yaml").read_text())]


@cache
def prepared() -> PreparedStudy:
    return prepare_study(Library((CASES / "declarations",)), "confidences")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.cell)
def test_a_verdict_carries_the_weakest_of_what_it_rests_on(case: Case) -> None:
    # The table agrees with itself ...
    by_rank = sorted(case.rests_on.values(), key=FIRMEST_FIRST.index)
    assert case.confidence == (by_rank[-1] if by_rank else "given")
    # ... and the answer with the table.
    answer = prepared().answer(case.chosen(), detailed=True)
    assert answer is not None
    assert (str(answer.verdict), answer.confidence) == (case.verdict, case.confidence)


def test_what_is_kept_of_one_cpu_lends_no_confidence_to_the_next() -> None:
    """All cells through one memory, which CPUs share whose fields are known in different ways."""
    asked = prepared()
    (question,) = asked.questions.values()
    memory = AnswerMemory(question, Behaviours())
    for case in cases():
        _, cell, options = asked.cell(case.chosen())
        system = asked.system(options)
        assert system is not None
        others = {name: cell.atoms[name] for name in cell.atoms.keys() - cell.detections.keys()}
        around = memory.surroundings(cell.variables, others)
        answer = memory.answer(around, memory.cpu(system), detailed=True)
        assert (case.cell, str(answer.verdict), answer.confidence) == (
            case.cell,
            case.verdict,
            case.confidence,
        )


ONE_CPU = [case for case in cases() if "+" not in case.cell]


@pytest.mark.parametrize("case", ONE_CPU, ids=lambda case: case.cell)
def test_the_table_has_the_confidences_that_the_cpus_declare(case: Case) -> None:
    """Of one CPU; of several the rule of the kernel chooses, which the table says by hand."""
    (cpu,) = prepared().systems[case.chosen()["cpu"]].cpus
    declared = {name: cpu.field(name) for name in case.rests_on}
    assert {name: field.confidence for name, field in declared.items() if field} == case.rests_on


def answered(asked: PreparedStudy, question: Question, cell: Cell) -> Answer | None:
    return asked.answer_cell(question, cell, detailed=True)


def verdict(asked: PreparedStudy, question: Question, cell: Cell) -> str | None:
    found = asked.answer_cell(question, cell)
    return None if found is None else str(found.verdict)


def labelled(cell: Cell, labels: Mapping[str, str]) -> Cell:
    """Return the cell with how its CPU properties are known said otherwise."""
    return replace(
        cell,
        detections={
            atom: replace(found, confidence=labels.get(atom, "register"))
            for atom, found in cell.detections.items()
        },
    )


def seeded(study: str) -> Iterator[tuple[PreparedStudy, Question, Cell]]:
    """Yield cells of a study that exist and whose verdict is known."""
    asked = prepare_study(Library(), study)
    choose = random.Random(f"confidence of {study}")  # noqa: S311
    wanted = SEEDED_CELLS
    while wanted:
        options = {axis.name: choose.choice(axis.options).name for axis in asked.study.axes}
        # All else as usual, or nearly every cell were absent for a reason without a CPU.
        for axis in choose.sample(sorted(options), k=len(options) * 2 // 3):
            if axis not in ("cpu", "kernel"):
                del options[axis]
        question, cell, _ = asked.cell(options)
        if verdict(asked, question, cell) not in (None, "unknown"):
            wanted -= 1
            yield asked, question, cell


@pytest.mark.parametrize("study", ["arm64-overview", "arm64-memfd-secret"])
def test_what_a_confidence_rests_on_is_what_changes_the_verdict_alone(study: str) -> None:
    decided = 0
    choose = random.Random(7)  # noqa: S311
    for asked, question, cell in seeded(study):
        known = {a: f for a, f in cell.detections.items() if f.value is not None}
        verdict_here = verdict(asked, question, cell)
        changing = {
            atom
            for atom, found in known.items()
            if verdict(asked, question, replace(cell, atoms={**cell.atoms, atom: not found.value}))
            != verdict_here
        }
        # A property counts if the answer is weaker for it being weaker.
        counts = set()
        for atom in known:
            answer = answered(asked, question, labelled(cell, {atom: "inferred"}))
            assert answer is not None
            if answer.confidence == "inferred":
                counts.add(atom)
        if changing:
            decided += 1
            assert counts == changing
        else:
            # Whatever the verdict does not read may as well be unknown.
            unread = dict.fromkeys(known.keys() - counts)
            blind = replace(cell, atoms={**cell.atoms, **unread})
            assert verdict(asked, question, blind) == verdict_here
        labels = {atom: choose.choice(FIRMEST_FIRST[:-1]) for atom in cell.detections}
        answer = answered(asked, question, labelled(cell, labels))
        assert answer is not None
        ranks = [FIRMEST_FIRST.index(labels[atom]) for atom in counts]
        assert answer.confidence == FIRMEST_FIRST[max(ranks, default=0)]
    assert decided > SEEDED_CELLS // 3
