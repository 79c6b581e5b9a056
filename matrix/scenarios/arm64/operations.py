"""Every micro-operation of the worlds of one arm64 page: what it is, what a trace says it touched.

The names are the keys under which a kernel profile gives source lines (`operations:` in
configs/kernels).
"""

from __future__ import annotations

from matrix.explore.scenario import Operation


def _operation(name: str, description: str, detail: str = "", where: str = "kernel") -> Operation:
    return Operation(name=name, description=description, detail=detail or description, where=where)


OPERATIONS: tuple[Operation, ...] = (
    # Boot.
    _operation("boot_map_mem", "map_mem() builds the linear map", "A is {leaf}"),
    _operation(
        "boot_split_linear_map",
        "linear_map_maybe_split_to_ptes() splits it to page entries under stop_machine()",
        "a secondary CPU lacks BBML; A becomes {leaf}",
    ),
    # The page allocator.
    _operation("page_alloc_map", "debug_pagealloc maps the page it hands out", "A becomes valid"),
    _operation("page_free", "the page goes back to the page allocator", "A is {alias}"),
    _operation("page_free_unmap", "debug_pagealloc unmaps the free page", "A becomes invalid"),
    # set_direct_map_*().
    _operation(
        "direct_map_guard",
        "set_direct_map_*() returns 0: its guard is false",
        "can_set_direct_map() is false: returns 0 with A {alias}",
    ),
    _operation(
        "direct_map_split",
        "split_kernel_leaf_mapping() splits what maps A",
        "{split}",
    ),
    _operation(
        "direct_map_invalidate",
        "update_range_prot() makes A's entry invalid, or refuses a leaf larger than a page",
        "{invalidated}",
    ),
    _operation(
        "direct_map_flush_tlb",
        "__change_memory_common() invalidates the TLB for A",
        "TLBI for A",
    ),
    _operation("direct_map_validate", "set_memory_valid() makes A's entry valid", "{validated}"),
    # guest_memfd.
    _operation("gmem_allocate_folio", "kvm_gmem_get_folio() allocates the folio", "P, order 0"),
    _operation(
        "gmem_clear_page",
        "clear_highpage() zeroes the page through the direct map",
        "writes through A, {alias}",
    ),
    _operation("gmem_user_fault", "kvm_gmem_fault_user_mapping()", "the VMM touches its mmap of P"),
    _operation("gmem_truncate", "truncate_inode_pages_range() removes the folio", "A is {alias}"),
    _operation("folio_lock", "the folio is locked"),
    _operation("folio_unlock", "the folio is unlocked"),
    # The series.
    _operation("gmem_zap", "folio_zap_direct_map()", "A is {alias}", "series"),
    _operation(
        "gmem_zap_flush_tlb", "folio_zap_direct_map() flushes the TLB", "TLBI for A", "series"
    ),
    _operation(
        "gmem_refuse_large_folio",
        "folio_zap_direct_map() refuses a large folio",
        "-EINVAL",
        "series",
    ),
    _operation(
        "gmem_set_zapped",
        "the folio is recorded as zapped",
        "folio->private; A is {alias}",
        "series",
    ),
    _operation(
        "gmem_zap_skipped",
        "the folio's bit says that it is zapped",
        "not zapped again; A is {alias}",
        "series",
    ),
    _operation("gmem_free_folio", "kvm_gmem_free_folio() of the series", where="series"),
    _operation("gmem_restore", "folio_restore_direct_map()", "A is {alias}", "series"),
    _operation("gmem_clear_zapped", "the folio is no longer recorded as zapped", where="series"),
    _operation("direct_map_set", "the zap calls set_direct_map_*()", "A is {alias}", "series"),
    _operation("gmem_put_off_flush", "the TLB flush is put off", where="option"),
    _operation("gmem_deferred_flush_tlb", "the TLB flush that was put off", where="option"),
    _operation("gmem_ignore_error", "the zap's error is dropped", "{error}", "option"),
    # KVM: faults.
    _operation("guest_fetch", "the guest fetches an instruction", "stage 2: {stage2}", "hardware"),
    _operation("guest_read", "the guest reads", "stage 2: {stage2}", "hardware"),
    _operation("guest_write", "the guest writes", "stage 2: {stage2}", "hardware"),
    _operation("gmem_abort", "gmem_abort()", "{fault}"),
    _operation(
        "pkvm_mem_abort",
        "pkvm_mem_abort() pins the page that userspace_addr maps",
        "pin_user_pages(): userspace_addr maps {userspace}",
    ),
    _operation(
        "gup_refused",
        "check_vma_flags() refuses a vma without direct map",
        "GUP refuses memory without a direct map",
        "series",
    ),
    _operation("gup_no_vma", "GUP finds no vma", "there is no vma"),
    _operation(
        "pkvm_stage2_map",
        "pkvm_pgtable_stage2_map() of the page that was pinned",
        "the guest uses other memory than the guest_memfd, P stays unused",
    ),
    _operation("mmu_sequence_sample", "kvm->mmu_invalidate_seq is sampled"),
    _operation("mmu_lock", "kvm->mmu_lock is taken"),
    _operation("mmu_unlock", "kvm->mmu_lock is released"),
    _operation("mmu_invalidate_retry", "the page was invalidated meanwhile: the guest retries"),
    _operation("mmu_invalidate_start", "kvm_mmu_invalidate_start()"),
    _operation("mmu_invalidate_end", "kvm_mmu_invalidate_end()"),
    _operation("stage2_fault", "the stage-2 entry is installed or changed", "stage 2: {stage2}"),
    _operation("gmem_abort_relax", "kvm_pgtable_stage2_relax_perms()", "stage 2: {stage2}"),
    _operation("gmem_abort_map", "kvm_pgtable_stage2_map()", "PAGE_SIZE at P, {executable}"),
    _operation("gmem_abort_return", "gmem_abort() returns the error", "{error}"),
    _operation("pkvm_mem_abort_return", "pkvm_mem_abort() returns the error", "{error}"),
    _operation(
        "gmem_user_fault_return",
        "kvm_gmem_fault_user_mapping() turns the error into a signal",
        "SIGBUS for {error}, or out of memory",
    ),
    _operation(
        "vncr_return",
        "kvm_translate_vncr() returns the error, kvm_handle_vncr_abort() takes it",
        "{error}",
    ),
    # What an oops leaves (aftermath).
    _operation(
        "oops_leaf_locked",
        "nobody installs or unlocks the leaf",
        "the leaf stays locked: a vCPU that faults on it gets -EAGAIN and retries for ever",
    ),
    _operation(
        "oops_fault_lock_held",
        "nobody releases the lock of the fault",
        "kvm->mmu_lock stays held for {fault_lock}",
    ),
    _operation(
        "oops_write_lock_held",
        "nobody releases the lock",
        "kvm->mmu_lock stays held for writing: every fault of the VM waits for ever",
    ),
    _operation(
        "oops_folio_locked",
        "nobody unlocks the folio",
        "the folio stays locked: whoever looks P up waits for ever",
    ),
    # KVM: stage-2 walkers and their maintenance.
    _operation(
        "stage2_keep_leaf",
        "stage2_map_walker_try_leaf() finds only permissions to change: -EAGAIN",
        "stage 2 stays {stage2}",
    ),
    _operation("stage2_map", "stage2_map_walker_try_leaf()", "no leaf yet"),
    _operation(
        "stage2_break_leaf",
        "stage2_try_break_pte() locks the leaf until the new one is installed",
        "the leaf is locked",
    ),
    _operation("map_clean_dcache", "clean before the new leaf is installed", "P, one page"),
    _operation(
        "map_invalidate_icache", "the new leaf is executable: icache_inval_pou()", "P, one page"
    ),
    _operation("stage2_make_leaf", "stage2_make_pte()", "the guest can use P"),
    _operation("stage2_leaf_gone", "stage2_attr_walker() finds no valid leaf: -EAGAIN"),
    _operation("stage2_relax", "stage2_attr_walker()", "stage 2: {stage2}"),
    _operation("relax_invalidate_icache", "X is being added: icache_inval_pou()", "P, one page"),
    _operation("stage2_set_leaf", "stage2_try_set_pte()", "stage 2: {stage2}"),
    _operation("stage2_unmap", "stage2_unmap_walker()", "stage 2: {stage2}"),
    _operation("stage2_clear_leaf", "stage2_unmap_put_pte()", "the guest can no longer use P"),
    _operation(
        "vmid_flush_icache",
        "__kvm_tlb_flush_vmid_ipa(): VPIPT and the host at EL1",
        "IC IALLUIS at EL2",
    ),
    _operation("unmap_clean_dcache", "need_flush: clean what was unmapped", "P, one page"),
    _operation("flush_clean_dcache", "stage2_flush_walker()", "P, one page"),
    _operation(
        "pkvm_flush_clean_dcache",
        "pkvm_pgtable_stage2_flush(): the host cleans pfn_to_kaddr()",
        "DC CIVAC on {address}, A {alias}",
    ),
    _operation("stage2_wrprotect", "kvm_pgtable_stage2_wrprotect()", "stage 2: {stage2}"),
    # Cache maintenance.
    _operation(
        "dcache_clean_inval_poc",
        "DC CIVAC on the linear-map address, no extable entry",
        "DC CIVAC on __va(P) = {address}, A {alias}",
    ),
    _operation(
        "icache_inval_pou",
        "IC IVAU on the linear-map address",
        "IC IVAU on __va(P) = {address}, A {alias}{ic_ivau}",
    ),
    _operation("icache_inval_all_pou", "IC IALLUIS", "IC IALLUIS names no address"),
    _operation(
        "hyp_dcache_clean_inval_poc",
        "pKVM: DC CIVAC at EL2 through the hyp fixmap",
        "DC CIVAC on the hyp fixmap address of P; A {alias} is not used",
    ),
    _operation(
        "hyp_icache_inval_pou",
        "pKVM: IC IVAU at EL2 through the hyp fixmap",
        "IC IVAU on the hyp fixmap address of P; A {alias} is not used",
    ),
    _operation(
        "temporary_dcache_clean_inval_poc",
        "DC CIVAC through a temporary mapping",
        "DC CIVAC on a temporary address of P; A {alias} is not used",
        "option",
    ),
    _operation(
        "temporary_icache_inval_pou",
        "IC IVAU through a temporary mapping",
        "IC IVAU on a temporary address of P; A {alias} is not used",
        "option",
    ),
    # KVM: a vCPU comes to run on a CPU.
    _operation("vcpu_load", "kvm_arch_vcpu_load()", "{vcpu}"),
    _operation(
        "vcpu_load_flush",
        "__kvm_flush_cpu_context(): another vCPU of the VM ran last on this CPU, or none",
        "IC IALLU: this CPU's instruction cache forgets everything",
    ),
    _operation(
        "owner_fetch",
        "the page's previous owner executes from it on this CPU",
        "lines of what P holds now enter this CPU's instruction cache",
        "hardware",
    ),
    # KVM: cache emulation, vCPU reset, teardown.
    _operation("guest_toggle_caches", "the guest writes SCTLR_EL1.M and C", "", "hardware"),
    _operation("guest_caches_change", "the guest's accesses change", "", "hardware"),
    _operation("guest_set_way", "the guest executes DC by set and way", "", "hardware"),
    _operation("kvm_toggle_cache", "kvm_toggle_cache(): stage2_flush_vm()", "stage 2: {stage2}"),
    _operation("kvm_stop_trapping", "HCR_EL2.TVM is cleared"),
    _operation("kvm_set_way_flush", "kvm_set_way_flush(): stage2_flush_vm()", "stage 2: {stage2}"),
    _operation("kvm_start_trapping", "HCR_EL2.TVM is set"),
    _operation("vcpu_icache_inval_all", "KVM_ARM_VCPU_INIT with FWB: icache_inval_all_pou()"),
    _operation("vcpu_unmap_vm", "KVM_ARM_VCPU_INIT without FWB: stage2_unmap_vm()"),
    _operation(
        "vncr_map_fixmap", "the VNCR page is mapped in the fixmap", "A {alias}; fixmap valid"
    ),
    _operation("vm_destroy", "the VM is gone; the file keeps the page"),
    _operation("host_user_write", "the VMM writes through its mmap", "", "hardware"),
    # Outside KVM.
    _operation("hibernate_map_page", "hibernate_map_page(): A is mapped back", "A is {alias}"),
    _operation("hibernate_copy_page", "safe_copy_page(): P's contents go into the image"),
    _operation("hibernate_unmap_page", "hibernate_unmap_page(): A is unmapped again"),
    _operation(
        "kexec_copy_linear_map",
        "machine_kexec_post_load(): copy_pte() makes valid what is not none",
        "A {alias}; valid in the copy",
    ),
    _operation("vmcore_copy_page", "copy_oldmem_page(): memremap() of P", "A {alias} is not used"),
    _operation(
        "memory_failure",
        "memory_failure(): set_mce_nospec() is a stub, the direct map is left alone",
        "A is {alias}",
    ),
    _operation("gmem_error_folio", "kvm_gmem_error_folio(): the file keeps the page"),
    _operation(
        "poisoned_page_kept", "free_pages_prepare() keeps the page from everybody", "A is {alias}"
    ),
    _operation(
        "guest_fetch_mmu_off", "the guest fetches with SCTLR_EL1.M and I clear", "", "hardware"
    ),
    _operation(
        "check_extension",
        "kvm_vm_ioctl_check_extension_generic() with kvm == NULL",
        "KVM_CHECK_EXTENSION(KVM_CAP_GUEST_MEMFD_FLAGS)",
    ),
    # memfd_secret(2).
    _operation("user_access", "the process touches its mapping", "", "hardware"),
    _operation("secretmem_fault", "secretmem_fault()"),
    _operation("secretmem_allocate", "folio_alloc(__GFP_ZERO)"),
    _operation(
        "secretmem_zero", "clear_page() through the direct map", "writes through A, {alias}"
    ),
    _operation("secretmem_set_invalid", "set_direct_map_invalid_noflush()", "A is {alias}"),
    _operation("secretmem_add_to_cache", "filemap_add_folio()", "A is {alias}"),
    _operation("secretmem_flush_tlb", "flush_tlb_kernel_range()", "TLBI for A"),
    _operation(
        "secretmem_return", "secretmem_fault() turns the error into a signal", "SIGBUS for {error}"
    ),
    _operation("secretmem_free", "secretmem_free_folio()"),
    _operation("secretmem_restore", "set_direct_map_default_noflush()", "A is {alias}"),
    _operation("secretmem_zero_on_free", "folio_zero_segment()", "writes through A, {alias}"),
)
