"""Laws of the simulation: what may be merged, and what can only make a class better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.explore.fixpoint import MAX_STATES
from matrix.explore.simulate import Findings, clear_cache
from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.page import OPTIONS
from tests.unit.scenarios.by_inputs import (
    INVARIANT_NAMES,
    base_kernel,
    explore_class,
    relevant,
    simulate,
)
from tests.unit.scenarios.simulation_inputs import simulation_inputs

Told = set[tuple[str, str | None, int]]


def told(findings: Findings) -> tuple[Told, Told]:
    """Return violations and advisories with the assumption and the length of the trace."""
    violations, advisories = (
        {(item.name, item.value, len(item.path.events)) for item in items}
        for items in (findings.violations, findings.advisories)
    )
    return violations, advisories


def found(inputs: PageInputs) -> set[str]:
    """Return every invariant that can be broken, excused or not, without merging classes."""
    findings = explore_class(inputs, MAX_STATES)
    names = {item.name for item in (*findings.violations, *findings.advisories)}
    return names & set(INVARIANT_NAMES)


@given(simulation_inputs())
def test_merged_classes_find_the_same(inputs: PageInputs) -> None:
    assert told(explore_class(inputs, MAX_STATES)) == told(
        explore_class(relevant(inputs), MAX_STATES)
    )


@pytest.mark.parametrize(
    "option", [(item.name, value) for item in OPTIONS for value in list(item.values)[1:]]
)
@given(data=st.data())
def test_and_so_with_each_option(option: tuple[str, str], data: st.DataObject) -> None:
    inputs = data.draw(simulation_inputs(st.just((option,))))
    assert told(explore_class(inputs, MAX_STATES)) == told(
        explore_class(relevant(inputs), MAX_STATES)
    )


@given(simulation_inputs())
def test_merging_twice_is_merging_once(inputs: PageInputs) -> None:
    assert relevant(relevant(inputs)) == relevant(inputs)
    assert base_kernel(base_kernel(inputs)) == base_kernel(inputs)


@given(simulation_inputs())
def test_every_trace_can_be_replayed_on_the_inputs_themselves(inputs: PageInputs) -> None:
    result = simulate(inputs)
    for item in (*result.violations, *result.advisories):
        assert item.trace[0].event == "boot"
        assert item.message
        assert all(step.operations for step in item.trace)


@given(simulation_inputs(), st.data())
def test_asking_again_or_in_another_order_changes_nothing(
    inputs: PageInputs, data: st.DataObject
) -> None:
    others = data.draw(st.lists(simulation_inputs(), max_size=2))
    clear_cache()
    alone = simulate(inputs)
    clear_cache()
    for other in others:
        simulate(other)
    assert simulate(inputs) == alone


@given(simulation_inputs(variant=st.just(())), st.booleans())
def test_a_flush_more_never_adds_a_violation(inputs: PageInputs, flushes: bool) -> None:
    inputs = replace(inputs, direct_map_helper_flushes=flushes)
    by_flush = [
        found(replace(inputs, variant=variant))
        for variant in ((("tlb-flush", "none"),), (("tlb-flush", "helper"),), ())
    ]
    assert by_flush[2] <= by_flush[1] <= by_flush[0]


@given(simulation_inputs())
def test_fwb_never_adds_an_access_to_the_alias(inputs: PageInputs) -> None:
    with_fwb = found(replace(inputs, fwb=True))
    assert "alias-access" not in with_fwb or "alias-access" in found(replace(inputs, fwb=False))


@given(simulation_inputs())
def test_dic_never_adds_an_access_to_the_alias(inputs: PageInputs) -> None:
    with_dic = found(replace(inputs, dic=True))
    assert "alias-access" not in with_dic or "alias-access" in found(replace(inputs, dic=False))


@given(simulation_inputs())
def test_bbml_never_adds_an_access_to_the_alias_where_the_zap_worked_without(
    inputs: PageInputs,
) -> None:
    """Where the zap was refused or silent without BBML there was no invalid alias to access."""
    without = found(replace(inputs, system_supports_bbml=False))
    if without & {"operation-fails", "alias-removed", "live-size-change"}:
        return
    with_bbml = found(replace(inputs, system_supports_bbml=True))
    assert "alias-access" not in with_bbml or "alias-access" in without


@given(simulation_inputs(), st.sampled_from((12, 14, 16)))
def test_the_granule_decides_nothing(inputs: PageInputs, page_shift: int) -> None:
    other = replace(inputs, page_shift=page_shift)
    assert told(explore_class(inputs, MAX_STATES)) == told(explore_class(other, MAX_STATES))


@given(simulation_inputs())
def test_a_guest_that_never_executes_finds_no_more(inputs: PageInputs) -> None:
    options = dict(inputs.variant)
    any_guest = replace(inputs, variant=_options({**options, "guest": "any"}))
    no_exec = replace(inputs, variant=_options({**options, "guest": "no-exec"}))
    assert found(no_exec) <= found(any_guest)


@given(simulation_inputs(variant=st.just(())))
def test_maintenance_through_another_address_never_touches_the_alias(
    inputs: PageInputs,
) -> None:
    fixed = replace(inputs, variant=(("maintenance", "temporary-mapping"),), stage2_owner="host")
    assert "alias-access" not in found(fixed)


def _options(options: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in options.items() if value != "any"))
