"""What stays behind when the kernel dies in the middle: locks, and a stage-2 leaf being replaced.

The task that oopses is killed with what it holds. Nothing here decides a verdict; the trace ends
with it, for it is what the host and the other vCPUs meet next.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from matrix.simulate.world import Machine, World


class Remnant(Struct, frozen=True, kw_only=True):
    """A micro-operation that is never done: it says what stays; `stays` gets the locks held."""

    operation: str
    stays: Callable[[Machine, World, tuple[str, ...]], bool]


REMNANTS: tuple[Remnant, ...] = (
    # stage2_attr_walker() does its maintenance before it touches the leaf: nothing is locked there.
    Remnant(operation="oops_leaf_locked", stays=lambda _m, w, _held: w.leaf_locked),
    Remnant(operation="oops_fault_lock_held", stays=lambda _m, _w, held: "mmu-read" in held),
    Remnant(operation="oops_write_lock_held", stays=lambda _m, _w, held: "mmu-write" in held),
    # secretmem frees a folio that nobody can find any more.
    Remnant(
        operation="oops_folio_locked",
        stays=lambda m, _w, held: "folio" in held and m.inputs.scenario == "gmem",
    ),
)


def remnants(machine: Machine, world: World, held: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of what stays when the kernel dies holding the locks `held`."""
    return tuple(row.operation for row in REMNANTS if row.stays(machine, world, held))
