"""What a vCPU does: instruction fetches, reads, writes, and the aborts they take.

Rows of arch/arm64/kvm/mmu.c gmem_abort(), pkvm_mem_abort(), kvm_toggle_cache() and
kvm_set_way_flush(). The guest is adversarial: everything here may happen at any time.
"""

from __future__ import annotations

from collections.abc import Callable

from matrix.scenarios.arm64 import descriptors
from matrix.scenarios.arm64.caches import (
    FWB,
    INVALIDATE_ICACHE_ALL,
    ZAPPED,
    fetches_stale_lines,
    invalidate,
)
from matrix.scenarios.arm64.direct_map import FAILED
from matrix.scenarios.arm64.guest_memfd import FLUSH_AT_LAST, GET_FOLIO, return_error
from matrix.scenarios.arm64.machine import (
    Condition,
    Machine,
    Row,
    advise,
    locked,
    of_inputs,
    option,
    sets,
)
from matrix.scenarios.arm64.stage2 import (
    FLUSH_LEAF,
    UNMAP_LEAF,
    map_leaf,
    relax_leaf,
)
from matrix.scenarios.arm64.world import FREE, LINES, LOADED, NEVER_RAN, STALE_LINES, World

PROTECTED_VM = of_inputs("kvm_vm_is_protected()", lambda i: i.vm == "protected")
RELAX_FAULT = Condition(
    name="perm_fault and gmem_abort() has a branch for it",
    holds=lambda m, w: w.permission_fault and m.inputs.relax_perms_on_exec_fault,
)
INVALIDATED = Condition(
    name="mmu_invalidate_retry()",
    holds=lambda _, w: w.invalidating or w.sequence != w.sampled,
)
VCPU_LOADED = Condition(name="the vCPU is loaded", holds=lambda _, w: w.vcpu == LOADED)
FIRST_LOAD = Condition(name="*last_ran != vcpu->vcpu_idx", holds=lambda _, w: w.first_load)
LOAD_FLUSHES = of_inputs("!is_protected_kvm_enabled()", lambda i: i.vcpu_load_flushes)
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
        # Stage 2 still maps what the allocator has: whoever owns it next, the guest sees it.
        message = f"the guest's {kind} reaches a page that was freed"
        world.found.append(("coherent-data", message))
    # Before the test of FWB, which makes data accesses coherent and no instruction cache.
    if kind == "fetch":
        _fetch(machine, world)
    if inputs.fwb:
        return  # every guest access is cacheable and coherent
    if kind == "write":
        world.dirty = world.dirty or world.guest_caches
    elif world.dirty and not world.guest_caches:
        world.found.append(("coherent-data", "the guest reads memory behind dirty cache lines"))


def _fetch(machine: Machine, world: World) -> None:
    """Execute, from the instruction cache where it has lines of the page."""
    if world.instructions == STALE_LINES:
        message = "the guest executes instructions of the page's previous contents"
        world.found.append(("coherent-instructions", message))
    # With DIC nothing that is fetched can get stale: the lines need not be a part of the state.
    elif fetches_stale_lines(machine.inputs):
        world.instructions = LINES


def _attempt(kind: str) -> Callable[[Machine, World], None]:
    def effect(machine: Machine, world: World) -> None:
        if _PERMITS[kind](world.stage2):
            _observe(kind, machine, world)
            world.stopped = True
        else:
            # A leaf that is there and forbids the access; else it is a translation fault.
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


def _load(_machine: Machine, world: World) -> None:
    # Loaded again where no other one ran, *last_ran is still its own index (7.3 arm.c:702).
    world.first_load = world.vcpu == NEVER_RAN
    world.vcpu = LOADED


# kvm_arch_vcpu_load() of a vCPU that is not loaded: before it first runs on a CPU (last_ran is -1),
# or where another vCPU of the VM ran last, that CPU forgets its instructions, whatever DIC says.
LOAD = (
    Row(
        operation="vcpu_load",
        effect=_load,
        unless=(VCPU_LOADED,),
        body=(
            Row(operation="vcpu_load_flush", effect=invalidate, when=(FIRST_LOAD, LOAD_FLUSHES)),
        ),
    ),
)


def _userspace_maps(what: str) -> Condition:
    return of_inputs(f"userspace_addr maps {what}", lambda i: i.userspace_addr == what)


