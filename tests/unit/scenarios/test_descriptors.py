"""Descriptors bit by bit, against values worked out by hand from the kernel's headers."""

from __future__ import annotations

import pytest

from matrix.scenarios.arm64 import descriptors


def test_a_page_of_the_linear_map() -> None:
    """PAGE_KERNEL: DIRTY | UXN | PXN | WRITE | AF | inner shareable | AttrIndx 0 | page."""
    assert descriptors.leaf(0x8000_0000, 3) == 0x00E8_0000_8000_0703


def test_a_block_and_a_contiguous_page() -> None:
    assert descriptors.leaf(0x4000_0000, 2) == 0x00E8_0000_4000_0701
    assert descriptors.leaf(0x8000_0000, 3, contiguous=True) == 0x00F8_0000_8000_0703


def test_a_table_is_a_table_above_the_last_level_only() -> None:
    entry = descriptors.table(0x4000_1000)
    assert entry == 0x1800_0000_4000_1403
    assert descriptors.is_table(entry, 2)
    assert not descriptors.is_table(descriptors.leaf(0, 3), 3)
    assert not descriptors.is_table(descriptors.leaf(0, 2), 2)
    assert descriptors.decode_stage1(entry, 2, 21).address == 0x4000_1000
    assert descriptors.decode_stage1(entry, 2, 21).kind == "table"


def test_invalid_entries_as_each_release_writes_them() -> None:
    """<= 6.18 clears PTE_VALID; 7.x also sets PTE_PRESENT_INVALID, which is PTE_NG."""
    page = descriptors.leaf(0x8000_0000, 3)
    assert descriptors.make_invalid(page, "valid-bit") == 0x00E8_0000_8000_0702
    assert descriptors.make_invalid(page, "present-invalid") == 0x00E8_0000_8000_0F02
    for encoding in ("valid-bit", "present-invalid"):
        entry = descriptors.make_invalid(page, encoding)
        assert not descriptors.is_valid(entry)
        assert descriptors.make_valid(entry, encoding) == page


@pytest.mark.parametrize(
    ("fwb", "executable", "entry"),
    [
        (True, True, 0x0000_0000_8000_07DB),  # MemAttr 0b0110, S2AP RW, SH inner, AF, page
        (True, False, 0x0040_0000_8000_07DB),  # XN[1]
        (False, True, 0x0000_0000_8000_07FF),  # MemAttr 0b1111
        (False, False, 0x0040_0000_8000_07FF),
    ],
)
def test_stage2_entries(fwb: bool, executable: bool, entry: int) -> None:
    assert descriptors.stage2_leaf(0x8000_0000, fwb=fwb, executable=executable) == entry
    assert descriptors.stage2_is_executable(entry) == executable
    assert descriptors.stage2_is_writable(entry)
    assert not descriptors.stage2_is_writable(entry & ~descriptors.S2_WRITE)


def test_no_entry_permits_nothing() -> None:
    assert not descriptors.is_valid(0)
    assert not descriptors.stage2_is_executable(0)
    assert not descriptors.stage2_is_writable(0)


def test_decoded_words() -> None:
    page = descriptors.leaf(0x8000_0000, 3, contiguous=True)
    decoded = descriptors.decode_stage1(page, 3, 12)
    assert str(decoded) == "page 0x80000000 contiguous AF PXN UXN write"
    hidden = descriptors.make_invalid(page, "present-invalid")
    words = str(descriptors.decode_stage1(hidden, 3, 12))
    assert words == "invalid 0x80000000 PTE_PRESENT_INVALID contiguous AF PXN UXN write"
    cleared = descriptors.make_invalid(descriptors.leaf(0x4000_0000, 2), "valid-bit")
    words = str(descriptors.decode_stage1(cleared, 2, 21))
    assert words == "invalid 0x40000000 PTE_VALID clear AF PXN UXN write"
    leaf = descriptors.stage2_leaf(0x8000_0000, fwb=True, executable=False)
    assert str(descriptors.decode_stage2(leaf, 12)) == "page 0x80000000 R W XN MemAttr=0b0110 AF"
    read_only = leaf & ~descriptors.S2_WRITE & ~descriptors.AF
    assert str(descriptors.decode_stage2(read_only, 12)) == (
        "page 0x80000000 R - XN MemAttr=0b0110 no AF"
    )
