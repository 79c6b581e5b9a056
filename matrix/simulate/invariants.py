"""What must never happen, and what a reader must be told: the rows of every finding.

A micro-operation records what it sees itself; the invariants with a `holds` are looked at when an
event is over (in the two-actor mode after every micro-operation).
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from matrix.simulate.gmem import check_alias_removed
from matrix.simulate.world import Machine, World


class Invariant(Struct, frozen=True, kw_only=True):
    """What is forbidden; `excused` where the base kernel breaking it as well makes it an advisory.

    A refusal is never excused: the capability's predicate promised that the operation works.
    """

    name: str
    forbids: str
    excused: bool = True
    holds: Callable[[Machine, World], bool] | None = None


class Advisory(Struct, frozen=True, kw_only=True):
    """Something that is reported and never decides.

    In which cells it can happen, and what must happen besides, is declared
    (`advisories:` in configs/architectures).
    """

    name: str
    reports: str


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        name="alias-access",
        forbids="the kernel uses an address of the direct map that is not mapped",
    ),
    Invariant(
        name="alias-removed",
        forbids="the kernel counts on the page being out of the direct map, and it is not",
        holds=check_alias_removed,
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
    ),
)

ADVISORIES: tuple[Advisory, ...] = (
    Advisory(
        name="hibernation-copy",
        reports="hibernation maps the page back and writes its contents into the image",
    ),
    Advisory(
        name="kexec-copy",
        reports="the linear map that kexec copies to relocate an image maps the page again",
    ),
    Advisory(
        name="vmcore-copy",
        reports="a crash kernel reads the page by its physical address",
    ),
    Advisory(
        name="poisoned-alias",
        reports="the entry of a page with a memory error is valid again when it is freed",
    ),
    Advisory(
        name="vncr-alias",
        reports="a VNCR page is mapped at a fixmap address of the kernel",
    ),
    Advisory(
        name="split-out-of-memory",
        reports="splitting a block of the direct map can fail with -ENOMEM",
    ),
    Advisory(
        name="boot-split-panic",
        reports="splitting the whole direct map at boot panics when a table page is not to be had",
    ),
    Advisory(
        name="flush-cost",
        reports="every zapped page costs TLB invalidations that all CPUs take part in",
    ),
    Advisory(
        name="gup-refused",
        reports="no page of the VMM's mapping can be pinned",
    ),
    Advisory(
        name="fwb-not-applied",
        reports="stage 2 does not force Write-Back on fetches with the guest's MMU off",
    ),
    Advisory(
        name="dev-kvm-over-advertises",
        reports="KVM_CAP_GUEST_MEMFD_FLAGS on /dev/kvm includes the flag for every host",
    ),
)
