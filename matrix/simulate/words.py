"""The words that the details of micro-operations are filled with, from machine and state."""

from __future__ import annotations

from collections.abc import Callable

from matrix.simulate import descriptors
from matrix.simulate.world import NEVER_RAN, PUT, Machine, World


class Words(dict[str, str]):
    """The words that details are filled with; each is made when it is asked for."""

    def __init__(self, machine: Machine, world: World) -> None:
        super().__init__()
        self._machine, self._world = machine, world

    def __missing__(self, word: str) -> str:
        return _WORDS[word](self._machine, self._world)


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


_WORDS: dict[str, Callable[[Machine, World], str]] = {
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
