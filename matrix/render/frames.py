"""Frames of a trace: what each event leaves, lane by lane, and what in it did something.

Takes the lines of a trace and the lanes after each of its events, gives a `Strip`, which a picture
draws (`render/picture.py`) and a text shows as a table. What the lanes are, a scenario declares.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from typing import Literal

from msgspec import Struct

from matrix.analyze.cell.answer import Finding, TraceLine
from matrix.analyze.space.cause import Beside
from matrix.explore.outcome import Lane, Step
from matrix.render.findings import events

# What a frame says of a micro-operation, in the order of a reader's interest.
Kind = Literal["culprit", "returns", "stays", "changes"]
# In a text, so many columns are what an event needs at least.
_NARROWEST = 17


class Note(Struct, frozen=True, kw_only=True):
    """A micro-operation that a frame names.

    It breaks something, returns with nothing done, stays behind after an oops, or changes lanes.
    """

    kind: Kind
    operation: str
    detail: str

    @property
    def text(self) -> str:
        """It as a sentence."""
        return f"{self.operation} {self.detail}".strip()


class Box(Struct, frozen=True, kw_only=True):
    """A lane in a frame, and whether the event changed it."""

    word: str
    holds: str
    changed: bool


class Frame(Struct, frozen=True, kw_only=True):
    """An event; of a lane that is not told at that point there is no box."""

    event: str
    boxes: tuple[Box | None, ...]
    notes: tuple[Note, ...]


class Strip(Struct, frozen=True, kw_only=True):
    """The frames of a trace over the same lanes."""

    lanes: tuple[str, ...]
    frames: tuple[Frame, ...]

    @property
    def told(self) -> str:
        """The strip in sentences, for who sees no picture: what each event changes and does."""
        return " ".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        for frame in self.frames:
            changed = [
                f"{name} {box.word}"
                for name, box in zip(self.lanes, frame.boxes, strict=True)
                if box and box.changed
            ]
            did = [_SAID[note.kind] + note.text for note in frame.notes if note.kind in _SAID]
            yield f"{frame.event}: {'; '.join((*changed, *did)) or 'nothing changes'}."


_SAID: dict[Kind, str] = {"culprit": "breaks: ", "returns": "", "stays": "stays: "}


def strip_of(finding: Finding) -> Strip | None:
    """Return the frames of a finding's trace; None where nothing was simulated."""
    return _strip(finding.trace, finding.lanes, finding.breaking if finding.trace else None)


def strip_beside(works: Beside) -> Strip | None:
    """Return the frames of what works."""
    return _strip(works.trace, works.lanes, None)


def strip_of_steps(steps: Sequence[Step]) -> Strip | None:
    """Return the frames of steps without what is done in them."""
    lines = [
        TraceLine(event=step.event, operation="", detail="", source=None, step=number)
        for number, step in enumerate(steps)
    ]
    return _strip(lines, tuple(step.after for step in steps), None)


def _strip(
    trace: Sequence[TraceLine],
    lanes: Sequence[tuple[Lane, ...]],
    breaking: TraceLine | None,
) -> Strip | None:
    # The fullest frame gives the order: lanes that are told only at some points keep their place in
    # it.
    longest = max(lanes, key=len, default=())
    names = tuple(dict.fromkeys(lane.name for lane in (*longest, *(x for y in lanes for x in y))))
    if not names:
        return None
    frames = []
    before: dict[str, Lane] = {}
    for event, after in zip(events(trace), lanes, strict=True):
        here = {lane.name: lane for lane in after}
        boxes = tuple(
            # Nothing has changed before the first event.
            Box(
                word=here[name].word,
                holds=here[name].holds,
                changed=name in before and before[name].detail != here[name].detail,
            )
            if name in here
            else None
            for name in names
        )
        notes = chain.from_iterable(_notes(line, culprit=line is breaking) for line in event.lines)
        frames.append(Frame(event=event.name, boxes=boxes, notes=tuple(notes)))
        before = here
    return Strip(lanes=names, frames=tuple(frames))


def _notes(line: TraceLine, *, culprit: bool) -> Iterator[Note]:
    if culprit:
        yield Note(kind="culprit", operation=line.operation, detail=line.detail)
    elif line.stays:
        yield Note(kind="stays", operation=line.operation, detail=line.detail)
    elif line.returns:
        yield Note(kind="returns", operation=line.operation, detail=f"returns: {line.returns}")
    elif line.changed:
        yield Note(kind="changes", operation=line.operation, detail=f"→ {', '.join(line.changed)}")


def frame_lines(strip: Strip, width: int) -> Iterator[str]:
    """Yield the frames as a table of `width` columns, as many events in a row as there is room for.

    A star marks what an event changed.
    """
    name = max(map(len, strip.lanes))
    room = max((width - name) // _NARROWEST, 1)
    for start in range(0, len(strip.frames), room):
        frames = strip.frames[start : start + room]
        column = (width - name) // len(frames) - 1
        yield from _row("", [f"  {frame.event}" for frame in frames], name, column)
        for number, lane in enumerate(strip.lanes):
            boxes = [frame.boxes[number] for frame in frames]
            marked = [("* " if box.changed else "  ") + box.word if box else "  -" for box in boxes]
            yield from _row(lane, marked, name, column)


def _row(name: str, cells: Sequence[str], width: int, column: int) -> Iterator[str]:
    wrapped = [textwrap.wrap(cell, column, subsequent_indent="  ") for cell in cells]
    for parts in zip_longest([name], *wrapped, fillvalue=""):
        first, *rest = parts
        yield " ".join([first.ljust(width), *(part.ljust(column) for part in rest)]).rstrip()
