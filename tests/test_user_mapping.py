"""The slot's user mapping: where it is an axis, what it changes, and how many cells that is.

The number of cells with a protected VM is worked out by hand from the declarations of the CPUs: a
product of the axes that nothing ties, times the CPUs' granules and whether they have FEAT_NV2.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.study import SolvedStudy
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from tests.cli_runner import run_cli

ROOT = Path(__file__).parent.parent
CPUS = ROOT / "configs" / "cpus"
SAMPLE = 40

Solved = tuple[PreparedStudy, SolvedStudy]


@pytest.fixture(scope="module")
def shipped() -> Solved:
    prepared = prepare_study(Library(()), DEFAULT_STUDY)
    return prepared, prepared.solve()


def counted(solved: SolvedStudy, verdict: Verdict, mapping: str, *vms: str) -> int:
    region = solved.verdicts[verdict].restrict("userspace_addr", (mapping,))
    return (region.restrict("vm", vms) if vms else region).count()


def protected_vms_by_hand(prepared: PreparedStudy) -> int:
    """Return in how many cells a protected VM can be, all mappings counted once."""
    # Of 7.2 and 7.3: KFENCE and its interval, DEBUG_PAGEALLOC, MTE; rodata=, debug_pagealloc=,
    # kfence.sample_interval=, arm64.nomte. A protected VM fixes KVM, kvm-arm.mode, EL2, GICv3 and
    # that the kernel is no Realm; RODATA_FULL_DEFAULT_ENABLED is gone.
    of_one_machine = 2 * (3 * 3 * 2) * (8 * 5 * 5 * 2)
    cpus = next(axis for axis in prepared.study.axes if axis.kind == "cpu").options
    return of_one_machine * sum(machines_of(option.name) for option in cpus)


def machines_of(name: str) -> int:
    """Return page sizes × hosts of one option: a guest hypervisor as host needs FEAT_NV2 = 2."""
    if "=" in name:
        free = dict(part.split("=") for part in name.split(",")[1:])
        return 3 * (2 if free["nv"] == "2" else 1)
    parts = [fields_of(part) for part in name.split("+")]
    granules = [
        field
        for field in ("tgran4", "tgran16", "tgran64")
        if all(part.get(field) in (None, 1) for part in parts)
    ]
    nested = all(part.get("nv") in (None, 2) for part in parts)
    return len(granules) * (2 if nested else 1)


def fields_of(name: str) -> dict[str, int | str | None]:
    """Return the fields that a CPU's declaration knows; None is a field nobody recorded."""
    declared = YAML(typ="safe", pure=True).load((CPUS / f"{name}.yaml").read_text("utf-8"))
    return {field: row.get("value") for field, row in declared["fields"].items()}


def test_the_cells_of_protected_vms_are_those_counted_by_hand(shipped: Solved) -> None:
    prepared, solved = shipped
    present = [verdict for verdict in solved.verdicts if verdict is not Verdict.ABSENT]
    by_hand = protected_vms_by_hand(prepared)
    for mapping in ("gmem", "other", "none"):
        assert sum(counted(solved, item, mapping, "protected") for item in present) == by_hand
    assert by_hand == 17_755_200
    # What the space had before the mapping was an axis, and two more mappings of these cells.
    assert solved.valid.count() == 15_575_270_400 + 2 * by_hand == 15_610_780_800


def test_no_cell_is_counted_for_a_mapping_that_nobody_looks_at(shipped: Solved) -> None:
    _, solved = shipped
    for mapping in ("other", "none"):
        assert counted(solved, Verdict.ABSENT, mapping) == 0
        assert counted(solved, Verdict.SUPPORTED, mapping) == 0
        for verdict in solved.verdicts:
            everyone = counted(solved, verdict, mapping)
            assert everyone == counted(solved, verdict, mapping, "protected")


def test_a_protected_vm_fails_or_is_not_protected_by_its_mapping(shipped: Solved) -> None:
    prepared, solved = shipped
    broken = {"gmem": "operation-fails", "other": "protection-applies", "none": "operation-fails"}
    for mapping, invariant in broken.items():
        for verdict in (Verdict.UNSOUND, Verdict.REFUSED):
            region = solved.verdicts[verdict].restrict("vm", ("protected",))
            for cell in region.restrict("userspace_addr", (mapping,)).sample(SAMPLE, 1):
                answer = prepared.answer(cell)
                assert answer is not None
                found = {item.invariant for item in answer.violations}
                assert invariant in found
                assert not found & (set(broken.values()) - {invariant})


@pytest.mark.parametrize(
    ("settings", "verdict", "violated"),
    [
        (("vm=protected",), "unsound", ["operation-fails"]),
        (("vm=protected", "userspace_addr=gmem"), "unsound", ["operation-fails"]),
        (("vm=protected", "userspace_addr=other"), "unsound", ["protection-applies"]),
        (("vm=protected", "userspace_addr=none"), "unsound", ["operation-fails"]),
        (("userspace_addr=other",), "supported", []),
    ],
)
def test_validate_takes_the_mapping(
    settings: tuple[str, ...], verdict: str, violated: list[str]
) -> None:
    sets = [word for text in settings for word in ("--set", text)]
    config = ROOT / "tests" / "data" / "booted" / "7.3.config"
    ran = run_cli(
        *("validate", str(config), "--cpu", "graviton3", "--cmdline", "kvm-arm.mode=protected"),
        *("--format", "json", *sets),
    )
    (result,) = json.loads(ran.out)["results"]
    assert result["verdict"] == verdict
    assert [item["invariant"] for item in result["simulation"]["violations"]] == violated


def test_a_mapping_is_said_to_be_wrong_by_its_name() -> None:
    ran = run_cli(
        *("validate", str(ROOT / "tests" / "data" / "booted" / "7.3.config")),
        *("--cpu", "graviton3", "--set", "userspace_addr=anonymous"),
    )
    assert ran.code == 3
    assert "known options of userspace_addr: gmem, none, other" in ran.err
