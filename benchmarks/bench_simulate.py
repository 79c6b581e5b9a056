"""The simulation: every behaviour class of the shipped study, cold.

The baseline is the exploration of every distinct input by itself, without merging those that are
alike (`relevant`); what both find is compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measuring import Figure, cpu, figure
from matrix.explore.fixpoint import MAX_STATES
from matrix.explore.inputs import SimulationInputs
from matrix.explore.interleave import simulate_two_actors
from matrix.explore.simulate import clear_cache, explore_class, simulate
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.scenarios import scenario

STUDY = "arm64-gmem-no-direct-map"


def figures() -> Iterator[Figure]:
    """Measure; SystemExit where merged classes and single inputs disagree."""
    inputs = study_inputs()
    world = scenario(inputs[0].scenario)
    merged, merging = cpu(lambda: sorted({world.relevant(item) for item in inputs}, key=repr))
    clear_cache()
    results, cold = cpu(lambda: [simulate(world, item) for item in merged])
    clear_cache()
    alone, apart = cpu(lambda: [explore_class(world, item, MAX_STATES) for item in inputs])
    clear_cache()
    traced, traces = cpu(lambda: [simulate(world, item) for item in inputs])
    two, both = cpu(lambda: simulate_two_actors(world, merged[0]))
    if any(
        {item.name for item in one.violations} != {item.invariant for item in other.violations}
        for one, other in zip(alone, traced, strict=True)
    ):
        raise SystemExit("merged classes and single inputs disagree")
    name = f"{len(merged)} behaviour classes of {len(inputs)} inputs simulated"
    yield figure(name, cold, most=2.0)
    yield figure(name, merging + cold, beside=("each input by itself", apart))
    yield figure("states", sum(one.states for one in results), "states")
    yield figure("every input with its traces", traces)
    yield figure(f"two actors, one class, {two.states:,} nodes", both)


def study_inputs() -> list[SimulationInputs]:
    """Return the distinct inputs of all cells of the shipped study that are not absent."""
    kernels = prepare_study(Library(()), STUDY).solve().kernels
    found = {
        inputs
        for _, regions in kernels
        for inputs, _ in regions.classes
        if isinstance(inputs, SimulationInputs)
    }
    return sorted(found, key=repr)
