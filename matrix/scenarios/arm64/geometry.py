"""Translation table geometry of the three arm64 granules: levels, block sizes, contiguous runs.

Everything is computed from `page_shift` and `va_bits`; `page_tables` walks with it. The limits are
those of Linux's kernel mappings, which use fewer block levels than the architecture allows.
"""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

_LAST_LEVEL = 3

# Entries of a contiguous run by page_shift: level 3 (CONT_PTES), level 2 (CONT_PMDS).
# Source: arch/arm64/Kconfig ARM64_CONT_PTE_SHIFT, ARM64_CONT_PMD_SHIFT; Arm ARM D8.6.1.
_CONTIGUOUS = {12: {3: 16, 2: 16}, 14: {3: 128, 2: 32}, 16: {3: 32, 2: 32}}

# VA_BITS that arch/arm64/Kconfig offers with each granule.
VA_BITS = {12: (39, 48, 52), 14: (36, 47, 48, 52), 16: (42, 48, 52)}


class Geometry(Struct, frozen=True, dict=True, kw_only=True):
    """A granule (`page_shift`: log2 of bytes) and the width of the kernel's addresses in bits."""

    page_shift: int
    va_bits: int = 48

    def __post_init__(self) -> None:
        if self.va_bits not in VA_BITS.get(self.page_shift, ()):
            raise ValueError(f"no {self.va_bits}-bit addresses with page shift {self.page_shift}")

    @cached_property
    def index_bits(self) -> int:
        """Return the address bits resolved by one full table: a table fills one page."""
        return self.page_shift - 3

    @cached_property
    def entries_per_table(self) -> int:
        """Return PTRS_PER_PTE."""
        return 1 << self.index_bits

    @cached_property
    def start_level(self) -> int:
        """Return the level of the first table: 0 for 4K and 48 bits, -1 for 4K and 52 bits."""
        # Rounded up: the first table resolves the bits that full tables leave.
        levels = -(-(self.va_bits - self.page_shift) // self.index_bits)
        return _LAST_LEVEL + 1 - levels

    @cached_property
    def levels(self) -> range:
        """Return the levels of a walk from the first table to the last."""
        return range(self.start_level, _LAST_LEVEL + 1)

    def shift(self, level: int) -> int:
        """Return log2 of the bytes that one entry of `level` maps."""
        return self.page_shift + (_LAST_LEVEL - level) * self.index_bits

    def size(self, level: int) -> int:
        """Return the bytes that one entry of `level` maps."""
        return 1 << self.shift(level)

    def entries(self, level: int) -> int:
        """Return the entries of a table of `level`; the first table may be shorter than a page."""
        return 1 << (min(self.va_bits, self.shift(level - 1)) - self.shift(level))

    def index(self, va: int, level: int) -> int:
        """Return the index of `va` in its table of `level`."""
        return ((va & ((1 << self.va_bits) - 1)) >> self.shift(level)) & (self.entries(level) - 1)

    def is_leaf_level(self, level: int) -> bool:
        """Say whether Linux maps memory with entries of `level`.

        PMD blocks with every granule; PUD blocks with 4K only (pud_sect_supported(),
        arch/arm64/include/asm/vmalloc.h), although LPA2 has more.
        """
        return level >= 2 or (level == 1 and self.page_shift == 12)

    @cached_property
    def leaf_levels(self) -> tuple[int, ...]:
        """Return the levels that can map memory, largest block first."""
        return tuple(level for level in self.levels if self.is_leaf_level(level))

    def contiguous_entries(self, level: int) -> int:
        """Return the entries of a contiguous run at `level`; 1 where Linux uses none."""
        return _CONTIGUOUS[self.page_shift].get(level, 1)

    @cached_property
    def page_size(self) -> int:
        """Return PAGE_SIZE in bytes."""
        return 1 << self.page_shift

    @cached_property
    def page_offset(self) -> int:
        """Return PAGE_OFFSET: the linear map begins at -(1 << VA_BITS)."""
        return (1 << 64) - (1 << self.va_bits)


def size_text(size: int) -> str:
    """Return a size in bytes as kernel people write it: `2 MiB`, `64 KiB`."""
    for unit, shift in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << shift and size % (1 << shift) == 0:
            return f"{size >> shift} {unit}"
    return f"{size} B"
