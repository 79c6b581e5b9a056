"""`matrix kernels add`: a profile drafted for a release without one.

Takes a tree and the nearest profile of which something is recorded; gives the YAML, and says what
a person has to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.facts.lowering import Lowering, conditions
from matrix.analyze.facts.program import lower
from matrix.analyze.facts.unread import KCONFIG, subjects
from matrix.diagnostics import InputError, Location
from matrix.door.files import read_regular
from matrix.door.output import write_files
from matrix.flows.kconfig import ProjectRequest, project_tree
from matrix.flows.kconfig_profile import constraint_yaml, replaced_constraints
from matrix.flows.kernels_verify import evidence_of, nearest_profiles, probes_of
from matrix.flows.knowledge import Library
from matrix.kernel.source.truth.drafting import (
    Draft,
    draft,
    prompt_lines,
    with_open,
    with_prompts,
)
from matrix.kernel.source.truth.known_elsewhere import foreign_row
from matrix.kernel.source.truth.profile_rows import Other, Row, with_row
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.files import MAX_BYTES
from matrix.schema.location import readable_file
from matrix.schema.values import Architecture, KernelProfile

# A row that is taken over may need others, and those again.
_MOST_ROUNDS = 8


class AddRequest(Struct, frozen=True, kw_only=True):
    """What the user asked: `release` is what the tree must be, `neighbour` where to begin.

    `without` is a profile that nothing is taken from: the one that a draft is compared with.
    """

    tree: Path
    release: str | None = None
    neighbour: str | None = None
    configs: tuple[Path, ...] = ()
    without: str | None = None


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
    others = tuple(
        other
        for other in _others(library, neighbour, release)
        if other.profile.id != request.without
    )
    architecture = library.architecture(neighbour.arch)
    probes = probes_of(neighbour)
    drafted = draft(_text(neighbour), neighbour, evidence, tree, architecture, others, probes)
    with TemporaryDirectory() as folder:
        drafted = _whole(drafted, architecture, others, request, Path(folder))
        drafted = _projected(drafted, others, request, Path(folder))
    return AddOutcome(draft=drafted, neighbour=neighbour)


def _others(library: Library, neighbour: KernelProfile, release: str) -> Iterator[Other]:
    """Yield the other profiles of which something is recorded, the nearest first."""
    for profile in nearest_profiles(library, release, neighbour.arch):
        evidence = evidence_of(profile)
        if evidence is not None and profile.id != neighbour.id:
            yield Other(text=_text(profile), profile=profile, evidence=evidence)


def _text(profile: KernelProfile) -> str:
    return read_regular(readable_file(profile.location.file), MAX_BYTES).decode("utf-8")


def _load(drafted: Draft, request: AddRequest, folder: Path) -> KernelProfile:
    write_files({f"{drafted.id}.yaml": drafted.text}, folder)
    return Library((*request.configs, folder)).kernel(drafted.id)


def _whole(
    drafted: Draft,
    architecture: Architecture,
    others: Sequence[Other],
    request: AddRequest,
    folder: Path,
) -> Draft:
    """Return a draft that loads: rows that others need are taken from another profile, as open."""
    for _ in range(_MOST_ROUNDS):
        profile = _load(drafted, request, folder)
        lowering = Lowering(profile, architecture)
        missing = dict.fromkeys(
            name
            for condition, also in conditions(profile, lowering)
            for name in sorted(lowering.missing(condition.expression) - also)
        )
        missing |= dict.fromkeys(_unset_variables(profile))
        text, open_rows = drafted.text, drafted.open
        for name in missing:
            row = _row_for(name, others)
            if row is not None:
                text, open_rows = with_row(text, row), (*open_rows, *row.open)
        if text == drafted.text:
            break
        drafted = with_open(replace(drafted, text=text), open_rows)
    # What no other profile has is still missing: lowering refuses the draft, with the places.
    lower(_load(drafted, request, folder), architecture)
    return drafted


def _row_for(name: str, others: Sequence[Other]) -> Row | None:
    word = name.partition("(")[2].removesuffix(")")
    asked = [("functions", name), ("variables", name), ("cpucaps", word)]
    asked.append(("mechanisms", name.removeprefix("mechanism.")))
    found = (foreign_row(section, key, others) for section, key in asked if key)
    return next((row for row in found if row is not None), None)


def _unset_variables(profile: KernelProfile) -> Iterator[str]:
    """Yield what boot parameters set and no row declares."""
    known = {variable.name for variable in profile.variables}
    for _, _, effect in profile.effects:
        yield from (name for name, _ in effect.assign if name not in known)


def _projected(drafted: Draft, others: Sequence[Other], request: AddRequest, folder: Path) -> Draft:
    """Return a draft with the constraints of its own tree; without any, where none can be had.

    A prompt that is another one than the draft's may be that of a third profile.
    """
    bare = replace(drafted, text=replaced_constraints(drafted.text, ""))
    asked = ProjectRequest(
        tree=request.tree, kernel=drafted.id, configs=(*request.configs, folder), borrow=True
    )
    for text in (None, *(other.text for other in others)):
        doubted = {name for kind, name in subjects(bare.open) if kind == "symbol"}
        tried = bare if text is None else with_prompts(bare, text, doubted)
        # The same prompts give the same projection, which takes seconds.
        if text is not None and tried.text == bare.text:
            continue
        _load(tried, request, folder)
        try:
            found = project_tree(asked)
        except InputError as error:
            if text is not None:
                continue
            why = error.diagnostics[0].message
            return with_open(bare, (f"{KCONFIG}: the tree cannot be projected: {why}", *bare.open))
        read = {f"symbol {name}" for name in found.projected.prompts}
        if text is None:
            # What the tree itself says of the others, in its own words.
            said = [row for row in found.projected.asked if row[0] in doubted]
            tried = with_prompts(tried, prompt_lines(said), {name for name, _, _ in said})
            bare = replace(bare, text=tried.text)
            read |= {f"symbol {name}" for name, _, _ in said}
        if text is None or doubted & set(found.projected.prompts):
            # What this profile says of the others is no better than what stood there.
            wrong = doubted - set(found.projected.prompts)
            tried = with_prompts(tried, bare.text, wrong)
            outcome = found
            bare = with_open(
                tried, [row for row in tried.open if row.partition(": ")[0] not in read]
            )
    block = constraint_yaml(outcome.constraints, outcome.toolchain.id)
    return replace(bare, text=replaced_constraints(bare.text, block))


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
    return InputError.of(
        code="MX1116",
        message=f"cannot draft a profile: {why}",
        location=Location(file=str(tree)),
        hint="`matrix kernels verify` compares a profile that exists; --from names another to "
        "begin with",
    )
