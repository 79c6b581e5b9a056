"""A whole profile against a whole tree: every check, each difference once.

Takes a profile, its evidence (None: nothing was recorded yet) and a tree; gives findings and the
lines that have moved. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.kernel.source_truth.anchors import pieces
from matrix.kernel.source_truth.citations import (
    Change,
    Citation,
    Found,
    citations,
    find,
    record,
    record_piece,
    spell_citation,
)
from matrix.kernel.source_truth.declared_cpucaps import compare_cpucaps, matching_function
from matrix.kernel.source_truth.declared_parameters import compare_parameters
from matrix.kernel.source_truth.declared_values import compare_values, readings
from matrix.kernel.source_truth.evidence import Evidence, RecordedPart, RecordedPlace
from matrix.kernel.source_truth.findings import Finding, Settled
from matrix.kernel.source_truth.tree import KernelTree
from matrix.schema.values import Architecture, KernelProfile

# Of a long list, how many rows are shown.
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """The evidence of another release, for a profile that has none of its own."""

    release: str
    evidence: Evidence
    citations: Mapping[tuple[str, int], Citation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found. `moves` maps citations to where their text is now; `compared` counts them."""

    findings: tuple[Finding, ...]
    moves: Mapping[str, str]
    compared: int
    declarations: int

    @property
    def drift(self) -> tuple[Finding, ...]:
        """The findings that say that the profile is wrong about this tree."""
        return tuple(finding for finding in self.findings if finding.is_drift)


def verify(
    profile: KernelProfile,
    tree: KernelTree,
    architecture: Architecture,
    evidence: Evidence | None,
    neighbour: Neighbour | None = None,
) -> Verification:
    """Compare everything but Kconfig. InputError MX1114 where the tree lacks what it once had."""
    cited = list(citations(profile))
    _require_files(tree, cited, evidence)
    settled: Settled = set()
    findings = [
        *compare_values(profile, tree, evidence, settled),
        *compare_cpucaps(profile, tree, architecture),
        *compare_parameters(profile, tree),
    ]
    explained = {finding.what for finding in findings}
    findings += _unread(profile)
    findings += _absent(tree, cited)
    findings += _redeclared(profile, evidence)
    places = _Places(tree, cited, evidence, neighbour)
    places.look(settled, explained)
    findings += places.findings
    return Verification(
        findings=tuple(sorted(findings, key=_order)),
        moves=places.moves,
        compared=places.compared,
        declarations=len({citation.what for citation in cited}),
    )


def record_evidence(
    profile: KernelProfile, tree: KernelTree, before: Evidence | None = None
) -> tuple[Evidence, tuple[Citation, ...]]:
    """Return what the tree shows of a profile, and the citations at which it shows nothing.

    What was proved `before` must be proved again: it does not become what a person has read.
    """
    cited = list(citations(profile))
    recorded, places, empty = record(tree, cited)
    also: dict[str, dict[str, str]] = {}
    for citation in cited:
        found = matching_function(tree, citation) if citation.what.startswith("cpucap ") else None
        source = tree.source(citation.path)
        if found is None or source is None:
            continue
        name = f"function {found[1]}"
        piece = pieces(source).get(name)
        if piece is not None and name not in recorded.get(citation.path, {}):
            recorded.setdefault(citation.path, {})[name] = record_piece(piece)
            also.setdefault(citation.path, {})[name] = citation.what
    rows = before.derived.items() if before else ()
    proved = {what for what, (how, _) in rows if how == "proved"}
    derived = {
        reading.what: (
            "proved" if reading.proves or reading.what in proved else "read",
            reading.text,
        )
        for reading in readings(profile, tree)
    }
    evidence = Evidence(
        profile=profile.id,
        version=tree.version,
        pieces=recorded,
        places=places,
        also=also,
        derived=derived,
        declared=dict(declared_texts(profile)),
        absent=frozenset(citation.path for citation in cited if not tree.has(citation.path)),
    )
    return evidence, tuple(empty)


