"""Every citation of a profile against the tree: where its text is now, and whether it changed.

The words of a whole piece (function, table entry …) are compared, not only the cited lines: a
statement keeps its meaning only among its neighbours.
"""

from __future__ import annotations

import bisect
import difflib
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Location
from matrix.door.folders import found_below
from matrix.kernel.source.truth.anchors import Piece
from matrix.kernel.source.truth.evidence import Evidence, RecordedPart, RecordedPiece, RecordedPlace
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import KernelProfile


class Citation(Struct, frozen=True, kw_only=True):
    """One `path:first-last` of a profile: which declaration (`operation mmu_lock`) cites it."""

    what: str
    index: int
    path: str
    first: int
    last: int
    location: Location

    @property
    def text(self) -> str:
        """The citation as it stands in the profile."""
        return spell_citation(self.path, self.first, self.last)


def spell_citation(path: str, first: int, last: int) -> str:
    """Return `path:12` or `path:12-15`."""
    return f"{path}:{first}" if first == last else f"{path}:{first}-{last}"


def declared_sources(profile: KernelProfile) -> Iterator[tuple[str, str, Location]]:
    """Yield (what, source, where declared) of everything, in the file's order."""
    yield from _kconfig_sources(profile)
    for variable in profile.variables:
        yield f"variable {variable.name}", variable.source, variable.location
    for parameter in profile.parameters:
        for index, parser in enumerate(parameter.parsers):
            number = f" #{index + 1}" if index else ""
            yield f"parameter {parameter.name}{number}", parser.source, parser.location
    for cap in profile.cpucaps:
        yield f"cpucap {cap.name}", cap.source, cap.location
    for function in profile.functions:
        yield f"function {function.signature}", function.source, function.location
    for mechanism in profile.mechanisms:
        yield f"mechanism {mechanism.name}", mechanism.source, mechanism.location
    for row in profile.operations:
        yield f"operation {row.operation}", row.source, row.location


def _kconfig_sources(profile: KernelProfile) -> Iterator[tuple[str, str, Location]]:
    for symbol in profile.symbols:
        yield f"symbol {symbol.name}", symbol.source, symbol.location
    line = profile.built_in_line
    if line is not None:
        yield "built_in_line", line.source, line.location
    for constraint in profile.constraints:
        condition = constraint.condition
        if condition.source and constraint.grounded == "tree":
            yield f"constraint {condition.text}", condition.source, condition.location


def citations(profile: KernelProfile) -> Iterator[Citation]:
    """Yield every citation of the tree; what cites a patch (`v12 10/16 …`) is in no tree."""
    for what, source, location in declared_sources(profile):
        for index, part in enumerate(source.split("; ")):
            path, _, lines = part.rpartition(":")
            first, _, last = lines.partition("-")
            if path and " " not in path and first.isdigit():
                yield Citation(
                    what=what,
                    index=index,
                    path=path,
                    first=int(first),
                    last=int(last or first),
                    location=location,
                )


class Found(Struct, frozen=True, kw_only=True):
    """Where the text of a citation is now, None where it is gone; the pieces that changed."""

    first: int | None
    last: int | None
    changed: tuple[Change, ...]


class Change(Struct, frozen=True, kw_only=True):
    """A piece whose words are not the recorded ones. `piece` None: it is gone.

    `said` is the recorded text of the cited words, nothing for a whole piece. `now` are its
    statements that were not there: line and text; `lost` is the number of recorded
    statements that are gone, `near` the line before the first of them.
    """

    path: str
    name: str
    piece: Piece | None
    said: str = ""
    now: tuple[tuple[int, str], ...] = ()
    lost: int = 0
    near: int = 0


def record(
    tree: KernelTree, cited: Iterable[Citation]
) -> tuple[dict[str, dict[str, RecordedPiece]], dict[str, RecordedPlace], list[Citation]]:
    """Return pieces and places of the citations as they stand, and the citations of nothing."""
    recorded: dict[str, dict[str, RecordedPiece]] = {}
    places: dict[str, RecordedPlace] = {}
    empty: list[Citation] = []
    for citation in cited:
        known = tree.pieces(citation.path)
        if known is None:
            continue
        found = known.at(citation.first, citation.last)
        if not found:
            empty.append(citation)
            continue
        parts = [_part(piece, citation) for piece in found]
        for piece in found:
            recorded.setdefault(citation.path, {})[piece.name] = record_piece(piece)
        # Comments at both ends are cited with the words and have none themselves: their lines are
        # kept as distances.
        places[citation.text] = RecordedPlace(
            before=found[0].words[parts[0].first_word].line - citation.first,
            after=citation.last - found[-1].words[parts[-1].last_word].line,
            parts=tuple(parts),
        )
    return recorded, places, empty


