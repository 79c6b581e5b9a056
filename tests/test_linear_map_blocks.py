"""Is the linear map in blocks? Cases by hand, and every cell against the C of the boot.

`_verdict` follows arch/arm64/mm/mmu.c:779-789, 1003-1009 and 1206-1209 of 7.3, and the same of
6.18.2 and 7.2. Which CPU has BBML is what cpufeature.c's list says: Ampere1A has it, N1 not.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli

ROOT = Path(__file__).resolve().parent.parent
STUDY = "arm64-linear-map-blocks"
CASES = YAML(typ="safe").load(
    (ROOT / "tests/cases/capabilities/linear-map-blocks.yaml").read_text("utf-8")
)
BASELINE = {
    "kernel": "7.3",
    "cpu": "neoverse-n1",
    "page_size": "4k",
    "kconfig.KFENCE": "100",
    "kconfig.DEBUG_PAGEALLOC": "n",
    "boot.rodata": "absent",
    "boot.kfence_sample_interval": "absent",
    "boot.debug_pagealloc": "absent",
    "realm": "no",
}


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, ...], str]:
    ran = run_cli("cells", STUDY, "--columns", ",".join((*BASELINE, "verdict")))
    assert ran.code == 0, ran.err
    rows = csv.DictReader(io.StringIO(ran.out))
    return {tuple(row[name] for name in BASELINE): row["verdict"] for row in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["because"])
def test_worked_by_hand(case: dict[str, Any], cells: dict[tuple[str, ...], str]) -> None:
    cell = {**BASELINE, **case["cell"]}
    assert cells[tuple(cell.values())] == case["verdict"]


def _verdict(cell: dict[str, str]) -> str:
    cpus = [name == "ampere1a" for name in cell["cpu"].split("+")]
    early, every = cpus[0], all(cpus)
    debug = cell["kconfig.DEBUG_PAGEALLOC"] != "n" and cell["boot.debug_pagealloc"] != "off"
    kfence = cell["kconfig.KFENCE"]
    if kfence != "n" and cell["boot.kfence_sample_interval"] != "absent":
        kfence = cell["boot.kfence_sample_interval"]
    # A pool that may come later needs pages, as the alias of read-only data does.
    wanted = cell["boot.rodata"] in ("absent", "on") or kfence == "0"
    blocks = not debug and (early or not wanted)  # map_mem(), before the Realm is known
    if blocks and wanted and not every:
        blocks = False  # linear_map_maybe_split_to_ptes()
    believed = not debug and (every or not (wanted or cell["realm"] == "yes"))
    if believed:
        return "supported" if blocks else "unsound"
    return "overstrict" if blocks else "refused"


def test_every_cell_is_what_the_source_says(cells: dict[tuple[str, ...], str]) -> None:
    worked = {cell: _verdict(dict(zip(BASELINE, cell, strict=True))) for cell in cells}
    assert worked == cells
    assert set(cells.values()) == {"supported", "refused", "overstrict"}
