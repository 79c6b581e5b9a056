"""memfd_secret(2): upstream's own user of set_direct_map_*(), without any cache maintenance.

One page, which processes touch and free. Rows of mm/secretmem.c: zero, invalidate with the error
checked, add to the page cache, flush; at the end restore, zero again, free. Its mount is noexec, so
no instruction cache is involved.
"""

from __future__ import annotations

from matrix.scenarios.arm64.caches import touch_alias
from matrix.scenarios.arm64.direct_map import FAILED, SET_INVALID, SET_VALID, flush_tlb
from matrix.scenarios.arm64.guest_memfd import MAP_BY_ALLOCATOR, PAGE_FREE, return_error
from matrix.scenarios.arm64.machine import (
    CAPABILITY_USED,
    Condition,
    Event,
    Machine,
    Row,
    locked,
    option,
    sets,
)
from matrix.scenarios.arm64.page import LATE_SPLIT_FAILS, page_scenario
from matrix.scenarios.arm64.relevant import relevant_without_guest
from matrix.scenarios.arm64.words import described
from matrix.scenarios.arm64.world import FREE, UPTODATE, World

HAS_FOLIO = Condition(name="filemap_lock_folio() finds it", holds=lambda _, w: w.folio != FREE)


def _zero(machine: Machine, world: World) -> None:
    touch_alias(machine, world, "clear_page()")


def _add_to_cache(machine: Machine, world: World) -> None:
    world.folio = UPTODATE
    world.zapped = machine.with_capability


def _promise(_machine: Machine, world: World) -> None:
    """The process may use the page from here on."""
    world.promised = world.zapped


# The folio is locked from its allocation to the end of the fault (VM_FAULT_LOCKED): nobody else
# finds it between filemap_add_folio() and the flush.
USER_FAULT = (
    Row(operation="user_access"),
    *locked(
        "folio",
        Row(
            operation="secretmem_fault",
            unless=(HAS_FOLIO,),
            body=(
                Row(operation="secretmem_allocate", body=(MAP_BY_ALLOCATOR,)),
                Row(operation="secretmem_zero", effect=_zero),
                Row(operation="secretmem_set_invalid", when=(CAPABILITY_USED,), body=SET_INVALID),
                Row(operation="secretmem_add_to_cache", effect=_add_to_cache, unless=(FAILED,)),
                Row(
                    operation="secretmem_flush_tlb",
                    effect=flush_tlb,
                    when=(CAPABILITY_USED,),
                    unless=(FAILED, option("tlb-flush", "none")),
                ),
                return_error("secretmem_return", "the user's fault"),
            ),
        ),
        Row(operation="user_access", effect=_promise, unless=(FAILED,)),
    ),
)


FREE_SECRET = locked(
    "folio",
    Row(
        operation="secretmem_free",
        effect=sets(promised=False),
        when=(HAS_FOLIO,),
        body=(
            Row(
                operation="secretmem_restore",
                when=(CAPABILITY_USED,),
                unless=(option("restore", "compiled-out"),),
                body=SET_VALID,
            ),
            Row(operation="secretmem_zero_on_free", effect=_zero),
            PAGE_FREE,
        ),
    ),
)

# No remnants: where zeroing dies, the locked folio is not in the page cache, not yet
# (secretmem_fault) or no longer (its freeing), and nobody can wait for it.
SCENARIO = page_scenario(
    id="secretmem",
    title="one page of memfd_secret(2)",
    gates="memfd_secret(2)",
    relevant=relevant_without_guest,
    described=described,
    events=(
        LATE_SPLIT_FAILS,
        Event(
            name="user access to secret memory",
            actor="host",
            rows=USER_FAULT,
        ),
        Event(
            name="secret memory freed",
            actor="host",
            enabled=lambda _machine, state: state.folio != FREE,
            rows=FREE_SECRET,
        ),
    ),
)
