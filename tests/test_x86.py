"""x86: guest_memfd without a direct map, by the type of the VM; cases by hand, and every cell."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli

ROOT = Path(__file__).resolve().parent.parent
STUDY = "x86-gmem-no-direct-map"
CASES = YAML(typ="safe").load((ROOT / f"tests/cases/capabilities/{STUDY}.yaml").read_text("utf-8"))
COLUMNS = ("kernel", "cpu", "kconfig.KVM", "vm")
HOSTS = {
    "none": "x86-any,sev=0,sev_es=0,snp=0,tdx=0,tdp=0",
    "sev": "x86-any,sev=1,sev_es=1,snp=0,tdx=0,tdp=1",
    "snp": "x86-any,sev=1,sev_es=1,snp=1,tdx=0,tdp=1",
    "tdx": "x86-any,sev=0,sev_es=0,snp=0,tdx=1,tdp=1",
}
# What each type of VM needs of the host.
NEEDS = {"sw-protected": "tdp", "sev": "sev", "sev-es": "sev_es", "snp": "snp", "tdx": "tdx"}


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, ...], str]:
    ran = run_cli("cells", STUDY, "--columns", ",".join((*COLUMNS, "verdict")))
    assert ran.code == 0, ran.err
    rows = csv.DictReader(io.StringIO(ran.out))
    return {tuple(row[name] for name in COLUMNS): row["verdict"] for row in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["because"])
def test_worked_by_hand(case: dict[str, Any], cells: dict[tuple[str, ...], str]) -> None:
    cell = (case["kernel"], HOSTS[case["host"]], case["kvm"], case["vm"])
    assert cells[cell] == case["verdict"]


def _verdict(kernel: str, cpu: str, kvm: str, vm: str) -> str:
    if kernel == "6.6" or kvm in ("n", "32-bit"):
        return "absent"
    if vm != "default":
        if kvm == "plain":
            return "absent"
        if cpu == "x86-any":  # what KVM found is not said
            return "unknown"
        if f"{NEEDS[vm]}=1" not in cpu.split(","):
            return "absent"
    if vm in ("snp", "tdx"):
        return "refused"  # the check says no, and each page is reached by its address
    return "unsound" if vm.startswith("sev") else "supported"  # GUP refuses what SEV pins


def test_every_cell_is_what_the_source_says(cells: dict[tuple[str, ...], str]) -> None:
    assert len(cells) == 2 * 5 * 4 * 6
    assert {cell: _verdict(*cell) for cell in cells} == cells


def test_the_synthesised_check_names_sev_too() -> None:
    ran = run_cli("synthesize", STUDY)
    assert "return !is_tdx_vm(kvm) && !is_snp_vm(kvm) && !is_sev_vm(kvm);" in ran.out


def test_what_nobody_asks_of_an_architecture_is_not_checked_there() -> None:
    """The simulations are of arm64; a kernel of x86 is no error of theirs."""
    assert run_cli("check").code == 0
