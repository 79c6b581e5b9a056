"""Which inputs decide a verdict: classes that differ in the rest are explored once.

`relevant` replaces what cannot matter by one fixed choice, rule by rule with its reason. The law
that this changes no violation, no advisory and no length of a trace is a test.
"""

from __future__ import annotations

from msgspec.structs import replace

from matrix.scenarios.arm64.caches import fetches_stale_lines, invalidates_whole_cache, vmid_tagged
from matrix.scenarios.arm64.direct_map import split_gate_open
from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.machine import splits_at_boot

# Options under which the instruction-cache and data-cache rules below were not thought through.
_MAINTENANCE = "maintenance"

# Options under which a guest may have the page although A is valid.
_KEEP_ALIAS = frozenset({"folio", "restore", "zap-error", "zapped-bit"})

# What a zap of A comes to, whatever made it so.
_NO_OP, _PAGES, _SPLIT, _REFUSED = "no-op", "pages", "split", "refused"


def relevant_without_guest(inputs: PageInputs) -> PageInputs:
    """Return the class that stands for `inputs` where no guest has the page."""
    options = dict(inputs.variant)
    canonical = _direct_map(inputs, _zap_outcome(inputs, options), options)
    return replace(_without_guest(canonical), userspace_addr="gmem", vncr_mapped=False)


def relevant(inputs: PageInputs) -> PageInputs:
    """Return the class that stands for `inputs`: same violations and advisories.

    Idempotent. Traces of the result are those of `inputs` but for addresses and page-table entries.
    """
    options = dict(inputs.variant)
    outcome = _zap_outcome(inputs, options)
    canonical = _direct_map(inputs, outcome, options)
    if inputs.vm == "protected":
        # pkvm_mem_abort() refuses every fault before anything of stage 2 or the caches happens.
        return replace(_without_guest(canonical), vm="protected")
    canonical = _instruction_cache(canonical)
    if _MAINTENANCE in options:
        return canonical
    return _safe_caches(canonical, outcome, options)


def without_zap(inputs: PageInputs) -> PageInputs:
    """Return inputs of the base kernel: A stays valid, so no option of the zap matters."""
    kept = tuple(item for item in inputs.variant if item[0] in ("guest", "dirty-log"))
    return replace(inputs, set_direct_map_guard=False, debug_pagealloc=False, variant=kept)


def _zap_outcome(inputs: PageInputs, options: dict[str, str]) -> str:
    """Say what set_direct_map_*() does to A, from the guard, the map and the split gate."""
    if not inputs.set_direct_map_guard:
        return _NO_OP
    if inputs.map_mem_forces_ptes or splits_at_boot(inputs):
        return _PAGES
    return _SPLIT if split_gate_open(inputs, options.get("split", "gated")) else _REFUSED


def _direct_map(inputs: PageInputs, outcome: str, options: dict[str, str]) -> PageInputs:
    """Replace everything about the direct map by one map with the same outcome of a zap."""
    # A free page that debug_pagealloc unmapped is mapped again before it has an owner; without the
    # restore hook that repairs what the hook left.
    unmaps_free = options.get("restore") == "compiled-out" or outcome in (_SPLIT, _REFUSED)
    late = splits_at_boot(inputs)
    splits_legally = outcome == _SPLIT and inputs.system_supports_bbml
    return replace(
        inputs,
        page_shift=12,
        map_mem_forces_ptes=outcome in (_NO_OP, _PAGES) and not late,
        can_set_direct_map=inputs.set_direct_map_guard,
        linear_map_requires_bbml=splits_legally or late,
        system_supports_bbml=splits_legally,
        force_pte_mapping=outcome in (_NO_OP, _PAGES),
        split_gate="boot-flag",
        debug_pagealloc=inputs.debug_pagealloc and unmaps_free,
        invalid_encoding="valid-bit",
        kfence_pool=False,
        direct_map_helper_flushes=inputs.direct_map_helper_flushes or "tlb-flush" not in options,
        # What an oops leaves decides nothing.
        map_locks_leaf=True,
        fault_lock_is_shared=True,
        # gmem_abort() does not look at the slot's user mapping.
        userspace_addr=inputs.userspace_addr if inputs.vm == "protected" else "gmem",
        icache_is_aliasing=invalidates_whole_cache(inputs, 1 << inputs.page_shift),
        icache_min_line_shift=4,
        icache_range_limit=True,
    )


def _without_guest(inputs: PageInputs) -> PageInputs:
    """Set everything about caches and stage 2 to where nothing happens."""
    return replace(
        _without_instruction_cache(inputs),
        fwb=True,
        ic_ivau_fixup=False,
        stage2_owner="host",
        pkvm_flush_tests_fwb=True,
        relax_perms_on_exec_fault=True,
    )


def _without_instruction_cache(inputs: PageInputs) -> PageInputs:
    """Set what decides about the instruction cache to where it is never invalidated."""
    return replace(
        inputs,
        dic=True,
        hardware_dic=False,
        icache_is_aliasing=False,
        icache_is_vpipt=False,
        vpipt_at_el1_skips=False,
        host_at_el2=True,
        executable_if_dic=True,
        vcpu_load_flushes=True,
        vm="default",
    )


def _instruction_cache(inputs: PageInputs) -> PageInputs:
    """Drop what only names a case twice."""
    tagged = vmid_tagged(inputs)
    flushes = inputs.vcpu_load_flushes or not fetches_stale_lines(inputs)
    return replace(
        inputs,
        icache_is_vpipt=tagged,
        vpipt_at_el1_skips=tagged,
        host_at_el2=not tagged,
        hardware_dic=inputs.hardware_dic and not inputs.dic,
        executable_if_dic=inputs.executable_if_dic or not inputs.dic,
        vcpu_load_flushes=flushes,
        # The callee tests FWB as well.
        pkvm_flush_tests_fwb=True,
    )


def _safe_caches(inputs: PageInputs, outcome: str, options: dict[str, str]) -> PageInputs:
    """Merge the ways in which maintenance never meets an invalid A."""
    alias_stays = outcome == _NO_OP
    zap_works = outcome in (_PAGES, _SPLIT) and not _KEEP_ALIAS.intersection(options)
    by_address = not (
        inputs.stage2_owner == "hyp"
        or inputs.dic
        or inputs.icache_is_aliasing
        or inputs.icache_is_vpipt
    )
    # Without FWB the first stage-2 map of a zapped page dies in DC CIVAC: the guest never runs.
    dies_in_map = not inputs.fwb and inputs.stage2_owner == "host" and zap_works
    if dies_in_map:
        return replace(_without_guest(inputs), fwb=False, vncr_mapped=inputs.vncr_mapped)
    # kvm_gmem_populate() copies into a page that the guest has, which sees it only with FWB.
    if alias_stays and "populate" not in options:
        inputs = replace(inputs, fwb=True, stage2_owner="host")
    if by_address and not alias_stays:
        return inputs
    if inputs.relax_perms_on_exec_fault:
        inputs = _without_instruction_cache(inputs)
    return replace(inputs, ic_ivau_fixup=False)
