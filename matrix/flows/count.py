"""`matrix count`: the exact number of cells of each verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.study_advice import study_defects
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.flows.study_answer import StudyAnswer


class Count(StudyAnswer, frozen=True, kw_only=True):
    """The cells of a study in all and per verdict, and how many classes of behaviour they have."""

    cells: int
    behaviour_classes: int
    verdicts: Mapping[Verdict, int]


def count(name: str, *, configs: tuple[Path, ...], predicate: str | None) -> Count:
    """Return the exact counts of a study."""
    prepared = prepare_study(Library(configs), name, predicate)
    solved = prepared.solve()
    return Count(
        study=prepared.study,
        predicate=prepared.predicate,
        defects=study_defects(solved),
        cells=solved.valid.count(),
        verdicts={verdict: solved.count(verdict) for verdict in solved.verdicts},
        behaviour_classes=len(prepared.behaviours),
    )
