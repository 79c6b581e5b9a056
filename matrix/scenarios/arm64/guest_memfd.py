"""guest_memfd with the series: where it zaps, what it records, when it restores.

Rows of virt/kvm/guest_memfd.c with the series on top. As posted in v12: a page is zapped after it
was zeroed, in kvm_gmem_get_pfn() and in the user fault; a bit in the folio records a zap that
returned 0; free_folio restores. What other versions of it do differently are options (`page`):
where it zaps, who zeroes and when, whether there is a bit, who else fills a page. `vcpu` and
`events` use the rows.
"""

from __future__ import annotations

from collections.abc import Callable

from matrix.scenarios.arm64.caches import contents_change, touch_alias
from matrix.scenarios.arm64.direct_map import (
    FAILED,
    SET_INVALID_AND_FLUSH,
    SET_VALID,
    flush_tlb,
    write_entry,
)
from matrix.scenarios.arm64.machine import (
    CAPABILITY_USED,
    INVALID_ARGUMENT,
    OUT_OF_MEMORY,
    Condition,
    Machine,
    Row,
    locked,
    of_inputs,
    option,
    sets,
)
from matrix.scenarios.arm64.world import CACHED, FREE, UPTODATE, World

HAS_FOLIO = Condition(name="the file has the folio", holds=lambda _, w: w.folio != FREE)
IS_UPTODATE = Condition(name="folio_test_uptodate()", holds=lambda _, w: w.folio == UPTODATE)
DEBUG_PAGEALLOC = of_inputs("debug_pagealloc_enabled()", lambda i: i.debug_pagealloc)
FLUSH_PENDING = Condition(name="a flush was put off", holds=lambda _, w: w.flush_pending)
ZAPS_LATE = option("zap-at", "get-pfn")
ZAPS_WHEN_ADDED = option("zap-at", "add-folio")
ALLOCATOR_ZAPS = option("zap-at", "allocator")
NO_BIT = option("zapped-bit", "none")
NOT_RESTORED = option("restore", "compiled-out")
ALLOCATOR_RESTORES = option("restore", "by-allocator")
ZEROED_WHEN_ADDED = option("zeroing", "when-added")
ZEROED_ELSEWHERE = option("zeroing", "temporary-mapping")
BIT_SAYS_ZAPPED = Condition(
    name="the folio's bit is set",
    holds=lambda m, w: w.zapped and m.options["zapped-bit"] != "none",
)
# Without a bit nobody knows which folios of the file were zapped: all of them are restored.
MAY_BE_ZAPPED = Condition(
    name="the folio counts as zapped",
    holds=lambda m, w: (
        w.zapped or (m.with_capability and m.options["zapped-bit"] == "none" and w.folio != FREE)
    ),
)


def _allocator_maps(machine: Machine, world: World) -> None:
    write_entry(machine, world, machine.linear_map.validate(world.linear_map)[0])


def _allocator_unmaps(machine: Machine, world: World) -> None:
    write_entry(machine, world, machine.linear_map.invalidate(world.linear_map)[0])
    # debug_pagealloc's set_memory_valid() flushes by itself.
    world.stale = ()


def fill(machine: Machine, world: World) -> None:
    """Write the whole page, through an address that is not A."""
    world.folio = UPTODATE
    world.dirty = not machine.inputs.fwb


def fill_by_alias(what: str) -> Callable[[Machine, World], None]:
    """Return the effect of writing the whole page through A, by the function `what`."""

    def effect(machine: Machine, world: World) -> None:
        if touch_alias(machine, world, what):
            fill(machine, world)

    return effect


def _flush_at_last(machine: Machine, world: World) -> None:
    flush_tlb(machine, world)
    world.flush_pending = False
    _count_flushes(world)


def _set_zapped(_machine: Machine, world: World) -> None:
    world.zapped = world.promised = True
    _count_flushes(world)


def _count_flushes(world: World) -> None:
    if world.flushes:
        text = f"{world.flushes} TLB invalidation{'s' if world.flushes > 1 else ''} for one page"
        world.found.append(("flush-cost", text))


def return_error(operation: str, what: str) -> Row:
    """Return the row that hands the error on; running out of memory is no violation.

    `operation` is the flow's own: which function returns the error, and where, differs.
    """

    def effect(_machine: Machine, world: World) -> None:
        if world.error != OUT_OF_MEMORY:
            world.found.append(("operation-fails", f"{what} fails with {world.error}"))

    return Row(operation=operation, effect=effect, when=(FAILED,))


# debug_pagealloc unmaps free pages; not a zap, and undone before the page has an owner.
MAP_BY_ALLOCATOR = Row(operation="page_alloc_map", effect=_allocator_maps, when=(DEBUG_PAGEALLOC,))

# folio_zap_direct_map(), behind the test of the folio's bit where there is one.
ALREADY_ZAPPED = Row(
    operation="gmem_zap_skipped",
    effect=sets(promised=True),
    when=(CAPABILITY_USED, ZAPS_LATE, BIT_SAYS_ZAPPED),
)