def _map_other_memory(machine: Machine, world: World) -> None:
    world.stopped = True
    if machine.with_capability:
        message = "the flag was accepted, and the guest's memory is not the guest_memfd's: it stays"
        world.found.append(("protection-applies", f"{message} in the direct map"))


# pkvm_mem_abort() pins what userspace_addr maps and never asks whether that is the slot's gmem. Of
# the gmem the base kernel gets a page from GUP and refuses it with -EIO, for the folio is not
# backed by swap; nothing depends on which of the two refuses.
PKVM_MEM_ABORT = (
    Row(
        operation="gup_refused",
        effect=sets(error="-EFAULT"),
        when=(_userspace_maps("gmem"), option("gup", "refused")),
    ),
    Row(
        operation="pkvm_refuse_folio",
        effect=sets(error="-EIO"),
        when=(_userspace_maps("gmem"), option("gup", "allowed")),
    ),
    Row(operation="gup_no_vma", effect=sets(error="-EFAULT"), when=(_userspace_maps("none"),)),
    Row(
        operation="pkvm_stage2_map",
        effect=_map_other_memory,
        when=(_userspace_maps("other"),),
        unless=(FAILED,),
    ),
    return_error("pkvm_mem_abort_return", "the guest's fault"),
)


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
            # Before the page is looked up (7.3 arch/arm64/kvm/mmu.c:1628-1632), so whatever unmaps
            # it in between is noticed under the lock.
            Row(operation="mmu_sequence_sample", effect=_sample),
            *GET_FOLIO,
            *locked(
                "mmu-read",
                Row(
                    operation="mmu_invalidate_retry", effect=sets(resumed=True), when=(INVALIDATED,)
                ),
                fault,
            ),
            FLUSH_AT_LAST,
            return_error("gmem_abort_return", "the guest's fault"),
        ),
    )
    # The access is tried, aborts where stage 2 forbids it (`_attempt` stops the event where it does
    # not), and is tried once more: that it faults again means that nothing will help.
    return (
        *LOAD,
        Row(operation=f"guest_{kind}", effect=_attempt(kind)),
        Row(operation="pkvm_mem_abort", when=(PROTECTED_VM,), body=PKVM_MEM_ABORT),
        abort,
        Row(operation=f"guest_{kind}", effect=_retry(kind), unless=(FAILED, RESUMED)),
    )


# kvm_translate_vncr() and the mapping of what it found.
MAP_VNCR = (
    *LOAD,
    *GET_FOLIO,
    Row(
        operation="vncr_map_fixmap",
        effect=advise("vncr-alias", "the page has another kernel alias, in the fixmap"),
        when=(ZAPPED,),
        unless=(FAILED,),
    ),
    return_error("vncr_return", "the guest hypervisor's fault"),
)


def _toggle(machine: Machine, world: World) -> None:
    if machine.inputs.fwb:
        return
    world.guest_caches = not world.guest_caches
    if not world.guest_caches and not world.traps_caches:
        world.dirty = False  # a guest that was not trapped cleans its own lines by address


_LOCKED_FLUSH = locked("mmu-write", *FLUSH_LEAF)
TOGGLE_CACHES = (
    *LOAD,
    Row(operation="guest_toggle_caches"),
    Row(
        operation="kvm_toggle_cache",
        when=(TRAPS_CACHES,),
        unless=(FWB,),
        body=(
            *_LOCKED_FLUSH,
            Row(
                operation="kvm_stop_trapping", effect=sets(traps_caches=False), when=(NOW_ENABLED,)
            ),
        ),
    ),
    Row(operation="guest_caches_change", effect=_toggle),
)
SET_WAY = (
    *LOAD,
    Row(operation="guest_set_way"),
    Row(
        operation="kvm_set_way_flush",
        unless=(FWB, TRAPS_CACHES),
        body=(*_LOCKED_FLUSH, Row(operation="kvm_start_trapping", effect=sets(traps_caches=True))),
    ),
)
# kvm_arch_vcpu_ioctl_vcpu_init() of a vCPU that ran before.
REINITIALISE = (
    Row(operation="vcpu_icache_inval_all", when=(FWB,), body=INVALIDATE_ICACHE_ALL),
    Row(
        operation="vcpu_unmap_vm",
        unless=(FWB,),
        body=locked("mmu-write", *UNMAP_LEAF),
    ),
)
