"""The explorer's functions, asked of the scenario that the inputs name."""

from __future__ import annotations

from typing import Any

from matrix.explore import interleave, rehearsal
from matrix.explore import simulate as explorer
from matrix.explore.fixpoint import MAX_STATES
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import SimulationResult, TwoActorResult
from matrix.explore.rehearsal import Rehearsal
from matrix.explore.scenario import AnyScenario, domains_of
from matrix.explore.simulate import Findings
from matrix.scenarios import scenario
from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.machine import Machine

# What the inputs of a world of one page may be, and what can be violated in it.
DOMAINS = domains_of(scenario("gmem"))
WORDS = {name: words for name, words in DOMAINS.items() if isinstance(words, tuple)}
INVARIANT_NAMES = scenario("gmem").invariant_names


def scenario_of(inputs: SimulationInputs) -> AnyScenario:
    return scenario(inputs.scenario)


def simulate(inputs: SimulationInputs, *, max_states: int = MAX_STATES) -> SimulationResult:
    return explorer.simulate(scenario_of(inputs), inputs, max_states=max_states)


def explore_class(inputs: SimulationInputs, max_states: int) -> Findings:
    return explorer.explore_class(scenario_of(inputs), inputs, max_states)


def relevant(inputs: PageInputs) -> PageInputs:
    found: PageInputs = scenario_of(inputs).relevant(inputs)
    return found


def base_kernel(inputs: PageInputs) -> PageInputs:
    found: PageInputs = scenario_of(inputs).base(inputs)
    return found


def rehearse(inputs: SimulationInputs, events: list[str], **settings: Any) -> Rehearsal:
    return rehearsal.rehearse(scenario_of(inputs), inputs, events, **settings)


def simulate_two_actors(inputs: SimulationInputs, **settings: Any) -> TwoActorResult:
    return interleave.simulate_two_actors(scenario_of(inputs), inputs, **settings)


def machines_of(inputs: SimulationInputs) -> tuple[Machine, ...]:
    found: tuple[Machine, ...] = scenario_of(inputs).machines(inputs)
    return found


def assumptions_of(inputs: SimulationInputs) -> tuple[str, ...]:
    return scenario_of(inputs).assumed
