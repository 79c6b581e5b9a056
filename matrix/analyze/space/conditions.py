"""What the cells of some behaviour classes have in common, as the simulation was told of them.

Takes classes of a solved study, gives simulation inputs. What stands for a class is no cell: where
an input does not matter it has one fixed value (`simulate.relevant`), so the inputs of the cells
themselves are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from matrix.analyze.cell.truth import Inputs, named
from matrix.analyze.space.study import ClassRegion, SolvedStudy
from matrix.expr.nodes import Value


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
                found.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
        return tuple(found)

    def _inputs(self, classes: Sequence[ClassRegion]) -> Iterator[Inputs]:
        mine: dict[tuple[str, Inputs], list[ClassRegion]] = {}
        for item in classes:
            mine.setdefault((item.profile.id, item.inputs), []).append(item)
        for profile, part in self._solved.kernels:
            for inputs, region in part.classes:
                of_class = mine.get((profile.id, self._solved.behaviours.class_of(inputs)), ())
                if any(not (region & item.region).is_empty() for item in of_class):
                    yield inputs
