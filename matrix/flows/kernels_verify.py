"""`matrix kernels verify`: a profile against the kernel's own source.

Takes the names a user gives, gives findings as text or JSON; with `fix` the profile's lines are
moved, with `record` its evidence is written anew.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, ExitCode, InputError, Location, format_diagnostic
from matrix.door.output import Rewrite, read_for_rewrite, rewrite
from matrix.flows.knowledge import Library
from matrix.kernel.source.truth.declared_kconfig import (
    TreeConstraint,
    compare_constraints,
    unprojected,
)
from matrix.kernel.source.truth.edits import move_citations
from matrix.kernel.source.truth.evidence import Evidence, dump, load
from matrix.kernel.source.truth.findings import Finding
from matrix.kernel.source.truth.places import Neighbour, neighbour_of
from matrix.kernel.source.truth.tree import KernelTree
from matrix.kernel.source.truth.verification import Verification, record_evidence, verify
from matrix.render.json import dump as dump_json
from matrix.schema.location import declaration_file, readable_file
from matrix.schema.values import KernelProfile


class VerifyRequest(Struct, frozen=True, kw_only=True):
    """What the user asked: a release or profile, a tree, and what to write."""

    kernel: str
    tree: Path
    configs: tuple[Path, ...] = ()
    fix: bool = False
    record: bool = False


class VerifyOutcome(Struct, frozen=True, kw_only=True):
    """The answer, with what to say beside it."""

    profile: KernelProfile
    version: str
    verification: Verification
    speech: tuple[str, ...]

    @property
    def exit_code(self) -> ExitCode:
        """1 where the profile has drifted, 4 where something was not compared; moves are none."""
        if self.verification.drift:
            return ExitCode.FINDINGS
        return ExitCode.UNDECIDED if self.verification.uncompared else ExitCode.OK

    def text(self) -> str:
        """Return each finding with both texts, then one line that sums up."""
        found = self.verification
        lines = [_finding_text(finding) for finding in found.findings]
        left = len(found.uncompared)
        notes = len(found.findings) - len(found.drift) - left
        summary = (
            f"{self.profile.id} against Linux {self.version}: {found.compared} citations of "
            f"{found.declarations} declarations compared, "
        )
        drift = _count(len(found.drift), "difference", "differences")
        if left:
            summary += f"{_count(left, 'thing', 'things')} not compared, "
        of_them = " in what was compared" if left else ""
        lines.append(
            summary
            + (drift if found.drift else f"no drift{of_them}")
            + (f", {_count(notes, 'note', 'notes')}" if notes else "")
        )
        return "\n".join(lines) + "\n"

    def json_text(self) -> str:
        """Return the findings as one document."""
        found = self.verification
        document = {
            "schema": "matrix/verify/1",
            "profile": self.profile.id,
            "version": self.version,
            "drift": len(found.drift),
            "compared": found.compared,
            "not_compared": len(found.uncompared),
            "findings": [
                {
                    "code": finding.code,
                    "severity": finding.severity.value,
                    "what": finding.what,
                    "message": finding.message,
                    "profile": str(finding.location),
                    "place": finding.place,
                    "declared": finding.declared,
                    "source": finding.source,
                    "concerns": list(finding.concerns or (finding.what,)),
                }
                for finding in found.findings
            ],
            "moved": dict(sorted(found.moves.items())),
        }
        return dump_json(document)


def verify_kernel(request: VerifyRequest) -> VerifyOutcome:
    """Compare, and write what was asked for; InputError where the tree is not what is needed."""
    library = Library(request.configs)
    profile = library.kernel(request.kernel)
    tree = KernelTree(request.tree)
    tree.require(profile.release, profile.arch)
    architecture = library.architecture(profile.arch)
    before = evidence_of(profile)
    # Read before the work: what somebody edits while it lasts is not overwritten.
    files = (readable_file(profile.location.file), evidence_file(profile))
    held = {file: read_for_rewrite(file) for file in files}
    evidence = None if request.record else before
    if request.record or request.fix:
        declaration_file(profile.location.file)  # refused before the work
    alike = () if before or request.record else _recorded_neighbours(library, profile)
    speech: list[str] = []
    if request.record:
        _refuse_draft(profile)
        evidence, empty = record_evidence(profile, tree, before)
        if empty:
            raise InputError(
                [_cites_nothing(item.what, item.text, item.location) for item in empty]
            )
    kconfig = _kconfig_findings(profile, request)
    found = verify(profile, tree, architecture, evidence, alike, kconfig)
    if request.record and evidence is not None:
        speech.append(_write_evidence(profile, evidence, found, held))
    if request.fix and found.moves:
        speech.append(_move(profile, evidence, found, held))
        found = replace(
            found, findings=tuple(item for item in found.findings if item.code != "MX1106")
        )
    return VerifyOutcome(
        profile=profile, version=tree.version, verification=found, speech=tuple(speech)
    )


def _kconfig_findings(profile: KernelProfile, request: VerifyRequest) -> list[Finding]:
    """Compare the declared constraints with those of the tree, where its Kconfig can be read."""
    from matrix.flows.kconfig import ProjectRequest, project_tree

    try:
        outcome = project_tree(
            ProjectRequest(tree=request.tree, kernel=profile.id, configs=request.configs)
        )
    except InputError as error:
        return [unprojected(profile, error)]
    rows = [
        TreeConstraint(text=item.c, because=item.because, source=item.source)
        for item in outcome.constraints
    ]
    return list(compare_constraints(profile, rows))


def evidence_file(profile: KernelProfile) -> Path:
    """Return where the evidence of a profile belongs: in `evidence/` beside it."""
    return readable_file(profile.location.file).parent / "evidence" / f"{profile.id}.json"


def evidence_of(profile: KernelProfile) -> Evidence | None:
    """Return what was recorded of a profile's source, None where nothing was."""
    return load(evidence_file(profile))


