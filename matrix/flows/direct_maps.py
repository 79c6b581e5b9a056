"""Other architectures' direct maps: one by its name, and all against a kernel tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    Location,
    Severity,
    unknown_word_hint,
)
from matrix.flows.knowledge import Library
from matrix.kernel.source.tree_evidence import Finding, FindingKind, SourceTree, find_evidence
from matrix.kernel.source.tree_files import read_release
from matrix.schema.direct_maps import DirectMap, DirectMapRelease, Evidence

_NOT_KERNEL = "give the folder of a kernel's source, as it is unpacked"


class DirectMapsCompared(Struct, frozen=True, kw_only=True):
    """Every other architecture's rows of a release against its tree: how many lines, what differs.

    `compared` counts quotations; `findings` are errors where a line differs, warnings where it has
    moved.
    """

    release: str
    compared: int
    findings: tuple[Diagnostic, ...]

    @property
    def differing(self) -> int:
        """How many lines differ."""
        return sum(item.severity is Severity.ERROR for item in self.findings)

    @property
    def exit_code(self) -> ExitCode:
        """Findings where a line differs."""
        return ExitCode.FINDINGS if self.differing else ExitCode.OK


def find_direct_map(library: Library, name: str) -> DirectMap:
    """Return one of the other architectures.

    Raises:
        InputError: MX1305, no such architecture.
    """
    by_id = {item.id: item for item in library.knowledge.direct_maps}
    if name in by_id:
        return by_id[name]
    simulated = {item.id for item in library.knowledge.architectures}
    hint = (
        "it is simulated: see `matrix kernels show RELEASE`"
        if name in simulated
        else unknown_word_hint(name, by_id, "architectures")
    )
    raise InputError(
        Diagnostic(code="MX1305", message=f"no other architecture is called `{name}`", hint=hint)
    )


def compare_direct_maps(library: Library, release: str, tree: Path) -> DirectMapsCompared:
    """Compare every other architecture with a release's tree.

    Raises:
        InputError: MX1306, the folder is no kernel tree, or not of the release; MX1114, its
            Makefile cannot be read; MX0905, no such kernel.
    """
    wanted = library.release(release)
    direct_maps = library.knowledge.direct_maps
    found = verify_direct_maps(tree, direct_maps, wanted)
    compared = sum(
        len(list(_evidence(row)))
        for item in direct_maps
        for row in item.releases
        if row.release == wanted and row.grounded == "tree"
    )
    return DirectMapsCompared(release=wanted, compared=compared, findings=found)


def verify_direct_maps(
    tree: Path, direct_maps: tuple[DirectMap, ...], release: str
) -> tuple[Diagnostic, ...]:
    """Compare what the declarations say of a release with its tree, line by line.

    Rows read by hand in another tree are left out. Gives MX1301 to MX1304, in the order of the
    declarations, each line once; nothing where all stands as declared.

    Raises:
        InputError: MX1306, the folder is no kernel tree, or not of the release; MX1114, its
            Makefile cannot be read.
    """
    source = _source_tree(tree, release)
    said: dict[Diagnostic, None] = {}
    for direct_map in direct_maps:
        for item in direct_map.releases:
            if item.release == release and item.grounded == "tree":
                for evidence in _evidence(item):
                    if found := _drift(evidence, find_evidence(evidence, source)):
                        said[found] = None
    return tuple(said)


def _source_tree(tree: Path, release: str) -> SourceTree:
    """Return the tree, once its Makefile says that it is of the release."""
    named = read_release(tree)
    if named is None or named.release != release:
        what = f"a tree of Linux {named.release}" if named else "no kernel tree"
        raise InputError(
            Diagnostic(
                code="MX1306",
                message=f"`{tree}` is {what}, and one of Linux {release} is wanted",
                location=Location(file=str(tree)),
                hint=_NOT_KERNEL,
            )
        )
    return SourceTree(folder=tree)


def _evidence(release: DirectMapRelease) -> Iterator[Evidence]:
    yield from release.absent
    for cell in release.cells:
        yield from cell.sources


def _drift(evidence: Evidence, found: Finding) -> Diagnostic | None:
    """Return what is to be said about a line; None where it stands as declared."""
    where = f" in `{evidence.within}`" if evidence.within else ""
    place = evidence.path
    match found.kind:
        case FindingKind.HOLDS:
            return None
        case FindingKind.MOVED:
            first, last = found.lines or (0, 0)
            now = f"{place}:{first}" if first == last else f"{place}:{first}-{last}"
            return Diagnostic(
                code="MX1302",
                message=f"the lines of `{evidence.place}`{where} stand at `{now}`",
                location=evidence.location,
                hint=f"write `at: {now}`",
                severity=Severity.WARNING,
            )
        case FindingKind.DIFFERS:
            instead = f"; there stands `{_one_line(found.text)}`" if found.text else ""
            message = f"the tree does not have `{_one_line(evidence.text or '')}`{where}{instead}"
            code, hint = "MX1301", f"read {evidence.place} again: does the answer still hold?"
        case FindingKind.NO_SCOPE:
            message = f"`{place}` does not have `{evidence.within}`"
            code, hint = "MX1301", "read the file again: where is its work done now?"
        case FindingKind.STANDS_THERE if found.lines is None:
            message = f"`{place}` exists, and the declaration says that it does not"
            code, hint = "MX1304", "read the file: the release has the architecture"
        case FindingKind.STANDS_THERE:
            message = (
                f"`{evidence.lacks}`{where} stands at `{place}:{(found.lines or (0,))[0]}`: "
                f"`{found.text}`"
            )
            code, hint = "MX1304", "the declaration says that it is nowhere: read the file again"
        case FindingKind.NO_FILE:
            message = f"the tree has no `{place}`"
            code, hint = "MX1303", "is the tree complete? then read where its work is done now"
        case _:
            message = f"`{place}` cannot be read: {found.text}"
            code, hint = "MX1303", "unpack the tree anew"
    return Diagnostic(code=code, message=message, location=evidence.location, hint=hint)


def _one_line(text: str) -> str:
    return " ".join(text.split())
