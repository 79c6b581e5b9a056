"""Laws of the page tables: what was mapped is what a walk finds, whatever it was mapped with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from matrix.scenarios.arm64 import descriptors
from matrix.scenarios.arm64.geometry import VA_BITS, Geometry
from matrix.scenarios.arm64.page_tables import PageTables

POOL = 0x40_0000_0000


class Mapping(Struct, frozen=True, kw_only=True):
    """A range of pages: where it lies, what it maps to, and one page of it."""

    geometry: Geometry
    first_page: int
    pages: int
    output_page: int
    blocks: bool
    contiguous: bool

    @property
    def va(self) -> int:
        return self.geometry.page_offset + self.first_page * self.geometry.page_size

    @property
    def size(self) -> int:
        return self.pages * self.geometry.page_size

    @property
    def output(self) -> int:
        return self.output_page * self.geometry.page_size

    def tables(self) -> PageTables:
        empty = PageTables(geometry=self.geometry, pool=POOL)
        return empty.map(
            self.va, self.output, self.size, blocks=self.blocks, contiguous=self.contiguous
        )


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    """A mapping of a page up to a few blocks, aligned to a block or a run or to nothing."""
    page_shift = draw(st.sampled_from(sorted(VA_BITS)))
    geometry = Geometry(page_shift=page_shift, va_bits=draw(st.sampled_from(VA_BITS[page_shift])))
    per_table = geometry.entries_per_table
    units = (1, 3, geometry.contiguous_entries(3), per_table, per_table * 16)
    unit = draw(st.sampled_from(units))
    start = unit * draw(st.integers(0, 40)) + draw(st.sampled_from((0, 0, 1)))
    pages = draw(st.integers(1, 3)) * draw(st.sampled_from(units)) + draw(st.integers(0, 2))
    shift = draw(st.sampled_from((0, per_table, per_table * per_table, 1)))
    return Mapping(
        geometry=geometry,
        first_page=start,
        pages=pages,
        output_page=start + shift,
        blocks=draw(st.booleans()),
        contiguous=draw(st.booleans()),
    )


def offsets(mapping: Mapping) -> st.SearchStrategy[int]:
    """A byte of the mapping, its ends and page boundaries among the first drawn."""
    last = mapping.size - 1
    return st.one_of(st.sampled_from((0, last, last // 2)), st.integers(0, last))


@given(st.data(), mappings())
def test_a_walk_finds_what_was_mapped(data: st.DataObject, mapping: Mapping) -> None:
    offset = data.draw(offsets(mapping))
    assert mapping.tables().walk(mapping.va + offset).output == mapping.output + offset


@given(st.data(), mappings())
def test_what_was_not_mapped_faults(data: st.DataObject, mapping: Mapping) -> None:
    tables = mapping.tables()
    page = mapping.geometry.page_size
    beyond = data.draw(st.integers(0, 4096)) * page
    assert tables.walk(mapping.va + mapping.size + beyond).output is None
    if mapping.first_page:
        below = data.draw(st.integers(1, mapping.first_page)) * page
        assert tables.walk(mapping.va - below).output is None


@given(st.data(), mappings())
def test_a_block_translates_as_its_pages_do(data: st.DataObject, mapping: Mapping) -> None:
    empty = PageTables(geometry=mapping.geometry, pool=POOL)
    pages = empty.map(mapping.va, mapping.output, mapping.size, blocks=False, contiguous=False)
    large = mapping.tables()
    va = mapping.va + data.draw(offsets(mapping))
    small, big = pages.walk(va), large.walk(va)
    assert small.output == big.output
    assert small.level == 3
    kept = descriptors.PXN | descriptors.UXN | descriptors.WRITE | descriptors.AF
    assert small.descriptor & kept == big.descriptor & kept


@given(st.data(), mappings())
def test_leaves_tile_the_mapping_with_the_largest_entries(
    data: st.DataObject, mapping: Mapping
) -> None:
    """No leaf is larger than what it may map, and a block is taken wherever one fits."""
    geometry, tables = mapping.geometry, mapping.tables()
    va = mapping.va + data.draw(offsets(mapping))
    level = tables.walk(va).level
    fitting = [
        candidate
        for candidate in geometry.leaf_levels
        if candidate == 3 or (mapping.blocks and _fits(mapping, va, geometry.size(candidate)))
    ]
    assert level == min(fitting)


@given(st.data(), mappings())
def test_contiguous_runs_are_whole_and_aligned(data: st.DataObject, mapping: Mapping) -> None:
    geometry, tables = mapping.geometry, mapping.tables()
    va = mapping.va + data.draw(offsets(mapping))
    walk = tables.walk(va)
    size = geometry.size(walk.level)
    run = size * geometry.contiguous_entries(walk.level)
    wanted = mapping.contiguous and run > size and _fits(mapping, va, run)
    assert bool(walk.descriptor & descriptors.CONTIGUOUS) == wanted
    if wanted:
        start = va & ~(run - 1)
        entries = [tables.walk(start + number * size) for number in range(run // size)]
        assert all(entry.descriptor & descriptors.CONTIGUOUS for entry in entries)
        assert [entry.output for entry in entries] == [
            mapping.output + start - mapping.va + number * size for number in range(run // size)
        ]


def _fits(mapping: Mapping, va: int, size: int) -> bool:
    """Say whether the aligned piece of `size` around `va` is mapped to an aligned output."""
    start = va & ~(size - 1)
    inside = mapping.va <= start and start + size <= mapping.va + mapping.size
    return inside and (start - mapping.va + mapping.output) % size == 0


@given(st.data(), mappings())
def test_splitting_changes_no_translation(data: st.DataObject, mapping: Mapping) -> None:
    tables = mapping.tables()
    va = mapping.va + data.draw(offsets(mapping))
    if tables.walk(va).level == 3:
        return
    to_contiguous = data.draw(st.booleans())
    split = tables.split(va, to_contiguous=to_contiguous)
    other = mapping.va + data.draw(offsets(mapping))
    assert split.walk(other).output == tables.walk(other).output
    assert split.walk(va).level == tables.walk(va).level + 1
    assert len(split.tables) == len(tables.tables) + 1
    assert bool(split.walk(va).descriptor & descriptors.CONTIGUOUS) == to_contiguous


@given(st.data(), mappings(), st.sampled_from(("valid-bit", "present-invalid")))
def test_one_invalid_page_leaves_the_others(
    data: st.DataObject, mapping: Mapping, encoding: str
) -> None:
    empty = PageTables(geometry=mapping.geometry, pool=POOL)
    tables = empty.map(mapping.va, mapping.output, mapping.size, blocks=False, contiguous=False)
    page = mapping.geometry.page_size
    va = mapping.va + data.draw(st.integers(0, mapping.pages - 1)) * page
    entry = tables.walk(va).descriptor
    zapped = tables.with_leaf(va, descriptors.make_invalid(entry, encoding))
    assert zapped.walk(va).output is None
    assert zapped.walk(va + page - 1).output is None
    for neighbour in (va - page, va + page):
        assert zapped.walk(neighbour).output == tables.walk(neighbour).output
    restored = descriptors.make_valid(zapped.walk(va).descriptor, encoding)
    assert restored == entry
    assert zapped.with_leaf(va, restored).walk(va).output == tables.walk(va).output


@given(mappings())
def test_mapping_twice_is_mapping_once(mapping: Mapping) -> None:
    """The later mapping replaces the earlier one entry by entry, and nothing else."""
    once = mapping.tables()
    twice = once.map(
        mapping.va,
        mapping.output,
        mapping.size,
        blocks=mapping.blocks,
        contiguous=mapping.contiguous,
    )
    for va in (mapping.va, mapping.va + mapping.size - 1):
        assert twice.walk(va).output == once.walk(va).output
    assert len(twice.tables) == len(once.tables)
