"""The result of `simulate`: the bound, the traces in words, what is an advisory and why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from matrix.explore.fixpoint import MAX_STATES, explore
from matrix.explore.outcome import Violation, details
from tests.unit.scenarios.by_inputs import explore_class, machines_of, scenario_of, simulate
from tests.unit.scenarios.simulation_cases import inputs_of


def only(violations: tuple[Violation, ...], name: str) -> Violation:
    return next(item for item in violations if item.invariant == name)


@pytest.mark.parametrize("bound", [1, 3, 5])
def test_past_the_bound_it_is_not_complete(bound: int) -> None:
    result = simulate(inputs_of(), max_states=bound)
    assert not result.complete
    assert simulate(inputs_of()).complete


def test_a_bound_of_the_base_kernel_counts_too() -> None:
    inputs = inputs_of("6.18", settings={"dic": False, "pkvm": True})
    bounds = range(1, 40)
    complete = [simulate(inputs, max_states=bound).complete for bound in bounds]
    assert complete == sorted(complete)
    assert complete[-1]


def test_the_trace_of_the_headline_in_words() -> None:
    result = simulate(inputs_of("7.3", settings={"dic": False}))
    violation = only(result.violations, "alias-access")
    assert violation.assumption == ("ic-ivau-on-invalid-va", "faults")
    assert violation.message == "IC IVAU on __va(P), which is not mapped"
    boot, fetch = violation.trace
    assert details(boot.before) == {"direct map of P": "not built"}
    assert details(fetch.before) == details(boot.after)
    page = "0x00e8000101230703 level 3 4 KiB page 0x101230000 AF PXN UXN write"
    assert details(fetch.before)["direct map of P"] == page
    after = details(fetch.after)
    assert after["direct map of P"] == (
        "0x00e8000101230f02 level 3 4 KiB invalid 0x101230000 PTE_PRESENT_INVALID AF PXN UXN write"
    )
    assert after["folio"] == "uptodate, zapped"
    assert after["stage 2"] == "none"
    assert [operation.detail for operation in fetch.operations[-3:]] == [
        "IC IVAU on __va(P) = 0xffff000001230000, A invalid: translation fault",
        "the leaf stays locked: a vCPU that faults on it gets -EAGAIN and retries for ever",
        "kvm->mmu_lock stays held for reading: whoever wants it for writing waits for ever",
    ]


def test_the_descriptor_is_that_of_the_release() -> None:
    violation = only(
        simulate(inputs_of("6.18", settings={"dic": False})).violations, "alias-access"
    )
    assert "0x00e8000101230702" in details(violation.trace[-1].after)["direct map of P"]


@pytest.mark.parametrize(("page_shift", "size"), [(12, "4 KiB"), (14, "16 KiB"), (16, "64 KiB")])
def test_the_trace_is_that_of_the_granule_asked_about(page_shift: int, size: str) -> None:
    inputs = inputs_of("7.3", settings={"dic": False, "page_shift": page_shift})
    result = simulate(inputs)
    assert result.inputs == inputs
    assert f" {size} " in details(result.violations[0].trace[0].after)["direct map of P"]


def test_the_guest_side_in_words() -> None:
    result = simulate(inputs_of("7.3", settings={"dic": False}))
    after = details(only(result.violations, "coherent-instructions").trace[-1].after)
    assert after["stage 2"] == "0x00000001012307db page 0x101230000 R W X MemAttr=0b0110 AF"
    assert after["instruction cache"] == "possibly stale lines"
    assert after["data cache"] == "clean"
    assert after["guest caches"] == "forced Write-Back"
    assert after["VM"] == "running"


def test_the_guest_side_without_fwb_in_words() -> None:
    result = simulate(inputs_of("7.3", settings={"fwb": False, "dic": False, "pkvm": True}))
    toggle = result.violations[0].trace[-1]
    before = details(toggle.before)
    assert before["guest caches"] == "off"
    assert "MemAttr=0b1111" in before["stage 2"]


def test_dirty_lines_and_a_destroyed_vm_in_words() -> None:
    options = {"maintenance": "skip-zapped"}
    result = simulate(inputs_of("7.3", settings={"fwb": False}, options=options))
    after = details(only(result.violations, "coherent-data").trace[-1].after)
    assert after["data cache"] == "lines not in memory"


def test_a_defect_of_the_base_kernel_is_an_advisory_by_running_it() -> None:
    inputs = inputs_of("6.18", settings={"dic": False, "icache_is_aliasing": True})
    result = simulate(inputs)
    assert result.violations == ()
    progress = only(result.advisories, "guest-progress")
    assert [step.event for step in progress.trace[1:]] == ["guest read", "guest instruction fetch"]
    (machine,) = machines_of(inputs)
    base = replace(machine, assumption="faults", with_capability=False)
    assert "guest-progress" in explore(scenario_of(inputs), base).paths


def test_a_refusal_is_no_defect_to_be_excused() -> None:
    """The base kernel refuses a protected VM's fault as well; the predicate still said yes."""
    inputs = inputs_of("7.3", settings={"vm": "protected", "pkvm": True})
    assert [item.invariant for item in simulate(inputs).violations] == ["operation-fails"]


def test_two_flushes_are_counted() -> None:
    message = only(simulate(inputs_of("7.3")).advisories, "flush-cost").message
    assert message == "2 TLB invalidations for one page"
    message = only(simulate(inputs_of("6.12")).advisories, "flush-cost").message
    assert message == "1 TLB invalidation for one page"


def test_states_and_transitions_are_counted() -> None:
    findings = explore_class(inputs_of("7.3"), MAX_STATES)
    assert findings.states > 1
    assert findings.transitions > findings.states
