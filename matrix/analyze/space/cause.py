"""Why a check is unsound: the causes, each with its cells and the CPUs under their conditions.

Takes a solved study, gives `Cause` values: what is violated by which micro-operation, where, and
what the cells have in common (`Conditions`). What stands for a class is no cell: where an input
does not matter it has one fixed value (`simulate.relevant`), so the inputs of the cells themselves
are compared. A list of CPUs always belongs to one cause and to one condition: the ordinary cell,
which is the study's baseline with that CPU, or the fewest options that must depart from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.analyze.cell.answer import Finding, TraceLine
from matrix.analyze.cell.answering import findings_of
from matrix.analyze.cell.behaviour import Inputs, named
from matrix.analyze.cell.question import Question
from matrix.analyze.cell.verdict import Verdict, decide
from matrix.analyze.space.study import ClassRegion, SolvedStudy
from matrix.explore.outcome import Lane, Violation
from matrix.expr.nodes import Value, plain
from matrix.kernel.cpu.resolve import FREE
from matrix.schema.values import MatrixStudy
from matrix.solve.nearest import Changes, changes, nearest, nearest_changes
from matrix.solve.space import Region, union


class Place(Struct, frozen=True, kw_only=True):
    """CPUs in declared order, and the axes that must depart from the baseline there.

    Any of an axis' options will do. No change is the ordinary cell; no CPU stands in a study that
    does not vary them.
    """

    change: Changes
    cpus: tuple[str, ...]


class Beside(Struct, frozen=True, kw_only=True):
    """A supported cell by what it has otherwise than the unsound one, and what happens there.

    `lanes` are those of the state after each event of the trace.
    """

    change: tuple[tuple[str, str], ...]
    trace: tuple[TraceLine, ...]
    lanes: tuple[tuple[Lane, ...], ...]


class Cause(Struct, frozen=True, kw_only=True):
    """One way in which a check is unsound.

    `statement` says what the micro-operation `operation` (kernel lines `source` of `release`, None
    for what no line of the kernel does) violates; `broken` are the invariants, each with `certain`
    or the `assumption=value` it needs. `conditions` are the simulation inputs that all its cells
    share and not all of the study; `places` the CPUs, those in the ordinary cell first; `example`
    is the cell nearest to the baseline, where it differs, and `findings` what of the cause is met
    in it, the shortest trace first; it is not `settled` where what nobody recorded decides how that
    one goes. `works` is what the events of the first one do in the nearest supported cell.
    """

    statement: str
    operation: str
    source: str | None
    release: str
    broken: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[str, str], ...]
    kernels: tuple[str, ...]
    cells: int
    places: tuple[Place, ...]
    example: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...] = ()
    works: Beside | None = None
    settled: bool = True

    @property
    def is_ordinary(self) -> bool:
        """Tell whether it is met in an ordinary cell, whatever else it needs elsewhere."""
        return any(not place.change for place in self.places)


def causes(solved: SolvedStudy, within: Region | None = None) -> tuple[tuple[Cause, Region], ...]:
    """Return the causes of all unsound cells, each with its cells: ordinary ones, then the largest.

    A cell in which two things go wrong is in both causes; what goes wrong in the same cells is one.
    """
    asked = solved.valid if within is None else solved.valid & within
    unsound = solved.verdicts.get(Verdict.UNSOUND)
    if unsound is None:
        return ()
    unsound = unsound & asked
    usual = ordinary(solved.study, asked)
    strands: dict[object, list[tuple[ClassRegion, tuple[Violation, ...]]]] = {}
    for item in solved.classes:
        # What would be unsound were it violated: classes without a violation have no strand and
        # drop out.
        if decide(predicate=item.predicate, violates=True) is Verdict.UNSOUND:
            for key, violations in _strands(item.result.violations).items():
                strands.setdefault(key, []).append((item, violations))
    # Regions are canonical, so what goes wrong in just the same cells has one key.
    by_cells: dict[Region, list[tuple[ClassRegion, tuple[Violation, ...]]]] = {}
    for members in strands.values():
        region = union(solved.backend, (item.region for item, _ in members))
        # A class may reach into cells that are unknown, not unsound: these are no cells of a cause.
        region = region.project_hidden() & unsound
        if not region.is_empty():
            by_cells.setdefault(region, []).extend(members)
    found = [
        (_cause(solved, members, region, usual), region) for region, members in by_cells.items()
    ]
    return tuple(sorted(found, key=lambda pair: (not pair[0].is_ordinary, -pair[0].cells)))


def _strands(violations: Sequence[Violation]) -> dict[object, tuple[Violation, ...]]:
    """Return what goes wrong by itself: the values of one assumption are about one operation."""
    found: dict[object, tuple[Violation, ...]] = {}
    for item in violations:
        key = item.assumption[0] if item.assumption else (item.invariant, item.message)
        found[key] = (*found.get(key, ()), item)
    return found


def _cause(
    solved: SolvedStudy,
    members: Sequence[tuple[ClassRegion, tuple[Violation, ...]]],
    region: Region,
    usual: Mapping[str, str],
) -> Cause:
    every = [(item, violation) for item, violations in members for violation in violations]
    # The shortest trace ends with what is done wrong, longer ones with what comes of it; of equal
    # ones the newest kernel's.
    owner, first = min(reversed(every), key=lambda pair: len(_operations(pair[1])))
    operation = _operations(first)[-1]
    baseline = dict(solved.study.baseline)
    classes = list({id(item): item for item, _ in members}.values())
    cell = nearest(region, baseline) or {}
    question, inputs = of_cell(solved, classes, cell)
    keys = {key for _, violations in members for key in _strands(violations)}
    # Of the cell itself, not of the class: the reader is shown a trace with this cell's page size.
    met = _strands(solved.behaviours.exact(inputs).violations)
    here = sorted(
        (item for key in met if key in keys for item in met[key]),
        key=lambda item: len(_operations(item)),
    )
    return Cause(
        statement=first.message,
        operation=operation,
        source=owner.question.operation_sources.get(operation),
        release=owner.profile.release,
        broken=tuple(
            dict.fromkeys(
                (item.invariant, "=".join(item.assumption or ("certain",))) for _, item in every
            )
        ),
        conditions=Conditions(solved).shared(classes),
        kernels=tuple(
            dict.fromkeys(
                item.profile.release
                for item in classes
                if not (item.region.project_hidden() & region).is_empty()
            )
        ),
        cells=region.count(),
        places=places(solved.study, region, usual),
        example=tuple(changes(cell, baseline).items()),
        findings=findings_of(question, here),
        settled=_is_settled(solved, cell),
    )


def _operations(violation: Violation) -> tuple[str, ...]:
    """Return what is done; the remnants of an oops are no part of that."""
    return tuple(
        operation.name
        for step in violation.trace
        for operation in step.operations
        if not operation.stays
    )


def ordinary(study: MatrixStudy, asked: Region) -> dict[str, str]:
    """Return the baseline; where no cell asked for has its kernel, that of the newest one."""
    usual = dict(study.baseline)
    for axis in study.axes:
        if axis.kind == "kernel" and (options := asked.options(axis.name)):
            usual[axis.name] = usual[axis.name] if usual[axis.name] in options else options[-1]
    return usual


def places(study: MatrixStudy, region: Region, usual: Mapping[str, str]) -> tuple[Place, ...]:
    """Return the CPUs of a region that is not empty, by how little departs from the `usual` cell.

    CPUs with a name are listed; systems of several types and CPUs of `free` only where no other
    has a cell.
    """
    weights = dict.fromkeys(usual, 1)
    found: dict[Changes, list[str]] = {}
    for cpus, part in _by_cpu(study, region):
        nearby = nearest_changes(part, usual, weights, 1)
        if nearby is not None:
            found.setdefault(nearby.changes[0], []).extend(cpus)
    order = {
        option.name: number
        for axis in study.axes
        if axis.kind == "cpu"
        for number, option in enumerate(axis.options)
    }
    return tuple(
        Place(change=change, cpus=tuple(sorted(cpus, key=order.__getitem__)))
        for change, cpus in sorted(found.items(), key=lambda item: len(item[0]))
    )


def _by_cpu(study: MatrixStudy, region: Region) -> Sequence[tuple[tuple[str, ...], Region]]:
    """Return the CPUs that have a cell, each with the others that have it in the same cells."""
    for axis in study.axes:
        if axis.kind == "cpu":
            parts = [part for part in region.split(axis.name) if not part[1].is_empty()]
            named = [(tuple(filter(is_named, cpus)), part) for cpus, part in parts]
            return [part for part in named if part[0]] or parts
    return [((), region)]


def is_named(option: str) -> bool:
    """Tell whether an option is one CPU that somebody named: no system of several, none of `free`.

    With a changed field it is, too: for a field of one's own a study gives it (`cortex-a72,sve=0`).
    """
    return "+" not in option and option.partition(",")[0] != FREE


def varied(every: Iterable[Inputs]) -> tuple[str, ...]:
    """Return the names of what differs among the inputs of classes."""
    met: dict[str, set[Value]] = {}
    for inputs in every:
        for name, value in named(inputs).items():
            met.setdefault(name, set()).add(value)
    return tuple(name for name, values in met.items() if len(values) > 1)


class Conditions:
    """The simulation inputs in which cells of a study differ, and which of them classes share."""

    def __init__(self, solved: SolvedStudy) -> None:
        self._solved = solved
        self._varied = varied(inputs for _, part in solved.kernels for inputs, _ in part.classes)

    def shared(self, classes: Sequence[ClassRegion]) -> tuple[tuple[str, str], ...]:
        """Return the inputs that are the same in all cells of some classes and vary elsewhere."""
        met = [named(inputs) for inputs in self._inputs(classes)]
        found = []
        for name in self._varied:
            values = {inputs[name] for inputs in met}
            if len(values) == 1:
                (value,) = values
                found.append((name, plain(value)))
        return tuple(found)

    def _inputs(self, classes: Sequence[ClassRegion]) -> Iterator[Inputs]:
        mine: dict[tuple[str, Inputs], list[ClassRegion]] = {}
        for item in classes:
            mine.setdefault((item.profile.id, item.inputs), []).append(item)
        for profile, part in self._solved.kernels:
            for inputs, region in part.classes:
                of_class = mine.get((profile.id, self._solved.behaviours.class_of(inputs)), ())
                # Inputs of the class that occur in another part of it say nothing of these cells.
                if any(not (region & item.region).is_empty() for item in of_class):
                    yield inputs


def of_cell(
    solved: SolvedStudy, classes: Iterable[ClassRegion], cell: Mapping[str, str]
) -> tuple[Question, Inputs]:
    """Return the kernel's question and what the simulation is told of just this cell.

    A class is simulated for one of its cells; only its verdict is that of all, its trace has the
    page size and the descriptors of that one.
    """
    mine = {(item.profile.id, item.inputs) for item in classes}
    here = solved.backend.everything().at(cell)
    for profile, part in solved.kernels:
        for inputs, region in part.classes:
            is_mine = (profile.id, solved.behaviours.class_of(inputs)) in mine
            if is_mine and not (region & here).is_empty():
                return part.question, inputs
    raise AssertionError(f"no class has the cell {cell}")


def _is_settled(solved: SolvedStudy, cell: Mapping[str, str]) -> bool:
    """Tell whether the simulation is told one thing of a cell, whatever nobody recorded is."""
    here = solved.backend.everything().at(cell)
    told = (
        number
        for _, part in solved.kernels
        for alike in part.alike
        if not (alike.region & here).is_empty()
        for number, region in alike.parts
        if not (region & here).is_empty()
    )
    # Two are enough to know.
    return len(list(itertools.islice(told, 2))) == 1
