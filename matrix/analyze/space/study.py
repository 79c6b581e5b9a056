"""A study answered exactly: verdict regions, counts, classes with traces, tables.

Takes the study and everything it names, gives a `StudyResult`. Counts come from regions, so they
are exact however large the space is; tables are concrete cells, answered one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.behaviour import Behaviours, Inputs, Result, violates
from matrix.analyze.cell.question import Question
from matrix.analyze.cell.verdict import Verdict, decide
from matrix.analyze.space.symbolic import (
    AlikeClasses,
    KernelRegions,
    compiled_kernels,
    kernel_regions,
)
from matrix.kernel.cpu.system import CpuSystem
from matrix.schema.values import Architecture, KernelProfile, MatrixStudy
from matrix.solve.space import Backend, Region, in_several, union


class ClassRegion(Struct, frozen=True, kw_only=True):
    """A behaviour class of one kernel: its simulation and the cells where it may occur.

    `inputs` stand for the class.
    """

    profile: KernelProfile
    question: Question
    inputs: Inputs
    result: Result
    predicate: bool
    region: Region

    @property
    def verdict(self) -> Verdict:
        """The verdict of a cell that can be in no other class."""
        return decide(predicate=self.predicate, violates=violates(self.result))


class SolvedStudy(Struct, frozen=True, kw_only=True):
    """The verdict of every cell of a study, as disjoint regions of visible cells.

    `kernels` are what each kernel answers before it is put together; they tell hidden values apart.
    """

    study: MatrixStudy
    backend: Backend
    valid: Region
    verdicts: Mapping[Verdict, Region]
    absent: tuple[tuple[str, Region], ...]
    classes: tuple[ClassRegion, ...]
    kernels: tuple[tuple[KernelProfile, KernelRegions], ...]
    behaviours: Behaviours

    def count(self, verdict: Verdict, within: Region | None = None) -> int:
        """Return the number of cells with a verdict, in a part of the space if one is given."""
        region = self.verdicts.get(verdict)
        if region is None:
            return 0
        return (region & within if within is not None else region).count()


def solve_study(
    study: MatrixStudy,
    questions: Sequence[tuple[KernelProfile, Question]],
    architecture: Architecture,
    systems: Mapping[str, CpuSystem],
    behaviours: Behaviours,
) -> SolvedStudy:
    """Return the verdict of every cell of a study."""
    backend, compiled = compiled_kernels(study, questions, architecture, systems)
    kernels = [(kernel.profile, kernel_regions(backend, study, kernel)) for kernel in compiled]
    return decide_study(study, backend, kernels, behaviours)


def decide_study(
    study: MatrixStudy,
    backend: Backend,
    kernels: Sequence[tuple[KernelProfile, KernelRegions]],
    behaviours: Behaviours,
) -> SolvedStudy:
    """Return the verdicts that the kernels' answers make, whatever the predicate they were asked.

    Another predicate over a solved study is this with other `KernelRegions.predicate`.
    """
    # Under each value of what is unknown a cell has one verdict; forgetting the hidden variables
    # makes it possible, and `_separate` finds the cells with more than one.
    possible: dict[Verdict, Region] = {
        verdict: backend.nothing() for verdict in kernels[0][1].question.verdicts
    }
    absent: dict[str, Region] = {}
    classes: list[ClassRegion] = []
    kernels = [(profile, _merged(part, backend, behaviours)) for profile, part in kernels]
    for profile, part in kernels:
        for reason, region in part.absent:
            absent[reason] = absent.get(reason, backend.nothing()) | region
            possible[Verdict.ABSENT] = possible[Verdict.ABSENT] | region
        for item in _decided(profile, part, behaviours):
            possible[item.verdict] = possible[item.verdict] | item.region
            classes.append(item)
    visible = {verdict: region.project_hidden() for verdict, region in possible.items()}
    verdicts = _separate(visible, backend)
    return SolvedStudy(
        study=study,
        backend=backend,
        valid=union(backend, (part.valid for _, part in kernels)).project_hidden(),
        verdicts=verdicts,
        absent=tuple(
            # What is absent only under some value of what is unknown is an unknown cell, and has no
            # reason.
            (reason, region.project_hidden() & verdicts[Verdict.ABSENT])
            for reason, region in absent.items()
        ),
        classes=tuple(classes),
        kernels=tuple(kernels),
        behaviours=behaviours,
    )


def _merged(part: KernelRegions, backend: Backend, behaviours: Behaviours) -> KernelRegions:
    """Return a kernel's regions with its classes merged by behaviour."""
    # Asked again under another predicate (`difference.py`): the merge rests on the inputs alone.
    if part.alike:
        return part
    parts: dict[Inputs, list[tuple[int, Region]]] = {}
    for number, (inputs, region) in enumerate(part.classes):
        parts.setdefault(behaviours.class_of(inputs), []).append((number, region))
    alike = tuple(
        AlikeClasses(
            behaviour=behaviour,
            parts=tuple(found),
            region=union(backend, (region for _, region in found)),
        )
        for behaviour, found in parts.items()
    )
    return replace(part, alike=alike)


def _decided(
    profile: KernelProfile, part: KernelRegions, behaviours: Behaviours
) -> list[ClassRegion]:
    """Return the merged behaviour classes of a kernel, split by what the predicate says.

    They are in the order of the first class that has a cell of each.
    """
    found: list[tuple[int, bool, Inputs, Region]] = []
    for alike in part.alike:
        yes = alike.region & part.predicate
        for says_yes, share in ((True, yes), (False, alike.region - yes)):
            if not share.is_empty():
                # Merging must not change the order in which classes are told.
                first = next(
                    number for number, region in alike.parts if not (region & share).is_empty()
                )
                found.append((first, not says_yes, alike.behaviour, share))
    return [
        ClassRegion(
            profile=profile,
            question=part.question,
            inputs=behaviour,
            result=behaviours.result(behaviour),
            predicate=not says_no,
            region=region,
        )
        for _, says_no, behaviour, region in sorted(found, key=lambda item: item[:2])
    ]


def _separate(visible: Mapping[Verdict, Region], backend: Backend) -> dict[Verdict, Region]:
    """Return disjoint regions: a cell in which two verdicts remain possible is unknown."""
    unknown = in_several(backend, visible.values())
    return {
        verdict: unknown if verdict is Verdict.UNKNOWN else region - unknown
        for verdict, region in visible.items()
    }