def _zap(where: Condition) -> Row:
    return Row(
        operation="gmem_zap",
        when=(CAPABILITY_USED, where),
        unless=(BIT_SAYS_ZAPPED, FAILED),
        body=(
            Row(
                operation="gmem_refuse_large_folio",
                effect=sets(error=INVALID_ARGUMENT),
                when=(option("folio", "large"),),
            ),
            Row(operation="direct_map_set", unless=(FAILED,), body=SET_INVALID_AND_FLUSH),
            Row(
                operation="gmem_zap_flush_tlb",
                effect=flush_tlb,
                when=(option("tlb-flush", "series"),),
                unless=(FAILED,),
            ),
            Row(
                operation="gmem_put_off_flush",
                effect=sets(flush_pending=True),
                when=(option("tlb-flush", "deferred"),),
                unless=(FAILED,),
            ),
            Row(
                operation="gmem_ignore_error",
                effect=sets(error=None),
                when=(option("zap-error", "ignored"), FAILED),
            ),
            Row(operation="gmem_set_zapped", effect=_set_zapped, unless=(FAILED, NO_BIT)),
            Row(
                operation="gmem_zapped_without_bit",
                effect=_set_zapped,
                when=(NO_BIT,),
                unless=(FAILED,),
            ),
        ),
    )


CLEAR_PAGE = (
    Row(
        operation="gmem_clear_page",
        effect=fill_by_alias("clear_highpage()"),
        unless=(IS_UPTODATE, FAILED, ZEROED_ELSEWHERE),
    ),
    Row(
        operation="temporary_clear_page",
        effect=fill,
        when=(ZEROED_ELSEWHERE,),
        unless=(IS_UPTODATE, FAILED),
    ),
)


def _free(machine: Machine, world: World) -> None:
    # There the allocator takes unmapped pages and knows it: nothing is broken.
    knows = machine.options["restore"] == "by-allocator"
    if not machine.linear_map.is_valid(world.linear_map) and not knows:
        message = "the page goes back to the allocator with A invalid"
        world.found.append(("alias-restored", message))
    world.folio = FREE
    # post_alloc_hook() clears page->private; dirty lines are the next owner's business.
    world.zapped = world.promised = world.dirty = False
    contents_change(world)
    # Whoever gets the page next is a VM that lives: the exploration goes on with that one.
    world.vm_alive = True


PAGE_FREE = Row(
    operation="page_free",
    effect=_free,
    body=(Row(operation="page_free_unmap", effect=_allocator_unmaps, when=(DEBUG_PAGEALLOC,)),),
)
ALLOCATE = Row(
    operation="gmem_allocate_folio",
    effect=sets(folio=CACHED),
    unless=(HAS_FOLIO,),
    body=(
        MAP_BY_ALLOCATOR,
        Row(
            operation="page_alloc_map_again",
            when=(ALLOCATOR_RESTORES,),
            unless=(ALLOCATOR_ZAPS,),
            body=SET_VALID,
        ),
        _zap(ALLOCATOR_ZAPS),
        Row(operation="gmem_clear_before_adding", when=(ZEROED_WHEN_ADDED,), body=CLEAR_PAGE),
        _zap(ZAPS_WHEN_ADDED),
        # What cannot be zapped never gets into the file.
        Row(operation="gmem_put_folio", when=(FAILED,), body=(PAGE_FREE,)),
    ),
)

# kvm_gmem_get_pfn(), and the same steps of kvm_gmem_fault_user_mapping().
GET_FOLIO = locked(
    "folio",
    ALLOCATE,
    *CLEAR_PAGE,
    ALREADY_ZAPPED,
    _zap(ZAPS_LATE),
    # Nothing is tested where every folio of the file has been zapped before it was found there.
    Row(
        operation="gmem_count_on_file",
        effect=sets(promised=True),
        when=(CAPABILITY_USED,),
        unless=(ZAPS_LATE, FAILED),
    ),
)
FLUSH_AT_LAST = Row(
    operation="gmem_deferred_flush_tlb", effect=_flush_at_last, when=(FLUSH_PENDING,)
)

RESTORE = Row(
    operation="gmem_restore",
    effect=sets(promised=False),
    when=(MAY_BE_ZAPPED,),
    body=(
        *SET_VALID,
        Row(
            operation="gmem_clear_zapped",
            effect=sets(zapped=False),
            unless=(option("zapped-bit", "kept"),),
        ),
    ),
)

FREE_FOLIO = locked(
    "folio",
    Row(
        operation="gmem_truncate",
        when=(HAS_FOLIO,),
        body=(
            Row(
                operation="gmem_free_folio",
                unless=(NOT_RESTORED, ALLOCATOR_RESTORES),
                body=(RESTORE,),
            ),
            PAGE_FREE,
        ),
    ),
)
