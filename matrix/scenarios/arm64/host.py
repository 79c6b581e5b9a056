"""What the host and the system do: fallocate, user access, unmapping, freeing, hibernation.

Rows of virt/kvm/guest_memfd.c, arch/arm64/kvm and kernel/power/snapshot.c; `events` says when each
can happen. `vcpu` has the guest's side, `secretmem` the other user of the direct map.
"""

from __future__ import annotations

from matrix.scenarios.arm64.caches import contents_change, touch_alias
from matrix.scenarios.arm64.direct_map import FAILED
from matrix.scenarios.arm64.guest_memfd import (
    ALLOCATE,
    ALLOCATOR_RESTORES,
    FLUSH_AT_LAST,
    FREE_FOLIO,
    GET_FOLIO,
    HAS_FOLIO,
    IS_UPTODATE,
    NOT_RESTORED,
    RESTORE,
    fill,
    fill_by_alias,
    return_error,
)
from matrix.scenarios.arm64.machine import Condition, Machine, Row, advise, locked, option, sets
from matrix.scenarios.arm64.stage2 import UNMAP_LEAF, WRITE_PROTECT_LEAF
from matrix.scenarios.arm64.world import LOADED, NEVER_RAN, PUT, STALE_LINES, World


def _user_writes(machine: Machine, world: World) -> None:
    """Store through the user mapping; once the guest has P, coherency with it is the VMM's task.

    So it is while the guest's own fault is under way, in the two-actor mode.
    """
    if world.stage2 == 0 and not machine.concurrent:
        world.dirty = not machine.inputs.fwb
        contents_change(world)


def _destroy(_machine: Machine, world: World) -> None:
    world.vm_alive, world.guest_caches, world.traps_caches = False, False, True
    world.vcpu = NEVER_RAN  # the next VM's last_vcpu_ran is -1


def _owner_executes(_machine: Machine, world: World) -> None:
    world.instructions = STALE_LINES
    if world.vcpu == LOADED:
        world.vcpu = PUT


def _end_invalidation(_machine: Machine, world: World) -> None:
    world.invalidating = False
    world.sequence += 1


# __kvm_gmem_invalidate_start() and _end(); the MMU notifier does the same for a slot.
_UNMAP = locked(
    "mmu-write", Row(operation="mmu_invalidate_start", effect=sets(invalidating=True)), *UNMAP_LEAF
)
_UNMAP_END = Row(operation="mmu_invalidate_end", effect=_end_invalidation)

DELETE_SLOT = (*_UNMAP, _UNMAP_END)
# Freed between start and end of the invalidation (7.3 virt/kvm/guest_memfd.c:208-212): a fault that
# found the folio before is retried.
PUNCH_HOLE = (*_UNMAP, *FREE_FOLIO, _UNMAP_END)
DESTROY_VM = (*_UNMAP, Row(operation="vm_destroy", effect=_destroy), _UNMAP_END)

# Before the file has P: whoever had it, on the CPU that runs the vCPU.
OWNER_EXECUTES = (Row(operation="owner_fetch", effect=_owner_executes),)

FALLOCATE = (
    *locked("folio", ALLOCATE),
    return_error("gmem_fallocate_return", "fallocate()"),
)


def _copies(name: str, *unless: Condition) -> tuple[Row, ...]:
    """Return the rows that copy into the folio, through the address that option `name` says."""
    return (
        Row(
            operation=f"gmem_{name}_copy",
            effect=fill_by_alias("a copy"),
            when=(HAS_FOLIO, option(name, "direct-map")),
            unless=(FAILED, *unless),
        ),
        Row(
            operation=f"temporary_{name}_copy",
            effect=fill,
            when=(HAS_FOLIO, option(name, "temporary-mapping")),
            unless=(FAILED, *unless),
        ),
    )


