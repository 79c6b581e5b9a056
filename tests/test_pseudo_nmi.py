"""Pseudo-NMIs: worked cases, and every cell of the study against a truth written from the C."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from tests.capability_cases import WorkedCase, cells, verdict_of, worked_cases

STUDY = "arm64-pseudo-nmi"
# What firmware may have done where the cell says that nobody looked.
UNKNOWN = {
    "icc_sre_el3": ("enabled", "disabled"),
    "icc_sre_el2": ("enabled", "disabled"),
    "priority_space": ("constant", "varying"),
    # Whether a device tree has the quirk is known to all: open is only what nothing says.
    "gicr_save": ("kept", "undescribed"),
}


@pytest.mark.parametrize("case", worked_cases("pseudo-nmi"), ids=lambda case: case.cell)
def test_a_cell_is_as_worked_by_hand(case: WorkedCase) -> None:
    assert verdict_of(STUDY, case.cell) == case.verdict, case.because


def verdict_by_c(row: dict[str, str]) -> str:
    """Return what happens in a cell in which the firmware is known."""
    # kstrtobool() refuses `bogus` without a change.
    asked = row["boot.gicv3_pseudo_nmi"] in ("1", "1,bogus")
    if row["kconfig.ARM64_PSEUDO_NMI"] == "n" or not asked:
        return "absent"
    enable_pseudo_nmi = True
    if row["gicr_save"] == "described" and row["kernel"] not in ("5.10", "6.1", "6.6"):
        enable_pseudo_nmi = False
    sre = row["gic"] == "v3" and row["icc_sre_el3"] == "enabled"
    if row["entry"] == "el1":
        sre = sre and row["icc_sre_el2"] == "enabled"
    if not (enable_pseudo_nmi and sre):
        works = sre and row["priority_space"] == "constant" and row["gicr_save"] == "kept"
        return "overstrict" if works else "refused"
    if row["priority_space"] == "varying" or row["gicr_save"] != "kept":
        return "unsound"
    return "supported"


def test_every_cell_is_what_the_c_says() -> None:
    counts: Counter[str] = Counter()
    for row in cells(STUDY):
        open_axes = [axis for axis in UNKNOWN if row[axis] == "unknown"]
        possible = {
            verdict_by_c({**row, **dict(zip(open_axes, chosen, strict=True))})
            for chosen in itertools.product(*(UNKNOWN[axis] for axis in open_axes))
        }
        expected = possible.pop() if len(possible) == 1 else "unknown"
        assert row["verdict"] == expected, row
        counts[expected] += 1
    assert counts.total() == 7 * 2 * 2 * 4 * 2 * 2 * 3 * 3 * 3 * 4
    assert set(counts) == {"supported", "unsound", "refused", "unknown", "absent"}
