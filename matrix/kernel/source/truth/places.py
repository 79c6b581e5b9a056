"""The citations of a profile in a tree: what has changed, what has moved, what cannot be told.

Takes the recorded evidence, or that of a neighbouring release where nothing was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Severity
from matrix.kernel.source.truth.citations import (
    Change,
    Citation,
    Found,
    citations,
    find,
    spell_citation,
)
from matrix.kernel.source.truth.evidence import Evidence, RecordedPart, RecordedPlace
from matrix.kernel.source.truth.findings import Finding, Settled
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import KernelProfile

# Of a long list, how many rows are shown.
MOST_SHOWN = 4


class Neighbour(Struct, frozen=True, kw_only=True):
    """The evidence of another release, for a profile that has none of its own."""

    release: str
    evidence: Evidence
    citations: Mapping[tuple[str, int], Citation]


def neighbour_of(profile: KernelProfile, evidence: Evidence) -> Neighbour:
    """Return a profile with evidence as the neighbour of another one."""
    return Neighbour(
        release=profile.release,
        evidence=evidence,
        citations={(citation.what, citation.index): citation for citation in citations(profile)},
    )


# The changed pieces, (path, name), with who cites them: first who lost what he cites.
_Changes = dict[tuple[str, str], list[tuple[Change, Citation]]]


class Places:
    """The citations of one profile in the tree; `file` is where its own rows stand."""

    def __init__(
        self,
        tree: KernelTree,
        cited: list[Citation],
        evidence: Evidence | None,
        neighbours: Sequence[Neighbour],
        file: str,
    ) -> None:
        self.findings: list[Finding] = []
        self.moves: dict[str, str] = {}
        self.compared = 0
        self._tree = tree
        self._cited = cited
        self._evidence = evidence
        self._neighbours = neighbours
        self._file = file
        self._unknown: list[Citation] = []

    def look(self, settled: Settled, explained: set[str]) -> None:
        """Find every citation; report each changed piece once, at the first that cites it."""
        changes: _Changes = {}
        moved: dict[str, dict[str, list[Citation]]] = {}
        hit: set[Citation] = set()
        for citation in self._cited:
            found = self._find(citation)
            if found is None:
                continue
            self.compared += 1
            lost = found.first is None or found.last is None
            for change in found.changed:
                citing = changes.setdefault((change.path, change.name), [])
                # First those whose own statement is not there any more.
                # `hit` ones stand first in every list; this one goes behind them.
                before = sum(item in hit for _, item in citing) if lost else len(citing)
                citing.insert(before, (change, citation))
                hit.update({citation} if lost else ())
            if found.first is not None and found.last is not None:
                now = spell_citation(citation.path, found.first, max(found.first, found.last))
                moved.setdefault(citation.text, {}).setdefault(now, []).append(citation)
        self._also(changes)
        for key, changed in changes.items():
            concerned = {citation.what for _, citation in changed}
            # A changed piece is no news where its value was compared and reported, or where every
            # declaration that cites it has a finding of its own.
            own = key in settled and all(
                what.startswith(("function ", "variable ")) for what in concerned
            )
            if not own and not concerned <= explained:
                self.findings.append(_changed(changed[0][0], [citation for _, citation in changed]))
        for text, places in moved.items():
            self._move(text, places)
        unknown: dict[str, list[Citation]] = {}
        for citation in self._unknown:
            unknown.setdefault(citation.text, []).append(citation)
        self.findings += (_unrecorded(citing, self._neighbours) for citing in unknown.values())

    def _move(self, text: str, places: dict[str, list[Citation]]) -> None:
        """Note where a citation has moved to; one that would move to two places stays."""
        now = next(iter(places))
        # Two declarations may cite the same lines for different pieces that have gone apart; the
        # text of a citation can be replaced by one only.
        if len(places) > 1:
            self._unknown += (item for citing in places.values() for item in citing)
        elif now != text:
            self.moves[text] = now
            self.findings.append(_moved(places[now], now))

    def _find(self, citation: Citation) -> Found | None:
        """Return where a citation's text is; None, with a note, where nothing says what it was."""
        if not self._tree.has(citation.path):
            return None
        evidence, place = self._evidence, None
        if evidence is not None:
            place = evidence.places.get(citation.text)
        else:
            for neighbour in self._neighbours:
                if (found := self._like(neighbour, citation)) is not None:
                    return found
            self._unknown.append(citation)
            return None
        if place is None:
            # A whole tree has files that the tree did not have from which was recorded, and rows of
            # overlays stand in files of their own, of which no evidence is kept.
            if citation.path in evidence.absent or citation.location.file != self._file:
                self._unknown.append(citation)
            else:
                self.findings.append(self._recited(citation))
            return None
        return find(self._tree, citation.path, place, evidence)

    def _like(self, neighbour: Neighbour, citation: Citation) -> Found | None:
        """Return where the text is that the neighbour cites; None where this release differs."""
        other = neighbour.citations.get((citation.what, citation.index))
        if other is None or other.path != citation.path:
            return None
        place = neighbour.evidence.places.get(other.text)
        found = find(self._tree, citation.path, place, neighbour.evidence) if place else None
        return None if found is None or found.changed else found

    def _recited(self, citation: Citation) -> Finding:
        """Return the difference of a citation that is not the one that was recorded."""
        lines = self._tree.text(citation.path).split("\n")
        text = lines[citation.first - 1].strip() if citation.first <= len(lines) else ""
        return Finding(
            code="MX1109",
            what=citation.what,
            message=f"{citation.what} does not cite the lines that it was read from",
            location=citation.location,
            place=citation.text,
            declared=citation.text,
            source=f"nothing is recorded of `{text}`",
        )

    def _also(self, changes: _Changes) -> None:
        """Look at the pieces that no citation names, such as the functions of `.matches`."""
        evidence = self._evidence
        for path, rows in evidence.also.items() if evidence else ():
            for name, what in rows.items():
                citing = [citation for citation in self._cited if citation.what == what]
                whole = RecordedPlace(before=0, after=0, parts=(_whole_part(name),))
                if evidence and citing and self._tree.has(path):
                    for change in find(self._tree, path, whole, evidence).changed:
                        changes.setdefault((path, name), [(change, citing[0])])


