"""The verdicts of all cells as they were once, and what has moved since.

A record is the diagram of a study's result with the names of its axes and options, so that it can
be compared with a study that has others: cells are matched by name. An axis that only one side has
is held at the baseline of that side; an option that only one side has leaves its cells without a
partner. Cells are counted in the study of today.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import Diagram, StudyResult
from matrix.analyze.space.study import SolvedStudy
from matrix.solve.nearest import Changes, nearest_changes
from matrix.solve.space import Backend, Region, union, within_memory

Axes = tuple[tuple[str, tuple[str, ...]], ...]


class Record(Struct, frozen=True, kw_only=True):
    """The verdicts of all cells: from node 0 of the first layer, an option an axis, to a leaf.

    A node has, for each option of its axis, the number of a node of the next layer, -1 for none;
    a leaf the number of its label. A label is a verdict and the numbers, from 1, of its causes.
    """

    study: str
    predicate: str
    program: str
    axes: Axes
    baseline: dict[str, str]
    layers: tuple[tuple[tuple[int, ...], ...], ...]
    leaves: tuple[int, ...]
    labels: tuple[tuple[Verdict, tuple[int, ...]], ...]
    causes: tuple[str, ...]

    def is_whole(self) -> bool:
        """Tell whether every number leads somewhere."""
        below = [*(len(layer) for layer in self.layers[1:]), len(self.leaves)]
        return (
            len(self.layers) == len(self.axes)
            and all(
                len(node) == len(options) and all(-1 <= child < size for child in node)
                for (_, options), layer, size in zip(self.axes, self.layers, below, strict=True)
                for node in layer
            )
            and all(0 <= leaf < len(self.labels) for leaf in self.leaves)
            and all(1 <= at <= len(self.causes) for _, causes in self.labels for at in causes)
        )


class Move(Struct, frozen=True, kw_only=True):
    """Cells whose verdict moved one way, by one cause: that of today's unsound ones, else before.

    `by` are the statements of the causes; `cpus` those that have such cells; `example` is the
    nearest to the baseline of today.
    """

    before: Verdict
    after: Verdict
    by: tuple[str, ...]
    cells: int
    cpus: tuple[str, ...]
    example: Changes


class Moved(Struct, frozen=True, kw_only=True):
    """What has moved, the most urgent verdicts of today first, of so many cells compared.

    `only_before` and `only_after` are axes and options that only one side has.
    """

    moves: tuple[Move, ...]
    compared: int
    only_before: Axes
    only_after: Axes


def record_of(result: StudyResult, program: str) -> Record | None:
    """Return the verdicts of a result as a record; None where it has no diagram."""
    diagram = result.diagram
    if diagram is None:
        return None
    return Record(
        study=result.study.id,
        predicate=result.predicate,
        program=program,
        axes=tuple((item.name, tuple(item.options)) for item in diagram.layers.variables),
        baseline=dict(result.study.baseline),
        layers=dense(diagram),
        leaves=tuple(leaf[0] for leaf in diagram.layers.leaves),
        labels=diagram.labels,
        causes=tuple(cause.statement for cause in result.causes),
    )


def dense(diagram: Diagram) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Return the nodes of each layer, a number for each option of its axis, -1 for none."""
    return tuple(
        tuple(
            tuple(dict(node).get(option, -1) for option in range(len(variable.options)))
            for node in layer
        )
        for variable, layer in zip(diagram.layers.variables, diagram.layers.layers, strict=True)
    )


def moved(before: Record, after: Record, solved: SolvedStudy) -> Moved:
    """Return what moved from a record to today's, whose study was solved."""
    then, now = dict(before.axes), dict(after.axes)
    with within_memory():
        place = solved.backend.everything()
        for axis, options in after.axes:
            if axis in then:
                place = place.restrict(axis, [name for name in options if name in then[axis]])
            else:
                place = place.restrict(axis, (after.baseline[axis],))
        old = _regions(before, solved.backend, now)
        # `place` bounds today's cells only; the record's are bounded by `_node`, which drops axes
        # and options that today's study lacks.
        new = {key: region & place for key, region in _regions(after, solved.backend, now).items()}
        compared = union(solved.backend, old.values()) & place & solved.valid
        moves = tuple(_moves(old, new, compared, solved))
    return Moved(
        moves=tuple(sorted(moves, key=lambda move: (move.after.rank, -move.cells))),
        compared=compared.count(),
        only_before=_lacking(before.axes, now),
        only_after=_lacking(after.axes, then),
    )


Said = tuple[Verdict, tuple[str, ...]]


def _moves(
    old: Mapping[Said, Region], new: Mapping[Said, Region], within: Region, solved: SolvedStudy
) -> Iterator[Move]:
    study = solved.study
    cpus = [axis.name for axis in study.axes if axis.kind == "cpu"]
    weights = {axis.name: 1 for axis in study.axes}
    found: dict[tuple[Verdict, Verdict, tuple[str, ...]], Region] = {}
    for (before, was), there in old.items():
        for (after, now), here in new.items():
            if before is not after:
                both = there & here & within
                if not both.is_empty():
                    # By the causes of today; where a cell has none any more, by those it had.
                    key = (before, after, now or was)
                    found[key] = found[key] | both if key in found else both
    for (before, after, by), region in found.items():
        near = nearest_changes(region, dict(study.baseline), weights, 1)
        yield Move(
            before=before,
            after=after,
            by=by,
            cells=region.count(),
            cpus=tuple(name for axis in cpus for name in region.options(axis)),
            example=near.changes[0] if near else (),
        )


def _regions(
    record: Record, backend: Backend, known: Mapping[str, Sequence[str]]
) -> dict[Said, Region]:
    """Return the cells of each label in a space, as far as it has their axes and options."""
    said = [
        (verdict, tuple(record.causes[at - 1] for at in causes))
        for verdict, causes in record.labels
    ]
    below: list[dict[Said, Region]] = [
        {said[label]: backend.everything()} for label in record.leaves
    ]
    # From the last axis up, so that what is below a node is known.
    for (axis, options), layer in reversed(tuple(zip(record.axes, record.layers, strict=True))):
        below = [
            _node(node, below, axis, options, known.get(axis), record.baseline.get(axis, ""))
            for node in layer
        ]
    return below[0] if below else {}


def _node(
    node: Sequence[int],
    below: Sequence[Mapping[Said, Region]],
    axis: str,
    options: Sequence[str],
    known: Sequence[str] | None,
    held: str,
) -> dict[Said, Region]:
    """Return the cells of each label behind a node."""
    # An axis that is gone: its options cannot be told apart any more, and the cells of the
    # baseline's option count.
    if known is None:
        at = options.index(held) if held in options else 0
        return dict(below[node[at]]) if node[at] >= 0 else {}
    behind: dict[int, list[str]] = {}
    for option, child in zip(options, node, strict=True):
        if child >= 0 and option in known:
            behind.setdefault(child, []).append(option)
    found: dict[Said, Region] = {}
    for child, names in behind.items():
        for label, region in below[child].items():
            part = region.restrict(axis, names)
            found[label] = found[label] | part if label in found else part
    return found


def _lacking(axes: Axes, known: Mapping[str, Sequence[str]]) -> Axes:
    """Return the axes that the other side lacks, and the options it lacks of those it has."""
    return tuple(_lacks(axes, known))


def _lacks(
    axes: Iterable[tuple[str, tuple[str, ...]]], known: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for axis, options in axes:
        if axis not in known:
            yield axis, ()
        elif lacking := tuple(name for name in options if name not in known[axis]):
            yield axis, lacking
