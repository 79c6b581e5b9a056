"""What the cells of some behaviour classes have in common, as the simulation was told of them.

Takes classes of a solved study, gives simulation inputs. What stands for a class is no cell: where
an input does not matter it has one fixed value (`simulate.relevant`), so the inputs of the cells
themselves are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import fields

from matrix.analyze.study import ClassRegion, SolvedStudy
from matrix.simulate.inputs import SimulationInputs

# What a class may depend on, without what the capability and not the cell decides.
SIMULATION_INPUTS = tuple(
    field.name for field in fields(SimulationInputs) if field.name not in ("scenario", "variant")
)


class Conditions:
    """The simulation inputs in which cells of a study differ, and which of them classes share."""

    def __init__(self, solved: SolvedStudy) -> None:
        self._solved = solved
        every = [inputs for _, part in solved.kernels for inputs, _ in part.classes]
        self._varied = tuple(
            name
            for name in SIMULATION_INPUTS
            if len({getattr(inputs, name) for inputs in every}) > 1
        )

    def shared(self, classes: Sequence[ClassRegion]) -> tuple[tuple[str, str], ...]:
        """Return the inputs that are the same in all cells of some classes and vary elsewhere."""
        met = tuple(self._inputs(classes))
        found = []
        for name in self._varied:
            values = {getattr(inputs, name) for inputs in met}
            if len(values) == 1:
                (value,) = values
                found.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
        return tuple(found)

    def _inputs(self, classes: Sequence[ClassRegion]) -> Iterator[SimulationInputs]:
        mine: dict[tuple[str, SimulationInputs], list[ClassRegion]] = {}
        for item in classes:
            mine.setdefault((item.profile.id, item.inputs), []).append(item)
        for profile, part in self._solved.kernels:
            for inputs, region in part.classes:
                of_class = mine.get((profile.id, self._solved.behaviours.class_of(inputs)), ())
                if any(not (region & item.region).is_empty() for item in of_class):
                    yield inputs
