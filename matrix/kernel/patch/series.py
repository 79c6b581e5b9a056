"""A series as its last patch leaves it: hunks that change what an earlier patch added are put in.

Takes hunks in the order of the mails, gives the lines that stand at the end. A hunk goes where its
old lines stand in what is known of the file, and where at least one of them is an earlier patch's
own: nothing is applied to a tree. What does not go anywhere stays beside the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.kernel.patch.diff import ADDED, REMOVED, Hunk, Patch, PatchedFile, PatchLine, lines_of

_NUMBER = re.compile(r"\[(?P<tag>[^\]]*?)\b0*(?P<number>\d+)/0*(?P<count>\d+)\]")


class Piece(Struct, frozen=True, kw_only=True):
    """Lines of one file as they are in the end; `hunk` is the last one that changed them."""

    patch: Patch
    file: PatchedFile
    hunk: Hunk
    rows: tuple[PatchLine, ...]


def pieces_of(patches: Sequence[Patch]) -> tuple[Piece, ...]:
    """Return the pieces of files that patches leave; those at different quotations apart."""
    found: list[Piece] = []
    for patch, file, hunk in lines_of(in_order(patches)):
        for number, piece in enumerate(found):
            if _may_follow(piece, patch, file):
                rows = _applied(piece.rows, hunk)
                if rows is not None:
                    found[number] = Piece(patch=patch, file=file, hunk=hunk, rows=rows)
                    break
        else:
            found.append(Piece(patch=patch, file=file, hunk=hunk, rows=hunk.after()))
    return tuple(piece for piece in found if piece.rows)


def in_order(patches: Sequence[Patch]) -> tuple[Patch, ...]:
    """Return the patches of one series by their numbers; anything else as it comes."""
    numbers = [_NUMBER.search(patch.subject or "") for patch in patches]
    known = [found for found in numbers if found is not None]
    if len(known) < len(patches):
        return tuple(patches)
    series = {
        (found["tag"], found["count"], patch.level.depth)
        for found, patch in zip(known, patches, strict=True)
    }
    if len(series) != 1:
        return tuple(patches)
    ordered = sorted(range(len(patches)), key=lambda index: int(known[index]["number"]))
    return tuple(patches[index] for index in ordered)


def _may_follow(piece: Piece, patch: Patch, file: PatchedFile) -> bool:
    return (
        piece.patch is not patch
        and file.path is not None
        and piece.file.path == file.path
        and piece.patch.level.depth == patch.level.depth
    )


def _applied(rows: Sequence[PatchLine], hunk: Hunk) -> tuple[PatchLine, ...] | None:
    """Return rows with a hunk put in where its old lines stand, None where they do not."""
    before = hunk.before()
    best: tuple[int, int] | None = None
    for offset in range(1 - len(before), len(rows)):
        common = range(max(0, offset), min(len(rows), offset + len(before)))
        if all(_same(rows[at], before[at - offset]) for at in common):
            # Blank lines and brackets are alike everywhere: only the series' own words tell.
            weight = sum(
                rows[at].kind == ADDED and re.search(r"\w", rows[at].text) is not None
                for at in common
            )
            if weight and (best is None or weight > best[0]):
                best = (weight, offset)
    if best is None:
        return None
    offset = best[1]
    return _put(rows, hunk, offset)


def _put(rows: Sequence[PatchLine], hunk: Hunk, offset: int) -> tuple[PatchLine, ...]:
    kept: list[PatchLine] = list(rows[: max(0, offset)])
    at = offset
    removed = False
    for line in hunk.lines:
        if line.kind == REMOVED:
            removed, at = True, at + 1
            continue
        if line.kind == ADDED:
            kept.append(_below(line, removed=removed))
        else:
            known = rows[at] if 0 <= at < len(rows) else line
            kept.append(_below(known, removed=removed))
            at += 1
        removed = False
    return (*kept, *rows[max(0, at) :])


def _below(line: PatchLine, *, removed: bool) -> PatchLine:
    return replace(line, below_removed=True) if removed else line


def _same(one: PatchLine, other: PatchLine) -> bool:
    return one.text.rstrip() == other.text.rstrip()
