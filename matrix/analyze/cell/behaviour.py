"""What decides a verdict besides the predicate, once for all cells that behave alike.

Cells with equal simulation inputs are one behaviour class and are simulated once. A capability with
`truth:` is judged by expressions instead: each part is a row like an input of the simulation, and
one that does not hold is a violation whose message is the part's `because`. A capability with
neither has no rows and no violation: only what the kernel says is known of it.
"""

from __future__ import annotations

from typing import overload

from msgspec import Struct

from matrix.analyze.facts.kept_simulations import simulate
from matrix.diagnostics import UndecidedError
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import MicroOperation, SimulationResult, Step, Violation
from matrix.explore.scenario import domains_of
from matrix.expr.nodes import Value
from matrix.scenarios import scenario
from matrix.schema.values import TruthPart

# What a trace calls the event in which a part of the truth is looked at.
_EVENT = "truth"


class TruthInputs(Struct, frozen=True, kw_only=True):
    """Which parts of the declared truth hold, each with its answer; none where none is declared."""

    holds: tuple[tuple[TruthPart, bool], ...]


class TruthResult(Struct, frozen=True, kw_only=True):
    """What the truth says of one class of cells; the fields of a simulation's result."""

    inputs: TruthInputs
    violations: tuple[Violation, ...]
    advisories: tuple[Violation, ...] = ()
    states: int = 0
    transitions: int = 0


Inputs = SimulationInputs | TruthInputs
Result = SimulationResult | TruthResult


def look(inputs: TruthInputs) -> TruthResult:
    """Return one violation for each part that does not hold."""
    return TruthResult(
        inputs=inputs,
        violations=tuple(
            Violation(
                invariant=part.id, assumption=None, message=part.because, trace=(_step(part),)
            )
            for part, holds in inputs.holds
            if not holds
        ),
    )


def named(inputs: Inputs) -> dict[str, Value]:
    """Return by name what a class of cells may depend on, without what the capability decides."""
    if isinstance(inputs, TruthInputs):
        return {part.id: holds for part, holds in inputs.holds}
    return {name: getattr(inputs, name) for name in domains_of(scenario(inputs.scenario))}


def violates(result: Result) -> bool | None:
    """Tell whether something is violated; None where nothing says what should hold."""
    if isinstance(result, TruthResult) and not result.inputs.holds:
        return None
    return bool(result.violations)


def _step(part: TruthPart) -> Step:
    looked = MicroOperation(name=part.id, detail=f"{part.condition.text} is false")
    return Step(event=_EVENT, operations=(looked,), before=(), after=())


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

    @property
    def results(self) -> tuple[Result, ...]:
        """The simulations of all classes so far, in the order they were asked for."""
        # Only classes, not the exact inputs that were simulated for a trace: a report counts what
        # decides.
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
            # A search that was cut off has found no violation *yet*: taking that as safe would be
            # the one wrong answer that nobody notices.
            if not result.complete:
                raise UndecidedError.of(
                    code="MX0710",
                    message=f"the simulation passed its bound after {result.states} states",
                    hint="raise the bound, or ask about a smaller scenario",
                )
            self._results[inputs] = result
        return self._results[inputs]
