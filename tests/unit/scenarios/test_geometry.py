"""Geometry against published numbers (Documentation/arch/arm64/memory.rst, Arm ARM D8.2)."""

from __future__ import annotations

import pytest

from matrix.scenarios.arm64.caches import dvm_limit, invalidates_whole_cache
from matrix.scenarios.arm64.geometry import Geometry, size_text
from tests.unit.scenarios.simulation_cases import inputs_of

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40


@pytest.mark.parametrize(
    ("page_shift", "va_bits", "levels", "first_entries"),
    [
        (12, 39, 3, 512),
        (12, 48, 4, 512),
        (12, 52, 5, 16),
        (14, 36, 2, 2048),
        (14, 47, 3, 2048),
        (14, 48, 4, 2),
        (14, 52, 4, 32),
        (16, 42, 2, 8192),
        (16, 48, 3, 64),
        (16, 52, 3, 1024),
    ],
)
def test_levels_and_first_table(
    page_shift: int, va_bits: int, levels: int, first_entries: int
) -> None:
    geometry = Geometry(page_shift=page_shift, va_bits=va_bits)
    assert len(geometry.levels) == levels
    assert geometry.levels[-1] == 3
    assert geometry.entries(geometry.start_level) == first_entries
    assert geometry.page_offset == 2**64 - 2**va_bits


@pytest.mark.parametrize(
    ("page_shift", "page", "pmd", "pud", "cont_pte", "cont_pmd", "entries"),
    [
        (12, 4 * KIB, 2 * MIB, GIB, 64 * KIB, 32 * MIB, 512),
        (14, 16 * KIB, 32 * MIB, 64 * GIB, 2 * MIB, GIB, 2048),
        (16, 64 * KIB, 512 * MIB, 4 * TIB, 2 * MIB, 16 * GIB, 8192),
    ],
)
def test_sizes(
    page_shift: int, page: int, pmd: int, pud: int, cont_pte: int, cont_pmd: int, entries: int
) -> None:
    geometry = Geometry(page_shift=page_shift)
    assert (geometry.page_size, geometry.size(3)) == (page, page)
    assert (geometry.size(2), geometry.size(1)) == (pmd, pud)
    assert geometry.size(3) * geometry.contiguous_entries(3) == cont_pte
    assert geometry.size(2) * geometry.contiguous_entries(2) == cont_pmd
    assert geometry.entries(3) == geometry.entries_per_table == entries
    assert geometry.contiguous_entries(1) == 1


def test_only_4k_pages_have_pud_blocks() -> None:
    assert Geometry(page_shift=12).leaf_levels == (1, 2, 3)
    assert Geometry(page_shift=14).leaf_levels == (2, 3)
    assert Geometry(page_shift=16).leaf_levels == (2, 3)
    assert Geometry(page_shift=12, va_bits=39).leaf_levels == (1, 2, 3)


@pytest.mark.parametrize(("page_shift", "va_bits"), [(12, 36), (14, 39), (16, 39), (13, 48)])
def test_what_kconfig_does_not_offer_is_refused(page_shift: int, va_bits: int) -> None:
    with pytest.raises(ValueError, match=f"no {va_bits}-bit addresses with page shift"):
        Geometry(page_shift=page_shift, va_bits=va_bits)


@pytest.mark.parametrize(
    ("size", "text"),
    [(4096, "4 KiB"), (GIB, "1 GiB"), (512 * MIB, "512 MiB"), (4 * TIB, "4 TiB"), (1000, "1000 B")],
)
def test_size_text(size: int, text: str) -> None:
    assert size_text(size) == text


# Errata I5: the cut-off in bytes by page size and IminLine, and whether a page is above it.
_CUT_OFF = [
    (12, [2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB]),
    (14, [8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 256 * KIB]),
    (16, [32 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB]),
]


@pytest.mark.parametrize(("page_shift", "limits"), _CUT_OFF)
def test_max_dvm_ops_cut_off_is_that_of_the_errata(page_shift: int, limits: list[int]) -> None:
    assert [dvm_limit(page_shift, line_shift) for line_shift in range(6)] == limits


@pytest.mark.parametrize("page_shift", [12, 14, 16])
@pytest.mark.parametrize("line_shift", range(6))
def test_only_one_word_lines_reach_the_cut_off(page_shift: int, line_shift: int) -> None:
    inputs = inputs_of(
        "7.3", settings={"page_shift": page_shift, "icache_min_line_shift": line_shift}
    )
    assert invalidates_whole_cache(inputs, 1 << page_shift) == (line_shift == 0)
    before = inputs_of(
        "6.6", settings={"page_shift": page_shift, "icache_min_line_shift": line_shift}
    )
    assert not invalidates_whole_cache(before, 1 << page_shift)


@pytest.mark.parametrize(("page_shift", "block"), [(12, 2 * MIB), (14, 32 * MIB), (16, 512 * MIB)])
def test_blocks_exceed_the_cut_off_at_64_byte_lines(page_shift: int, block: int) -> None:
    """Errata I5: PMD blocks exceed it at 64 B, but gmem maps PAGE_SIZE only."""
    inputs = inputs_of("7.3", settings={"page_shift": page_shift})
    assert invalidates_whole_cache(inputs, block)