def record_piece(piece: Piece) -> RecordedPiece:
    """Return what is kept of a piece."""
    units = zip(piece.unit_digests, piece.units, strict=True)
    statements = " ".join(f"{digest}{end - first:x}" for digest, (first, end) in units)
    return RecordedPiece(piece.digest, statements)


def _part(piece: Piece, citation: Citation) -> RecordedPart:
    first, last = piece.first_word(citation.first), piece.last_word(citation.last)
    # Lines of comments within a piece have no word: then the last word before them is before the
    # first one behind.
    last = max(first, last)
    whole = first == 0 and last == len(piece.words) - 1
    return RecordedPart(
        piece=piece.name,
        first_word=first,
        last_word=last,
        says="" if whole else piece.says(first, last),
    )


def find(tree: KernelTree, path: str, place: RecordedPlace, evidence: Evidence) -> Found:
    """Return where the recorded text of a citation is in the tree now, and what changed of it."""
    known = tree.pieces(path)
    changes: list[Change] = []
    lines: list[tuple[int | None, int | None]] = []
    for part in place.parts:
        before = evidence.pieces[path][part.piece]
        piece = known.get(part.piece) if known else None
        if piece is None:
            changes.append(Change(path=path, name=part.piece, piece=None))
            lines.append((None, None))
        # Nothing of the piece has changed: the words have the numbers that they had.
        elif piece.digest == before.digest and len(piece.words) > part.last_word:
            words = piece.words
            lines.append((words[part.first_word].line, words[part.last_word].line))
        else:
            changes.append(_change(path, part, before, piece))
            lines.append(_aligned(part, before, piece))
    first, last = lines[0][0], lines[-1][1]
    return Found(
        first=None if first is None else first - place.before,
        last=None if last is None else last + place.after,
        changed=tuple(changes),
    )


def _change(path: str, part: RecordedPart, before: RecordedPiece, piece: Piece) -> Change:
    now: list[tuple[int, str]] = []
    lost = near = 0
    for tag, old_first, old_last, new_first, new_last in _blocks(before, piece):
        if tag == "equal":
            continue
        for first, end in piece.units[new_first:new_last]:
            now.append((piece.words[first].line, piece.says(first, end - 1)))
        lost += old_last - old_first
        near = near or piece.words[piece.units[max(0, new_first - 1)][0]].line
    return Change(
        path=path,
        name=piece.name,
        piece=piece,
        said=part.says,
        now=tuple(now),
        lost=lost,
        near=near,
    )


def _aligned(
    part: RecordedPart, before: RecordedPiece, piece: Piece
) -> tuple[int | None, int | None]:
    """Return the lines of the cited words where their statements are still there, else None."""
    # From the recorded word to its statement, from that to the same statement now (what a diff of
    # both lists leaves in place), and there as many words further.
    starts: list[int] = []
    position = 0
    for _, count in before.units:
        starts.append(position)
        position += count
    same: dict[int, int] = {}
    for tag, old_first, old_last, new_first, _ in _blocks(before, piece):
        if tag == "equal":
            for index in range(old_first, old_last):
                same[index] = new_first + index - old_first

    def line(word: int) -> int | None:
        unit = bisect.bisect_right(starts, word) - 1
        if unit not in same:
            return None
        now = piece.units[same[unit]][0] + word - starts[unit]
        return piece.words[min(now, len(piece.words) - 1)].line

    # The whole piece is cited: it is where it is, whatever is in it.
    if part.first_word == 0 and not part.says:
        return piece.line_of_first_word, piece.last_line
    return line(part.first_word), line(part.last_word)


def _blocks(before: RecordedPiece, piece: Piece) -> Sequence[tuple[str, int, int, int, int]]:
    old = [digest for digest, _ in before.units]
    # In a long function autojunk would take statements that repeat (`break;`) for noise and align
    # around them.
    return difflib.SequenceMatcher(None, old, piece.unit_digests, autojunk=False).get_opcodes()


def path_now(tree: KernelTree, path: str) -> str | None:
    """Return where a file is in a tree: there, or the one of its name near by; None: nowhere."""
    if tree.has(path):
        return path
    folder, _, name = path.rpartition("/")
    # `arch/arm64/kvm` and below: a file of the same name elsewhere is another one.
    top = "/".join(folder.split("/")[:3])
    near = found_below(tree.folder / top, f"**/{name}") if top else []
    return near[0].relative_to(tree.folder).as_posix() if len(near) == 1 else None


def find_anywhere(
    tree: KernelTree, citation: Citation, evidence: Evidence
) -> tuple[str, Found | None]:
    """Return the file and the place of a citation, in a file that was moved too; None: nowhere."""
    place, path = evidence.places.get(citation.text), path_now(tree, citation.path)
    if place is None or path is None:
        return citation.path, None
    if path != citation.path:
        evidence = replace(evidence, pieces={path: evidence.pieces[citation.path]})
    return path, find(tree, path, place, evidence)
