"""The state of one page between two events, and the world while an event runs.

`State` is what is left between two events, compact and comparable. `World` is the same, opened for
change, with what the task that runs the event knows by itself.
"""

from __future__ import annotations

from typing import NamedTuple

from matrix.explore.scenario import World as ExploredWorld
from matrix.scenarios.arm64.descriptors import Leaf

# Who has P: the page allocator; the file, not zeroed yet; the file, zeroed (folio up to date).
FREE, CACHED, UPTODATE = "free", "cached", "uptodate"

# What the instruction cache of the CPU that runs the vCPU may hold of P: nothing; what P holds now;
# what it held before.
NO_LINES, LINES, STALE_LINES = "none", "of the page", "stale"

# The vCPU and that CPU (mmu->last_vcpu_ran): it never ran there; it is loaded; it was put, and no
# other vCPU of the VM ran there since.
NEVER_RAN, LOADED, PUT = "never ran on this CPU", "loaded", "put"


class State(NamedTuple):
    """One page's life between two events.

    `linear_map` is a handle of `LinearMap`; `stale` the entries of A that a TLB may hold although
    they are no longer written; `zapped` the bit in the folio; `promised` that the kernel counts on
    P being out of the direct map; `stage2` the guest's descriptor, 0 for none; `dirty` data-cache
    lines that memory lacks; `instructions` what the instruction cache may hold of P; `vcpu` whether
    the vCPU is loaded; `traps_caches` HCR_EL2.TVM.
    """

    linear_map: int
    stale: tuple[Leaf, ...] = ()
    folio: str = FREE
    zapped: bool = False
    promised: bool = False
    stage2: int = 0
    dirty: bool = False
    instructions: str = NO_LINES
    guest_caches: bool = False
    traps_caches: bool = True
    vm_alive: bool = True
    vcpu: str = NEVER_RAN


class World(ExploredWorld):
    """The fields of `State` while an event runs, and the registers of the task that runs it.

    `error` is the negative errno to be returned. `sequence` and `invalidating` are
    kvm->mmu_invalidate_seq and _in_progress. `first_load`: the vCPU is loaded where another one ran
    last. `leaf_locked`: the stage-2 leaf is being replaced. `flushes` counts TLB invalidations.
    """

    linear_map: int
    stale: tuple[Leaf, ...]
    folio: str
    zapped: bool
    promised: bool
    stage2: int
    dirty: bool
    instructions: str
    guest_caches: bool
    traps_caches: bool
    vm_alive: bool
    vcpu: str
    sequence: int = 0
    invalidating: bool = False
    error: str | None = None
    permission_fault: bool = False
    resumed: bool = False
    sampled: int = -1
    no_memory: bool = False
    flush_pending: bool = False
    first_load: bool = False
    leaf_locked: bool = False
    flushes: int = 0


# What tasks share besides the state, and what each of two tasks has for itself.
SHARED = ("sequence", "invalidating")
REGISTERS = (
    "error",
    "permission_fault",
    "resumed",
    "sampled",
    "no_memory",
    "flush_pending",
    "first_load",
    "leaf_locked",
)


def opened(state: State) -> World:
    """Return the state as a world in which an event can run."""
    return World(*state)


def closed(world: World) -> State:
    """Return what is left when the event is over."""
    return State._make(getattr(world, field) for field in State._fields)
