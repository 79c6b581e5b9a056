"""Translation table descriptors of arm64, stage 1 and stage 2, as the kernel writes them.

A descriptor is the 64-bit integer that stands in memory. Output addresses are at most 48 bits wide
(no LPA2, no 52-bit form of the 64K granule): the memory modelled here lies below them. Below stands
when one may replace another (break-before-make, Arm ARM D8.17.1).
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

VALID = 1 << 0
TABLE_OR_PAGE = 1 << 1
AF = 1 << 10  # access flag
INNER_SHAREABLE = 3 << 8
CONTIGUOUS = 1 << 52

# Stage 1 (arch/arm64/include/asm/pgtable-hwdef.h).
RDONLY = 1 << 7
NG = 1 << 11
PRESENT_INVALID = NG  # PTE_PRESENT_INVALID: only where the valid bit is clear
WRITE = 1 << 51  # PTE_WRITE is PTE_DBM
PXN = 1 << 53
UXN = 1 << 54
DIRTY = 1 << 55
TABLE_PXN = 1 << 59
TABLE_UXN = 1 << 60

# PAGE_KERNEL without the type bits: Normal memory (AttrIndx 0), never executable.
PAGE_KERNEL = AF | INNER_SHAREABLE | PXN | UXN | WRITE | DIRTY

# Stage 2 (arch/arm64/kvm/hyp/pgtable.c KVM_PTE_LEAF_ATTR_LO_S2_*, HI_S2_XN).
S2_READ = 1 << 6
S2_WRITE = 1 << 7
S2_XN = 2 << 53
S2_MEMATTR_SHIFT = 2
S2_MEMATTR_MASK = 0xF << S2_MEMATTR_SHIFT
S2_NORMAL = 0xF << S2_MEMATTR_SHIFT  # MT_S2_NORMAL: outer and inner Write-Back
S2_FWB_NORMAL = 0x6 << S2_MEMATTR_SHIFT  # MT_S2_FWB_NORMAL: forced Write-Back

_TYPE_MASK = VALID | TABLE_OR_PAGE
_ADDRESS_MASK = (1 << 48) - 1


class Decoded(Struct, frozen=True, kw_only=True):
    """A descriptor taken apart: `kind` is invalid, table, block or page; `address` its output."""

    kind: str
    address: int
    contiguous: bool
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.kind, f"{self.address:#x}", *self.fields))


def output_address(descriptor: int, shift: int) -> int:
    """Return the output address of a descriptor whose entry maps `1 << shift` bytes."""
    return descriptor & _ADDRESS_MASK & ~((1 << shift) - 1)


def table(address: int) -> int:
    """Return a stage-1 table descriptor of the linear map (PMD_TYPE_TABLE, PXN and UXN)."""
    return address | TABLE_PXN | TABLE_UXN | AF | _TYPE_MASK


def leaf(address: int, level: int, *, contiguous: bool = False) -> int:
    """Return a stage-1 block (levels 1 and 2) or page (level 3) descriptor of kernel memory."""
    kind = _TYPE_MASK if level == 3 else VALID
    return address | PAGE_KERNEL | kind | (CONTIGUOUS if contiguous else 0)


def is_valid(descriptor: int) -> bool:
    """Say whether the hardware walks through or translates with the descriptor."""
    return bool(descriptor & VALID)


def is_table(descriptor: int, level: int) -> bool:
    """Say whether the descriptor points to a table of the next level."""
    return level < 3 and descriptor & _TYPE_MASK == _TYPE_MASK


def make_invalid(descriptor: int, encoding: str) -> int:
    """Return the entry as set_memory_valid(…, 0) leaves it: `valid-bit` or `present-invalid`."""
    cleared = descriptor & ~VALID
    return cleared | PRESENT_INVALID if encoding == "present-invalid" else cleared


def make_valid(descriptor: int, encoding: str) -> int:
    """Return the entry as set_memory_valid(…, 1) leaves it; undoes `make_invalid`."""
    cleared = descriptor & ~PRESENT_INVALID if encoding == "present-invalid" else descriptor
    return cleared | VALID


def stage2_leaf(address: int, *, fwb: bool, executable: bool) -> int:
    """Return a stage-2 page descriptor as kvm_init_valid_leaf_pte() builds it for Normal memory."""
    memory_type = S2_FWB_NORMAL if fwb else S2_NORMAL
    permissions = S2_READ | S2_WRITE | (0 if executable else S2_XN)
    return address | memory_type | permissions | AF | INNER_SHAREABLE | _TYPE_MASK


def stage2_is_executable(descriptor: int) -> bool:
    """Say whether stage2_pte_executable() holds: valid and XN clear."""
    return is_valid(descriptor) and not descriptor & S2_XN


def stage2_is_writable(descriptor: int) -> bool:
    """Say whether the guest may write through the entry."""
    return is_valid(descriptor) and bool(descriptor & S2_WRITE)


def decode_stage1(descriptor: int, level: int, shift: int) -> Decoded:
    """Return the fields of a stage-1 descriptor of kernel memory at `level`."""
    if is_table(descriptor, level):
        address = descriptor & _ADDRESS_MASK & ~_TYPE_MASK & ~AF
        return Decoded(kind="table", address=address, contiguous=False, fields=())
    fields = [name for bit, name in _STAGE1_FIELDS if descriptor & bit]
    if not is_valid(descriptor):
        present = bool(descriptor & PRESENT_INVALID)
        # The same bit, which says PRESENT_INVALID where the entry is not valid.
        fields = [name for name in fields if name != "nG"]
        fields.insert(0, "PTE_PRESENT_INVALID" if present else "PTE_VALID clear")
    kind = _leaf_kind(descriptor, level)
    contiguous = bool(descriptor & CONTIGUOUS)
    address = output_address(descriptor, shift)
    return Decoded(kind=kind, address=address, contiguous=contiguous, fields=tuple(fields))


def decode_stage2(descriptor: int, shift: int) -> Decoded:
    """Return the fields of a stage-2 page descriptor."""
    memory_type = (descriptor & S2_MEMATTR_MASK) >> S2_MEMATTR_SHIFT
    fields = (
        "R" if descriptor & S2_READ else "-",
        "W" if descriptor & S2_WRITE else "-",
        "XN" if descriptor & S2_XN else "X",
        f"MemAttr={memory_type:#06b}",
        "AF" if descriptor & AF else "no AF",
    )
    return Decoded(
        kind=_leaf_kind(descriptor, 3),
        address=output_address(descriptor, shift),
        contiguous=False,
        fields=fields,
    )


def stage2_permissions(descriptor: int) -> str:
    """Return what the guest may do through a stage-2 page descriptor: `R W X`."""
    return " ".join(decode_stage2(descriptor, 12).fields[:3])


def _leaf_kind(descriptor: int, level: int) -> str:
    if not is_valid(descriptor):
        return "invalid"
    return "page" if level == 3 else "block"


_STAGE1_FIELDS = (
    (CONTIGUOUS, "contiguous"),
    (RDONLY, "read-only"),
    (NG, "nG"),
    (AF, "AF"),
    (PXN, "PXN"),
    (UXN, "UXN"),
    (WRITE, "write"),
)


# An entry that changes its size, its output address or its memory type must first be made invalid,
# then the TLB be invalidated, then the new entry written: otherwise a TLB can hold two entries for
# one address. FEAT_BBM level 2 or 3 lifts the rule for changes of size alone.
# Bits whose change needs break-before-make: output address, AttrIndx, shareability, contiguous.
_ADDRESS = _ADDRESS_MASK & ~0xFFF
_ATTRIBUTES = 0x7 << 2 | INNER_SHAREABLE
_SIZE = CONTIGUOUS


class Leaf(NamedTuple):
    """A leaf entry: the level it stands at and its descriptor."""

    level: int
    descriptor: int

    @property
    def is_valid(self) -> bool:
        """Say whether the hardware translates with it."""
        return is_valid(self.descriptor)


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
        # An entry that is not valid is never cached, so only valid ones outlive their replacement.
        cached = (*self.stale, self.current) if self.current.is_valid else self.stale
        # Making an entry invalid is always legal; a valid one must agree with all that any TLB may
        # still hold, not only with the one it replaces.
        legal = not new.is_valid or not any(needs_break(old, new, bbml=bbml) for old in cached)
        stale = tuple(sorted({old for old in cached if old != new}))
        return EntryHistory(current=new, stale=stale), legal

    def invalidate_tlb(self) -> EntryHistory:
        """Return the history after DSB; TLBI; DSB for the address."""
        return EntryHistory(current=self.current)