def nearest_profiles(library: Library, release: str, arch: str) -> tuple[KernelProfile, ...]:
    """Return the other profiles, the nearest first, of two neighbours the older one."""
    below, above = library.neighbours(release, arch)
    names = (*below[:1], *above[:1], *below[1:], *above[1:])
    return tuple(library.kernels_of(arch)[name] for name in names)


def _recorded_neighbours(library: Library, profile: KernelProfile) -> tuple[Neighbour, ...]:
    """Return the two nearest releases of which something is recorded."""
    found: list[Neighbour] = []
    for other in nearest_profiles(library, profile.release, profile.arch):
        evidence = evidence_of(other) if other.arch == profile.arch else None
        if evidence is not None and len(found) < 2:
            found.append(neighbour_of(other, evidence))
    return tuple(found)


def _write_evidence(
    profile: KernelProfile, evidence: Evidence, found: Verification, held: dict[Path, bytes | None]
) -> str:
    file = evidence_file(profile)
    if found.drift:
        return f"{file} was not written: the declarations do not say what the source says"
    rewrite([Rewrite(path=file, read=held[file], new=dump(evidence))])
    held[file] = read_for_rewrite(file)
    return f"{file} written"


def _move(
    profile: KernelProfile,
    evidence: Evidence | None,
    found: Verification,
    held: dict[Path, bytes | None],
) -> str:
    file = readable_file(profile.location.file)
    files = {file: move_citations((held[file] or b"").decode("utf-8"), found.moves)}
    if evidence is not None:
        places = {found.moves.get(text, text): place for text, place in evidence.places.items()}
        files[evidence_file(profile)] = dump(replace(evidence, places=places))
    rewrite([Rewrite(path=path, read=held[path], new=text) for path, text in files.items()])
    return f"{file}: {_count(len(found.moves), 'citation', 'citations')} moved"


def _refuse_draft(profile: KernelProfile) -> None:
    if profile.open:
        message = f"{profile.id} is a draft: nobody has read {len(profile.open)} rows of `open`"
        raise InputError(
            Diagnostic(
                code="MX1117",
                message=message,
                location=profile.location,
                hint="correct each row, remove it from `open`, then record",
            )
        )


def _cites_nothing(what: str, text: str, location: Location) -> Diagnostic:
    return Diagnostic(
        code="MX1110",
        message=f"{what} cites {text}, where the tree has no function, table, macro or variable",
        location=location,
        hint="cite the lines of the code that it was read from",
    )


def _finding_text(finding: Finding) -> str:
    head = format_diagnostic(
        Diagnostic(
            code=finding.code,
            message=finding.message,
            location=replace(finding.location, text=None),
            severity=finding.severity,
        )
    )
    if not finding.is_drift:
        return head
    return (
        f"{head}\n    declared: {finding.declared}\n    source:   {finding.source}\n"
        f"    at {finding.place}"
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
