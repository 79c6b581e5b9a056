"""A whole profile against a whole tree: every check, each difference once.

Takes a profile, its evidence (None: nothing was recorded yet) and a tree; gives findings and the
lines that have moved. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.kernel.source.truth.citations import (
    Citation,
    citations,
    record,
    record_piece,
)
from matrix.kernel.source.truth.declared_cpucaps import compare_cpucaps, matching_function
from matrix.kernel.source.truth.declared_parameters import compare_parameters
from matrix.kernel.source.truth.declared_values import compare_values, readings
from matrix.kernel.source.truth.evidence import Evidence
from matrix.kernel.source.truth.findings import Finding, Settled
from matrix.kernel.source.truth.places import Neighbour, Places, names_of
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import Architecture, KernelProfile


class Verification(Struct, frozen=True, kw_only=True):
    """What was found. `moves` maps citations to where their text is now; `compared` counts them."""

    findings: tuple[Finding, ...]
    moves: Mapping[str, str]
    compared: int
    declarations: int

    @property
    def drift(self) -> tuple[Finding, ...]:
        """The findings that say that the profile is wrong about this tree."""
        return tuple(finding for finding in self.findings if finding.is_drift)

    @property
    def uncompared(self) -> tuple[Finding, ...]:
        """The findings that say that nobody can tell whether the profile is right."""
        return tuple(finding for finding in self.findings if finding.is_uncompared)


def verify(
    profile: KernelProfile,
    tree: KernelTree,
    architecture: Architecture,
    evidence: Evidence | None,
    neighbours: Sequence[Neighbour] = (),
    kconfig: Iterable[Finding] = (),
) -> Verification:
    """Compare everything; `kconfig` is what projecting the tree's Kconfig showed.

    Raises:
        InputError: MX1114, the tree has none of the cited files, or one cannot be read.
    """
    cited = list(citations(profile))
    _require_files(tree, cited)
    settled: Settled = set()
    findings = [
        *compare_values(profile, tree, _derived(evidence, neighbours), settled),
        *compare_cpucaps(profile, tree, architecture),
        *compare_parameters(profile, tree),
    ]
    # Before what follows: only findings about values explain why a cited text has changed.
    explained = {finding.what for finding in findings}
    findings += kconfig
    findings += _other_version(profile, tree)
    findings += _unread(profile)
    findings += _absent(tree, cited)
    findings += _redeclared(profile, evidence)
    places = Places(tree, cited, evidence, neighbours, profile.location.file)
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

    Raises:
        InputError: MX1114, the tree lacks files that were recorded before.
    """
    cited = list(citations(profile))
    _require_recorded(tree, before)
    recorded, places, empty = record(tree, cited)
    also: dict[str, dict[str, str]] = {}
    for citation in cited:
        # What decides on a cpucap is the function that its entry names, which the row need not
        # cite.
        found = matching_function(tree, citation) if citation.what.startswith("cpucap ") else None
        known = tree.pieces(citation.path)
        if found is None or known is None:
            continue
        name = f"function {found[1]}"
        piece = known.get(name)
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
        declared={what: text for what, text, _ in _declared_texts(profile)},
        absent=frozenset(citation.path for citation in cited if not tree.has(citation.path)),
    )
    return evidence, tuple(empty)


def _derived(
    evidence: Evidence | None, neighbours: Sequence[Neighbour]
) -> Mapping[str, tuple[str, str]]:
    """Return how each value was found; without evidence, what both neighbours' sources prove."""
    if evidence is not None:
        return evidence.derived
    proved = [
        {what for what, (how, _) in neighbour.evidence.derived.items() if how == "proved"}
        for neighbour in neighbours
    ]
    return dict.fromkeys(sorted(set.intersection(*proved)) if proved else (), ("proved", ""))


def _declared_texts(profile: KernelProfile) -> Iterator[tuple[str, str, Location]]:
    """Yield (what, text, place) of what a person read off the source: bodies and switches."""
    for function in profile.functions:
        yield f"function {function.signature}", function.body.text, function.location
    for variable in profile.variables:
        yield f"variable {variable.name}", variable.initial.text, variable.location
    for mechanism in profile.mechanisms:
        what = f"mechanism {mechanism.name}"
        yield what, str(mechanism.value).lower(), mechanism.location
    for symbol in profile.symbols:
        yield f"symbol {symbol.name}", symbol.type, symbol.location


def _order(finding: Finding) -> tuple[str, int, str, str]:
    return finding.location.file, finding.location.line, finding.code, finding.place


def _require_files(tree: KernelTree, cited: Iterable[Citation]) -> None:
    """Raise for a tree without any cited file: nothing of it could be compared."""
    paths = dict.fromkeys(citation.path for citation in cited)
    if paths and not any(map(tree.has, paths)):
        raise InputError.of(
            code="MX1114",
            message=f"`{tree.folder}` has none of the {len(paths)} files that are cited",
            location=Location(file=str(tree.folder / next(iter(paths)))),
            hint="the tree is cut short; unpack it anew",
        )


def _require_recorded(tree: KernelTree, before: Evidence | None) -> None:
    """Raise for files of which something is recorded, and would not be any more."""
    gone = [path for path in (before.pieces if before else ()) if not tree.has(path)]
    if gone:
        raise InputError(
            [
                Diagnostic(
                    code="MX1114",
                    message=f"`{tree.folder}` has no {path}, of which something is recorded",
                    location=Location(file=str(tree.folder / path)),
                    hint="record from a tree that is as whole",
                )
                for path in gone
            ]
        )


def _other_version(profile: KernelProfile, tree: KernelTree) -> Iterator[Finding]:
    """Yield a note where the tree is another version than the one that was read."""
    read = profile.verified_on.version
    if read != tree.version:
        yield Finding(
            code="MX1121",
            what="profile",
            message=f"the tree is Linux {tree.version}; the profile was read on {read}",
            location=profile.location,
            place="Makefile",
            severity=Severity.NOTE,
        )


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
    """Yield a warning for each file that the tree lacks: a missing file is no drift."""
    lacking: dict[str, list[Citation]] = {}
    for citation in cited:
        if not tree.has(citation.path):
            lacking.setdefault(citation.path, []).append(citation)
    for path, citing in lacking.items():
        yield Finding(
            code="MX1108",
            what=citing[0].what,
            message=f"the tree has no {path}: {names_of(citing, most=None)} not compared",
            location=citing[0].location,
            place=path,
            severity=Severity.WARNING,
        )


def _redeclared(profile: KernelProfile, evidence: Evidence | None) -> Iterator[Finding]:
    """Yield MX1109 for what the profile declares otherwise than when its source was read."""
    if evidence is None:
        return
    for what, text, place in _declared_texts(profile):
        if place.file != profile.location.file:
            continue  # a row of an overlay: its citations are said not to be compared
        before = evidence.declared.get(what)
        how = evidence.derived.get(what, ("read", ""))[0]
        if before != text and how != "proved":
            yield Finding(
                code="MX1109",
                what=what,
                message=f"{what} is not declared as it was when its source was read",
                location=place,
                place="the evidence of the profile",
                declared=text,
                source=f"recorded as {before}" if before else "nothing is recorded",
            )