def declared_texts(profile: KernelProfile) -> Iterator[tuple[str, str]]:
    """Yield (what, text) of what a person read off the source: bodies and switches."""
    for function in profile.functions:
        yield f"function {function.signature}", function.body.text
    for variable in profile.variables:
        yield f"variable {variable.name}", variable.initial.text
    for mechanism in profile.mechanisms:
        yield f"mechanism {mechanism.name}", str(mechanism.value).lower()


def neighbour_of(profile: KernelProfile, evidence: Evidence) -> Neighbour:
    """Return a profile with evidence as the neighbour of another one."""
    return Neighbour(
        release=profile.release,
        evidence=evidence,
        citations={(citation.what, citation.index): citation for citation in citations(profile)},
    )


def _order(finding: Finding) -> tuple[str, int, str, str]:
    return finding.location.file, finding.location.line, finding.code, finding.place


def _require_files(tree: KernelTree, cited: Iterable[Citation], evidence: Evidence | None) -> None:
    """Raise for files that the tree had when the evidence was recorded, and lacks now."""
    known = evidence.pieces if evidence else {}
    lacking = {citation.path: citation for citation in cited if not tree.has(citation.path)}
    gone = [(path, citation) for path, citation in sorted(lacking.items()) if path in known]
    problems = [
        Diagnostic(
            code="MX1114",
            message=f"`{tree.folder}` has no {path}, which {citation.what} cites"
            + (f"; nor {len(gone) - _MOST_SHOWN} more files that are cited" if last else ""),
            location=Location(file=str(tree.folder / path)),
            hint="the tree is cut short; unpack it anew",
        )
        for index, (path, citation) in enumerate(gone[:_MOST_SHOWN])
        for last in (index + 1 == _MOST_SHOWN < len(gone),)
    ]
    if problems:
        raise InputError(problems)


def _unread(profile: KernelProfile) -> Iterator[Finding]:
    """Yield a warning for a draft."""
    if profile.open:
        yield Finding(
            code="MX1117",
            what="profile",
            message=f"{profile.id} is a draft: nobody has read {len(profile.open)} rows of `open`",
            location=profile.location,
            place=profile.id,
            severity=Severity.WARNING,
        )


def _absent(tree: KernelTree, cited: Iterable[Citation]) -> Iterator[Finding]:
    """Yield a warning for each file that the tree lacks and lacked when it was recorded."""
    lacking: dict[str, list[Citation]] = {}
    for citation in cited:
        if not tree.has(citation.path):
            lacking.setdefault(citation.path, []).append(citation)
    for path, citing in lacking.items():
        yield Finding(
            code="MX1108",
            what=citing[0].what,
            message=f"the tree has no {path}: {_names(citing)} not compared",
            location=citing[0].location,
            place=path,
            severity=Severity.WARNING,
        )


def _redeclared(profile: KernelProfile, evidence: Evidence | None) -> Iterator[Finding]:
    """Yield MX1109 for what the profile declares otherwise than when its source was read."""
    if evidence is None:
        return
    places = dict(_locations(profile))
    for what, text in declared_texts(profile):
        before = evidence.declared.get(what)
        how = evidence.derived.get(what, ("read", ""))[0]
        if before != text and how != "proved":
            yield Finding(
                code="MX1109",
                what=what,
                message=f"{what} is not declared as it was when its source was read",
                location=places[what],
                place="the evidence of the profile",
                declared=text,
                source=f"recorded as {before}" if before else "nothing is recorded",
            )


def _locations(profile: KernelProfile) -> Iterator[tuple[str, Location]]:
    for function in profile.functions:
        yield f"function {function.signature}", function.location
    for variable in profile.variables:
        yield f"variable {variable.name}", variable.location
    for mechanism in profile.mechanisms:
        yield f"mechanism {mechanism.name}", mechanism.location


# The changed pieces, (path, name), with who cites them: first who lost what he cites.
_Changes = dict[tuple[str, str], list[tuple[Change, Citation]]]


