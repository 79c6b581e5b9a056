"""Why a selection is empty: the fewest constraints and choices that contradict each other.

Takes a study and what was chosen of it (the options of a cell, an expression, or nothing), gives
the members of a smallest core. Each member says what it is in a reader's words and where it stands:
an option that was asked for or is the baseline's, a constraint of the study, one of a release's
Kconfig.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, reduce

from msgspec import Struct

from matrix.analyze.cell.question import Question
from matrix.analyze.facts.program import read_constraints
from matrix.analyze.space.symbolic import CompiledKernel, compiled_kernels, of_kernel
from matrix.diagnostics import Location
from matrix.kernel.cpu.system import CpuSystem
from matrix.schema.values import Architecture, Condition, KernelProfile, MatrixStudy
from matrix.solve.core import region_core
from matrix.solve.space import Region, union


class Member(Struct, frozen=True, kw_only=True):
    """One thing that a selection must keep: `kind` is option, study, Kconfig or where.

    `axis` is the axis of an option. `because` and `source` are what the declaration says of it.
    """

    kind: str
    text: str
    location: Location | None = None
    axis: str | None = None
    release: str | None = None
    because: str | None = None
    source: str | None = None
    condition: Condition | None = None


class Contradiction(Struct, frozen=True, kw_only=True):
    """A smallest core, and the cells that exist at all (`valid`, empty for a study without any)."""

    members: tuple[Member, ...]
    valid: Region


class SelectionSpace:
    """What bounds the cells of a study, each bound a region of its own; compiled once."""

    def __init__(
        self,
        study: MatrixStudy,
        kernels: Sequence[tuple[KernelProfile, Question]],
        architecture: Architecture,
        systems: Mapping[str, CpuSystem],
    ) -> None:
        self._study = study
        self._backend, compiled = compiled_kernels(study, kernels, architecture, systems)
        self._mine = [
            (of_kernel(self._backend.everything(), study, kernel.profile), kernel)
            for kernel in compiled
        ]
        self._hard = union(self._backend, (mine for mine, _ in self._mine))

    def contradiction(
        self,
        asked: Mapping[str, str],
        baseline: Mapping[str, str],
        where: Sequence[Condition] = (),
    ) -> Contradiction | None:
        """Return why nothing is selected, None where something is.

        `asked` and `baseline` are options by axis, `where` conditions over the kernel's names and
        the axes. What was asked comes first: of two cores of one size a reader sees that one.
        """
        members: list[tuple[Member, Region]] = [
            *self._options(asked, "asked"),
            *((_condition_member("where", item), self._over_kernels(item)) for item in where),
            *self._options(baseline, "baseline"),
        ]
        members += self._bounds
        core = region_core(self._hard, [region for _, region in members])
        if core is None:
            return None
        return Contradiction(members=tuple(members[index][0] for index in core), valid=self.valid)

    @cached_property
    def valid(self) -> Region:
        """The cells that exist at all."""
        return reduce(operator.and_, (region for _, region in self._bounds), self._hard)

    @cached_property
    def _bounds(self) -> Sequence[tuple[Member, Region]]:
        return (*self._study_constraints(), *self._kconfig_constraints())

    def _options(self, chosen: Mapping[str, str], how: str) -> Iterator[tuple[Member, Region]]:
        for axis in self._study.axes:
            if axis.name not in chosen:
                continue
            option = next(item for item in axis.options if item.name == chosen[axis.name])
            member = Member(
                kind="option",
                text=f"{axis.name}={option.name}",
                location=option.location,
                axis=axis.name,
                because=how,
            )
            everything = self._backend.everything()
            yield member, everything.restrict(axis.name, (option.name,))

    def _study_constraints(self) -> Iterator[tuple[Member, Region]]:
        for condition in self._study.constraints:
            yield _condition_member("study", condition), self._over_kernels(condition)

    def _kconfig_constraints(self) -> Iterator[tuple[Member, Region]]:
        for mine, kernel in self._mine:
            profile, program = kernel.profile, kernel.question.program
            declared = read_constraints(profile, program.lowering)
            lowered = zip(declared, program.constraints, strict=True)
            for constraint, expression in lowered:
                member = _condition_member("Kconfig", constraint.condition, profile.release)
                # A constraint of one release says nothing of the cells of others.
                yield member, kernel.compiler.where(expression) | (self._hard - mine)

    def _over_kernels(self, condition: Condition) -> Region:
        """Return where a condition holds; of a release that lacks a name in it, it says nothing."""
        return union(
            self._backend,
            (mine & self._in_kernel(condition, kernel) for mine, kernel in self._mine),
        )

    def _in_kernel(self, condition: Condition, kernel: CompiledKernel) -> Region:
        axes = frozenset(axis.name for axis in self._study.axes)
        program = kernel.question.program
        # In `lower_question` such a constraint is left out likewise.
        if program.lacks(condition) - axes:
            return self._backend.everything()
        return kernel.compiler.where(program.lower_expression(condition, also=axes))


def _condition_member(kind: str, condition: Condition, release: str | None = None) -> Member:
    return Member(
        kind=kind,
        text=condition.text,
        location=condition.location,
        release=release,
        because=condition.because,
        source=condition.source,
        condition=condition,
    )
