"""What the worlds of one arm64 page have in common: a scenario needs its events besides.

A micro-operation records what it sees itself; the invariants with a `holds` are looked at when an
event is over (in the two-actor mode after every micro-operation).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from matrix.explore.outcome import Lane
from matrix.explore.scenario import SYSTEM, Advisory, Assumption, Option, Scenario
from matrix.scenarios.arm64.direct_map import alias_translates
from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.machine import (
    Event,
    Invariant,
    Machine,
    Remnant,
    Row,
    advise,
    after_boot,
    machines,
)
from matrix.scenarios.arm64.operations import OPERATIONS
from matrix.scenarios.arm64.relevant import without_zap
from matrix.scenarios.arm64.words import UNBUILT, WORDS, boot
from matrix.scenarios.arm64.world import FREE, REGISTERS, SHARED, State, World, closed, opened

PageScenario: TypeAlias = Scenario[PageInputs, Machine, State, World]

ASSUMPTION = Assumption(name="ic-ivau-on-invalid-va", values=("faults", "ignored", "performed"))

# The first value of an option is the series as posted.
OPTIONS: tuple[Option, ...] = tuple(
    Option(name=name, values=values)
    for name, values in {
        "guest": {
            "any": "the guest reads, writes and executes the page",
            "no-exec": "the guest never executes from this memory slot",
        },
        "tlb-flush": {
            "series": "folio_zap_direct_map() flushes, besides what the helper of arm64 does",
            "helper": "only set_direct_map_valid_noflush() flushes, where it does",
            "none": "nothing flushes",
            "deferred": "one flush at the end of the fault, after the guest can use the page",
        },
        "zap-at": {
            "get-pfn": "kvm_gmem_get_pfn() and the user's fault zap, after the page was zeroed",
            "add-folio": "filemap_add_folio() zaps: only zapped folios get into the file",
            "allocator": "the page allocator hands out pages that it has zapped (ALLOC_UNMAPPED)",
        },
        "zeroing": {
            "late": "clear_highpage() where a folio that is not up to date is first used",
            "when-added": "clear_highpage() of a new folio, before it gets into the file",
            "temporary-mapping": "late, through a temporary kernel mapping",
        },
        "zapped-bit": {
            "cleared": "restoring clears the folio's bit",
            "kept": "restoring while the folio stays in the file leaves the bit set",
            "none": "no folio has a bit: all that are in the file count as zapped",
        },
        "restore": {
            "on-free": "free_folio restores",
            "compiled-out": "the hook is not built (the series on 7.3 without porting)",
            "in-place": "a folio may also be restored while it stays in the file",
            "by-allocator": "the allocator takes pages back as they are, and maps them for others",
        },
        "gup": {
            "refused": "GUP refuses memory without a direct map",
            "allowed": "GUP pins the VMM's mapping, and the kernel uses what is pinned",
        },
        "populate": {
            "none": "nothing is copied into a folio before the guest has it",
            "direct-map": "kvm_gmem_populate() copies through the direct map",
            "temporary-mapping": "kvm_gmem_populate() copies through a temporary kernel mapping",
        },
        "write": {
            "none": "a guest_memfd has no write()",
            "direct-map": "write() copies into a folio through the direct map",
            "temporary-mapping": "write() copies through a temporary kernel mapping",
        },
        "zap-error": {
            "returned": "a failed zap fails the fault",
            "ignored": "the error is dropped and the folio counts as zapped",
        },
        "folio": {"small": "order-0 folios", "large": "a large folio, which the zap refuses"},
        "split": {
            "gated": "a block is split where the release allows it",
            "ungated": "a block is split whatever the CPUs support",
        },
        "maintenance": {
            "by-alias": "KVM cleans and invalidates through the direct map",
            "whole-icache": "IC IALLUIS for zapped folios",
            "extable-fixup": "a fault on IC IVAU is fixed up and the error ignored",
            "temporary-mapping": "maintenance through a temporary kernel mapping",
            "skip-zapped": "no maintenance for zapped folios",
        },
        "dirty-log": {"no": "no dirty logging", "yes": "pages can be write-protected"},
    }.items()
)


def _alias_is_removed(machine: Machine, world: World) -> bool:
    """Say whether what the kernel counts on holds: between zap and restore A cannot be used."""
    return not world.promised or not alias_translates(machine, world)


# `operation-fails` is never excused: the predicate promised that the operation works.
INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        name="alias-access",
        forbids="the kernel uses an address of the direct map that is not mapped",
    ),
    Invariant(
        name="alias-removed",
        forbids="the kernel counts on the page being out of the direct map, and it is not",
        holds=_alias_is_removed,
    ),
    Invariant(
        name="live-size-change",
        forbids="a live mapping changes its size without BBML or a stop of the whole system",
    ),
    Invariant(name="coherent-data", forbids="the guest reads stale data"),
    Invariant(name="coherent-instructions", forbids="the guest executes stale instructions"),
    Invariant(
        name="alias-restored",
        forbids="the page goes back to the allocator with its direct-map entry invalid",
    ),
    Invariant(
        name="protection-applies",
        forbids="the flag was accepted and the guest's memory is not the memory it protects",
    ),
    Invariant(
        name="operation-fails",
        forbids="an operation of the host fails although nothing ran out",
        excused=False,
    ),
    Invariant(
        name="guest-progress",
        forbids="the guest faults for ever on an access that its memory slot allows",
        alone=True,
    ),
)

ADVISORIES: tuple[Advisory, ...] = tuple(
    Advisory(name=name, reports=reports)
    for name, reports in {
        "hibernation-copy": "hibernation maps the page back and writes its contents into the image",
        "kexec-copy": "the linear map that kexec copies to relocate an image maps the page again",
        "vmcore-copy": "a crash kernel reads the page by its physical address",
        "poisoned-alias": "the entry of a page with a memory error is valid again when it is freed",
        "vncr-alias": "a VNCR page is mapped at a fixmap address of the kernel",
        "split-out-of-memory": "splitting a block of the direct map can fail with -ENOMEM",
        "boot-split-panic": "splitting the whole direct map at boot panics when a table "
        "page is not to be had",
        "flush-cost": "every zapped page costs TLB invalidations that all CPUs take part in",
        "gup-refused": "no page of the VMM's mapping can be pinned",
        "fwb-not-applied": "stage 2 does not force Write-Back on fetches with the guest's MMU off",
        "dev-kvm-over-advertises": "KVM_CAP_GUEST_MEMFD_FLAGS on /dev/kvm includes the flag for "
        "every host",
    }.items()
)

REMNANTS: tuple[Remnant, ...] = (
    # stage2_attr_walker() does its maintenance before it touches the leaf: nothing is locked there.
    Remnant(operation="oops_leaf_locked", stays=lambda _m, w, _held: w.leaf_locked),
    Remnant(operation="oops_fault_lock_held", stays=lambda _m, _w, held: "mmu-read" in held),
    Remnant(operation="oops_write_lock_held", stays=lambda _m, _w, held: "mmu-write" in held),
)

# kvm->mmu_lock is a lock of readers and writers.
EXCLUDES = {"mmu-read": ("mmu-write",), "mmu-write": ("mmu-read", "mmu-write")}

LATE_SPLIT_FAILS = Event(
    name="late split while page tables cannot be allocated",
    actor=SYSTEM,
    offered=lambda machine: machine.linear_map.splits_at_boot,
    enabled=lambda _machine, state: state.folio == FREE,
    rows=(
        Row(
            operation="boot_split_linear_map",
            effect=advise("boot-split-panic", "linear_map_split_to_ptes() panics (GFP_ATOMIC)"),
        ),
    ),
)


def page_scenario(
    *,
    id: str,  # noqa: A002 - the field's name
    title: str,
    gates: str,
    events: tuple[Event, ...],
    relevant: Callable[[PageInputs], PageInputs],
    described: Callable[[Machine, State], tuple[Lane, ...]],
    remnants: tuple[Remnant, ...] = (),
    first_actor: str = "",
) -> PageScenario:
    """Return a world of one arm64 page; the arguments are the fields of `Scenario`."""
    return Scenario(
        id=id,
        title=title,
        arch="arm64",
        gates=gates,
        inputs=PageInputs,
        options=OPTIONS,
        assumption=ASSUMPTION,
        events=events,
        invariants=INVARIANTS,
        advisories=ADVISORIES,
        operations=OPERATIONS,
        words=WORDS,
        relevant=relevant,
        base=lambda inputs: relevant(without_zap(inputs)),
        machines=lambda inputs: machines(inputs, OPTIONS),
        start=after_boot,
        boot=boot,
        unbuilt=UNBUILT,
        opened=opened,
        closed=closed,
        described=described,
        remnants=(*REMNANTS, *remnants),
        first_actor=first_actor,
        excludes=EXCLUDES,
        shared=SHARED,
        registers=REGISTERS,
    )
