"""Maintenance of the caches for one page: by address or whole, from the host or from EL2.

The rows are KVM's callbacks for a stage-2 walk (arch/arm64/include/asm/kvm_mmu.h) and what they
call, each with the conditions under which it does nothing. What they do to the state is below.
"""

from __future__ import annotations

from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.machine import Condition, Machine, Row, of_inputs, option, sets
from matrix.scenarios.arm64.world import NO_LINES, STALE_LINES, World


def dvm_limit(page_shift: int, line_shift: int) -> int:
    """Return the bytes above which KVM invalidates the whole instruction cache.

    __invalidate_icache_max_range(): MAX_DVM_OPS = PTRS_PER_PTE lines; `line_shift` is
    CTR_EL0.IminLine, log2 of 4-byte words.
    """
    # + 2: from words to bytes, as the kernel adds it to IminLine (7.3 kvm_mmu.h).
    return (1 << (page_shift - 3)) << (line_shift + 2)


def invalidates_whole_cache(inputs: PageInputs, size: int) -> bool:
    """Say whether invalidate_icache_guest_page() of `size` bytes names no address."""
    if inputs.icache_is_aliasing:
        return True
    limit = dvm_limit(inputs.page_shift, inputs.icache_min_line_shift)
    return inputs.icache_range_limit and size > limit


def fetches_stale_lines(inputs: PageInputs) -> bool:
    """Say whether an instruction fetch can see lines of what the page held before.

    With DIC in silicon never. A VPIPT cache tags lines with the VMID: with the host at EL1 KVM
    relies on that and on the flush at unmap (5.10 arch/arm64/kvm/hyp/nvhe/tlb.c:87-105).
    """
    return not (inputs.dic or inputs.hardware_dic or vmid_tagged(inputs))


def vmid_tagged(inputs: PageInputs) -> bool:
    """Say whether KVM leaves a VPIPT cache alone at map time, because the host runs at EL1."""
    vpipt_at_el1 = inputs.icache_is_vpipt and not inputs.host_at_el2
    return vpipt_at_el1 and inputs.vpipt_at_el1_skips


FWB = of_inputs("FWB", lambda i: i.fwb)
DIC = of_inputs("DIC", lambda i: i.dic)
WHOLE_CACHE = of_inputs(
    "icache_is_aliasing() || size > __invalidate_icache_max_range()",
    lambda i: invalidates_whole_cache(i, 1 << i.page_shift),
)
VMID_TAGGED = of_inputs("icache_is_vpipt() && !is_kernel_in_hyp_mode()", vmid_tagged)
HYP_OWNS_STAGE2 = of_inputs("stage 2 is walked at EL2 (pKVM)", lambda i: i.stage2_owner == "hyp")
TEMPORARY_MAPPING = option("maintenance", "temporary-mapping")
ZAPPED = Condition(name="the folio is zapped", holds=lambda _, w: w.zapped)
SKIPPED_FOR_ZAPPED = Condition(
    name="maintenance=skip-zapped and the folio is zapped",
    holds=lambda m, w: w.zapped and m.options["maintenance"] == "skip-zapped",
)
WHOLE_CACHE_FOR_ZAPPED = Condition(
    name="maintenance=whole-icache and the folio is zapped",
    holds=lambda m, w: w.zapped and m.options["maintenance"] == "whole-icache",
)


def touch_alias(machine: Machine, world: World, what: str) -> bool:
    """Access A; False, and the kernel dies, where A is invalid."""
    if machine.linear_map.is_valid(world.linear_map):
        return True
    world.found.append(("alias-access", f"{what} on __va(P), which is not mapped"))
    world.crashed = world.stopped = True
    return False


def clean_by_alias(machine: Machine, world: World) -> None:
    """Clean P's data-cache lines by A."""
    if touch_alias(machine, world, "DC CIVAC"):
        world.dirty = False


def _invalidate_by_alias(machine: Machine, world: World) -> None:
    """IC IVAU on A: what happens on an invalid address is for the implementation to choose."""
    if machine.linear_map.is_valid(world.linear_map):
        world.instructions = NO_LINES
        return
    world.assumed = True
    if machine.assumption == "performed":
        world.instructions = NO_LINES
    elif machine.assumption == "faults" and not _has_fixup(machine):
        touch_alias(machine, world, "IC IVAU")


def _has_fixup(machine: Machine) -> bool:
    return machine.inputs.ic_ivau_fixup or machine.options["maintenance"] == "extable-fixup"


# P's instruction-cache lines are invalidated without using A.
invalidate = sets(instructions=NO_LINES)


def contents_change(world: World) -> None:
    """P gets other contents: instruction-cache lines of what it held are stale."""
    if world.instructions != NO_LINES:
        world.instructions = STALE_LINES


# __clean_dcache_guest_page(): nothing with FWB, else DC CIVAC on the address the walker follows.
CLEAN_DCACHE_GUEST_PAGE = (
    Row(
        operation="dcache_clean_inval_poc",
        effect=clean_by_alias,
        unless=(FWB, HYP_OWNS_STAGE2, TEMPORARY_MAPPING, SKIPPED_FOR_ZAPPED),
    ),
    Row(
        operation="hyp_dcache_clean_inval_poc",
        effect=sets(dirty=False),
        when=(HYP_OWNS_STAGE2,),
        unless=(FWB,),
    ),
    Row(
        operation="temporary_dcache_clean_inval_poc",
        effect=sets(dirty=False),
        when=(TEMPORARY_MAPPING,),
        unless=(FWB, HYP_OWNS_STAGE2),
    ),
)

# icache_inval_all_pou(): IC IALLUIS names no address.
INVALIDATE_ICACHE_ALL = (Row(operation="icache_inval_all_pou", effect=invalidate, unless=(DIC,)),)

# __invalidate_icache_guest_page() and icache_inval_pou() or icache_inval_all_pou().
# At most one row is done: each names in `unless` what the others have taken.
INVALIDATE_ICACHE_GUEST_PAGE = (
    Row(operation="icache_inval_all_pou", effect=invalidate, when=(WHOLE_CACHE,), unless=(DIC,)),
    Row(
        operation="icache_inval_pou",
        effect=_invalidate_by_alias,
        unless=(
            WHOLE_CACHE,
            DIC,
            VMID_TAGGED,
            HYP_OWNS_STAGE2,
            TEMPORARY_MAPPING,
            SKIPPED_FOR_ZAPPED,
            WHOLE_CACHE_FOR_ZAPPED,
        ),
    ),
    Row(
        operation="icache_inval_all_pou",
        effect=invalidate,
        when=(WHOLE_CACHE_FOR_ZAPPED,),
        unless=(WHOLE_CACHE, DIC, VMID_TAGGED, HYP_OWNS_STAGE2),
    ),
    Row(
        operation="hyp_icache_inval_pou",
        effect=invalidate,
        when=(HYP_OWNS_STAGE2,),
        unless=(WHOLE_CACHE, DIC),
    ),
    Row(
        operation="temporary_icache_inval_pou",
        effect=invalidate,
        when=(TEMPORARY_MAPPING,),
        unless=(WHOLE_CACHE, DIC, VMID_TAGGED, HYP_OWNS_STAGE2),
    ),
)
