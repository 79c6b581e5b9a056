"""The events of a page's life: when each can happen, and what the kernel does then.

Order matters for people only: of several shortest traces the one with earlier events is reported.
"""

from __future__ import annotations

from matrix.explore.scenario import SYSTEM
from matrix.scenarios.arm64 import host
from matrix.scenarios.arm64.caches import fetches_stale_lines
from matrix.scenarios.arm64.machine import Event, Machine, Remnant, sets
from matrix.scenarios.arm64.page import LATE_SPLIT_FAILS, page_scenario
from matrix.scenarios.arm64.relevant import relevant
from matrix.scenarios.arm64.vcpu import LOAD, MAP_VNCR, REINITIALISE, SET_WAY, TOGGLE_CACHES, access
from matrix.scenarios.arm64.words import described_guest
from matrix.scenarios.arm64.world import FREE, LOADED, UPTODATE, State


def _guest_fetches(machine: Machine) -> bool:
    return machine.options["guest"] == "any"


def _guest_may_fetch_stale_lines(machine: Machine) -> bool:
    return _guest_fetches(machine) and fetches_stale_lines(machine.inputs)


def _loadable(_machine: Machine, state: State) -> bool:
    return state.vm_alive and state.vcpu != LOADED


def _running(_machine: Machine, state: State) -> bool:
    return state.vm_alive


def _has_folio(_machine: Machine, state: State) -> bool:
    return state.folio != FREE


def _no_folio(_machine: Machine, state: State) -> bool:
    return state.folio == FREE


def _not_filled(_machine: Machine, state: State) -> bool:
    return state.folio != UPTODATE


def _mapped(_machine: Machine, state: State) -> bool:
    return state.stage2 != 0


def _splits(machine: Machine, state: State) -> bool:
    unmapped = not machine.linear_map.is_page_mapped(state.linear_map)
    return _running(machine, state) and not state.zapped and unmapped


def _hidden(machine: Machine, state: State) -> bool:
    return state.zapped and not machine.linear_map.is_valid(state.linear_map)


def _restored_in_place(_machine: Machine, state: State) -> bool:
    return state.zapped and state.stage2 == 0


def _restores_in_place(machine: Machine) -> bool:
    return machine.options["restore"] == "in-place" or machine.options["zapped-bit"] == "kept"


EVENTS: tuple[Event, ...] = (
    Event(name="fallocate", actor="host", enabled=_no_folio, rows=host.FALLOCATE),
    Event(
        name="vCPU loaded",
        actor="vcpu",
        offered=_guest_may_fetch_stale_lines,
        enabled=_loadable,
        rows=LOAD,
    ),
    # On the vCPU's own CPU and before the file has P: never while another actor runs.
    Event(
        name="previous owner executes from the page",
        actor=SYSTEM,
        offered=_guest_may_fetch_stale_lines,
        enabled=_no_folio,
        rows=host.OWNER_EXECUTES,
    ),
    Event(
        name="guest instruction fetch",
        actor="vcpu",
        offered=_guest_fetches,
        enabled=_running,
        rows=access("fetch"),
    ),
    Event(name="guest read", actor="vcpu", enabled=_running, rows=access("read")),
    Event(name="guest write", actor="vcpu", enabled=_running, rows=access("write")),
    Event(
        name="guest read while page tables cannot be allocated",
        actor="vcpu",
        enabled=_splits,
        rows=access("read"),
        start=sets(no_memory=True),
    ),
    Event(
        name="guest turns its caches on or off", actor="vcpu", enabled=_running, rows=TOGGLE_CACHES
    ),
    Event(name="guest cleans caches by set and way", actor="vcpu", enabled=_running, rows=SET_WAY),
    Event(
        name="guest hypervisor uses the page for VNCR_EL2",
        actor="vcpu",
        offered=lambda machine: machine.inputs.vncr_mapped,
        enabled=_running,
        rows=MAP_VNCR,
    ),
    Event(name="vCPU initialised again", actor="host", enabled=_running, rows=REINITIALISE),
    Event(
        name="host user access",
        actor="host",
        rows=host.USER_ACCESS,
    ),
    Event(
        name="page populated",
        actor="host",
        offered=lambda machine: machine.options["populate"] != "none",
        rows=host.POPULATE,
    ),
    Event(
        name="write() into the file",
        actor="host",
        offered=lambda machine: machine.options["write"] != "none",
        enabled=_not_filled,
        rows=host.WRITE,
    ),
    Event(
        name="kernel uses a pinned page",
        actor="host",
        offered=lambda machine: machine.options["gup"] == "allowed",
        rows=host.USE_PINNED,
    ),
    Event(name="memory slot deleted", actor="host", enabled=_mapped, rows=host.DELETE_SLOT),
    Event(
        name="write protection",
        actor="host",
        offered=lambda machine: machine.options["dirty-log"] == "yes",
        enabled=_mapped,
        rows=host.WRITE_PROTECT,
    ),
    Event(
        name="restored in place",
        actor="host",
        offered=_restores_in_place,
        enabled=_restored_in_place,
        rows=host.RESTORE_IN_PLACE,
    ),
    Event(
        name="hole punched or file closed", actor="host", enabled=_has_folio, rows=host.PUNCH_HOLE
    ),
    Event(
        name="VM destroyed",
        actor="host",
        enabled=lambda machine, state: _running(machine, state) and _has_folio(machine, state),
        rows=host.DESTROY_VM,
    ),
    Event(name="hibernation", actor=SYSTEM, enabled=_hidden, rows=host.HIBERNATE),
    Event(
        name="kexec image loaded that has to be relocated",
        actor=SYSTEM,
        enabled=_hidden,
        rows=host.LOAD_KEXEC,
    ),
    Event(name="crash kernel reads memory", actor=SYSTEM, enabled=_hidden, rows=host.DUMP_CORE),
    Event(
        name="memory error, then the page is freed", actor=SYSTEM, enabled=_hidden, rows=host.POISON
    ),
    Event(
        name="VMM's mapping pinned",
        actor=SYSTEM,
        offered=lambda machine: machine.with_capability and machine.options["gup"] == "refused",
        enabled=_no_folio,
        rows=host.PIN_PAGES,
    ),
    Event(
        name="guest fetches with its MMU off",
        actor=SYSTEM,
        offered=_guest_fetches,
        enabled=_no_folio,
        rows=host.FETCH_WITHOUT_MMU,
    ),
    Event(
        name="capability query on /dev/kvm",
        actor=SYSTEM,
        offered=lambda machine: machine.with_capability,
        enabled=_no_folio,
        rows=host.QUERY_DEV_KVM,
    ),
    LATE_SPLIT_FAILS,
)

SCENARIO = page_scenario(
    id="gmem",
    title="one page of a guest_memfd created with GUEST_MEMFD_FLAG_NO_DIRECT_MAP",
    gates="GUEST_MEMFD_FLAG_NO_DIRECT_MAP",
    relevant=relevant,
    described=described_guest,
    remnants=(Remnant(operation="oops_folio_locked", stays=lambda _m, _w, held: "folio" in held),),
    first_actor="vcpu",
    events=EVENTS,
)
