"""What the worlds of one arm64 page are told of a cell.

No kernel release is known here: a release is the sum of its switches.
"""

from __future__ import annotations

from typing import Literal

from matrix.explore.inputs import SimulationInputs


class PageInputs(SimulationInputs, frozen=True, kw_only=True):
    """One behaviour class.

    Boot and direct map (arch/arm64/mm/mmu.c, pageattr.c):

    * `page_shift`: 12, 14 or 16.
    * `map_mem_forces_ptes`: what map_mem() sees when it builds the linear map on the boot CPU.
    * `can_set_direct_map`: the value at run time; may differ from what map_mem() saw (Realm hole).
    * `set_direct_map_guard`: the guard inside set_direct_map_*(): 5.10 tests rodata_full alone.
    * `linear_map_requires_bbml`: set by map_mem(): blocks now, to be split on demand later.
    * `system_supports_bbml`: all early CPUs have BBML without conflict aborts.
    * `force_pte_mapping`: force_pte_mapping() at run time (6.18 tests it at call time).
    * `split_gate`: `none` (<= 6.12: no splitting), `boot-flag` (7.x: linear_map_requires_bbml*),
      `call-time` (6.18: system_supports_bbml && !force_pte_mapping()).
    * `debug_pagealloc`: debug_pagealloc_enabled(): free pages are unmapped by the allocator itself.
    * `invalid_encoding`: `valid-bit` (PTE_VALID cleared) or `present-invalid` (7.x).
    * `kfence_pool`: KFENCE's pool is mapped with page entries before the rest (kfence_early_init).
    * `direct_map_helper_flushes`: set_direct_map_valid_noflush() exists and invalidates the TLB
      itself (6.18+); before it there is only set_direct_map_invalid_noflush(), which does not.

    Caches and stage 2 (arch/arm64/kvm, include/asm/kvm_mmu.h):

    * `fwb`, `dic`: system-wide caps as the kernel sees them; `icache_is_aliasing`,
      `icache_is_vpipt`: what it believes about the instruction caches.
    * `hardware_dic`: every CPU has DIC in silicon; differs from `dic` in an L1 host whose VMM
      cleared CTR_EL0.DIC: no stale instruction can then be fetched, whatever is invalidated.
    * `icache_min_line_shift`: CTR_EL0.IminLine (log2 of words of the smallest line).
    * `icache_range_limit`: 6.12+ uses IC IALLUIS above MAX_DVM_OPS lines.
    * `vpipt_at_el1_skips`: <= 6.6: VPIPT with the host at EL1 means no icache operation at all.
    * `ic_ivau_fixup`: 5.10: a fault on IC IVAU is fixed up and the error ignored.
    * `host_at_el2`: VHE. `stage2_owner`: `host` or `hyp` (pKVM of 7.x: maintenance at EL2 through
      the hyp fixmap). `pkvm_flush_tests_fwb`: 7.x pkvm_pgtable_stage2_flush on !FWB uses the alias.
    * `executable_if_dic`: a leaf is mapped executable at once where DIC is set.
    * `relax_perms_on_exec_fault`: false in 6.18.2: a permission fault maps again and gets -EAGAIN.
    * `vm`: `default`, `protected`, `nested`. `vncr_mapped`: a VNCR page gets a fixmap alias.
    * `userspace_addr`: what the slot's userspace_addr maps: the `gmem`, `other` memory, or `none`;
      only pkvm_mem_abort(), the fault of a protected VM, looks there.
    * `vcpu_load_flushes`: kvm_arch_vcpu_load() does IC IALLU where another vCPU ran last.
    * `map_locks_leaf`: the map walker locks the leaf before its maintenance (6.6+);
      `fault_lock_is_shared`: a fault takes mmu_lock for reading. Both only say what an oops leaves.
    """

    page_shift: int
    map_mem_forces_ptes: bool
    can_set_direct_map: bool
    set_direct_map_guard: bool
    linear_map_requires_bbml: bool
    system_supports_bbml: bool
    force_pte_mapping: bool
    split_gate: Literal["none", "boot-flag", "call-time"]
    debug_pagealloc: bool
    invalid_encoding: Literal["valid-bit", "present-invalid"]
    fwb: bool
    dic: bool
    icache_is_aliasing: bool
    icache_is_vpipt: bool
    icache_min_line_shift: int
    icache_range_limit: bool
    vpipt_at_el1_skips: bool
    ic_ivau_fixup: bool
    host_at_el2: bool
    stage2_owner: Literal["host", "hyp"]
    pkvm_flush_tests_fwb: bool
    executable_if_dic: bool
    relax_perms_on_exec_fault: bool
    vm: Literal["default", "protected", "nested"]
    vncr_mapped: bool
    kfence_pool: bool = False
    direct_map_helper_flushes: bool = True
    hardware_dic: bool = False
    userspace_addr: Literal["gmem", "other", "none"] = "gmem"
    vcpu_load_flushes: bool = True
    map_locks_leaf: bool = True
    fault_lock_is_shared: bool = True
