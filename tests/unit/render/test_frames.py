"""Frames of a trace: as a table and as a picture, for traces of every shipped scenario."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from matrix.analyze.cell.answer import Finding
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.beside import with_what_works
from matrix.analyze.space.cause import Cause, causes
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.render.frames import Note, Strip, frame_lines, strip_beside, strip_of
from matrix.render.picture import picture

STUDIES = ("arm64-overview", "arm64-memfd-secret")
LETTER = 6.6  # of 11 px DejaVu Sans Mono, rounded down


@cache
def prepared(study: str) -> PreparedStudy:
    return prepare_study(Library(), study)


@cache
def found(study: str) -> tuple[Cause, ...]:
    solved = prepared(study).solve()
    return tuple(with_what_works(solved, cause) for cause, _ in causes(solved))


def strips() -> Iterator[Strip]:
    for study in STUDIES:
        for cause in found(study):
            yield from (strip for finding in cause.findings if (strip := strip_of(finding)))
            if cause.works and (strip := strip_beside(cause.works)):
                yield strip


def flagship() -> tuple[Cause, Finding, Strip]:
    (cause,) = found("arm64-overview")
    strip = strip_of(cause.findings[0])
    assert strip is not None
    return cause, cause.findings[0], strip


@pytest.mark.parametrize("width", [50, 66, 76])
def test_a_table_keeps_its_width_and_says_every_word(width: int) -> None:
    for strip in strips():
        lines = list(frame_lines(strip, width))
        assert max(map(len, lines)) <= width
        said = " ".join(lines).split()
        for frame in strip.frames:
            for name, box in zip(strip.lanes, frame.boxes, strict=True):
                assert box is not None
                assert {*name.split(), *box.word.split(), *frame.event.split()} <= set(said)
        assert said.count("*") == sum(box.changed for x in strip.frames for box in x.boxes if box)


def test_all_of_a_picture_is_inside_and_nothing_lies_on_another() -> None:
    for strip in strips():
        drawn = picture(strip)
        for line in drawn.labels:
            assert line.x + len(line.text) * LETTER <= drawn.width
            assert 0 < line.y <= drawn.height
        for number, one in enumerate(drawn.shapes):
            assert one.x + one.width <= drawn.width
            assert one.y + one.height <= drawn.height
            for other in drawn.shapes[number + 1 :]:
                beside = one.x + one.width <= other.x or other.x + other.width <= one.x
                assert beside or one.y + one.height <= other.y or other.y + other.height <= one.y


def notes(strip: Strip, kind: str) -> list[Note]:
    return [note for frame in strip.frames for note in frame.notes if note.kind == kind]


def test_the_culprit_and_the_skipped_branch_of_the_flagship() -> None:
    _, finding, strip = flagship()
    (culprit,) = notes(strip, "culprit")
    assert (culprit.operation, finding.breaking.operation) == ("icache_inval_pou",) * 2
    assert [note.text for note in notes(strip, "returns")] == ["map_clean_dcache returns: FWB"]
    assert "map_clean_dcache returns: FWB" in strip.told
    assert "breaks: icache_inval_pou" in strip.told


def test_beside_it_stands_what_works() -> None:
    cause, _, strip = flagship()
    works = cause.works
    assert works is not None
    assert works.change == (("cpu", "aws-graviton3"),)
    chosen = {**dict(cause.example), **dict(works.change)}
    answer = prepared("arm64-overview").answer(chosen)
    assert answer is not None
    assert answer.verdict is Verdict.SUPPORTED
    beside = strip_beside(works)
    assert beside is not None
    assert [frame.event for frame in beside.frames] == [frame.event for frame in strip.frames]
    assert not notes(beside, "culprit")
    assert [note.text for note in notes(beside, "returns")] == [
        "map_clean_dcache returns: FWB",
        "map_invalidate_icache returns: DIC",
    ]


def test_nothing_simulated_has_no_frames() -> None:
    for cause in found("arm64-cacheable-pfnmap"):
        assert cause.works is None
        assert all(strip_of(finding) is None for finding in cause.findings)
