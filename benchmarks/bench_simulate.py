"""Time of the simulation: every behaviour class of the shipped study, cold.

Run: `python benchmarks/bench_simulate.py`. The ratio compares merged classes (`relevant`) against
the exploration of every distinct input by itself, in the same run; the traces of every input and
the two-actor mode are for orientation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from matrix.explore.fixpoint import MAX_STATES
from matrix.explore.inputs import SimulationInputs
from matrix.explore.interleave import simulate_two_actors
from matrix.explore.simulate import clear_cache, explore_class, simulate
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.scenarios import scenario

STUDY = "arm64-gmem-no-direct-map"

# Seconds for all behaviour classes, cold, on two cores of the kind CI runs on.
BUDGET = 2.0

Result = TypeVar("Result")


def main() -> None:
    """Print the figures; exit 1 where the budget is exceeded or the merged classes disagree."""
    inputs, enumerating = timed(study_inputs)
    print(f"{STUDY}: {len(inputs)} distinct inputs (enumerated in {enumerating:.2f} s)")
    world = scenario(inputs[0].scenario)
    merged, merging = timed(lambda: sorted({world.relevant(item) for item in inputs}, key=repr))
    print(f"merged to {len(merged)} behaviour classes in {merging * 1e3:.1f} ms")

    clear_cache()
    results, cold = timed(lambda: [simulate(world, item) for item in merged])
    states, transitions = (
        sum(result.states for result in results),
        sum(result.transitions for result in results),
    )
    print(
        f"cold: {cold:.3f} s, {states} states, {transitions} transitions, "
        f"{cold / len(merged) * 1e3:.2f} ms per class"
    )
    print(f"complete: {all(result.complete for result in results)}")

    clear_cache()
    alone, apart = timed(lambda: [explore_class(world, item, MAX_STATES) for item in inputs])
    print(
        f"each input by itself: {apart:.3f} s, {apart / len(inputs) * 1e3:.2f} ms per input; "
        f"merging is {apart / (merging + cold):.1f} times faster"
    )
    clear_cache()
    traced, traces = timed(lambda: [simulate(world, item) for item in inputs])
    print(f"every input with its own traces: {traces:.3f} s")
    two, both = timed(lambda: simulate_two_actors(world, merged[0]))
    print(f"two actors, one class: {both:.2f} s, {two.states} nodes from {two.starts} states")

    same = all(
        {item.name for item in one.violations} == {item.invariant for item in other.violations}
        for one, other in zip(alone, traced, strict=True)
    )
    if not same:
        raise SystemExit("merged classes and single inputs disagree")
    if cold > BUDGET:
        raise SystemExit(f"over the budget of {BUDGET} s")


def study_inputs() -> list[SimulationInputs]:
    """Return the distinct inputs of all cells of the shipped study that are not absent."""
    prepared = prepare_study(Library(()), STUDY)
    kernels = prepared.solve().kernels
    found = {
        inputs
        for _, regions in kernels
        for inputs, _ in regions.classes
        if isinstance(inputs, SimulationInputs)
    }
    return sorted(found, key=repr)


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return what `work` returns and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    main()
