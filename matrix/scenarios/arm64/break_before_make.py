"""Break-before-make as an automaton over one translation table entry (Arm ARM D8.17.1).

An entry that changes its size, its output address or its memory type must first be made invalid,
then the TLB be invalidated, then the new entry written: otherwise a TLB can hold two entries for
one address. FEAT_BBM level 2 or 3 lifts the rule for changes of size alone.
"""

from __future__ import annotations

from typing import NamedTuple

from matrix.scenarios.arm64 import descriptors

# Bits whose change needs break-before-make: output address, AttrIndx, shareability, contiguous.
_ADDRESS = ((1 << 48) - 1) & ~0xFFF
_ATTRIBUTES = 0x7 << 2 | descriptors.INNER_SHAREABLE
_SIZE = descriptors.CONTIGUOUS


class Leaf(NamedTuple):
    """A leaf entry: the level it stands at and its descriptor."""

    level: int
    descriptor: int

    @property
    def is_valid(self) -> bool:
        """Say whether the hardware translates with it."""
        return descriptors.is_valid(self.descriptor)


def changes_size(old: Leaf, new: Leaf) -> bool:
    """Say whether two valid entries for one address map blocks of different size."""
    return old.level != new.level or bool((old.descriptor ^ new.descriptor) & _SIZE)


def needs_break(old: Leaf, new: Leaf, *, bbml: bool) -> bool:
    """Say whether a TLB must never hold both entries; `bbml`: the size alone may change live."""
    if changes_size(old, new):
        return not bbml
    return bool((old.descriptor ^ new.descriptor) & (_ADDRESS | _ATTRIBUTES))


class EntryHistory(NamedTuple):
    """What the TLBs may hold for an entry: what is written now and what was before it."""

    current: Leaf
    stale: tuple[Leaf, ...] = ()

    def write(self, new: Leaf, *, bbml: bool) -> tuple[EntryHistory, bool]:
        """Return the history after `new` is written, and whether that was legal."""
        cached = (*self.stale, self.current) if self.current.is_valid else self.stale
        legal = not new.is_valid or not any(needs_break(old, new, bbml=bbml) for old in cached)
        stale = tuple(sorted({old for old in cached if old != new}))
        return EntryHistory(current=new, stale=stale), legal

    def invalidate_tlb(self) -> EntryHistory:
        """Return the history after DSB; TLBI; DSB for the address."""
        return EntryHistory(current=self.current)
