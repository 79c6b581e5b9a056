"""The events of a page's life: when each can happen, and what the kernel does then.

Order matters for people only: of several shortest traces the one with earlier events is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matrix.simulate.caches import ZAPPED, fetches_stale_lines
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
from matrix.simulate.secretmem import FREE_SECRET, USER_FAULT
from matrix.simulate.stage2 import UNMAP_LEAF, WRITE_PROTECT_LEAF
from matrix.simulate.vcpu import REINITIALISE, SET_WAY, TOGGLE_CACHES, access
from matrix.simulate.world import FREE, Machine, State, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that can happen: `actor` is vcpu, host or system; `offered` looks at the class."""

    name: str
    actor: str
    rows: tuple[Row, ...]
    enabled: Callable[[Machine, State], bool]
    offered: Callable[[Machine], bool]
    start: Callable[[Machine, World], None] | None = None


def _gmem(machine: Machine) -> bool:
    return machine.inputs.scenario == "gmem"


def _secretmem(machine: Machine) -> bool:
    return machine.inputs.scenario == "secretmem"


def _guest_fetches(machine: Machine) -> bool:
    return _gmem(machine) and machine.options["guest"] == "any"


def _running(_machine: Machine, state: State) -> bool:
    return state.vm_alive


def _has_folio(_machine: Machine, state: State) -> bool:
    return state.folio != FREE


def _no_folio(_machine: Machine, state: State) -> bool:
    return state.folio == FREE


def _mapped(_machine: Machine, state: State) -> bool:
    return state.stage2 != 0


def _splits(machine: Machine, state: State) -> bool:
    unmapped = not machine.linear_map.is_page_mapped(state.linear_map)
    return _running(machine, state) and not state.zapped and unmapped


def _hibernates(machine: Machine, state: State) -> bool:
    return state.zapped and not machine.linear_map.is_valid(state.linear_map)


def _restored_in_place(_machine: Machine, state: State) -> bool:
    return state.zapped and state.stage2 == 0


def _user_writes(machine: Machine, world: World) -> None:
    """Store through the user mapping; once the guest has P, coherency with it is the VMM's task.

    So it is while the guest's own fault is under way, in the two-actor mode.
    """
    if world.stage2 == 0 and not machine.concurrent:
        world.dirty = not machine.inputs.fwb
        world.stale_instructions |= fetches_stale_lines(machine.inputs)


def _destroy(_machine: Machine, world: World) -> None:
    world.vm_alive, world.guest_caches, world.traps_caches = False, False, True


def _advise(name: str, message: str) -> Callable[[Machine, World], None]:
    def effect(_machine: Machine, world: World) -> None:
        world.found.append((name, message))

    return effect


def _splits_at_boot(machine: Machine) -> bool:
    return machine.linear_map.splits_at_boot


def _without_memory(_machine: Machine, world: World) -> None:
    world.no_memory = True


def _begin_invalidation(_machine: Machine, world: World) -> None:
    world.invalidating = True


def _end_invalidation(_machine: Machine, world: World) -> None:
    world.invalidating = False
    world.sequence += 1


_UNMAP = (
    Row(operation="mmu_lock", takes=("mmu-write",)),
    Row(operation="mmu_invalidate_start", effect=_begin_invalidation),
    *UNMAP_LEAF,
    Row(operation="mmu_unlock", drops=("mmu-write",)),
)
_UNMAP_END = Row(operation="mmu_invalidate_end", effect=_end_invalidation)

