"""What each axis of a study changes: a verdict, or else an input of the simulation, or else a fact.

Takes a solved study, gives for each axis a pair of cells that differ in nothing else and shows what
changes between them. An axis without such a pair would only multiply the number of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.symbolic import KernelRegions
from matrix.expr.nodes import Expression, Value, plain
from matrix.solve.nearest import nearest
from matrix.solve.space import Region, in_several, within_memory

VERDICT, INPUT, FACT = "verdict", "simulation input", "fact"

# What cells are told apart by: disjoint regions of visible cells. Cells in none have no value, or
# one that hangs on what nobody recorded.
_Parts = Mapping[Value, Region]


class Influence(Struct, frozen=True, kw_only=True):
    """What an axis changes first, in the order verdict, simulation input, fact.

    `kind` and `name` say what, `one` and `other` are valid cells that differ only in the axis, with
    `before` and `after` the two values; None where the axis changes nothing. `idle` are the options
    with which nothing at all changes, whichever other option is put in their place.
    """

    axis: str
    kind: str | None
    name: str
    before: str
    after: str
    one: Mapping[str, str]
    other: Mapping[str, str]
    idle: tuple[str, ...]


def influences(solved: SolvedStudy) -> tuple[Influence, ...]:
    """Return what every axis of a study changes, in the order of the study."""
    told_apart = tuple(_told_apart(solved))
    return tuple(
        _influence(solved, axis.name, [option.name for option in axis.options], told_apart)
        for axis in solved.study.axes
    )


def _told_apart(solved: SolvedStudy) -> Iterator[tuple[str, str, _Parts]]:
    yield VERDICT, "", {word.value: region for word, region in solved.verdicts.items()}
    for kind, of_kernel in ((INPUT, _inputs), (FACT, _facts)):
        names = dict.fromkeys(name for _, part in solved.kernels for name in of_kernel(part))
        for name in names:
            yield kind, name, _partition(solved, name, of_kernel)


def _inputs(part: KernelRegions) -> Mapping[str, Expression]:
    return dict(part.question.rows)


def _facts(part: KernelRegions) -> Mapping[str, Expression]:
    return part.question.program.facts


def _partition(
    solved: SolvedStudy, name: str, of_kernel: Callable[[KernelRegions], Mapping[str, Expression]]
) -> _Parts:
    """Return the cells of each value that a name has, over the kernels that have the name."""
    nothing = solved.backend.nothing()
    found: dict[Value, Region] = {}
    for _, part in solved.kernels:
        expression = of_kernel(part).get(name)
        if expression is None:
            continue
        for value, region in part.compiler.partition(expression).items():
            cells = (region & part.valid).project_hidden()
            if value is not None and not cells.is_empty():
                found[value] = found.get(value, nothing) | cells
    # Two values in one visible cell mean that a hidden variable decides: that difference is not the
    # axis's.
    unknown = in_several(solved.backend, found.values())
    return {value: region - unknown for value, region in found.items()}


def _influence(
    solved: SolvedStudy,
    axis: str,
    options: Sequence[str],
    told_apart: Sequence[tuple[str, str, _Parts]],
) -> Influence:
    first: Influence | None = None
    idle = dict.fromkeys(options)
    with within_memory():
        for kind, name, parts in told_apart:
            for value, changing, elsewhere in _changing(axis, parts):
                for option in changing:
                    idle.pop(option, None)
                if first is None:
                    first = _shown(solved, axis, (kind, name, value), elsewhere, parts)
            # Every option has shown itself; further names would only say it again.
            if not idle:
                break
    if first is None:
        return Influence(
            axis=axis, kind=None, name="", before="", after="", one={}, other={}, idle=tuple(idle)
        )
    return replace(first, idle=tuple(idle))


def _changing(axis: str, parts: _Parts) -> Iterator[tuple[Value, tuple[str, ...], Region]]:
    """Yield a value, options of the axis, and the cells of both where another option changes it."""
    # `wide`: the cells that some option of the axis makes one of this value. A cell of one value
    # that lies in another's `wide` changes with the axis alone.
    wide = {value: region.forget((axis,)) for value, region in parts.items()}
    for value, region in parts.items():
        others = [other for key, other in wide.items() if key != value]
        if all((other & wide[value]).is_empty() for other in others):
            continue
        for options, part in region.split(axis):
            for other in others:
                both = part & other
                if not both.is_empty():
                    yield value, options, both.restrict(axis, options)
                    break


def _shown(
    solved: SolvedStudy, axis: str, found: tuple[str, str, Value], place: Region, parts: _Parts
) -> Influence:
    """Return the change in the cell of a place that is nearest to the baseline."""
    kind, name, value = found
    one = nearest(place, dict(solved.study.baseline)) or {}
    rest = {other: option for other, option in one.items() if other != axis}
    after, other = next(
        (key, cell)
        for key, region in parts.items()
        if key != value and (cell := region.at(rest).pick()) is not None
    )
    return Influence(
        axis=axis,
        kind=kind,
        name=name,
        before=plain(value),
        after=plain(after),
        one=one,
        other=other,
        idle=(),
    )
