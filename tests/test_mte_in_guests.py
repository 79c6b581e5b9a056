"""KVM's answer about memory tags: worked cases, every cell against a truth written from the C."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.flows.validate import ValidateRequest, validate
from matrix.render.validate import render_validate
from tests.capability_cases import WorkedCase, cells, verdict_of, worked_cases
from tests.test_booted_kernels import cpu_spec, oracle_rows

STUDY = "arm64-mte-in-guests"
CPUS = Path(__file__).parents[1] / "configs" / "cpus"


@pytest.mark.parametrize("case", worked_cases("mte-in-guests"), ids=lambda case: case.cell)
def test_a_cell_is_as_worked_by_hand(case: WorkedCase) -> None:
    assert verdict_of(STUDY, case.cell) == case.verdict, case.because


@cache
def mte_and_vhe(cpu: str) -> tuple[tuple[int, int], ...]:
    """Return what (FEAT_MTE, FEAT_VHE) of the first core of a CPU or system may be."""
    fields = YAML(typ="safe").load(CPUS / f"{cpu.partition('+')[0]}.yaml")["fields"]
    levels, vhe = (
        [fields[name]["value"]] if "value" in fields[name] else every
        for name, every in (("mte", range(4)), ("vhe", range(2)))
    )
    return tuple(itertools.product(levels, vhe))


def slot_is_taken(release: str, memory: str) -> bool:
    """Return whether KVM takes a memory slot of a VM with MTE, by the release's own test."""
    if release == "6.1":  # mmu.c:1774: not where vma->vm_flags & VM_SHARED
        return memory in ("anonymous", "hugetlb", "file")
    if release == "6.12":  # mman.h:45: MAP_ANONYMOUS without MAP_HUGETLB, or shmem
        return memory in ("anonymous", "memfd")
    # 6.6 mman.h:33: MAP_ANONYMOUS or shmem; from 6.18 on MAP_HUGETLB too. A guest_memfd never.
    return memory in ("anonymous", "hugetlb", "memfd")


def verdict_by_c(row: dict[str, str], level: int, vhe: int) -> str:
    """Return what happens in a cell whose first core has this FEAT_MTE and FEAT_VHE."""
    release, mode = row["kernel"], row["boot.kvm_arm_mode"]
    gmem = row["vm_memory"] == "guest-memfd" and release in ("5.10", "6.1", "6.6", "6.12")
    no_kvm = row["kconfig.KVM"] == "n" or row["entry"] == "el1" or mode == "none"
    if no_kvm or release == "5.10" or gmem:
        return "absent"
    # Both modes need GICv3 from 6.18 on; nested is ignored where the kernel does not run at EL2.
    refuses_v2 = mode == "protected" or (mode == "nested" and vhe == 1)
    if row["gic"] == "v2" and refuses_v2 and release in ("6.18", "7.2", "7.3"):
        return "absent"
    has = level >= 2 and row["kconfig.ARM64_MTE"] == "y"
    has = has and row["boot.mte"] not in ("arm64.nomte", "id_aa64pfr1.mte=0")
    if release in ("7.2", "7.3") and mode == "protected":
        has = False  # kvm_pkvm_ext_allowed()
    if not has:
        return "refused"  # KVM_ENABLE_CAP asks the same again
    works = row["vcpus"] == "none" and slot_is_taken(release, row["vm_memory"])
    return "supported" if works else "unsound"


def test_a_cell_is_what_the_c_says() -> None:
    counts: Counter[str] = Counter()
    for row in cells(STUDY, "--random", "20000", "--seed", "1"):
        possible = {verdict_by_c(row, *fields) for fields in mte_and_vhe(row["cpu"])}
        expected = possible.pop() if len(possible) == 1 else "unknown"
        assert row["verdict"] == expected, row
        counts[expected] += 1
    assert set(counts) == {"supported", "unsound", "refused", "unknown", "absent"}


def test_booted_kernels_have_kvm_where_the_answer_is_not_absent(booted_extract: Path) -> None:
    """/dev/kvm was there exactly where something is said of KVM_CAP_ARM_MTE (5.10 has none)."""
    rows = [row for row in oracle_rows(booted_extract) if row["kernel"] in ("6.1", "6.12", "7.3")]
    seen: Counter[bool] = Counter()
    for row in rows[::8]:
        outcome = validate(
            ValidateRequest(
                files=(str(booted_extract / f"{row['kernel']}.config"),),
                kernel=row["kernel"],
                cpus=(cpu_spec(row["cpu"]),),
                cmdline=row["cmdline"],
                capability="mte-in-guests",
                settings=(
                    f"entry={'el2' if row['el2'] else 'el1'}",
                    f"gic={'v3' if 'gic-version=3' in row['machine'] else 'v2'}",
                ),
            )
        )
        (answer,) = json.loads(render_validate(outcome, "json"))["results"]
        assert (answer["verdict"] != "absent") == row["dev_kvm"], row
        seen[row["dev_kvm"]] += 1
    assert seen[True] > 5
    assert seen[False] > 1
