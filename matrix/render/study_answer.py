"""What every answer about a whole study begins with, in a document and in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from matrix.analyze.space.selection import Selection
from matrix.flows.study_answer import StudyAnswer
from matrix.render.defects import study_defect_documents, study_sentences
from matrix.render.document import Block, Document, plain
from matrix.render.json import Json


def answer_document(answer: StudyAnswer, blocks: Iterable[Block], title: str = "") -> Document:
    """Return a document on a study; without a title, what was asked of which predicate."""
    asked = f"{answer.study.title}, predicate {answer.predicate.name}"
    return Document(
        title=plain(title or asked),
        lead=study_sentences(answer.defects),
        blocks=tuple(blocks),
    )


def answer_values(answer: StudyAnswer, values: dict[str, Json]) -> dict[str, Json]:
    """Return the values of a JSON document with the defects of the study behind them."""
    return {**values, "defects": study_defect_documents(answer.defects)}


def left_out(selection: Selection | None) -> Iterator[str]:
    """Yield what the expression that chose cells could not choose."""
    if selection is not None and selection.undecided:
        yield (
            f"{selection.undecided:,} cells are left out: whether the expression holds there "
            "depends on what nobody recorded of their CPU."
        )
    for release, names in selection.lacking if selection else ():
        yield f"Cells of Linux {release} are left out: no `{'`, `'.join(names)}` there."
