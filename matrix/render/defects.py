"""Defects that a kernel has by itself: said before anything else, whatever the verdict is.

Takes what the analysis found, gives the first line of every text and the values of every document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Defect

if TYPE_CHECKING:
    from matrix.analyze.space.result import (
        StudyDefect,  # brings the decision diagrams to every command
    )

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


def sentences(defects: Sequence[Defect]) -> tuple[str, ...]:
    """Return each defect in plain words, once."""
    return tuple(dict.fromkeys(defect.sentence for defect in defects))


def defects_of_cpus(of_each: Sequence[Sequence[Defect]]) -> str:
    """Return what the kernel breaks by itself on some of many CPUs; empty where it breaks nothing.

    What it hangs on differs by CPU, and is named together.
    """
    open_names: dict[str, dict[str, None]] = {}
    for defect in (defect for met in of_each for defect in met):
        names = open_names.setdefault(replace(defect, hangs_on=()).sentence, {})
        names.update(dict.fromkeys(defect.hangs_on))
    said = [
        f"{sentence}; on some of them it hangs on {', '.join(names)}" if names else sentence
        for sentence, names in open_names.items()
    ]
    return (
        f"on {sum(map(bool, of_each))} of {len(of_each)} CPUs {' and '.join(said)}" if said else ""
    )


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


def study_sentences(met: Sequence[StudyDefect]) -> tuple[str, ...]:
    """Return each defect that cells of a study may meet, with their number, for a terminal."""
    return tuple(f"In {_where(item)} there is {item.defect.sentence}." for item in met)


def study_defect_documents(met: Sequence[StudyDefect]) -> list[Json]:
    """Return the defects that cells of a study may meet as JSON values."""
    return [{**defect_document(item.defect), "cells": item.cells} for item in met]


def compared_sentences(
    between: tuple[str, str], before: Sequence[StudyDefect], after: Sequence[StudyDefect]
) -> tuple[str, ...]:
    """Return the defects of two sides that are compared, each with the sides that have it."""
    said: list[str] = []
    for item, sides in _by_side(before, after):
        if sides == (True, True):
            said.extend(study_sentences((item,)))
            continue
        mine, other = between if sides[0] else between[::-1]
        alone = all(_key(item) != _key(one) for one in (after if sides[0] else before))
        less = f" and {other} has not" if alone else ""
        said.append(f"{mine} has{less} {item.defect.sentence}; in {_where(item)}.")
    return tuple(said)


def compared_documents(
    between: tuple[str, str], before: Sequence[StudyDefect], after: Sequence[StudyDefect]
) -> list[Json]:
    """Return the defects of two sides that are compared as JSON values; `of` names the sides."""
    return [
        {
            **defect_document(item.defect),
            "cells": item.cells,
            "of": [word for word, has in zip(between, sides, strict=True) if has],
        }
        for item, sides in _by_side(before, after)
    ]


def _by_side(
    before: Sequence[StudyDefect], after: Sequence[StudyDefect]
) -> list[tuple[StudyDefect, tuple[bool, bool]]]:
    both = dict.fromkeys((*before, *after))
    return [(item, (item in before, item in after)) for item in both]


def _key(item: StudyDefect) -> tuple[str, str | None, str]:
    """Return what makes two kernels' defects one."""
    return item.defect.invariant, item.defect.fixed_by, item.defect.says


def _where(item: StudyDefect) -> str:
    return f"{item.cells:,} {'cell' if item.cells == 1 else 'cells'}"


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