EVENTS: tuple[Event, ...] = (
    Event(
        name="fallocate",
        actor="host",
        offered=_gmem,
        enabled=_no_folio,
        rows=(
            Row(operation="folio_lock", takes=("folio",)),
            ALLOCATE,
            Row(operation="folio_unlock", drops=("folio",)),
        ),
    ),
    Event(
        name="guest instruction fetch",
        actor="vcpu",
        offered=_guest_fetches,
        enabled=_running,
        rows=access("fetch"),
    ),
    Event(name="guest read", actor="vcpu", offered=_gmem, enabled=_running, rows=access("read")),
    Event(name="guest write", actor="vcpu", offered=_gmem, enabled=_running, rows=access("write")),
    Event(
        name="guest read while page tables cannot be allocated",
        actor="vcpu",
        offered=_gmem,
        enabled=_splits,
        rows=access("read"),
        start=_without_memory,
    ),
    Event(
        name="guest turns its caches on or off",
        actor="vcpu",
        offered=_gmem,
        enabled=_running,
        rows=TOGGLE_CACHES,
    ),
    Event(
        name="guest cleans caches by set and way",
        actor="vcpu",
        offered=_gmem,
        enabled=_running,
        rows=SET_WAY,
    ),
    Event(
        name="guest hypervisor uses the page for VNCR_EL2",
        actor="vcpu",
        offered=lambda machine: _gmem(machine) and machine.inputs.vncr_mapped,
        enabled=_running,
        rows=(
            *GET_FOLIO,
            Row(
                operation="vncr_map_fixmap",
                effect=_advise("vncr-alias", "the page has another kernel alias, in the fixmap"),
                when=(ZAPPED,),
                unless=(FAILED,),
            ),
            return_error("the guest hypervisor's fault"),
        ),
    ),
    Event(
        name="vCPU initialised again",
        actor="host",
        offered=_gmem,
        enabled=_running,
        rows=REINITIALISE,
    ),
    Event(
        name="host user access",
        actor="host",
        offered=_gmem,
        enabled=lambda _machine, _state: True,
        rows=(
            Row(operation="gmem_user_fault"),
            *GET_FOLIO,
            FLUSH_AT_LAST,
            return_error("the user's fault"),
            Row(operation="host_user_write", effect=_user_writes, unless=(FAILED,)),
        ),
    ),
    Event(
        name="memory slot deleted",
        actor="host",
        offered=_gmem,
        enabled=_mapped,
        rows=(*_UNMAP, _UNMAP_END),
    ),
    Event(
        name="write protection",
        actor="host",
        offered=lambda machine: _gmem(machine) and machine.options["dirty-log"] == "yes",
        enabled=_mapped,
        rows=(
            Row(operation="mmu_lock", takes=("mmu-write",)),
            *WRITE_PROTECT_LEAF,
            Row(operation="mmu_unlock", drops=("mmu-write",)),
        ),
    ),
    Event(
        name="restored in place",
        actor="host",
        offered=lambda machine: _gmem(machine) and _restores_in_place(machine),
        enabled=_restored_in_place,
        rows=(
            Row(operation="folio_lock", takes=("folio",)),
            RESTORE,
            Row(operation="folio_unlock", drops=("folio",)),
        ),
    ),
    Event(
        name="hole punched or file closed",
        actor="host",
        offered=_gmem,
        enabled=_has_folio,
        rows=(*_UNMAP, *FREE_FOLIO, _UNMAP_END),
    ),
    Event(
        name="VM destroyed",
        actor="host",
        offered=_gmem,
        enabled=lambda machine, state: _running(machine, state) and _has_folio(machine, state),
        rows=(*_UNMAP, Row(operation="vm_destroy", effect=_destroy), _UNMAP_END),
    ),
    Event(
        name="hibernation",
        actor="system",
        offered=_gmem,
        enabled=_hibernates,
        rows=(
            Row(operation="hibernate_map_page"),
            Row(
                operation="hibernate_copy_page",
                effect=_advise(
                    "hibernation-copy",
                    "the image maps A back and keeps P's contents; needs CONFIG_HIBERNATION",
                ),
            ),
            Row(operation="hibernate_unmap_page"),
        ),
    ),
    Event(
        name="capability query on /dev/kvm",
        actor="system",
        offered=lambda machine: _gmem(machine) and machine.with_series,
        enabled=_no_folio,
        rows=(
            Row(
                operation="check_extension",
                effect=_advise(
                    "dev-kvm-over-advertises",
                    "/dev/kvm reports NO_DIRECT_MAP whatever the VM's own answer is",
                ),
            ),
        ),
    ),
    Event(
        name="late split while page tables cannot be allocated",
        actor="system",
        offered=_splits_at_boot,
        enabled=_no_folio,
        rows=(
            Row(
                operation="boot_split_linear_map",
                effect=_advise(
                    "boot-split-panic", "linear_map_split_to_ptes() panics (GFP_ATOMIC)"
                ),
            ),
        ),
    ),
    Event(
        name="user access to secret memory",
        actor="host",
        offered=_secretmem,
        enabled=lambda _machine, _state: True,
        rows=USER_FAULT,
    ),
    Event(
        name="secret memory freed",
        actor="host",
        offered=_secretmem,
        enabled=_has_folio,
        rows=FREE_SECRET,
    ),
)


def _restores_in_place(machine: Machine) -> bool:
    return machine.options["restore"] == "in-place" or machine.options["zapped-bit"] == "kept"
