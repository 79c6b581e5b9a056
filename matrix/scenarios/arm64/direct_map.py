"""set_direct_map_*() on A: the guard, the split on demand, the entry, the TLB.

The rows follow arch/arm64/mm/pageattr.c and mmu.c; `linear_map` computes the descriptors. A guard
that is false returns 0 and has done nothing: the caller cannot tell.
"""

from __future__ import annotations

from matrix.scenarios.arm64.descriptors import EntryHistory, Leaf
from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.machine import OUT_OF_MEMORY, Condition, Machine, Row, of_inputs
from matrix.scenarios.arm64.world import World


def split_gate_open(inputs: PageInputs, split: str) -> bool:
    """Say whether split_kernel_leaf_mapping() goes past its early returns; `split`: the option."""
    if split == "ungated":
        return True
    match inputs.split_gate:
        case "boot-flag":
            return inputs.linear_map_requires_bbml and inputs.system_supports_bbml
        case "call-time":
            return inputs.system_supports_bbml and not inputs.force_pte_mapping
        case _:
            return False


GUARD = of_inputs(
    "can_set_direct_map() inside set_direct_map_*()", lambda i: i.set_direct_map_guard
)
SPLIT_GATE = Condition(
    name="split_kernel_leaf_mapping() may split",
    of_class=True,
    holds=lambda m, _: split_gate_open(m.inputs, m.options["split"]),
)
PAGE_MAPPED = Condition(
    name="A is mapped by a page entry", holds=lambda m, w: m.linear_map.is_page_mapped(w.linear_map)
)
FAILED = Condition(name="an error is to be returned", holds=lambda _, w: w.error is not None)
HELPER_FLUSHES = Condition(
    name="set_direct_map_valid_noflush() invalidates the TLB itself",
    of_class=True,
    holds=lambda m, _: (
        m.inputs.direct_map_helper_flushes and m.options["tlb-flush"] in ("series", "helper")
    ),
)


def write_entry(machine: Machine, world: World, handle: int) -> None:
    """Replace A's entry by that of `handle` and hold it against break-before-make."""
    old, new = world.linear_map, handle
    # Handles are equal where the tables are: nothing is written.
    if old == new:
        return
    history = EntryHistory(current=_leaf(machine, old), stale=world.stale)
    after, legal = history.write(_leaf(machine, new), bbml=machine.inputs.system_supports_bbml)
    if not legal:
        world.found.append(("live-size-change", "a live mapping of A changes size"))
    world.linear_map, world.stale = new, after.stale


def _leaf(machine: Machine, handle: int) -> Leaf:
    walk = machine.linear_map.walk(handle)
    return Leaf(walk.level, walk.descriptor)


def alias_translates(machine: Machine, world: World) -> bool:
    """Say whether some CPU can still use A: through the tables or through a stale TLB entry."""
    return bool(world.stale) or machine.linear_map.is_valid(world.linear_map)


def _split(machine: Machine, world: World) -> None:
    # Clearing contiguous bits takes no table, and never fails.
    if world.no_memory and machine.linear_map.tables_needed(world.linear_map):
        world.error = OUT_OF_MEMORY
        world.found.append(("split-out-of-memory", "the split of A's block needs a table page"))
        return
    write_entry(machine, world, machine.linear_map.split(world.linear_map))


def _invalidate(machine: Machine, world: World) -> None:
    linear_map = machine.linear_map
    handle, world.error = linear_map.invalidate(world.linear_map)
    # A larger leaf was refused with an error, so this is an entry of a contiguous run.
    if world.error is None and not linear_map.is_page_mapped(world.linear_map):
        message = "one entry of a contiguous run is made invalid alone"
        world.found.append(("live-size-change", message))
    write_entry(machine, world, handle)


def _validate(machine: Machine, world: World) -> None:
    handle, world.error = machine.linear_map.validate(world.linear_map)
    write_entry(machine, world, handle)


def flush_tlb(_machine: Machine, world: World) -> None:
    """flush_tlb_kernel_range() for A: DSB; TLBI VAALE1IS; DSB."""
    world.stale = ()
    world.flushes += 1


GUARD_RETURNS = Row(operation="direct_map_guard", unless=(GUARD,))

_SPLIT = Row(
    operation="direct_map_split", effect=_split, when=(GUARD, SPLIT_GATE), unless=(PAGE_MAPPED,)
)
# Without `helper flush`: set_direct_map_invalid_noflush(), all there is before 6.18.
SET_INVALID = (
    GUARD_RETURNS,
    _SPLIT,
    Row(operation="direct_map_invalidate", effect=_invalidate, when=(GUARD,), unless=(FAILED,)),
)
SET_INVALID_AND_FLUSH = (
    *SET_INVALID,
    Row(
        operation="direct_map_flush_tlb",
        effect=flush_tlb,
        when=(GUARD, HELPER_FLUSHES),
        unless=(FAILED,),
    ),
)
# No flush: what is not valid is in no TLB (7.3 arch/arm64/mm/pageattr.c:139-143).
SET_VALID = (
    GUARD_RETURNS,
    _SPLIT,
    Row(operation="direct_map_validate", effect=_validate, when=(GUARD,)),
)
