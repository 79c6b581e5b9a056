"""What a reviewer asks about a check, answered over the whole space.

Takes a study solved under the check and the part of it that was asked for, gives what the answer
depends on: the VM, the page size, the condition of the check that keeps the direct map changeable,
the versions of the predicate it equals. Cells are compared, not sampled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.symbolic import KernelRegions
from matrix.explore.outcome import Violation
from matrix.expr.nodes import Name, Value
from matrix.schema.values import KernelProfile
from matrix.solve.space import Region

# The invariants that a direct map which cannot be changed page by page breaks.
GRANULARITY = ("alias-removed", "live-size-change")
_PAGE_SIZE = "PAGE_SIZE"


class VmKind(Struct, frozen=True, kw_only=True):
    """A kind of VM beside the baseline's: in `machines` its page is unsafe and the other's safe.

    A machine is a cell without its VM. `violation` is one that the simulation finds there.
    """

    kind: str
    baseline: str
    machines: int
    violation: Violation
    kernels: tuple[str, ...]


class PageSizes(Struct, frozen=True, kw_only=True):
    """How verdicts compare between the page sizes, in bytes, that a machine can boot.

    `compared` counts the machines that can boot two of them, once per pair; on `differing` of these
    the verdict is not the same.
    """

    sizes: tuple[int, ...]
    compared: int
    differing: int


class Granularity(Struct, frozen=True, kw_only=True):
    """Who sees to it that the direct map can be changed page by page.

    Of the `cells` in which it cannot, `admitted` are let through by the check; each condition of
    `keepers` alone says no to all `cells`, and `sources` has the kernel lines of what it calls.
    """

    cells: int
    admitted: int
    keepers: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]


def present(solved: SolvedStudy, within: Region) -> Region:
    """Return the cells that may have the capability."""
    return (solved.valid & within) - solved.verdicts[Verdict.ABSENT]


def kernels_of(
    solved: SolvedStudy, within: Region
) -> tuple[tuple[KernelProfile, KernelRegions], ...]:
    """Return the kernels that have the capability in some cell asked for."""
    return tuple(
        (profile, part)
        for profile, part in solved.kernels
        if any(not (region & within).is_empty() for _, region in part.classes)
    )


def vm_kinds(solved: SolvedStudy, axis: str, within: Region) -> tuple[VmKind, ...]:
    """Return the kinds of VM that are unsafe on a machine where the baseline's kind is safe."""
    usual = dict(solved.study.baseline)[axis]
    safe, _ = _by_safety(solved, within)
    beside = safe.restrict(axis, (usual,)).forget((axis,))
    found = []
    for kind in within.options(axis):
        if kind == usual:
            continue
        for violations, region, releases in _violating(solved, within.restrict(axis, (kind,))):
            machines = region.forget((axis,)) & beside
            if not machines.is_empty():
                found.append(
                    VmKind(
                        kind=kind,
                        baseline=usual,
                        machines=machines.restrict(axis, (usual,)).project_hidden().count(),
                        violation=violations[0],
                        kernels=releases,
                    )
                )
    return tuple(found)


def _by_safety(solved: SolvedStudy, within: Region) -> tuple[Region, Region]:
    """Return the cells, unknown CPU properties told apart, without and with a violation."""
    sides = {True: solved.backend.nothing(), False: solved.backend.nothing()}
    for item in solved.classes:
        safe = not item.result.violations
        sides[safe] = sides[safe] | (item.region & within)
    return sides[True], sides[False]


def _violating(
    solved: SolvedStudy, within: Region
) -> Iterator[tuple[tuple[Violation, ...], Region, tuple[str, ...]]]:
    """Yield the cells of each set of broken invariants, with the releases that have them."""
    found: dict[tuple[str, ...], tuple[tuple[Violation, ...], Region, dict[str, None]]] = {}
    for item in solved.classes:
        region = item.region & within
        if not item.result.violations or region.is_empty():
            continue
        broken = tuple(sorted({violation.invariant for violation in item.result.violations}))
        known = found.get(broken)
        if known is None:
            releases = {item.profile.release: None}
            found[broken] = (item.result.violations, region, releases)
        else:
            known[2][item.profile.release] = None
            found[broken] = (known[0], known[1] | region, known[2])
    for violations, region, releases in found.values():
        yield violations, region, tuple(releases)


