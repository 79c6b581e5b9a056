"""Defects that a kernel has by itself: said before anything else, whatever the verdict is.

Takes what the analysis found, gives the first line of every text and the values of every document.
"""

from __future__ import annotations

from collections.abc import Sequence

from matrix.analyze.answer import Answer, Defect

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


def sentences(defects: Sequence[Defect]) -> tuple[str, ...]:
    """Return each defect in plain words, once."""
    return tuple(dict.fromkeys(defect.sentence for defect in defects))


def with_defects(word: str, defects: Sequence[Defect]) -> str:
    """Return a verdict's word, and behind it what the kernel breaks by itself."""
    said = " and ".join(sentences(defects))
    return f"{word}, with {said}" if said else word


def reasons(answer: Answer) -> tuple[str, ...]:
    """Return the reasons of an answer, the defects of its kernel in front."""
    return (*(f"with {text}" for text in sentences(answer.defects)), *answer.reasons)


def defect_documents(defects: Sequence[Defect]) -> list[Json]:
    """Return the defects as JSON values."""
    return [defect_document(defect) for defect in defects]


def defect_document(defect: Defect) -> dict[str, Json]:
    """Return one defect as JSON values."""
    return {
        "sentence": defect.sentence,
        "kernel": defect.release,
        "invariant": defect.invariant,
        "certainty": defect.certainty,
        "fixed_by": defect.fixed_by,
        "fixed_in": defect.fixed_in,
        "reported": defect.reported,
        "source": defect.source,
        "hangs_on": list(defect.hangs_on),
    }