# __kvm_gmem_populate() unlocks the folio, does not ask whether it is up to date, and copies (7.3
# guest_memfd.c:803-823). Truncation is kept out by filemap_invalidate_lock().
POPULATE = (
    *locked("folio", ALLOCATE),
    *_copies("populate"),
    return_error("gmem_populate_return", "kvm_gmem_populate()"),
)
# write_begin() returns a locked folio, write_end() unlocks it.
WRITE = (
    *locked("folio", ALLOCATE, *_copies("write", IS_UPTODATE)),
    return_error("gmem_write_return", "write()"),
)
USER_ACCESS = (
    Row(operation="gmem_user_fault"),
    *GET_FOLIO,
    FLUSH_AT_LAST,
    return_error("gmem_user_fault_return", "the user's fault"),
    Row(operation="host_user_write", effect=_user_writes, unless=(FAILED,)),
)


def _use_pinned(machine: Machine, world: World) -> None:
    touch_alias(machine, world, "the copy to or from a pinned page")


# O_DIRECT, vhost or process_vm_readv() on the VMM's mapping: the kernel uses page_address().
USE_PINNED = (
    Row(operation="gmem_user_fault"),
    *GET_FOLIO,
    FLUSH_AT_LAST,
    return_error("gmem_user_fault_return", "the pinning of the page"),
    Row(operation="pinned_page_access", effect=_use_pinned, unless=(FAILED,)),
)
WRITE_PROTECT = locked("mmu-write", *WRITE_PROTECT_LEAF)
RESTORE_IN_PLACE = locked("folio", RESTORE)
# safe_copy_page() of a page that is not present in the direct map.
HIBERNATE = (
    Row(operation="hibernate_map_page"),
    Row(
        operation="hibernate_copy_page",
        effect=advise("hibernation-copy", "the image maps A back and keeps P's contents"),
    ),
    Row(operation="hibernate_unmap_page"),
)
# copy_pte(): every entry that is not none is valid in the copy, the zapped ones too.
LOAD_KEXEC = (
    Row(
        operation="kexec_copy_linear_map",
        effect=advise(
            "kexec-copy",
            "the copy of the linear map that kexec makes when an image is loaded maps P again",
        ),
    ),
)
DUMP_CORE = (
    Row(
        operation="vmcore_copy_page",
        effect=advise(
            "vmcore-copy",
            "/proc/vmcore of the crash kernel holds P's contents, which it maps by itself",
        ),
    ),
)


def _poison(machine: Machine, world: World) -> None:
    """Keep P out of the allocator, where its life ends; A stays as free_folio left it."""
    if machine.linear_map.is_valid(world.linear_map):
        message = (
            "A is valid again when the poisoned page is freed; "
            "without the capability it never becomes invalid"
        )
        world.found.append(("poisoned-alias", message))
    world.crashed = world.stopped = True


# memory_failure() leaves the page in the file: kvm_gmem_error_folio() unmaps stage 2 alone.
POISON = (
    Row(operation="memory_failure"),
    Row(operation="gmem_error_folio", body=(*_UNMAP, _UNMAP_END)),
    Row(
        operation="gmem_truncate",
        body=(
            Row(
                operation="gmem_free_folio",
                unless=(NOT_RESTORED, ALLOCATOR_RESTORES),
                body=(RESTORE,),
            ),
            Row(operation="poisoned_page_kept", effect=_poison),
        ),
    ),
)
PIN_PAGES = (
    Row(
        operation="gup_refused",
        effect=advise(
            "gup-refused",
            "pinning the VMM's mapping fails with -EFAULT: VFIO, O_DIRECT, futexes and core dumps "
            "of this memory do",
        ),
    ),
)
FETCH_WITHOUT_MMU = (
    Row(
        operation="guest_fetch_mmu_off",
        effect=advise(
            "fwb-not-applied",
            "the guest fetches from memory behind the caches, for FWB is not applied to fetches "
            "with its MMU and instruction cache off; so it is without the capability",
        ),
    ),
)
QUERY_DEV_KVM = (
    Row(
        operation="check_extension",
        effect=advise(
            "dev-kvm-over-advertises",
            "/dev/kvm reports NO_DIRECT_MAP whatever the VM's own answer is",
        ),
    ),
)
