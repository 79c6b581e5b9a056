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
        return len(self.results)

    @property
    def results(self) -> tuple[SimulationResult, ...]:
        """The simulations of all classes so far, in the order they were asked for."""
        classes = dict.fromkeys(self._classes.values())
        return tuple(self._results[item] for item in classes if item in self._results)

    def class_of(self, inputs: SimulationInputs) -> SimulationInputs:
        """Return the inputs that stand for the behaviour class of `inputs`."""
        if inputs not in self._classes:
            self._classes[inputs] = relevant(inputs)
        return self._classes[inputs]

    def result(self, inputs: SimulationInputs) -> SimulationResult:
        """Return what the simulation finds for the behaviour class of `inputs`.

        Raises:
            UndecidedError: MX0710, where the state space passes the bound (never a silent "safe").
        """
        return self.exact(self.class_of(inputs))

    def exact(self, inputs: SimulationInputs) -> SimulationResult:
        """Return what the simulation finds for just these inputs.

        The findings are those of the class; the trace shows this release's page size and
        descriptors instead of those of the class's representative.

        Raises:
            UndecidedError: MX0710, as `result`.
        """
        if inputs not in self._results:
            result = simulate(inputs)
            if not result.complete:
                raise UndecidedError(
                    Diagnostic(
                        code="MX0710",
                        message=f"the simulation passed its bound after {result.states} states",
                        hint="raise the bound, or ask about a smaller scenario",
                    )
                )
            self._results[inputs] = result
        return self._results[inputs]
