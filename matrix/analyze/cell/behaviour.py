"""Behaviour classes: cells with equal simulation inputs are simulated once."""

from __future__ import annotations

from typing import overload

from matrix.analyze.cell.truth import Inputs, Result, TruthInputs, TruthResult, look
from matrix.diagnostics import Diagnostic, UndecidedError
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import SimulationResult
from matrix.explore.simulate import simulate
from matrix.scenarios import scenario


class Behaviours:
    """The simulations of one run, one per behaviour class.

    Two cells are in one class where the inputs that can matter to the simulation are equal
    (`relevant` of the scenario). Where a capability declares its truth, the same parts of it hold
    in a class.
    """

    __slots__ = ("_classes", "_results")

    def __init__(self) -> None:
        self._classes: dict[Inputs, Inputs] = {}
        self._results: dict[Inputs, Result] = {}

    def __len__(self) -> int:
        return len(self.results)

    @property
    def results(self) -> tuple[Result, ...]:
        """The simulations of all classes so far, in the order they were asked for."""
        classes = dict.fromkeys(self._classes.values())
        return tuple(self._results[item] for item in classes if item in self._results)

    def class_of(self, inputs: Inputs) -> Inputs:
        """Return the inputs that stand for the behaviour class of `inputs`."""
        if inputs not in self._classes:
            self._classes[inputs] = (
                scenario(inputs.scenario).relevant(inputs)
                if isinstance(inputs, SimulationInputs)
                else inputs
            )
        return self._classes[inputs]

    @overload
    def result(self, inputs: SimulationInputs) -> SimulationResult: ...
    @overload
    def result(self, inputs: TruthInputs) -> TruthResult: ...
    @overload
    def result(self, inputs: Inputs) -> Result: ...
    def result(self, inputs: Inputs) -> Result:
        """Return what the simulation finds for the behaviour class of `inputs`.

        Raises:
            UndecidedError: MX0710, where the state space passes the bound (never a silent "safe").
        """
        return self.exact(self.class_of(inputs))

    @overload
    def exact(self, inputs: SimulationInputs) -> SimulationResult: ...
    @overload
    def exact(self, inputs: TruthInputs) -> TruthResult: ...
    @overload
    def exact(self, inputs: Inputs) -> Result: ...
    def exact(self, inputs: Inputs) -> Result:
        """Return what the simulation finds for just these inputs.

        The findings are those of the class; the trace shows this release's page size and
        descriptors instead of those of the class's representative.

        Raises:
            UndecidedError: MX0710, as `result`.
        """
        if isinstance(inputs, TruthInputs):
            if inputs not in self._results:
                self._results[inputs] = look(inputs)
        elif inputs not in self._results:
            result = simulate(scenario(inputs.scenario), inputs)
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
