"""A strip of frames as a picture: where each box and each line of text of an SVG stands.

Takes a `Strip`, gives numbers and text that a template writes; the page's style gives the colours.
Text of an SVG does not wrap, so that it is broken here, in a font whose letters are equally wide.
"""

from __future__ import annotations

import textwrap

from msgspec import Struct

from matrix.render.frames import Frame, Note, Strip

# A letter of 11 px is 0.6 em wide in every monospaced font that a browser is likely to have.
_LETTER, _LINE = 6.7, 14
_LETTERS = 32
_PAD, _GAP = 6, 8
# What stands before a note: the culprit, a branch that was skipped, what stays, what is done.
_SIGNS = {"culprit": "✗ ", "returns": "↷ ", "stays": "⚓ ", "changes": ""}


class Label(Struct, frozen=True, kw_only=True):
    """A line of text; `kind` is the class of its colour and weight."""

    x: int
    y: int
    text: str
    kind: str


class Shape(Struct, frozen=True, kw_only=True):
    """A rectangle; `kind` are its classes."""

    x: int
    y: int
    width: int
    height: int
    kind: str


class Picture(Struct, frozen=True, kw_only=True):
    """A picture of a strip; `told` is the same in sentences."""

    width: int
    height: int
    shapes: tuple[Shape, ...]
    labels: tuple[Label, ...]
    told: str


def picture(strip: Strip) -> Picture:
    """Return where everything of a strip stands: lanes as rows, events as columns."""
    shapes: list[Shape] = []
    labels: list[Label] = []
    left = round(max(map(len, strip.lanes)) * _LETTER) + _PAD
    widths = [_width(frame) for frame in strip.frames]
    # Left edges: the names of the lanes, then the frames before with their gaps.
    columns = [left + sum(widths[:number]) + number * _GAP for number in range(len(widths))]

    def write(lines: list[str], x: int, y: int, kind: str) -> int:
        for text in lines:
            # SVG places a text by its baseline, which stands 3 above the lower edge of its line.
            labels.append(Label(x=x, y=y + _LINE - 3, text=text, kind=kind))
            y += _LINE
        return y

    below = 0
    # Rows are as high as their tallest box, so they are laid out across all frames one by one.
    for number, frame in enumerate(strip.frames):
        title = textwrap.wrap(f"{number + 1}. {frame.event}", _LETTERS)
        below = max(below, write(title, columns[number] + _PAD, 0, "event"))
    y = below + 4
    for row, lane in enumerate(strip.lanes):
        boxes = [frame.boxes[row] for frame in strip.frames]
        words = [textwrap.wrap(box.word, _LETTERS) if box else [] for box in boxes]
        # Four above the words and four below, as `y + 4` has it.
        height = max(map(len, words)) * _LINE + 2 * 4
        write([lane], 0, y + 4, "lane")
        for box, lines, x, width in zip(boxes, words, columns, widths, strict=True):
            if box is None:
                continue
            kind = f"{box.holds} changed" if box.changed else box.holds
            shapes.append(Shape(x=x, y=y, width=width, height=height, kind=kind))
            write(lines, x + _PAD, y + 4, kind)
        y += height + 4
    end = y
    for frame, x, width in zip(strip.frames, columns, widths, strict=True):
        at = y + 4
        for note in frame.notes:
            lines = _note(note)
            height = len(lines) * _LINE + 4
            if note.kind != "changes":
                shapes.append(Shape(x=x, y=at, width=width, height=height, kind=note.kind))
            at = write(lines, x + _PAD, at + 2, note.kind) + 4
        end = max(end, at)
    return Picture(
        width=columns[-1] + widths[-1] + 1,
        height=end + 2,
        shapes=tuple(shapes),
        labels=tuple(labels),
        told=strip.told,
    )


def _width(frame: Frame) -> int:
    """Return how wide a frame's column is: only notes need all of it."""
    words = [f"1. {frame.event}", *(box.word for box in frame.boxes if box)]
    letters = _LETTERS if frame.notes else min(max(map(len, words)), _LETTERS)
    return round(letters * _LETTER) + 2 * _PAD


def _note(note: Note) -> list[str]:
    first = _SIGNS[note.kind] + note.operation
    whole = f"{first} {note.detail}".rstrip()
    parts = [whole] if len(whole) <= _LETTERS else [first, f"  {note.detail}"]
    return [
        line for part in parts for line in textwrap.wrap(part, _LETTERS, subsequent_indent="  ")
    ]
