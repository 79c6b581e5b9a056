"""Cacheable device memory in guests: cases by hand, and every cell of 6.18 and 7.3 against the C.

`_verdicts` is written from the kernel's source and reads the CPUs' declarations as they stand in
the files; of the code under test it uses nothing.
"""

from __future__ import annotations

import csv
import io
import itertools
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli

ROOT = Path(__file__).resolve().parent.parent
STUDY = "arm64-cacheable-pfnmap"
CASES = YAML(typ="safe").load(
    (ROOT / "tests/cases/capabilities/cacheable-pfnmap.yaml").read_text("utf-8")
)
BASELINE = {
    "page_size": "4k",
    "kconfig.KVM": "y",
    "kconfig.ARM64_MTE": "y",
    "boot.kvm_arm_mode": "absent",
    "vm": "default",
    "host": "bare-metal",
}
COLUMNS = ("kernel", "cpu", *BASELINE)
# What the verdict reads of a CPU, with the values that an unrecorded field may have.
DOMAINS: dict[str, tuple[Any, ...]] = {
    "fwb": (0, 1),
    "dic": (0, 1),
    "l1ip": ("vipt", "pipt"),
    "mte": (0, 1, 2, 3),
    "nv": (0, 1, 2),
    "vhe": (0, 1),
}


@cache
def _cells(kernel: str) -> dict[tuple[str, ...], str]:
    columns = ",".join((*COLUMNS, "verdict"))
    ran = run_cli("cells", STUDY, "--where", f'kernel == "{kernel}"', "--columns", columns)
    assert ran.code == 0, ran.err
    rows = csv.DictReader(io.StringIO(ran.out))
    return {tuple(row[name] for name in COLUMNS): row["verdict"] for row in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["because"])
def test_worked_by_hand(case: dict[str, Any]) -> None:
    cell = {**BASELINE, **case["cell"]}
    assert _cells(cell["kernel"])[tuple(cell[name] for name in COLUMNS)] == case["verdict"]


@cache
def _cpu(name: str) -> dict[str, Any]:
    declared = YAML(typ="safe").load((ROOT / f"configs/cpus/{name}.yaml").read_text("utf-8"))[
        "fields"
    ]
    return {field: declared[field].get("value") for field in DOMAINS}


def _verdicts(cell: dict[str, str]) -> set[str]:
    """Return what the cell may be, over everything that nobody recorded of its CPU."""
    known = _cpu(cell["cpu"])
    choices = [DOMAINS[f] if known[f] is None else (known[f],) for f in DOMAINS]
    completed = (dict(zip(DOMAINS, values, strict=True)) for values in itertools.product(*choices))
    return {
        _verdict(cell, cpu)
        for cpu in completed
        if cell["host"] == "bare-metal" or cpu["nv"] == 2  # a guest hypervisor runs on FEAT_NV2
    }


def _verdict(cell: dict[str, str], cpu: dict[str, Any]) -> str:
    mode, vm = cell["boot.kvm_arm_mode"], cell["vm"]
    if cell["kconfig.KVM"] == "n" or mode == "none":
        return "absent"
    if vm == "protected" and (mode != "protected" or cell["kernel"] == "6.18"):
        return "absent"
    # kvm-arm.mode=nested is taken only where the kernel runs at EL2.
    if vm == "nested" and (mode != "nested" or not cpu["vhe"] or cpu["nv"] < 2):
        return "absent"
    if vm == "mte" and (cpu["mte"] < 2 or cell["kconfig.ARM64_MTE"] == "n"):
        return "absent"
    dic = cpu["dic"] and cell["host"] == "bare-metal"
    aliasing = cpu["l1ip"] != "pipt"
    check = cpu["fwb"] and dic
    # Cleaned by address, invalidated by address, EPERM of pKVM, EINVAL for a slot without tags.
    fails = not cpu["fwb"] or not (dic or aliasing) or mode == "protected" or vm == "mte"
    if check:
        return "unsound" if fails else "supported"
    return "refused" if fails else "overstrict"


@pytest.mark.parametrize("kernel", ["6.18", "7.3"])
def test_every_cell_is_what_the_source_says(kernel: str) -> None:
    cells = _cells(kernel)
    assert len(cells) > 20_000
    wrong = []
    for key, verdict in cells.items():
        may_be = _verdicts(dict(zip(COLUMNS, key, strict=True)))
        if verdict != (may_be.pop() if len(may_be) == 1 else "unknown"):
            wrong.append((key, verdict, may_be))
    assert wrong == []
    assert set(cells.values()) == {
        *("supported", "unsound", "overstrict", "refused", "unknown", "absent")
    }


def test_the_predicate_is_the_function_that_the_profiles_verify() -> None:
    """`matrix kernels verify` compares the function with the C; the capability repeats its body."""
    declared = YAML(typ="safe").load(
        (ROOT / "configs/capabilities/cacheable-pfnmap.yaml").read_text()
    )
    for release in ("6.18", "7.2", "7.3"):
        profile = YAML(typ="safe").load(
            (ROOT / f"configs/kernels/linux-{release}-arm64.yaml").read_text()
        )
        function = profile["functions"]["kvm_supports_cacheable_pfnmap()"]
        assert declared["predicates"]["upstream"]["c"] == function["body"]


def test_the_synthesised_check_asks_for_pkvm_and_mte_too() -> None:
    ran = run_cli("synthesize", STUDY)
    assert "is_protected_kvm_enabled()" in ran.out
    assert "kvm_has_mte(kvm)" in ran.out
    assert "icache_is_aliasing()" in ran.out
