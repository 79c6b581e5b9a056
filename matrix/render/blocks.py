"""Blocks in documents whose content is generated: found, replaced, compared.

    <!-- matrix:begin STUDY [show=…] [view="…"] [rows="…"] [columns="…"] -->
    (generated)
    <!-- matrix:end -->

in the comments that the form of the document has. Takes the text of a document, gives `Block`
values and new texts; what a block shows is rendered by block_content.py. Nothing outside of blocks
changes: line ends, a byte order mark and a missing final newline stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, zip_longest

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.render.block_request import Block, read_arguments
from matrix.render.document_forms import MARKDOWN, Form
from matrix.render.markers import Marker, Scan, scan
from matrix.render.places import lines

__all__ = ["Block", "find_blocks", "fitted", "splice", "stale_blocks"]


def find_blocks(text: str, file: str, form: Form = MARKDOWN) -> tuple[Block, ...]:
    """Return the blocks of a document in their order.

    Raises:
        InputError: all that is wrong with its markers (MX0804 to MX0810).
    """
    found = scan(text, file, form)
    diagnostics = list(found.diagnostics)
    blocks = []
    # Read for every begin marker, so that one without an end has its arguments checked too.
    asked = {
        marker: read_arguments(marker, file, diagnostics)
        for marker in found.markers
        if marker.word == "begin"
    }
    for begin, end in _paired(found, file, diagnostics, form):
        study, options = asked[begin]
        start = begin.line.start + len(begin.line.text) + len(begin.line.ending)
        blocks.append(
            Block(
                file=file,
                form=form,
                study=study,
                options=options,
                location=_place(begin, file),
                start=start,
                end=end.line.start,
                content=text[start : end.line.start],
                indent=begin.indent,
                newline=begin.line.ending,
            )
        )
    if diagnostics:
        raise InputError(sorted(diagnostics, key=_position))
    return tuple(blocks)


def splice(text: str, replacements: Iterable[tuple[Block, str]]) -> str:
    """Return the document with the content of the given blocks replaced, all else as it was.

    Raises:
        ValueError: where a block is not one of this very text, or a new content would not stay
            inside of its block (it holds a marker, or code that takes in the end marker).
    """
    ordered = sorted(replacements, key=lambda pair: pair[0].start)
    for (before, _), (after, _) in pairwise(ordered):
        if after.start < before.end:
            raise ValueError("two replacements of one block")
    parts, position = [], 0
    for block, new_text in ordered:
        if text[block.start : block.end] != block.content:
            raise ValueError(f"{block.location}: the block is not of this text")
        parts += [text[position : block.start], fitted(block, new_text)]
        position = block.end
    if not ordered:
        return text
    new = "".join([*parts, text[position:]])
    # All markers outside of the blocks must be where they were, but for the lengths: a content may
    # hold a marker of its own, or open a code fence that hides the one behind it.
    form = ordered[0][0].form
    old_markers, new_markers = scan(text, "", form), scan(new, "", form)
    moved = _moved(_offsets(old_markers), ordered)
    if new_markers.diagnostics or _offsets(new_markers) != moved:
        raise ValueError("a new content would end its block or run past it")
    return new


def fitted(block: Block, new_text: str) -> str:
    """Return a new content as it stands in the block: with its indent and its line ends."""
    return "".join(
        f"{block.indent if line.text.strip() else ''}{line.text}{block.newline}"
        for line in lines(new_text)
    )


def _offsets(found: Scan) -> list[int]:
    return [marker.line.start for marker in found.markers]


def _moved(offsets: Iterable[int], replacements: Iterable[tuple[Block, str]]) -> list[int]:
    """Return where offsets outside of the blocks are after the replacements."""
    moves = [
        (block.end, len(fitted(block, new_text)) - len(block.content))
        for block, new_text in replacements
    ]
    return [offset + sum(change for end, change in moves if end <= offset) for offset in offsets]


def stale_blocks(replacements: Iterable[tuple[Block, str]]) -> tuple[Diagnostic, ...]:
    """Return one diagnostic for each block whose content is not the one given (MX0811)."""
    return tuple(
        _stale(block, new_content)
        for block, new_text in replacements
        if (new_content := fitted(block, new_text)) != block.content
    )


def _stale(block: Block, new_content: str) -> Diagnostic:
    """Return what differs first; only line ends may differ."""
    both = zip_longest(_texts(block.content), _texts(new_content))
    first = next((number for number, (old, new) in enumerate(both, start=1) if old != new), None)
    if not block.content.strip():
        what = "it is empty"
    elif first is None:
        what = "its line ends differ"
    else:
        what = f"line {block.location.line + first} is not as it would be written now"
    return Diagnostic(
        code="MX0811",
        message=f"the block is stale: {what}",
        location=block.location,
        hint=f"run `matrix embed {block.file}`",
    )


def _texts(content: str) -> list[str]:
    return [line.text for line in lines(content)]


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    place = diagnostic.location
    return (place.line, place.column) if place else (0, 0)


def _place(marker: Marker, file: str) -> Location:
    indent = len(marker.indent)
    return marker.line.place(file, indent + 1, len(marker.line.text.rstrip()) - indent)


def _paired(
    found: Scan, file: str, diagnostics: list[Diagnostic], form: Form
) -> list[tuple[Marker, Marker]]:
    """Return the begin markers with their end markers."""
    pairs = []
    begin: Marker | None = None
    for marker in found.markers:
        place = _place(marker, file)
        if marker.word == "begin" and begin is None:
            begin = marker
        elif marker.word == "begin" and begin is not None:
            message = f"`matrix:begin` inside of the block that begins in line {begin.line.number}"
            hint = f"end that block first: `{form.end}`; blocks do not nest"
            diagnostics.append(
                Diagnostic(code="MX0805", message=message, location=place, hint=hint)
            )
        elif begin is None:
            message = "`matrix:end` without a `matrix:begin` before it"
            hint = f"begin the block with `{form.begin}`, or delete this line"
            diagnostics.append(
                Diagnostic(code="MX0804", message=message, location=place, hint=hint)
            )
        else:
            pairs.append((begin, marker))
            begin = None
    if begin is not None:
        diagnostics.append(
            Diagnostic(
                code="MX0806",
                message="`matrix:begin` without a `matrix:end` after it",
                location=_place(begin, file),
                hint=_missing_end_hint(found, begin, form),
            )
        )
    return pairs


def _missing_end_hint(found: Scan, begin: Marker, form: Form) -> str:
    for line, fence in found.in_code:
        if line.number > begin.line.number and "matrix:end" in line.text:
            return (
                f"the marker in line {line.number} is inside of the code fence that opens in "
                f"line {fence.number}: close that fence first"
            )
    return f"end the block with `{form.end}` on a line of its own"
