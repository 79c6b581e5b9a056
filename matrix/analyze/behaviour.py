"""Behaviour classes: cells with equal simulation inputs are simulated once."""

from __future__ import annotations

from matrix.diagnostics import Diagnostic, UndecidedError
from matrix.simulate.explore import simulate
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.outcome import SimulationResult
from matrix.simulate.relevant import relevant


class Behaviours:
    """The simulations of one run, one per behaviour class.

    Two cells are in one class where the inputs that can matter to the simulation are equal
    (`explore.relevant`).
    """

    __slots__ = ("_classes", "_results")

    def __init__(self) -> None:
        self._classes: dict[SimulationInputs, SimulationInputs] = {}
        self._results: dict[SimulationInputs, SimulationResult] = {}

    def __len__(self) -> int:
        return len(self._results)

    @property
    def results(self) -> tuple[SimulationResult, ...]:
        """All simulations made so far, in the order they were asked for."""
        return tuple(self._results.values())

    def class_of(self, inputs: SimulationInputs) -> SimulationInputs:
        """Return the inputs that stand for the behaviour class of `inputs`."""
        if inputs not in self._classes:
            self._classes[inputs] = relevant(inputs)
        return self._classes[inputs]

    def result(self, inputs: SimulationInputs) -> SimulationResult:
        """Return what the simulation finds.

        Raises:
            UndecidedError: MX0710, where the state space passes the bound (never a silent "safe").
        """
        behaviour = self.class_of(inputs)
        if behaviour not in self._results:
            result = simulate(behaviour)
            if not result.complete:
                raise UndecidedError(
                    Diagnostic(
                        code="MX0710",
                        message=f"the simulation passed its bound after {result.states} states",
                        hint="raise the bound, or ask about a smaller scenario",
                    )
                )
            self._results[behaviour] = result
        return self._results[behaviour]
