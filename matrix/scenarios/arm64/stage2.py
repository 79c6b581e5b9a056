"""Stage 2 of one guest page: map, relax permissions, unmap, flush, write-protect.

The rows follow arch/arm64/kvm/hyp/pgtable.c walker by walker; `caches` has the maintenance they
call. No walker looks at the direct map: that is why a zapped page is a trap for them.
"""

from __future__ import annotations

from matrix.scenarios.arm64 import descriptors
from matrix.scenarios.arm64.caches import (
    CLEAN_DCACHE_GUEST_PAGE,
    FWB,
    HYP_OWNS_STAGE2,
    INVALIDATE_ICACHE_GUEST_PAGE,
    VMID_TAGGED,
    clean_by_alias,
    invalidate,
    vmid_tagged,
)
from matrix.scenarios.arm64.machine import Condition, Machine, Row, of_inputs, sets
from matrix.scenarios.arm64.world import STALE_LINES, World

MAPPED = Condition(name="a stage-2 leaf maps the page", holds=lambda _, w: w.stage2 != 0)
PKVM_FLUSH_TESTS_FWB = of_inputs(
    "pkvm_pgtable_stage2_flush() returns with FWB", lambda i: i.pkvm_flush_tests_fwb and i.fwb
)


def leaf_is_executable(machine: Machine, *, fetch: bool) -> bool:
    """Say whether the new leaf gets KVM_PGTABLE_PROT_X.

    `exec_fault || DIC`; in a shadow stage 2 the guest hypervisor's own entry may withhold X from an
    access that is no fetch, so there it is only sure for a fetch.
    """
    inputs = machine.inputs
    granted = inputs.dic and inputs.executable_if_dic and inputs.vm != "nested"
    return fetch or granted


def _executable_condition(*, fetch: bool) -> Condition:
    return Condition(
        name="stage2_pte_executable(new)",
        of_class=True,
        holds=lambda m, _: leaf_is_executable(m, fetch=fetch),
    )


def _make_leaf(*, fetch: bool) -> Row:
    def effect(machine: Machine, world: World) -> None:
        world.stage2 = descriptors.stage2_leaf(
            machine.linear_map.placement.address,
            fwb=machine.inputs.fwb,
            executable=leaf_is_executable(machine, fetch=fetch),
        )
        world.leaf_locked = False

    return Row(operation="stage2_make_leaf", effect=effect)


LOCKS_LEAF = of_inputs("stage2_try_break_pte()", lambda i: i.map_locks_leaf)


def map_leaf(*, fetch: bool) -> tuple[Row, ...]:
    """Return kvm_pgtable_stage2_map() for a page that is not mapped; `fetch`: an exec fault."""
    # The order of stage2_map_walker_try_leaf(), 7.3 arch/arm64/kvm/hyp/pgtable.c:997-1010: the leaf
    # is locked, maintenance goes before the leaf is made. So a kernel that dies in it leaves the
    # leaf locked, and the guest never sees the page.
    body = (
        Row(operation="stage2_break_leaf", effect=sets(leaf_locked=True), when=(LOCKS_LEAF,)),
        Row(operation="map_clean_dcache", body=CLEAN_DCACHE_GUEST_PAGE),
        Row(
            operation="map_invalidate_icache",
            when=(_executable_condition(fetch=fetch),),
            body=INVALIDATE_ICACHE_GUEST_PAGE,
        ),
        _make_leaf(fetch=fetch),
    )
    keep = Row(operation="stage2_keep_leaf", when=(MAPPED,))
    return (keep, Row(operation="stage2_map", unless=(MAPPED,), body=body))


def _set_executable(machine: Machine, world: World) -> None:
    world.stage2 = descriptors.stage2_leaf(
        machine.linear_map.placement.address, fwb=machine.inputs.fwb, executable=True
    )


def _set_writable(_machine: Machine, world: World) -> None:
    world.stage2 |= descriptors.S2_WRITE


ADDS_EXECUTE = Condition(
    name="stage2_pte_executable(pte) && !stage2_pte_executable(old)",
    holds=lambda _, w: not descriptors.stage2_is_executable(w.stage2),
)


def relax_leaf(*, fetch: bool) -> tuple[Row, ...]:
    """Return kvm_pgtable_stage2_relax_perms(): adds X after a fetch, W after a write."""
    # stage2_attr_walker(), 7.3 pgtable.c:1222: only where X is added, and before the leaf has it.
    icache = Row(
        operation="relax_invalidate_icache", when=(ADDS_EXECUTE,), body=INVALIDATE_ICACHE_GUEST_PAGE
    )
    change = Row(operation="stage2_set_leaf", effect=_set_executable if fetch else _set_writable)
    body = (icache, change) if fetch else (change,)
    return (
        Row(operation="stage2_leaf_gone", effect=sets(resumed=True), unless=(MAPPED,)),
        Row(operation="stage2_relax", when=(MAPPED,), body=body),
    )


def _clear_leaf(machine: Machine, world: World) -> None:
    """Unmap; lines tagged with the VMID outlive the mapping and wait for the next one."""
    tagged = vmid_tagged(machine.inputs) and not machine.inputs.dic
    if tagged and descriptors.stage2_is_executable(world.stage2):
        world.instructions = STALE_LINES
    world.stage2 = 0


# stage2_unmap_walker(): the entry goes first, then the page is cleaned to the point of coherency.
UNMAP_LEAF = (
    Row(
        operation="stage2_unmap",
        when=(MAPPED,),
        body=(
            Row(operation="stage2_clear_leaf", effect=_clear_leaf),
            Row(operation="vmid_flush_icache", effect=invalidate, when=(VMID_TAGGED,)),
            Row(operation="unmap_clean_dcache", unless=(FWB,), body=CLEAN_DCACHE_GUEST_PAGE),
        ),
    ),
)


# stage2_flush_vm(): host-managed by the walker, under pKVM by the host on pfn_to_kaddr().
FLUSH_LEAF = (
    Row(
        operation="flush_clean_dcache",
        when=(MAPPED,),
        unless=(FWB, HYP_OWNS_STAGE2),
        body=CLEAN_DCACHE_GUEST_PAGE,
    ),
    Row(
        operation="pkvm_flush_clean_dcache",
        effect=clean_by_alias,
        when=(MAPPED, HYP_OWNS_STAGE2),
        unless=(PKVM_FLUSH_TESTS_FWB, FWB),
    ),
)


def _write_protect(_machine: Machine, world: World) -> None:
    world.stage2 &= ~descriptors.S2_WRITE


# kvm_pgtable_stage2_wrprotect(): no maintenance, no X is added.
WRITE_PROTECT_LEAF = (Row(operation="stage2_wrprotect", effect=_write_protect, when=(MAPPED,)),)
