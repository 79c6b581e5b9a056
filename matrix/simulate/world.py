"""The state between events, the world while an event runs, the machine that never changes.

`State` is what is left between two events, compact and comparable. `World` is the same, opened for
change, with what the running event knows by itself. `Machine` holds what a class decides at boot.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from matrix.simulate.break_before_make import Leaf
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.linear_map import LinearMap
from matrix.simulate.outcome import MicroOperation

ASSUMPTION = "ic-ivau-on-invalid-va"
ASSUMPTIONS: dict[str, tuple[str, ...]] = {ASSUMPTION: ("faults", "ignored", "performed")}

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


class World(Struct):
    """The fields of `State` while an event runs, and the registers of the task that runs it.

    `found` collects (invariant or advisory, message); `stopped` is set when the event is over
    early, `crashed` when the kernel cannot go on, `error` is the negative errno to be returned.
    `sequence` and `invalidating` are kvm->mmu_invalidate_seq and _in_progress. `first_load`: the
    vCPU is loaded where another one ran last. `leaf_locked`: the stage-2 leaf is being replaced.
    `log` records micro-operations when a trace is wanted.
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
    stopped: bool = False
    crashed: bool = False
    error: str | None = None
    permission_fault: bool = False
    resumed: bool = False
    sampled: int = -1
    no_memory: bool = False
    flush_pending: bool = False
    first_load: bool = False
    leaf_locked: bool = False
    flushes: int = 0
    found: list[tuple[str, str]] = field(default_factory=list)
    assumed: bool = False
    log: list[MicroOperation] | None = None

    def state(self) -> State:
        """Return what is left when the event is over."""
        return State(
            self.linear_map,
            self.stale,
            self.folio,
            self.zapped,
            self.promised,
            self.stage2,
            self.dirty,
            self.instructions,
            self.guest_caches,
            self.traps_caches,
            self.vm_alive,
            self.vcpu,
        )


class Machine(Struct, frozen=True, kw_only=True):
    """What one run of the exploration decides before the first event.

    `options` are the mechanism options with their defaults filled in; `with_series` is false for
    the base kernel, which never zaps; `assumption` is the value of `ASSUMPTION`.
    """

    inputs: SimulationInputs
    linear_map: LinearMap
    options: dict[str, str]
    assumption: str
    with_series: bool = True
    concurrent: bool = False