class _Places:
    """The citations of one profile in the tree."""

    def __init__(
        self,
        tree: KernelTree,
        cited: list[Citation],
        evidence: Evidence | None,
        neighbour: Neighbour | None,
    ) -> None:
        self.findings: list[Finding] = []
        self.moves: dict[str, str] = {}
        self.compared = 0
        self._tree = tree
        self._cited = cited
        self._evidence = evidence
        self._neighbour = neighbour

    def look(self, settled: Settled, explained: set[str]) -> None:
        """Find every citation; report each changed piece once, at the first that cites it."""
        changes: _Changes = {}
        moved: dict[str, list[Citation]] = {}
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
                before = sum(item in hit for _, item in citing) if lost else len(citing)
                citing.insert(before, (change, citation))
                hit.update({citation} if lost else ())
            if found.first is not None and found.last is not None:
                now = spell_citation(citation.path, found.first, max(found.first, found.last))
                if now != citation.text:
                    self.moves[citation.text] = now
                    moved.setdefault(citation.text, []).append(citation)
        self._also(changes)
        for key, changed in changes.items():
            whats = {citation.what for _, citation in changed}
            own = key in settled and all(
                what.startswith(("function ", "variable ")) for what in whats
            )
            if not own and not whats <= explained:
                self.findings.append(_changed(changed[0][0], [citation for _, citation in changed]))
        self.findings += (_moved(citing, self.moves[text]) for text, citing in moved.items())

    def _find(self, citation: Citation) -> Found | None:
        """Return where a citation's text is; None, with a note, where nothing says what it was."""
        if not self._tree.has(citation.path):
            return None
        evidence, place = self._evidence, None
        if evidence is not None:
            place = evidence.places.get(citation.text)
        elif self._neighbour is not None:
            return self._like_the_neighbour(citation, self._neighbour)
        if evidence is None or place is None:
            self.findings.append(_unrecorded(citation, "nothing is recorded of it"))
            return None
        return find(self._tree, citation.path, place, evidence)

    def _like_the_neighbour(self, citation: Citation, neighbour: Neighbour) -> Found | None:
        other = neighbour.citations.get((citation.what, citation.index))
        place: RecordedPlace | None = None
        if other is not None and other.path == citation.path:
            place = neighbour.evidence.places.get(other.text)
        found = find(self._tree, citation.path, place, neighbour.evidence) if place else None
        if found is None or found.changed:
            why = f"nothing is recorded of it, and {neighbour.release} differs there"
            self.findings.append(_unrecorded(citation, why))
            return None
        return found

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


def _changed(change: Change, citing: list[Citation]) -> Finding:
    first = citing[0]
    if change.piece is None:
        return Finding(
            code="MX1105",
            what=first.what,
            message=f"{change.path} has no {change.name} any more, which {_names(citing)} cites",
            location=first.location,
            place=change.path,
            declared=f"{first.what} at {first.text}",
            source=f"no {change.name}",
            concerns=_concerns(citing),
        )
    now = "; ".join(f"line {line}: {text}" for line, text in change.now[:_MOST_SHOWN])
    if len(change.now) > _MOST_SHOWN:
        now += f"; … ({len(change.now)} statements)"
    line = change.now[0][0] if change.now else change.near or change.piece.line
    lost = f"{change.lost} recorded statements are gone or changed" if change.lost else ""
    if change.lost == 1:
        lost = "one recorded statement is gone or changed"
    return Finding(
        code="MX1104",
        what=first.what,
        message=f"{change.name} is not the text that {_names(citing)} was read from",
        location=first.location,
        place=f"{change.path}:{line}",
        declared=f"{first.what} at {first.text}"
        + (f": `{change.said}`" if change.said else "")
        + (f"; {lost}" if lost else ""),
        source=now or lost or "the same statements with other names, order or conditions around",
        concerns=_concerns(citing),
    )


def _moved(citing: list[Citation], now: str) -> Finding:
    first = citing[0]
    return Finding(
        code="MX1106",
        what=first.what,
        message=f"{_names(citing)}: {first.text} has moved to {now}",
        location=first.location,
        place=now,
        declared=first.text,
        source=now,
        severity=Severity.NOTE,
    )


def _unrecorded(citation: Citation, why: str) -> Finding:
    return Finding(
        code="MX1107",
        what=citation.what,
        message=f"{citation.what} at {citation.text} was not compared: {why}",
        location=citation.location,
        place=citation.text,
        severity=Severity.WARNING,
    )


def _concerns(citing: list[Citation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(citation.what for citation in citing))


def _names(citing: list[Citation]) -> str:
    names = _concerns(citing)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
