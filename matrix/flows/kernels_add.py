"""`matrix kernels add`: a profile drafted for a release without one.

Takes a tree and the nearest profile of which something is recorded; gives the YAML, and says what
a person has to read.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.flows.kernels_verify import evidence_of, nearest_profiles
from matrix.flows.knowledge import Library
from matrix.kernel.source.truth.drafting import Draft, draft
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.location import readable_file
from matrix.schema.values import KernelProfile


class AddRequest(Struct, frozen=True, kw_only=True):
    """What the user asked: `release` is what the tree must be, `neighbour` where to begin."""

    tree: Path
    release: str | None = None
    neighbour: str | None = None
    configs: tuple[Path, ...] = ()


class AddOutcome(Struct, frozen=True, kw_only=True):
    """The draft, and the profile it was made from."""

    draft: Draft
    neighbour: KernelProfile


def add_kernel(request: AddRequest) -> AddOutcome:
    """Return a draft; InputError where the tree is none, or the release has a profile already."""
    library = Library(request.configs)
    tree = KernelTree(request.tree)
    release = request.release or tree.release
    neighbour = _neighbour(library, request, release)
    tree.require(release, neighbour.arch)
    evidence = evidence_of(neighbour)
    if evidence is None:
        raise _cannot(f"nothing is recorded of {neighbour.id}", request.tree)
    text = readable_file(neighbour.location.file).read_text("utf-8")
    drafted = draft(text, neighbour, evidence, tree, library.architecture(neighbour.arch))
    return AddOutcome(draft=drafted, neighbour=neighbour)


def _neighbour(library: Library, request: AddRequest, release: str) -> KernelProfile:
    if request.neighbour is not None:
        return library.kernel(request.neighbour)
    if release in library.kernels_of(library.arch):
        raise _cannot(f"Linux {release} has a profile already", request.tree)
    for profile in nearest_profiles(library, release, library.arch):
        if evidence_of(profile) is not None:
            return profile
    raise _cannot("no profile has recorded evidence to begin with", request.tree)


def _cannot(why: str, tree: Path) -> InputError:
    return InputError(
        Diagnostic(
            code="MX1116",
            message=f"cannot draft a profile: {why}",
            location=Location(file=str(tree)),
            hint="`matrix kernels verify` compares a profile that exists; --from names another to "
            "begin with",
        )
    )
