"""Two actors at once: what the series withstands, and the windows that one actor cannot show."""

from __future__ import annotations

import pytest

from matrix.explore.inputs import SimulationInputs
from matrix.explore.interleave import BOUND
from matrix.explore.outcome import details
from tests.unit.scenarios.by_inputs import simulate, simulate_two_actors
from tests.unit.scenarios.simulation_cases import Setting, inputs_of

SOUND: list[tuple[str, dict[str, Setting]]] = [
    ("pages", {}),
    ("split", {}),
    ("pages", {"dic": False, "icache_is_aliasing": True}),
    ("pages", {"dic": False, "pkvm": True}),
    ("pages", {"vm": "nested", "vncr_mapped": True}),
    ("pages", {"debug_pagealloc": True}),
    ("pages", {"scenario": "secretmem"}),
    ("split", {"scenario": "secretmem"}),
]
BASE: list[dict[str, Setting]] = [
    {},
    {"dic": False},
    {"fwb": False, "dic": False},
    {"fwb": False, "dic": False, "pkvm": True},
]


@pytest.mark.parametrize(("linear_map", "settings"), SOUND)
def test_the_series_withstands_two_actors(linear_map: str, settings: dict[str, Setting]) -> None:
    result = simulate_two_actors(inputs_of("7.3", linear_map, settings))
    assert result.complete
    assert [item.invariant for item in result.violations] == []
    assert result.starts > 1
    assert result.states > result.starts
    assert result.bound == BOUND


@pytest.mark.parametrize("settings", BASE)
def test_the_base_kernel_withstands_two_actors(settings: dict[str, Setting]) -> None:
    result = simulate_two_actors(inputs_of("7.3", "pages", settings), with_capability=False)
    assert result.complete
    assert result.violations == ()


def test_a_deferred_flush_leaves_a_window_that_one_actor_does_not_show() -> None:
    inputs = inputs_of("7.3", options={"tlb-flush": "deferred"})
    assert simulate(inputs).violations == ()
    result = simulate_two_actors(inputs)
    (violation,) = result.violations
    assert (violation.invariant, violation.assumption) == ("alias-removed", None)
    window = violation.trace[-1]
    assert window.operations[-1].name == "gmem_set_zapped"
    assert details(window.after)["host TLB"].startswith("may hold ")
    assert details(window.after)["folio"] == "uptodate, zapped"


def test_no_flush_is_found_by_both_modes() -> None:
    inputs = inputs_of("7.3", options={"tlb-flush": "none"})
    names = {item.invariant for item in simulate(inputs).violations}
    assert names == {item.invariant for item in simulate_two_actors(inputs).violations}


def test_the_certain_and_the_assumed_are_told_apart() -> None:
    result = simulate_two_actors(inputs_of("7.3", settings={"dic": False}))
    found = {(item.invariant, item.assumption and item.assumption[1]) for item in result.violations}
    assert found == {("alias-access", "faults"), ("coherent-instructions", "ignored")}


def test_a_trace_names_the_actors_and_begins_at_boot() -> None:
    inputs = inputs_of("7.3", settings={"fwb": False, "dic": False, "pkvm": True})
    (violation,) = simulate_two_actors(inputs).violations
    assert violation.invariant == "alias-access"
    events = [step.event for step in violation.trace]
    assert events[0] == "boot"
    assert {event.split(":")[0] for event in events if event.startswith("actor")} == {
        "actor 1",
        "actor 2",
    }
    died = [operation.name for operation in violation.trace[-1].operations[-2:]]
    assert died == ["pkvm_flush_clean_dcache", "oops_write_lock_held"]


def test_past_the_bound_it_is_not_complete() -> None:
    result = simulate_two_actors(inputs_of(), max_nodes=100)
    assert not result.complete


def test_one_actor_finds_nothing_that_two_do_not() -> None:
    """Every violation that is not a matter of liveness is found by both."""
    rows: list[SimulationInputs] = [
        inputs_of("7.3", "blocks"),
        inputs_of("7.3", "realm-hole"),
        inputs_of("7.3", "pages", {"fwb": False}),
        inputs_of("7.3", options={"restore": "compiled-out"}),
        inputs_of("5.10", settings={"dic": False}),
    ]
    for inputs in rows:
        alone = {item.invariant for item in simulate(inputs).violations}
        assert alone <= {item.invariant for item in simulate_two_actors(inputs).violations}
