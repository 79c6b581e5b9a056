"""What changes between two answers: another predicate over the same cells, kernel, or study.

Takes solved studies, gives disjoint regions per (verdict there, verdict here). Cells of two studies
are matched by the names of their axes and options: an axis that only one has is held at the
baseline of that study; an option that only one has leaves its cells without a partner.
`asked_again` asks a solved study another predicate without compiling it anew: simulations do not
depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.question import Question, cannot_be_asked, lower_question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.study import SolvedStudy, decide_study
from matrix.analyze.space.symbolic import KernelRegions
from matrix.diagnostics import Diagnostic, InputError, refuse
from matrix.schema.values import Axis, MatrixStudy, Option, PredicateVersion
from matrix.solve.space import Backend, Region, union, within_memory


class Difference(Struct, frozen=True, kw_only=True):
    """Cells by how their verdict changes; `changes` are in the order of the verdicts.

    Its regions are disjoint and together `compared`; equal verdicts have a region too. `only_one`
    and `only_other` count cells that only one of two kernels or studies has.
    """

    compared: Region
    changes: tuple[tuple[Verdict, Verdict, Region], ...]
    only_one: int = 0
    only_other: int = 0

    @property
    def changed(self) -> tuple[tuple[Verdict, Verdict, Region], ...]:
        """The changes proper."""
        return tuple(item for item in self.changes if item[0] is not item[1])


def asked_again(solved: SolvedStudy, predicate: PredicateVersion) -> SolvedStudy:
    """Return the same study under another predicate.

    Raises:
        InputError: MX0902, a kernel that has the capability but not what the predicate names.
    """
    kernels = [
        (profile, _with_predicate(part, predicate, solved)) for profile, part in solved.kernels
    ]
    return decide_study(solved.study, solved.backend, kernels, solved.behaviours)


def _with_predicate(
    part: KernelRegions, predicate: PredicateVersion, solved: SolvedStudy
) -> KernelRegions:
    program = part.question.program
    asked = lower_question(program, part.question.capability, predicate)
    # Constraints and variant are the study's: `lower_question` was not given them here, and the
    # cells must stay those that were compiled.
    question: Question = replace(
        asked, constraints=part.question.constraints, variant=part.question.variant
    )
    if question.predicate is None:
        # Without a class no cell has the capability, so nobody asks the predicate.
        if part.classes:
            raise InputError(cannot_be_asked(question))
        return replace(part, question=question, predicate=solved.backend.nothing())
    present = union(solved.backend, (alike.region for alike in part.alike))
    return replace(
        part, question=question, predicate=part.compiler.where(question.predicate, present)
    )


def between_predicates(one: SolvedStudy, other: SolvedStudy) -> Difference:
    """Return how verdicts change from one predicate to another of the same study."""
    return Difference(
        compared=one.valid,
        changes=tuple(changes_between(one.verdicts.items(), other.verdicts.items())),
    )


def between_kernels(solved: SolvedStudy, axis: str, one: str, other: str) -> Difference:
    """Return how verdicts change from kernel `one` to `other`, all other options being equal.

    The regions are of cells of `other`. A cell that only one of them has (options that are one
    `.config` in a release count once there) is counted apart.
    """
    there = _of_kernel(solved, axis, one)
    here = _of_kernel(solved, axis, other)
    # Forgetting the axis of the kernel makes cells of two releases comparable: what is left are the
    # other options.
    all_there = solved.valid.restrict(axis, (one,)).forget((axis,))
    all_here = solved.valid.restrict(axis, (other,)).forget((axis,))
    mine = solved.backend.everything().restrict(axis, (other,))
    return Difference(
        compared=all_there & all_here & mine,
        changes=tuple(
            (before, after, region & mine) for before, after, region in changes_between(there, here)
        ),
        # `& mine` puts one kernel back in: without an option of its axis a region counts once per
        # kernel.
        only_one=((all_there - all_here) & mine).count(),
        only_other=((all_here - all_there) & mine).count(),
    )


def _of_kernel(solved: SolvedStudy, axis: str, kernel: str) -> list[tuple[Verdict, Region]]:
    return [
        (verdict, region.restrict(axis, (kernel,)).forget((axis,)))
        for verdict, region in solved.verdicts.items()
    ]


def changes_between(
    before: Iterable[tuple[Verdict, Region]], after: Iterable[tuple[Verdict, Region]]
) -> Iterator[tuple[Verdict, Verdict, Region]]:
    """Yield the pairs of verdicts that occur, with the cells of each."""
    later = tuple(after)
    for old, there in before:
        for new, here in later:
            both = there & here
            if not both.is_empty():
                yield old, new, both


# Option names of axes, in declared order.
Options = tuple[tuple[str, tuple[str, ...]], ...]


class Overlap(Struct, frozen=True, kw_only=True):
    """What two studies have in common, and what only one of them has.

    `common` are the shared axes with the options of both; `held_one` and `held_other` the axes that
    only one study has, each with the baseline option at which it is held; `only_one` and
    `only_other` the options of shared axes that only one study has. `redeclared` are options of one
    name that stand for different things, so that their cells differ in more than the study.
    """

    common: Options
    held_one: tuple[tuple[str, str], ...]
    held_other: tuple[tuple[str, str], ...]
    only_one: Options
    only_other: Options
    redeclared: Options


def overlap(one: MatrixStudy, other: MatrixStudy) -> Overlap:
    """Return how two studies overlap.

    Raises:
        InputError: MX0670, no axis in common, or a shared axis without a common option.
    """
    here = {axis.name: axis for axis in other.axes}
    shared = [(axis, here[axis.name]) for axis in one.axes if axis.name in here]
    problems = [_nothing_shared(mine, its) for mine, its in shared if not _both(mine, its)]
    if not shared:
        problems = [_no_axis(one, other)]
    refuse(problems)
    names = {axis.name for axis, _ in shared}
    return Overlap(
        common=tuple((mine.name, _both(mine, its)) for mine, its in shared),
        held_one=_held(one, names),
        held_other=_held(other, names),
        only_one=_listed((mine.name, _without(mine, its)) for mine, its in shared),
        only_other=_listed((its.name, _without(its, mine)) for mine, its in shared),
        redeclared=_listed((mine.name, _redeclared(mine, its)) for mine, its in shared),
    )


def between_studies(one: SolvedStudy, other: SolvedStudy, shared: Overlap) -> Difference:
    """Return how verdicts change from one study to another, cells matched by name.

    The regions are of cells of `other`. Equal options of a Kconfig axis that count once in a
    release are matched where both studies count the same one of them.

    Raises:
        InputError: MX0670, no cell of one study is a cell of the other.
    """
    with within_memory():
        carried = _Carried(one, other.backend, shared)
        # Everything is held and counted in the other study's space: regions of two spaces cannot
        # meet.
        place = other.backend.everything().at(dict(shared.held_other))
        for axis, options in shared.common:
            place = place.restrict(axis, options)
        there = [
            (verdict, carried.over(region) & place) for verdict, region in one.verdicts.items()
        ]
        here = [(verdict, region & place) for verdict, region in other.verdicts.items()]
        compared = carried.over(one.valid) & place & other.valid
        if compared.is_empty():
            raise InputError(_no_cell(one.study, other.study))
        cells = compared.count()
        return Difference(
            compared=compared,
            changes=tuple(changes_between(there, here)),
            only_one=one.valid.count() - cells,
            only_other=other.valid.count() - cells,
        )


class _Carried:
    """Regions of one study's space, as seen from another space over the shared axes.

    One layer an axis, in the order of the first space; what was carried once is kept.
    """

    def __init__(self, source: SolvedStudy, target: Backend, shared: Overlap) -> None:
        self._held = dict(shared.held_one)
        self._common = dict(shared.common)
        self._axes = [name for name in _order(source) if name in self._common]
        self._everything = target.everything()
        self._nothing = target.nothing()
        self._found: dict[tuple[Region, int], Region] = {}

    def over(self, region: Region) -> Region:
        """Return the cells of the other space that a region's cells are matched with."""
        # Axes that only the first study has are held at its baseline, and then gone.
        return self._below(region.at(self._held).forget(self._held), 0)

    def _below(self, region: Region, depth: int) -> Region:
        if region.is_empty():
            return self._nothing
        if depth == len(self._axes):
            return self._everything
        key = (region, depth)
        if key not in self._found:
            axis = self._axes[depth]
            union = self._nothing
            # The recursion of a decision diagram, from one space into another: options that lead to
            # the same part are one branch, and a part is carried once.
            for options, part in region.split(axis):
                kept = [option for option in options if option in self._common[axis]]
                if kept:
                    union = union | self._below(part, depth + 1).restrict(axis, kept)
            self._found[key] = union
        return self._found[key]


