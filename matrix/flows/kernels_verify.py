"""`matrix kernels verify`: a profile against the kernel's own source.

Takes the names a user gives, gives findings; with `fix` the profile's lines are
moved, with `record` its evidence is written anew.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, ExitCode, InputError, Location, refuse
from matrix.door.output import Rewrite, read_for_rewrite, rewrite
from matrix.flows.knowledge import Library
from matrix.kernel.source.truth.declared_kconfig import (
    TreeConstraint,
    compare_constraints,
    compare_prompts,
    unprojected,
)
from matrix.kernel.source.truth.edits import move_citations
from matrix.kernel.source.truth.evidence import Evidence, dump, load
from matrix.kernel.source.truth.findings import Finding
from matrix.kernel.source.truth.places import Neighbour, neighbour_of
from matrix.kernel.source.truth.probes import compare_probes
from matrix.kernel.source.truth.tree import KernelTree
from matrix.kernel.source.truth.verification import Verification, record_evidence, verify
from matrix.schema.location import (
    SHIPPED,
    configs_folder,
    declaration_file,
    readable_file,
    shown_folder,
)
from matrix.schema.probes import read_probes
from matrix.schema.values import KernelProfile, Probe


class VerifyRequest(Struct, frozen=True, kw_only=True):
    """What the user asked: a release or profile, a tree, and what to write."""

    kernel: str
    tree: Path
    configs: tuple[Path, ...] = ()
    fix: bool = False
    record: bool = False


class VerifyOutcome(Struct, frozen=True, kw_only=True):
    """The answer, and what was written.

    `recorded` is the file of the evidence where it was to be written, which drift forbids; `moved`
    is the profile's file where citations of it were moved.
    """

    profile: KernelProfile
    version: str
    verification: Verification
    recorded: Path | None = None
    moved: Path | None = None

    @property
    def exit_code(self) -> ExitCode:
        """1 where the profile has drifted, 4 where something was not compared; moves are none."""
        if self.verification.drift:
            return ExitCode.FINDINGS
        return ExitCode.UNDECIDED if self.verification.uncompared else ExitCode.OK


def verify_kernel(request: VerifyRequest) -> VerifyOutcome:
    """Compare, and write what was asked for; InputError where the tree is not what is needed."""
    library = Library(request.configs)
    profile = library.kernel(request.kernel)
    tree = KernelTree(request.tree)
    tree.require(profile.release, profile.arch)
    architecture = library.architecture(profile.arch)
    before = _before(profile, anew=request.record)
    # Read before the work: what somebody edits while it lasts is not overwritten.
    files = (readable_file(profile.location.file), evidence_file(profile))
    held = {file: read_for_rewrite(file) for file in files}
    evidence = None if request.record else before
    if request.record or request.fix:
        _refuse_overlays(library, profile)
        declaration_file(profile.location.file)  # refused before the work
    # Neighbours only help where nothing is recorded of the profile itself: its own evidence says
    # more.
    alike = () if before or request.record else _recorded_neighbours(library, profile)
    recorded: Path | None = None
    moved: Path | None = None
    if request.record:
        _refuse_draft(profile)
        evidence, empty = record_evidence(profile, tree, before)
        refuse([_cites_nothing(item.what, item.text, item.location) for item in empty])
    kconfig = _kconfig_findings(profile, request)
    kconfig += compare_probes(profile, probes_of(profile), tree)
    found = verify(profile, tree, architecture, evidence, alike, kconfig)
    if request.record and evidence is not None:
        recorded = evidence_file(profile)
        # Evidence is what later trees are compared with; recorded with drift, it would make the
        # drift right.
        if not found.drift:
            rewrite([Rewrite(path=recorded, read=held[recorded], new=dump(evidence))])
            # The move below must not take this writing for somebody else's.
            held[recorded] = read_for_rewrite(recorded)
    if request.fix and found.moves:
        moved = _move(profile, evidence, found, held)
        found = replace(
            found, findings=tuple(item for item in found.findings if item.code != "MX1106")
        )
    return VerifyOutcome(
        profile=profile, version=tree.version, verification=found, recorded=recorded, moved=moved
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
    return [
        *compare_constraints(profile, rows),
        *compare_prompts(profile, outcome.projected.prompts),
    ]


def _before(profile: KernelProfile, *, anew: bool) -> Evidence | None:
    """Return what was recorded; of a damaged file nothing where it is to be recorded `anew`."""
    try:
        return evidence_of(profile)
    except InputError:
        if anew:
            return None
        raise


def evidence_file(profile: KernelProfile) -> Path:
    """Return where the evidence of a profile belongs: in `evidence/` beside it."""
    return readable_file(profile.location.file).parent / "evidence" / f"{profile.id}.json"


def evidence_of(profile: KernelProfile) -> Evidence | None:
    """Return what was recorded of a profile's source, None where nothing was."""
    return load(evidence_file(profile))


def probes_of(profile: KernelProfile) -> tuple[Probe, ...]:
    """Return how rows of a profile are read from a tree: what stands beside it, else the shipped.

    Raises:
        InputError: what is wrong in that file.
    """
    name = f"kernels/probes/{profile.arch}.yaml"
    beside = readable_file(profile.location.file).parent / "probes" / f"{profile.arch}.yaml"
    if beside.is_file():
        return read_probes(beside, f"{shown_folder(beside.parent.parent.parent)}/{name}")
    return read_probes(configs_folder() / name, f"{SHIPPED}/{name}")


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


def _move(
    profile: KernelProfile,
    evidence: Evidence | None,
    found: Verification,
    held: dict[Path, bytes | None],
) -> Path:
    file = readable_file(profile.location.file)
    files = {file: move_citations((held[file] or b"").decode("utf-8"), found.moves)}
    if evidence is not None:
        # Evidence is kept under the text of each citation, which moves with it.
        places = {found.moves.get(text, text): place for text, place in evidence.places.items()}
        files[evidence_file(profile)] = dump(replace(evidence, places=places))
    rewrite([Rewrite(path=path, read=held[path], new=text) for path, text in files.items()])
    return file


def _refuse_draft(profile: KernelProfile) -> None:
    if profile.open:
        message = f"{profile.id} is a draft: nobody has read {len(profile.open)} rows of `open`"
        raise InputError.of(
            code="MX1117",
            message=message,
            location=profile.location,
            hint="correct each row, remove it from `open`, then record",
        )


def _refuse_overlays(library: Library, profile: KernelProfile) -> None:
    """Refuse to write: rows of overlays stand in other files, and their evidence is not kept."""
    joined = [
        overlay
        for overlay in library.knowledge.overlays
        if overlay.arch == profile.arch and profile.release in overlay.releases
    ]
    if joined:
        places = " and ".join(f"`{overlay.id}` at {overlay.location}" for overlay in joined)
        raise InputError.of(
            code="MX0253",
            message=f"rows of overlays stand in {profile.id}: {places}",
            location=profile.location,
            hint="leave out their folder; without --record and --fix all rows are compared",
        )


def _cites_nothing(what: str, text: str, location: Location) -> Diagnostic:
    return Diagnostic(
        code="MX1110",
        message=f"{what} cites {text}, where the tree has no function, table, macro or variable",
        location=location,
        hint="cite the lines of the code that it was read from",
    )