def _whole_part(name: str) -> RecordedPart:
    return RecordedPart(piece=name, first_word=0, last_word=0, says="")


def _finding(code: str, citing: list[Citation], message: str, place: str) -> Finding:
    """Return what is found of the declarations that cite a place, at the first of them."""
    return Finding(
        code=code,
        what=citing[0].what,
        message=message,
        location=citing[0].location,
        place=place,
        concerns=_concerns(citing),
    )


def _changed(change: Change, citing: list[Citation]) -> Finding:
    names, declared = names_of(citing), f"{citing[0].what} at {citing[0].text}"
    if change.piece is None:
        message = f"{change.path} has no {change.name} any more, which {names} cites"
        found = _finding("MX1105", citing, message, change.path)
        return replace(found, declared=declared, source=f"no {change.name}")
    now = "; ".join(f"line {line}: {text}" for line, text in change.now[:MOST_SHOWN])
    if len(change.now) > MOST_SHOWN:
        now += f"; … ({len(change.now)} statements)"
    line = change.now[0][0] if change.now else change.near or change.piece.line
    lost = f"{change.lost} recorded statements are gone or changed" if change.lost else ""
    if change.lost == 1:
        lost = "one recorded statement is gone or changed"
    message = f"{change.name} is not the text that {names} was read from"
    return replace(
        _finding("MX1104", citing, message, f"{change.path}:{line}"),
        declared=declared
        + (f": `{change.said}`" if change.said else "")
        + (f"; {lost}" if lost else ""),
        source=now or lost or "the same statements with other names, order or conditions around",
    )


def _moved(citing: list[Citation], now: str) -> Finding:
    first = citing[0]
    return Finding(
        code="MX1106",
        what=first.what,
        message=f"{names_of(citing)}: {first.text} has moved to {now}",
        location=first.location,
        place=now,
        declared=first.text,
        source=now,
        severity=Severity.NOTE,
    )


def _unrecorded(citing: list[Citation], neighbours: Sequence[Neighbour]) -> Finding:
    """Return a warning for a citation of which nobody can tell whether it still holds."""
    first = citing[0]
    releases = " and ".join(neighbour.release for neighbour in neighbours)
    why = f", and the source of {releases} is not the same" if releases else ""
    names = names_of(citing, most=None)
    message = f"{first.text} was not compared: nothing is recorded of it{why}: {names}"
    return replace(_finding("MX1107", citing, message, first.text), severity=Severity.WARNING)


def _concerns(citing: list[Citation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(citation.what for citation in citing))


def names_of(citing: list[Citation], most: int | None = 3) -> str:
    """Return the first declarations of a list, and how many more there are."""
    names = _concerns(citing)
    more = len(names[most:]) if most is not None else 0
    return ", ".join(names[:most]) + (f" and {more} more" if more else "")
