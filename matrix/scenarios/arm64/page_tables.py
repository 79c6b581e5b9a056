"""Stage-1 page tables as values: map, walk, split a block, change one leaf; every change is a copy.

A table keeps runs of equal entries instead of 512 to 8192 descriptors, so that the tables of
gigabytes of memory are a few dozen values. What stands at an index is the real descriptor.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from matrix.scenarios.arm64 import descriptors
from matrix.scenarios.arm64.geometry import Geometry


class Run(Struct, frozen=True, kw_only=True):
    """`count` entries from index `first`; entry `first + n` is `descriptor + n * stride` bytes.

    `stride` is the bytes that a leaf maps, 0 for a table.
    """

    first: int
    count: int
    descriptor: int
    stride: int

    def at(self, index: int) -> int:
        """Return the descriptor at `index`, which lies in the run."""
        return self.descriptor + (index - self.first) * self.stride

    def part(self, first: int, end: int) -> Run | None:
        """Return the part of the run within [first, end), None where there is none."""
        low, high = max(first, self.first), min(end, self.first + self.count)
        if low >= high:
            return None
        return Run(first=low, count=high - low, descriptor=self.at(low), stride=self.stride)


class Walk(Struct, frozen=True, kw_only=True):
    """Where a walk ended: the entry it read last, and what the address translates to.

    `output` is None for a translation fault; `level` is that of the entry, `entry_address` where it
    stands in memory.
    """

    level: int
    descriptor: int
    entry_address: int
    output: int | None


class PageTables(Struct, frozen=True, kw_only=True):
    """A tree of tables: `tables` maps the physical address of a table to its runs, by index.

    Tables come from `pool` upwards, one page each. Hashable by content through `key`.
    """

    geometry: Geometry
    pool: int
    tables: tuple[tuple[Run, ...], ...] = ((),)

    @property
    def root(self) -> int:
        """Return the physical address of the first table."""
        return self.pool

    def entry(self, table: int, index: int) -> int:
        """Return the descriptor at `index` of the table at physical address `table`; 0 if none."""
        for run in self.tables[self._number(table)]:
            if run.first <= index < run.first + run.count:
                return run.at(index)
        return 0

    def walk(self, va: int) -> Walk:
        """Walk as the hardware does; a walk that meets an entry without the valid bit faults."""
        geometry, table = self.geometry, self.root
        for level in geometry.levels:
            index = geometry.index(va, level)
            descriptor = self.entry(table, index)
            valid = descriptors.is_valid(descriptor)
            if valid and descriptors.is_table(descriptor, level):
                # Tables are page-aligned, so bits 47:12 are the address with every granule.
                table = descriptors.output_address(descriptor, 12)
                continue
            shift = geometry.shift(level)
            base = descriptors.output_address(descriptor, shift)
            output = base | va & ((1 << shift) - 1) if valid else None
            return Walk(
                level=level, descriptor=descriptor, entry_address=table + 8 * index, output=output
            )
        raise AssertionError("the last level holds no table descriptors")

    def with_entries(self, table: int, run: Run) -> PageTables:
        """Return tables in which the entries of `run` replace what stood there."""
        number, end = self._number(table), run.first + run.count
        last = self.geometry.entries_per_table
        # No entry is no run, or equal tables would differ.
        kept: list[Run] = [] if run.descriptor == 0 else [run]
        for old in self.tables[number]:
            kept.extend(
                part for part in (old.part(0, run.first), old.part(end, last)) if part is not None
            )
        runs = _joined(sorted(kept, key=lambda item: item.first))
        return replace(self, tables=(*self.tables[:number], runs, *self.tables[number + 1 :]))

    def with_leaf(self, va: int, descriptor: int) -> PageTables:
        """Return tables in which the entry that a walk of `va` ends at is `descriptor`."""
        walk = self.walk(va)
        return self._with_entry_at(walk.entry_address, descriptor, self.geometry.size(walk.level))

    def map(
        self, va: int, address: int, size: int, *, blocks: bool, contiguous: bool
    ) -> PageTables:
        """Map `size` bytes at `va` to `address`, page-aligned all three.

        `blocks` false is NO_BLOCK_MAPPINGS, `contiguous` false NO_CONT_MAPPINGS
        (alloc_init_pud, _pmd, _pte of arch/arm64/mm/mmu.c): the largest entry that fits is taken.
        """
        piece = _Piece(va=va, address=address, blocks=blocks, contiguous=contiguous)
        return self._map_table(self.root, self.geometry.start_level, va, va + size, piece)

    def split(self, va: int, *, to_contiguous: bool) -> PageTables:
        """Return tables in which the block at `va` is a table of the next level (split_pmd/pud)."""
        walk, geometry = self.walk(va), self.geometry
        if walk.level == 3 or not descriptors.is_valid(walk.descriptor):
            raise ValueError(f"no block to split at {va:#x}")
        level = walk.level + 1
        base = descriptors.output_address(walk.descriptor, geometry.shift(walk.level))
        # The model's linear map is PAGE_KERNEL and valid throughout where it is split: no attribute
        # of the old entry need be carried over.
        descriptor = descriptors.leaf(base, level, contiguous=to_contiguous)
        run = Run(
            first=0,
            count=geometry.entries_per_table,
            descriptor=descriptor,
            stride=geometry.size(level),
        )
        # Filled before it is linked, as the kernel does between its barriers: a walk never meets
        # half a table.
        grown, table = self._with_table()
        filled = grown.with_entries(table, run)
        return filled._with_entry_at(walk.entry_address, descriptors.table(table), 0)

    def without_contiguous(self, va: int) -> PageTables:
        """Clear the contiguous bit of every entry of the run `va` lies in (split_contpte/pmd)."""
        walk, geometry = self.walk(va), self.geometry
        run_entries = geometry.contiguous_entries(walk.level)
        table = walk.entry_address & ~(geometry.page_size - 1)
        # PTR_ALIGN_DOWN(ptep, sizeof(*ptep) * CONT_PTES): a run is aligned to its own size.
        first = (walk.entry_address - table) // 8 // run_entries * run_entries
        tables = self
        for address in range(table + 8 * first, table + 8 * (first + run_entries), 8):
            entry = tables.entry(table, (address - table) // 8) & ~descriptors.CONTIGUOUS
            tables = tables._with_entry_at(address, entry, geometry.size(walk.level))
        return tables

    def _number(self, table: int) -> int:
        # Tables are handed out in order and never freed, so an address is a number.
        return (table - self.pool) >> self.geometry.page_shift

    def _with_table(self) -> tuple[PageTables, int]:
        address = self.pool + (len(self.tables) << self.geometry.page_shift)
        return replace(self, tables=(*self.tables, ())), address

    def _with_entry_at(self, entry_address: int, descriptor: int, stride: int) -> PageTables:
        table = entry_address & ~(self.geometry.page_size - 1)
        index = (entry_address - table) // 8
        return self.with_entries(
            table, Run(first=index, count=1, descriptor=descriptor, stride=stride)
        )

    def _map_table(self, table: int, level: int, va: int, end: int, piece: _Piece) -> PageTables:
        """Map [va, end), which lies within the table, as whole entries and partial ones."""
        tables, geometry = self, self.geometry
        size = geometry.size(level)
        leaf_allowed = level == 3 or (piece.blocks and geometry.is_leaf_level(level))
        while va < end:
            following = min(end, (va & ~(size - 1)) + size)
            # ((addr | next | phys) & ~PMD_MASK) == 0, 7.3 arch/arm64/mm/mmu.c:265 and :401 for
            # PUDs.
            aligned = (va | piece.output(va)) & (size - 1) == 0 and following - va == size
            if leaf_allowed and aligned:
                whole_end = va + (end - va) // size * size
                tables = tables._map_leaves(table, level, va, whole_end, piece)
                va = whole_end
                continue
            tables, child = tables._table_below(table, level, va)
            tables = tables._map_table(child, level + 1, va, following, piece)
            va = following
        return tables

    def _map_leaves(self, table: int, level: int, va: int, end: int, piece: _Piece) -> PageTables:
        """Map [va, end) with whole entries of `level`, the aligned middle with contiguous runs."""
        geometry, tables = self.geometry, self
        size = geometry.size(level)
        run_size = size * geometry.contiguous_entries(level)
        low = high = end
        # Only where address and output are equally far into a run; then the runs that lie wholly in
        # the range have the bit (7.3 mmu.c:232 and :344), what is before and behind has not.
        if piece.contiguous and run_size > size and (va ^ piece.output(va)) & (run_size - 1) == 0:
            low = min(end, -(-va // run_size) * run_size)
            high = max(low, end // run_size * run_size)
        for start, stop, is_contiguous in ((va, low, False), (low, high, True), (high, end, False)):
            if start < stop:
                descriptor = descriptors.leaf(piece.output(start), level, contiguous=is_contiguous)
                first, count = geometry.index(start, level), (stop - start) // size
                run = Run(first=first, count=count, descriptor=descriptor, stride=size)
                tables = tables.with_entries(table, run)
        return tables

    def _table_below(self, table: int, level: int, va: int) -> tuple[PageTables, int]:
        """Return the table that the entry for `va` points to, allocated where there is none."""
        index = self.geometry.index(va, level)
        descriptor = self.entry(table, index)
        if descriptor:
            return self, descriptors.output_address(descriptor, 12)
        grown, child = self._with_table()
        entry = Run(first=index, count=1, descriptor=descriptors.table(child), stride=0)
        return grown.with_entries(table, entry), child


def _joined(runs: list[Run]) -> tuple[Run, ...]:
    """Return the same entries in the fewest runs: equal tables are equal values."""
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.first + last.count == run.first
            and last.stride == run.stride
            and last.at(run.first) == run.descriptor
        ):
            joined[-1] = replace(last, count=last.count + run.count)
        else:
            joined.append(run)
    return tuple(joined)


class _Piece(Struct, frozen=True, kw_only=True):
    """A range being mapped: its offset from address to output, and what it may be mapped with."""

    va: int
    address: int
    blocks: bool
    contiguous: bool

    def output(self, va: int) -> int:
        return va - self.va + self.address
