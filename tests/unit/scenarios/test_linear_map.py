"""The linear map around P: as map_mem() builds it, split at boot, split on demand, made invalid."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from matrix.scenarios.arm64 import descriptors
from matrix.scenarios.arm64.geometry import Geometry
from matrix.scenarios.arm64.machine import LinearMap, linear_maps, placements
from tests.unit.scenarios.simulation_cases import Setting, inputs_of

PAGE_SHIFTS = (12, 14, 16)


def maps(
    linear_map: str, page_shift: int = 12, settings: dict[str, Setting] | None = None
) -> dict[str, LinearMap]:
    chosen = {"page_shift": page_shift, **(settings or {})}
    built = linear_maps(inputs_of("7.3", linear_map, chosen))
    return {item.placement.name: item for item in built}


@pytest.mark.parametrize("page_shift", PAGE_SHIFTS)
def test_forced_pages_are_pages_without_runs(page_shift: int) -> None:
    (place,) = maps("pages", page_shift).values()
    walk = place.walk(place.at_boot)
    assert walk.level == 3
    assert not walk.descriptor & descriptors.CONTIGUOUS
    assert walk.output == place.placement.address
    assert place.is_page_mapped(place.at_boot)


@pytest.mark.parametrize(
    ("page_shift", "level", "contiguous"), [(12, 1, False), (14, 2, True), (16, 2, False)]
)
def test_blocks_are_the_largest_that_fit(page_shift: int, level: int, contiguous: bool) -> None:
    """1 GiB with 4K; one 32 MiB block is no run of 1 GiB with 16K; 512 MiB with 64K."""
    place = maps("split", page_shift)["block"]
    walk = place.walk(place.at_boot)
    assert walk.level == level
    region_is_a_run = contiguous and place.placement.region_size >= 1 << 30
    assert bool(walk.descriptor & descriptors.CONTIGUOUS) == region_is_a_run
    assert walk.output == place.placement.address


@pytest.mark.parametrize("page_shift", PAGE_SHIFTS)
def test_a_range_too_small_for_a_block_is_mapped_contiguous(page_shift: int) -> None:
    place = maps("split", page_shift)["contiguous"]
    walk = place.walk(place.at_boot)
    assert walk.level == 3
    assert walk.descriptor & descriptors.CONTIGUOUS
    assert not place.is_page_mapped(place.at_boot)


@pytest.mark.parametrize("page_shift", PAGE_SHIFTS)
@pytest.mark.parametrize("placement", ["block", "contiguous"])
def test_a_split_on_demand_leaves_the_neighbours_large(page_shift: int, placement: str) -> None:
    place = maps("split", page_shift)[placement]
    handle = place.split(place.at_boot)
    page, run = place.geometry.page_size, place.geometry.contiguous_entries(3)
    assert place.is_page_mapped(handle)
    assert place.walk(handle).output == place.placement.address
    tables = place.tables(handle)
    start = place.va & ~(page * run - 1)
    for number in range(run):
        assert not tables.walk(start + number * page).descriptor & descriptors.CONTIGUOUS
    beyond = tables.walk(start + run * page)
    assert beyond.level == 3
    assert beyond.descriptor & descriptors.CONTIGUOUS
    far = place.va + place.geometry.size(2)
    if placement == "block" and place.geometry.is_leaf_level(1):
        assert tables.walk(far).level == 2


@pytest.mark.parametrize("page_shift", PAGE_SHIFTS)
@pytest.mark.parametrize("offset_pages", [0, 1, 15, 16, 511, 512, 2047, 2048, 8191])
def test_a_split_anywhere_in_a_block_is_a_page(page_shift: int, offset_pages: int) -> None:
    inputs = inputs_of("7.3", "split", {"page_shift": page_shift})
    geometry = Geometry(page_shift=page_shift)
    region = placements(inputs, geometry)[0]
    address = region.region + offset_pages * geometry.page_size % region.region_size
    place = LinearMap(inputs, replace(region, address=address))
    handle = place.split(place.at_boot)
    assert place.is_page_mapped(handle)
    assert place.walk(handle).output == address


@pytest.mark.parametrize(("page_shift", "block_tables"), [(12, 2), (14, 1), (16, 1)])
def test_table_pages_a_split_allocates(page_shift: int, block_tables: int) -> None:
    places = maps("split", page_shift)
    assert places["block"].tables_needed(places["block"].at_boot) == block_tables
    assert places["contiguous"].tables_needed(places["contiguous"].at_boot) == 0


def test_what_a_split_says() -> None:
    places = maps("split")
    block, run = places["block"], places["contiguous"]
    assert block.split_text(block.at_boot) == (
        "a block of 1 GiB -> 512 blocks of 2 MiB -> 512 pages of 4 KiB; table pages: 2"
    )
    assert run.split_text(run.at_boot) == (
        "16 contiguous pages of 4 KiB: the contiguous bit is cleared"
    )


@pytest.mark.parametrize("page_shift", PAGE_SHIFTS)
@pytest.mark.parametrize("placement", ["block", "contiguous"])
def test_a_late_split_makes_pages(page_shift: int, placement: str) -> None:
    place = maps("split-at-boot", page_shift)[placement]
    assert place.splits_at_boot
    assert not place.is_page_mapped(place.built)
    assert place.is_page_mapped(place.at_boot)
    assert place.walk(place.at_boot).output == place.placement.address


def test_without_a_lagging_cpu_nothing_is_split_at_boot() -> None:
    for place in maps("split").values():
        assert not place.splits_at_boot
        assert place.built == place.at_boot


def test_invalid_and_valid_again_is_the_same_map() -> None:
    (place,) = maps("pages").values()
    zapped, error = place.invalidate(place.at_boot)
    assert error is None
    assert not place.is_valid(zapped)
    assert place.validate(zapped) == (place.at_boot, None)


def test_a_block_is_refused() -> None:
    place = maps("realm-hole")["block"]
    assert place.invalidate(place.at_boot) == (place.at_boot, "-EINVAL")
    assert place.validate(place.at_boot) == (place.at_boot, "-EINVAL")


def test_one_entry_of_a_run_is_not_refused() -> None:
    """pageattr_pte_entry() does not look at the contiguous bit."""
    place = maps("realm-hole")["contiguous"]
    handle, error = place.invalidate(place.at_boot)
    assert error is None
    assert not place.is_valid(handle)
    assert not place.is_page_mapped(handle)


@pytest.mark.parametrize("page_shift", PAGE_SHIFTS)
def test_the_kfence_pool_is_mapped_with_pages(page_shift: int) -> None:
    with_pool = maps("split", page_shift, {"kfence_pool": True})["block"]
    without = maps("split", page_shift)["block"]
    pool = with_pool.geometry.page_offset + 0x2_0000_0000
    entry = with_pool.tables(with_pool.at_boot).walk(pool)
    assert entry.level == 3
    assert not entry.descriptor & descriptors.CONTIGUOUS
    last = pool + 511 * with_pool.geometry.page_size
    assert with_pool.tables(with_pool.at_boot).walk(last).output is not None
    assert with_pool.tables(with_pool.at_boot).walk(pool + (1 << 30)).output is None
    assert without.tables(without.at_boot).walk(pool).output is None
    assert with_pool.walk(with_pool.at_boot).level == without.walk(without.at_boot).level