def _order(solved: SolvedStudy) -> list[str]:
    return [variable.name for variable in solved.valid.space.variables]


def _held(study: MatrixStudy, shared: set[str]) -> tuple[tuple[str, str], ...]:
    return tuple((axis, option) for axis, option in study.baseline if axis not in shared)


def _both(one: Axis, other: Axis) -> tuple[str, ...]:
    known = {option.name for option in other.options}
    return tuple(option.name for option in one.options if option.name in known)


def _without(one: Axis, other: Axis) -> tuple[str, ...]:
    known = {option.name for option in other.options}
    return tuple(option.name for option in one.options if option.name not in known)


def _redeclared(one: Axis, other: Axis) -> tuple[str, ...]:
    here = {option.name: _meaning(option) for option in other.options}
    return tuple(
        option.name
        for option in one.options
        if option.name in here and _meaning(option) != here[option.name]
    )


def _meaning(option: Option) -> tuple[object, ...]:
    """Return what an option stands for: what decides an answer, not how it is titled."""
    symbols = tuple(sorted(option.kconfig))
    return option.kernel, option.cpu, option.cmdline or "", symbols, option.environment


def _listed(rows: Iterable[tuple[str, tuple[str, ...]]]) -> Options:
    return tuple((axis, options) for axis, options in rows if options)


def _no_axis(one: MatrixStudy, other: MatrixStudy) -> Diagnostic:
    mine, its = (", ".join(axis.name for axis in study.axes) for study in (one, other))
    return Diagnostic(
        code="MX0670",
        message=f"studies `{one.id}` and `{other.id}` have no axis in common",
        location=other.location,
        hint=f"cells are matched by the names of axes and options: {mine}; and {its}",
    )


def _nothing_shared(one: Axis, other: Axis) -> Diagnostic:
    mine, its = (", ".join(option.name for option in axis.options[:8]) for axis in (one, other))
    return Diagnostic(
        code="MX0670",
        message=f"axis `{one.name}` has no option that both studies have",
        location=other.location,
        hint=f"one has {mine}; the other {its}; two kernels or two predicates of one study are "
        "compared with --matrix",
    )


def _no_cell(one: MatrixStudy, other: MatrixStudy) -> Diagnostic:
    return Diagnostic(
        code="MX0670",
        message=f"no cell of `{one.id}` is a cell of `{other.id}`",
        location=other.location,
        hint="they share axes and options, but their constraints leave no cell that both have",
    )