def page_sizes(solved: SolvedStudy, within: Region) -> PageSizes | None:
    """Return how verdicts compare between page sizes; None for a study with one page size."""
    axis = _page_size_axis(solved, within)
    if axis is None:
        return None
    options = within.options(axis)
    whole = solved.valid & within
    compared = differing = 0
    for number, one in enumerate(options):
        for other in options[number + 1 :]:
            both = _seen(whole, axis, one) & _seen(whole, axis, other)
            same = solved.backend.nothing()
            for region in solved.verdicts.values():
                there, here = (_seen(region & within, axis, option) for option in (one, other))
                same = same | (there & here)
            compared += _once(both, axis)
            differing += _once(both - same, axis)
    return PageSizes(sizes=_sizes(solved, within), compared=compared, differing=differing)


def _page_size_axis(solved: SolvedStudy, within: Region) -> str | None:
    """Return the one axis that decides PAGE_SIZE, where a study varies it."""
    found: set[str] = set()
    for _, part in kernels_of(solved, within):
        for region in part.compiler.partition(Name(_PAGE_SIZE)).values():
            found |= region.support()
    return found.pop() if len(found) == 1 else None


def _sizes(solved: SolvedStudy, within: Region) -> tuple[int, ...]:
    sizes: set[int] = set()
    for _, part in kernels_of(solved, within):
        partition: Mapping[Value, Region] = part.compiler.partition(Name(_PAGE_SIZE))
        sizes.update(
            value
            for value, region in partition.items()
            if isinstance(value, int) and not (region & part.valid & within).is_empty()
        )
    return tuple(sorted(sizes))


def _seen(region: Region, axis: str, option: str) -> Region:
    return region.restrict(axis, (option,)).forget((axis,))


def _once(region: Region, axis: str) -> int:
    """Return the number of cells without an axis."""
    # A region that was made to forget an axis counts each cell once per option of it: one option is
    # put back.
    option = region.space.variable(axis).options[0]
    return region.restrict(axis, (option,)).project_hidden().count()


def granularity(solved: SolvedStudy, within: Region) -> Granularity:
    """Return which conditions of the check refuse every direct map that cannot be changed."""
    total = solved.backend.nothing()
    admitted = solved.backend.nothing()
    keepers: dict[str, bool] = {}
    sources: dict[str, str] = {}
    for profile, part in kernels_of(solved, within):
        stuck = solved.backend.nothing()
        for item in solved.classes:
            if item.profile.id == profile.id and any(
                violation.invariant in GRANULARITY for violation in item.result.violations
            ):
                stuck = stuck | (item.region & within)
        total = total | stuck
        admitted = admitted | (stuck & part.predicate)
        for text, condition in ((one.text, one.lowered) for one in part.question.conjuncts):
            refuses = (stuck & part.compiler.where(condition, stuck)).is_empty()
            # A condition must refuse in every kernel that has it; kernels write it in the same
            # words.
            keepers[text] = keepers.get(text, True) and refuses
            source = part.question.program.sources.get(text)
            if source:
                sources[text] = f"{source} in {profile.release}"
    kept = tuple(text for text, refuses in keepers.items() if refuses)
    return Granularity(
        cells=total.project_hidden().count(),
        admitted=admitted.project_hidden().count(),
        keepers=() if total.is_empty() else kept,
        sources=tuple((text, sources[text]) for text in kept if text in sources),
    )


def equal_versions(
    solved: SolvedStudy, others: Sequence[tuple[str, SolvedStudy]], within: Region
) -> tuple[str, ...]:
    """Return the versions of the predicate that say the same in every cell asked for."""
    return tuple(
        name
        for name, other in others
        if all(
            (part.predicate & within) == (other_part.predicate & within)
            for (_, part), (_, other_part) in zip(solved.kernels, other.kernels, strict=True)
        )
    )
