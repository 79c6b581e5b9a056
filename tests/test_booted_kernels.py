"""What really booted kernels answered, against what `validate` says of the same kernel.

The oracle shares nothing with the program: its rows are observations of 351 boots (see
`tests/data/booted/README.md`). Every decidable field of every row is compared.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from matrix.flows.validate import ValidateRequest, validate
from matrix.render.validate import render_validate

# (row id, fact) -> why the program is right or the difference cannot be avoided, with the kernel's
# source line. At most three.
DISAGREEMENTS: dict[tuple[str, str], str] = {}

# Our fact -> the oracle's column.
FACTS = {
    "can_set_direct_map": "can_set_direct_map",
    "has_stage2_fwb": "fwb",
    "has_cache_idc": "idc",
    "has_cache_dic": "dic",
    "page_size": "page_size",
}


def oracle_rows(folder: Path) -> list[dict[str, Any]]:
    text = lzma.decompress((folder / "oracle.jsonl.xz").read_bytes()).decode()
    return [json.loads(line) for line in text.splitlines()]


def cpu_spec(cpu: str) -> str:
    """Return our SPEC of a QEMU -cpu: switches that change nothing we read are left out."""
    name, _, rest = cpu.partition(",")
    return f"qemu-{name},{rest}" if rest.startswith("midr=") else f"qemu-{name}"


def answer_of(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON result of `validate --capability memfd-secret` for a row."""
    release = row["kernel"].removeprefix("t").partition("-")[0]
    outcome = validate(
        ValidateRequest(
            files=(str(folder / f"{row['kernel']}.config"),),
            kernel=release,
            cpus=(cpu_spec(row["cpu"]),),
            cmdline=f"console=ttyAMA0 panic=-1 quiet {row['cmdline']}",
            capability="memfd-secret",
            settings=(
                f"entry={'el2' if row['el2'] else 'el1'}",
                f"gic={'v3' if 'gic-version=3' in row['machine'] else 'v2'}",
            ),
        )
    )
    results: list[dict[str, Any]] = json.loads(render_validate(outcome, "json"))["results"]
    assert len(results) == 1
    return results[0]


def test_every_decidable_answer_of_a_booted_kernel_is_ours(booted_extract: Path) -> None:
    rows = oracle_rows(booted_extract)
    compared: Counter[str] = Counter()
    wrong: dict[tuple[str, str], str] = {}
    for row in rows:
        answer = answer_of(booted_extract, row)
        expected: dict[str, Any] = {
            fact: row[column] for fact, column in FACTS.items() if row[column] is not None
        }
        expected["has_bbml"] = row["bbml"] is not None
        expected["supported"] = row["memfd_secret"] == "OK"
        found = {**answer["facts"], "supported": answer["verdict"] == "supported"}
        for fact, value in expected.items():
            compared[fact] += 1
            # A release without the function (5.10) has no such fact, and none was observed.
            if found.get(fact) != value:
                wrong[row["id"], fact] = f"ours {found.get(fact)}, observed {value}: {row}"
    assert wrong.keys() == DISAGREEMENTS.keys(), "\n".join(wrong.values())
    assert compared["supported"] == len(rows) == 351
    assert compared["can_set_direct_map"] == 340
    assert len(DISAGREEMENTS) <= 3


# What the booted kernel said of KVM -> the modes we may give.
KVM_MODES = {
    "VHE mode initialized successfully": {"vhe"},
    "Hyp nVHE mode initialized successfully": {"nvhe"},
    "Hyp mode initialized successfully": {"nvhe"},
    "Protected hVHE mode initialized successfully": {"protected"},
    "KVM disabled from command line": {"none"},
    "HYP mode not available": {"none"},
}


def test_kvm_mode_of_booted_kernels(booted_extract: Path) -> None:
    seen: Counter[str] = Counter()
    wrong = []
    for row in oracle_rows(booted_extract):
        allowed = KVM_MODES.get(row["kvm_mode"])
        if allowed is None:
            continue
        mode = answer_of(booted_extract, row)["facts"]["kvm_mode"]
        seen[mode] += 1
        if mode not in allowed:
            wrong.append((row["id"], row["kernel"], row["kvm_mode"], mode))
    assert not wrong
    assert min(seen[mode] for mode in ("vhe", "nvhe", "protected", "none")) > 0


def test_guest_memfd_exists_where_a_booted_kernel_has_it(booted_extract: Path) -> None:
    """KVM_CAP_GUEST_MEMFD is 1 exactly where the capability is not absent for want of it."""
    rows = {
        (row["kernel"], row["cap_guest_memfd"]): row
        for row in oracle_rows(booted_extract)
        if row["cap_guest_memfd"] is not None and "kvm-arm" not in row["cmdline"]
    }
    assert {has for _, has in rows} == {0, 1}
    for kernel, has in rows:
        outcome = validate(
            ValidateRequest(
                files=(str(booted_extract / f"{kernel}.config"),),
                kernel=kernel.removeprefix("t").partition("-")[0],
                cpus=("qemu-max",),
                settings=("gic=v2",),
            )
        )
        (result,) = outcome.results
        assert (result.answer.verdict == "absent") == (not has), kernel


@pytest.mark.parametrize("kernel", ["7.3", "6.12"])
def test_a_command_line_in_a_file_is_the_same_as_on_the_command_line(
    booted_extract: Path, tmp_path: Path, kernel: str
) -> None:
    text = "rodata=off kfence.sample_interval=100"
    file = tmp_path / "cmdline"
    file.write_text(text + "\n")
    config = str(booted_extract / f"{kernel}.config")
    given = ValidateRequest(files=(config,), cpus=("qemu-max",), cmdline=text)
    read = ValidateRequest(files=(config,), cpus=("qemu-max",), cmdline_file=file)
    assert validate(given).results == validate(read).results
