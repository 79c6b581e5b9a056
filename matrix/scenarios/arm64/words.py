"""What a trace says: the words of the micro-operations' details, and a state as lanes.

Page-table entries are told in hex and decoded, so that a maintainer can check every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from matrix.explore.outcome import Lane
from matrix.scenarios.arm64 import descriptors
from matrix.scenarios.arm64.machine import Machine
from matrix.scenarios.arm64.world import (
    FREE,
    LINES,
    LOADED,
    NEVER_RAN,
    NO_LINES,
    PUT,
    STALE_LINES,
    State,
    World,
    opened,
)


def _alias(machine: Machine, world: World) -> str:
    return "valid" if machine.linear_map.is_valid(world.linear_map) else "invalid"


def _changed(machine: Machine, change: tuple[int, str | None]) -> str:
    handle, error = change
    text = machine.linear_map.leaf_text(handle)
    return f"A becomes {text}" if error is None else f"{error}: A stays {text}"


def _ic_ivau(machine: Machine, world: World) -> str:
    """Say what IC IVAU does where A is invalid, by the value of the assumption."""
    if machine.linear_map.is_valid(world.linear_map):
        return ""
    return f": {_IC_IVAU[machine.assumption]}"


_IC_IVAU = {
    "faults": "translation fault",
    "ignored": "neither faults nor invalidates",
    "performed": "invalidates all the same",
}


_VCPU = {
    NEVER_RAN: "this vCPU did not run last on this CPU",
    PUT: "this vCPU ran last on this CPU: no IC IALLU",
}
_PKVM_VCPU = "pKVM does not ask who ran last on this CPU: no IC IALLU"
_FAULT_LOCK = {
    True: "reading: whoever wants it for writing waits for ever",
    False: "writing: every fault of the VM waits for ever",
}
_USERSPACE = {
    "gmem": "the guest_memfd",
    "other": "other memory",
    "none": "nothing",
}


def stage2_text(machine: Machine, descriptor: int) -> str:
    """Return a stage-2 entry for people: hex and decoded, or `none`."""
    if not descriptor:
        return "none"
    decoded = descriptors.decode_stage2(descriptor, machine.inputs.page_shift)
    return f"{descriptor:#018x} {decoded}"


WORDS: dict[str, Callable[[Machine, World], str]] = {
    "leaf": lambda m, w: m.linear_map.leaf_text(w.linear_map),
    "split": lambda m, w: m.linear_map.split_text(w.linear_map),
    "invalidated": lambda m, w: _changed(m, m.linear_map.invalidate(w.linear_map)),
    "validated": lambda m, w: _changed(m, m.linear_map.validate(w.linear_map)),
    "alias": _alias,
    "address": lambda m, _: f"{m.linear_map.va:#x}",
    "stage2": lambda m, w: stage2_text(m, w.stage2),
    "fault": lambda _, w: "permission fault" if w.permission_fault else "translation fault",
    "executable": lambda m, _: "executable at once" if m.inputs.dic else "X for a fetch only",
    "error": lambda _, w: w.error or "0",
    "userspace": lambda m, _: _USERSPACE[m.inputs.userspace_addr],
    "vcpu": lambda m, w: _VCPU[w.vcpu] if m.inputs.vcpu_load_flushes else _PKVM_VCPU,
    "fault_lock": lambda m, _: _FAULT_LOCK[m.inputs.fault_lock_is_shared],
    "ic_ivau": _ic_ivau,
}


def described(machine: Machine, state: State) -> tuple[Lane, ...]:
    """Return the direct map, the host's TLB and the folio."""
    linear_map = machine.linear_map
    valid = linear_map.is_valid(state.linear_map)
    stale = ", ".join(f"{leaf.descriptor:#018x} (level {leaf.level})" for leaf in state.stale)
    folio = f"{state.folio}, zapped" if state.zapped else state.folio
    return (
        Lane(
            name="direct map of P",
            word=linear_map.entry_text(state.linear_map),
            detail=linear_map.leaf_text(state.linear_map),
            holds="current" if valid else "nothing",
        ),
        Lane(
            name="host TLB",
            word="old entry of A" if stale else "nothing stale",
            detail=f"may hold {stale}" if stale else "no stale entry for A",
            holds="stale" if stale else "nothing",
        ),
        Lane(
            name="folio",
            word=folio,
            detail=folio,
            holds="nothing" if state.folio == FREE else "current",
        ),
    )


UNBUILT = (Lane(name="direct map of P", word="not built", detail="not built", holds="nothing"),)


def described_guest(machine: Machine, state: State) -> tuple[Lane, ...]:
    """Return the same with what the guest has of the page."""
    caches = "forced Write-Back" if machine.inputs.fwb else _on_off(on=state.guest_caches)
    word, detail, holds = _INSTRUCTIONS[state.instructions]
    return (
        *described(machine, state),
        Lane(
            name="stage 2",
            word=descriptors.stage2_permissions(state.stage2) if state.stage2 else "none",
            detail=stage2_text(machine, state.stage2),
            holds="current" if state.stage2 else "nothing",
        ),
        _lane("data cache", _DATA[state.dirty], there=state.dirty),
        Lane(name="instruction cache", word=word, detail=detail, holds=holds),
        _lane("guest caches", caches),
        _lane("VM", "running" if state.vm_alive else "destroyed", there=state.vm_alive),
        _lane("vCPU", state.vcpu, there=state.vcpu == LOADED),
    )


def _lane(name: str, text: str, *, there: bool = True) -> Lane:
    return Lane(name=name, word=text, detail=text, holds="current" if there else "nothing")


_DATA = {True: "lines not in memory", False: "clean"}
_INSTRUCTIONS: dict[str, tuple[str, str, Literal["nothing", "current", "stale"]]] = {
    NO_LINES: ("nothing stale", "no stale lines", "nothing"),
    LINES: ("lines of P", "lines of what the page holds", "current"),
    STALE_LINES: ("stale lines", "possibly stale lines", "stale"),
}


def _on_off(*, on: bool) -> str:
    return "on" if on else "off"


def boot(machine: Machine) -> Iterator[tuple[str, World]]:
    """Yield what boot does to the linear map, each with the map it makes."""
    linear_map = machine.linear_map
    yield "boot_map_mem", opened(State(linear_map=linear_map.built))
    if linear_map.splits_at_boot:
        yield "boot_split_linear_map", opened(State(linear_map=linear_map.at_boot))
