"""What decides where nothing is simulated: the declared truth, or nothing at all.

A capability with `truth:` is judged by expressions. Each part is a row like an input of the
simulation, and one that does not hold is a violation whose message is the part's `because`. A
capability with neither truth nor scenario has no rows and no violation: only what the kernel says
is known of it.
"""

from __future__ import annotations

from msgspec import Struct

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
