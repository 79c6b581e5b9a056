"""What a vCPU does: instruction fetches, reads, writes, and the aborts they take.

Rows of arch/arm64/kvm/mmu.c gmem_abort(), pkvm_mem_abort(), kvm_toggle_cache() and
kvm_set_way_flush(). The guest is adversarial: everything here may happen at any time.
"""

from __future__ import annotations

from collections.abc import Callable

from matrix.simulate import descriptors
from matrix.simulate.caches import FWB, INVALIDATE_ICACHE_ALL
from matrix.simulate.direct_map import FAILED
from matrix.simulate.gmem import FLUSH_AT_LAST, GET_FOLIO, return_error
from matrix.simulate.program import Condition, Row
from matrix.simulate.stage2 import (
    FLUSH_LEAF,
    UNMAP_LEAF,
    map_leaf,
    relax_leaf,
)
from matrix.simulate.world import FREE, Machine, World

PROTECTED_VM = Condition(
    name="kvm_vm_is_protected()", of_class=True, holds=lambda m, _: m.inputs.vm == "protected"
)
RELAX_FAULT = Condition(
    name="perm_fault and gmem_abort() has a branch for it",
    holds=lambda m, w: w.permission_fault and m.inputs.relax_perms_on_exec_fault,
)
INVALIDATED = Condition(
    name="mmu_invalidate_retry()",
    holds=lambda _, w: w.invalidating or w.sequence != w.sampled,
)
RESUMED = Condition(name="the fault is retried", holds=lambda _, w: w.resumed)
TRAPS_CACHES = Condition(name="HCR_EL2.TVM", holds=lambda _, w: w.traps_caches)
# The register write takes effect for the guest when KVM is done with it.
NOW_ENABLED = Condition(name="vcpu_has_cache_enabled()", holds=lambda _, w: not w.guest_caches)

_PERMITS: dict[str, Callable[[int], bool]] = {
    "fetch": descriptors.stage2_is_executable,
    "read": descriptors.is_valid,
    "write": descriptors.stage2_is_writable,
}


def _observe(kind: str, machine: Machine, world: World) -> None:
    """Do the access that stage 2 permits, and record what a wrong value would be."""
    inputs = machine.inputs
    if world.folio == FREE:
        message = f"the guest's {kind} reaches a page that was freed"
        world.found.append(("coherent-data", message))
    if kind == "fetch" and world.stale_instructions:
        message = "the guest executes instructions of the page's previous contents"
        world.found.append(("coherent-instructions", message))
    if inputs.fwb:
        return  # every guest access is cacheable and coherent
    if kind == "write":
        world.dirty = world.dirty or world.guest_caches
    elif world.dirty and not world.guest_caches:
        world.found.append(("coherent-data", "the guest reads memory behind dirty cache lines"))


def _attempt(kind: str) -> Callable[[Machine, World], None]:
    def effect(machine: Machine, world: World) -> None:
        if _PERMITS[kind](world.stage2):
            _observe(kind, machine, world)
            world.stopped = True
        else:
            world.permission_fault = world.stage2 != 0

    return effect


def _retry(kind: str) -> Callable[[Machine, World], None]:
    def effect(machine: Machine, world: World) -> None:
        if _PERMITS[kind](world.stage2):
            _observe(kind, machine, world)
        else:
            message = f"the guest's {kind} faults again and nothing has changed"
            world.found.append(("guest-progress", message))

    return effect


def _sample(_machine: Machine, world: World) -> None:
    world.sampled = world.sequence


def _resume(_machine: Machine, world: World) -> None:
    world.resumed = True


def _refuse_protected(_machine: Machine, world: World) -> None:
    world.error = "-EIO"


def access(kind: str) -> tuple[Row, ...]:
    """Return a guest access of `kind` (fetch, read, write) with the abort it may take."""
    fetch = kind == "fetch"
    fault = Row(
        operation="stage2_fault",
        unless=(FAILED, RESUMED),
        body=(
            Row(operation="gmem_abort_relax", when=(RELAX_FAULT,), body=relax_leaf(fetch=fetch)),
            Row(operation="gmem_abort_map", unless=(RELAX_FAULT,), body=map_leaf(fetch=fetch)),
        ),
    )
    abort = Row(
        operation="gmem_abort",
        unless=(PROTECTED_VM,),
        body=(
            Row(operation="mmu_sequence_sample", effect=_sample),
            *GET_FOLIO,
            Row(operation="mmu_lock", takes=("mmu-read",)),
            Row(operation="mmu_invalidate_retry", effect=_resume, when=(INVALIDATED,)),
            fault,
            Row(operation="mmu_unlock", drops=("mmu-read",)),
            FLUSH_AT_LAST,
        ),
    )
    return (
        Row(operation=f"guest_{kind}", effect=_attempt(kind)),
        Row(operation="pkvm_mem_abort", effect=_refuse_protected, when=(PROTECTED_VM,)),
        abort,
        return_error("the guest's fault"),
        Row(operation=f"guest_{kind}", effect=_retry(kind), unless=(FAILED, RESUMED)),
    )


def _toggle(machine: Machine, world: World) -> None:
    if machine.inputs.fwb:
        return
    world.guest_caches = not world.guest_caches
    if not world.guest_caches and not world.traps_caches:
        world.dirty = False  # a guest that was not trapped cleans its own lines by address


def _stop_trapping(_machine: Machine, world: World) -> None:
    world.traps_caches = False


def _start_trapping(_machine: Machine, world: World) -> None:
    world.traps_caches = True


_LOCKED_FLUSH = (
    Row(operation="mmu_lock", takes=("mmu-write",)),
    *FLUSH_LEAF,
    Row(operation="mmu_unlock", drops=("mmu-write",)),
)
TOGGLE_CACHES = (
    Row(operation="guest_toggle_caches"),
    Row(
        operation="kvm_toggle_cache",
        when=(TRAPS_CACHES,),
        unless=(FWB,),
        body=(
            *_LOCKED_FLUSH,
            Row(operation="kvm_stop_trapping", effect=_stop_trapping, when=(NOW_ENABLED,)),
        ),
    ),
    Row(operation="guest_caches_change", effect=_toggle),
)
SET_WAY = (
    Row(operation="guest_set_way"),
    Row(
        operation="kvm_set_way_flush",
        unless=(FWB, TRAPS_CACHES),
        body=(*_LOCKED_FLUSH, Row(operation="kvm_start_trapping", effect=_start_trapping)),
    ),
)
# kvm_arch_vcpu_ioctl_vcpu_init() of a vCPU that ran before.
REINITIALISE = (
    Row(operation="vcpu_icache_inval_all", when=(FWB,), body=INVALIDATE_ICACHE_ALL),
    Row(
        operation="vcpu_unmap_vm",
        unless=(FWB,),
        body=(
            Row(operation="mmu_lock", takes=("mmu-write",)),
            *UNMAP_LEAF,
            Row(operation="mmu_unlock", drops=("mmu-write",)),
        ),
    ),
)
