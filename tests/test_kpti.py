"""Page-table isolation: worked cases, and every cell of some CPUs against the C, read anew."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from tests.capability_cases import WorkedCase, cells, verdict_of, worked_cases

STUDY = "arm64-kpti"
# Of each core: CSV3, E0PD (None: not recorded), on the list of safe CPUs, erratum 27456.
CORES: dict[str, tuple[int | None, int | None, bool, bool]] = {
    "neoverse-n1": (1, 0, False, False),
    "cortex-a710": (1, 1, False, False),
    "cortex-a76": (1, 0, False, False),
    "cortex-a55": (0, 0, True, False),
    "cortex-a75": (None, 0, False, False),
    "fujitsu-a64fx": (0, 0, False, False),
    "cavium-thunderx": (None, 0, False, True),
    "ampere1": (None, None, False, False),
}
SYSTEMS = (
    "neoverse-n1",
    "fujitsu-a64fx",
    "cavium-thunderx",
    "ampere1",
    "cortex-a55+cortex-a75",
    "cortex-a710+cortex-a76",
    "cortex-a76+cortex-a710",
)
KPTI = {"absent": 0, "1": 1, "0": -1, "0,1": 1}


@pytest.mark.parametrize("case", worked_cases("kpti"), ids=lambda case: case.cell)
def test_a_cell_is_as_worked_by_hand(case: WorkedCase) -> None:
    assert verdict_of(STUDY, case.cell) == case.verdict, case.because


def verdict_by_c(row: dict[str, str], cores: list[tuple[int, int, bool, bool]]) -> str:
    """Return what happens with these cores, asked one after the other as secondary CPUs come."""
    if row["kconfig.UNMAP_KERNEL_AT_EL0"] == "n":
        return "absent"
    kaslr = (
        row["kconfig.RANDOMIZE_BASE"] == "y"
        and row["boot.nokaslr"] == "absent"
        and row["kaslr_seed"] == "given"
    )
    off = row["boot.mitigations"] == "off"
    if row["kernel"] in ("6.18", "7.2", "7.3"):
        off = row["boot.mitigations"].startswith("off")
    use_e0pd = row["kconfig.ARM64_E0PD"] == "y"

    forced = KPTI[row["boot.kpti"]]  # __kpti_forced
    unmapped = False
    for csv3, e0pd, safe, broken in cores:
        if broken and row["kconfig.CAVIUM_ERRATUM_27456"] == "y":
            forced = -1
        if kaslr and not (use_e0pd and e0pd) and not forced:
            forced = 1
        if off and not forced:
            forced = -1
        if forced > 0 or (not forced and not safe and not csv3):
            unmapped = True
            break  # update_cpu_capabilities() does not ask again what is set

    affected = any(not safe and not csv3 for csv3, _, safe, _ in cores)
    open_address = kaslr and not (use_e0pd and all(e0pd for _, e0pd, _, _ in cores))
    wanted = (affected or open_address) and not any(broken for _, _, _, broken in cores)
    if unmapped:
        return "supported" if wanted else "unsound"
    return "overstrict" if wanted else "refused"


def test_every_cell_of_some_systems_is_what_the_c_says() -> None:
    counts: Counter[str] = Counter()
    for system in SYSTEMS:
        recorded = [CORES[name] for name in system.split("+")]
        possible_cores = itertools.product(
            *(
                [
                    (csv3, e0pd, safe, broken)
                    for csv3 in ((0, 1) if core[0] is None else (core[0],))
                    for e0pd in ((0, 1) if core[1] is None else (core[1],))
                    for safe, broken in (core[2:],)
                ]
                for core in recorded
            )
        )
        choices = [list(cores) for cores in possible_cores]
        for row in cells(STUDY, "--where", f'cpu == "{system}"'):
            possible = {verdict_by_c(row, cores) for cores in choices}
            expected = possible.pop() if len(possible) == 1 else "unknown"
            assert row["verdict"] == expected, row
            counts[expected] += 1
    assert counts.total() == len(SYSTEMS) * 7 * 3 * 2**3 * 4 * 4 * 2 * 2
    assert set(counts) == {"supported", "unsound", "overstrict", "refused", "unknown", "absent"}
