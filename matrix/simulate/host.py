"""What the host and the system do: fallocate, user access, unmapping, freeing, hibernation.

Rows of virt/kvm/guest_memfd.c, arch/arm64/kvm and kernel/power/snapshot.c; `events` says when each
can happen. `vcpu` has the guest's side, `secretmem` the other user of the direct map.
"""

from __future__ import annotations

from collections.abc import Callable

from matrix.simulate.caches import ZAPPED, contents_change
from matrix.simulate.direct_map import FAILED
from matrix.simulate.gmem import (
    ALLOCATE,
    FLUSH_AT_LAST,
    FREE_FOLIO,
    GET_FOLIO,
    RESTORE,
    return_error,
)
from matrix.simulate.program import Row
from matrix.simulate.stage2 import UNMAP_LEAF, WRITE_PROTECT_LEAF
from matrix.simulate.vcpu import LOAD
from matrix.simulate.world import LOADED, NEVER_RAN, PUT, STALE_LINES, Machine, World


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


def _advise(name: str, message: str) -> Callable[[Machine, World], None]:
    def effect(_machine: Machine, world: World) -> None:
        world.found.append((name, message))

    return effect


def _begin_invalidation(_machine: Machine, world: World) -> None:
    world.invalidating = True


def _end_invalidation(_machine: Machine, world: World) -> None:
    world.invalidating = False
    world.sequence += 1


# __kvm_gmem_invalidate_start() and _end(); the MMU notifier does the same for a slot.
_UNMAP = (
    Row(operation="mmu_lock", takes=("mmu-write",)),
    Row(operation="mmu_invalidate_start", effect=_begin_invalidation),
    *UNMAP_LEAF,
    Row(operation="mmu_unlock", drops=("mmu-write",)),
)
_UNMAP_END = Row(operation="mmu_invalidate_end", effect=_end_invalidation)

DELETE_SLOT = (*_UNMAP, _UNMAP_END)
PUNCH_HOLE = (*_UNMAP, *FREE_FOLIO, _UNMAP_END)
DESTROY_VM = (*_UNMAP, Row(operation="vm_destroy", effect=_destroy), _UNMAP_END)

# Before the file has P: whoever had it, on the CPU that runs the vCPU.
OWNER_EXECUTES = (Row(operation="owner_fetch", effect=_owner_executes),)

FALLOCATE = (
    Row(operation="folio_lock", takes=("folio",)),
    ALLOCATE,
    Row(operation="folio_unlock", drops=("folio",)),
)
USER_ACCESS = (
    Row(operation="gmem_user_fault"),
    *GET_FOLIO,
    FLUSH_AT_LAST,
    return_error("gmem_user_fault_return", "the user's fault"),
    Row(operation="host_user_write", effect=_user_writes, unless=(FAILED,)),
)
WRITE_PROTECT = (
    Row(operation="mmu_lock", takes=("mmu-write",)),
    *WRITE_PROTECT_LEAF,
    Row(operation="mmu_unlock", drops=("mmu-write",)),
)
RESTORE_IN_PLACE = (
    Row(operation="folio_lock", takes=("folio",)),
    RESTORE,
    Row(operation="folio_unlock", drops=("folio",)),
)
# kvm_translate_vncr() and the mapping of what it found.
MAP_VNCR = (
    *LOAD,
    *GET_FOLIO,
    Row(
        operation="vncr_map_fixmap",
        effect=_advise("vncr-alias", "the page has another kernel alias, in the fixmap"),
        when=(ZAPPED,),
        unless=(FAILED,),
    ),
    return_error("vncr_return", "the guest hypervisor's fault"),
)
# safe_copy_page() of a page that is not present in the direct map.
HIBERNATE = (
    Row(operation="hibernate_map_page"),
    Row(
        operation="hibernate_copy_page",
        effect=_advise(
            "hibernation-copy",
            "the image maps A back and keeps P's contents; needs CONFIG_HIBERNATION",
        ),
    ),
    Row(operation="hibernate_unmap_page"),
)
QUERY_DEV_KVM = (
    Row(
        operation="check_extension",
        effect=_advise(
            "dev-kvm-over-advertises",
            "/dev/kvm reports NO_DIRECT_MAP whatever the VM's own answer is",
        ),
    ),
)
FAIL_LATE_SPLIT = (
    Row(
        operation="boot_split_linear_map",
        effect=_advise("boot-split-panic", "linear_map_split_to_ptes() panics (GFP_ATOMIC)"),
    ),
)
