"""`matrix explain CELL`: the tree of a cell, the nearest cells that work, and what is printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from ruamel.yaml import YAML

from matrix.analyze.cell.answering import settle
from matrix.analyze.cell.change_costs import CHANGE_COSTS, WEIGHTS
from matrix.flows.knowledge import DEFAULT_STUDY
from tests.cli_runner import run_cli
from tests.golden_files import Golden
from tests.unit.analyze.small_study import Enumerated, enumerated

CASES = Path(__file__).parent / "cases" / "explain"

Tree = dict[str, Any]


class Case(Struct, frozen=True, dict=True, kw_only=True):
    """One row of tests/cases/explain."""

    name: str
    cell: str
    verdict: str
    parts: tuple[Tree, ...]
    study: str = DEFAULT_STUDY


def cases() -> list[Case]:
    return [
        Case(**{**row, "parts": tuple(row["parts"])})
        for file in sorted(CASES.glob("*.yaml"))
        for row in YAML(typ="safe").load(file.read_text())
    ]


@cache
def explained(cell: str, study: str = DEFAULT_STUDY, *more: str) -> Tree:
    ran = run_cli("explain", cell, "--matrix", study, "--format", "json", *more)
    assert ran.code == 0, ran.err
    document: Tree = json.loads(ran.out)
    assert document["schema"] == "matrix/explain/1"
    return document


def nodes(tree: Tree) -> Iterator[Tree]:
    yield tree
    for part in tree["parts"]:
        yield from nodes(part)


def all_nodes(document: Tree) -> list[Tree]:
    return [node for item in document["derivations"] for node in nodes(item["tree"])]


def said(node: Tree) -> list[str]:
    return [
        f"{'' if origin['counts'] else 'but '}{origin['kind']}: {origin['what']}"
        for origin in node["set_by"]
    ]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_parts_of_a_cell(case: Case) -> None:
    document = explained(case.cell, case.study)
    assert document["verdict"] == case.verdict
    by_text: dict[str, Tree] = {}
    for node in all_nodes(document):
        by_text.setdefault(node["expression"], node)
    for expected in case.parts:
        node = by_text[expected["expression"]]
        assert node["value"] == expected["value"], node
        assert (node["source"] or "").startswith(expected.get("source", "")), node
        wanted = expected.get("set_by", [])
        assert not wanted or len(said(node)) == len(wanted), said(node)
        for line, start in zip(said(node), wanted, strict=bool(wanted)):
            assert line.startswith(start), line
        if "confidence" in expected:
            assert [item["confidence"] for item in node["set_by"]] == [expected["confidence"]]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_leaf_says_what_set_it(case: Case) -> None:
    for node in all_nodes(explained(case.cell, case.study)):
        if not node["parts"] and not node["repeated"]:
            assert node["set_by"], node
            # One thing counts; what is said besides it changed nothing.
            assert [origin["counts"] for origin in node["set_by"]].count(True) == 1, node


# enum kvm_mode, arch/arm64/include/asm/kvm_host.h:68-73 (7.3).
MODES = {"KVM_MODE_DEFAULT": 0, "KVM_MODE_PROTECTED": 1, "KVM_MODE_NV": 2, "KVM_MODE_NONE": 3}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Enumerated:
    return enumerated(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    from tests.unit.analyze.small_study import declarations

    return str(declarations(tmp_path_factory.mktemp("declared")))


def written(cell: dict[str, str]) -> str:
    return ",".join(f"{axis}={option}" for axis, option in cell.items())


def test_values_are_those_of_the_cell(small: Enumerated, folder: str) -> None:
    """Each value of the tree is what the facts of the same cell are, evaluated as lowered.

    Of an enum the tree has the name, the facts have the number.
    """
    for answered in small.cells[::37]:
        document = explained(written(answered.cell), "small", "--configs", folder)
        question, _, _ = small.prepared.cell(answered.cell)
        for node in all_nodes(document):
            if node["expression"] in question.program.definitions:
                value = answered.evaluation.value(node["expression"])
                assert MODES.get(node["value"], node["value"]) == value, node
        root = next(item for item in document["derivations"] if "predicate" in item["title"])
        assert question.predicate is not None
        assert root["tree"]["value"] == answered.evaluation.of(question.predicate)


def cheapest(small: Enumerated, origin: dict[str, str]) -> tuple[int, int]:
    """Return the least weight of a change to a supported cell, and how many cells have it."""
    kinds = {axis.name: axis.kind for axis in small.prepared.study.axes}
    weights = [
        sum(WEIGHTS[kinds[axis]] for axis, option in item.cell.items() if origin[axis] != option)
        for item in small.cells
        if item.verdict == "supported"
    ]
    return min(weights), weights.count(min(weights))


@settings(max_examples=20)
@given(data=st.data())
def test_the_nearest_cells_are_those_of_a_list(
    small: Enumerated, folder: str, data: st.DataObject
) -> None:
    answered = data.draw(st.sampled_from(small.cells))
    document = explained(written(answered.cell), "small", "--configs", folder)
    assert document["verdict"] == answered.verdict
    if answered.verdict == "supported":
        assert document["nearest"] is None
        return
    weight, count = cheapest(small, answered.cell)
    nearest = document["nearest"]
    assert (nearest["weight"], nearest["cells"]) == (weight, count)
    for change in nearest["changes"]:
        for axis, options in change["axes"].items():
            assert answered.cell[axis] not in options
        first = {axis: options[0] for axis, options in change["axes"].items()}
        changed = written({**answered.cell, **first})
        again = explained(changed, "small", "--configs", folder)
        assert again["verdict"] == "supported", changed


# A cell for each reason to change something, and the axes that the nearest change touches.
NEAREST = [
    ("boot.rodata=noalias,boot.kfence_sample_interval=100", 1, {"boot.rodata"}),
    ("kconfig.KVM=n", 10, {"kconfig.KVM"}),
    ("kernel=6.12", 100, {"kernel"}),
    ("entry=el1", 1_000, {"entry"}),
    ("cpu=neoverse-n1", 10_000, {"cpu"}),
    # An option that means nothing in this release need not be changed.
    ("cpu=neoverse-n1,kconfig.RODATA_FULL_DEFAULT_ENABLED=n", 10_000, {"cpu"}),
]


@pytest.mark.parametrize(("cell", "weight", "axes"), NEAREST)
def test_the_nearest_cells_of_the_shipped_study(cell: str, weight: int, axes: set[str]) -> None:
    nearest = explained(cell)["nearest"]
    assert nearest["weight"] == weight
    assert set(nearest["changes"][0]["axes"]) == axes
    chosen = dict(item.split("=", 1) for item in cell.split(","))
    for change in nearest["changes"]:
        for axis, options in change["axes"].items():
            for option in options:
                changed = {**chosen, axis: f'"{option}"'}
                assert explained(written(changed))["verdict"] == "supported"


def test_weights_grow_by_kind() -> None:
    assert [cost.kind for cost in CHANGE_COSTS] == [
        "boot",
        "kconfig",
        "kernel",
        "environment",
        "cpu",
    ]
    assert [cost.weight for cost in CHANGE_COSTS] == sorted({cost.weight for cost in CHANGE_COSTS})


GOLDENS = {
    "baseline": "kernel=7.3",
    "refused": "cpu=cortex-a710,boot.rodata=noalias,boot.kfence_sample_interval=100",
    "unknown": "cpu=neoverse-v1",
    "absent": "kernel=6.12",
    "overruled": 'boot.rodata="off,on",boot.kvm_arm_mode="nvhe,nested",vm=nested',
}


@pytest.mark.parametrize("name", GOLDENS)
def test_the_text(name: str, golden: Callable[[str], Golden]) -> None:
    ran = run_cli("explain", GOLDENS[name])
    assert ran.code == 0
    assert "\x1b" not in ran.out
    golden(f"explain/{name}.txt").check(ran.out)


def test_completions_of_the_small_study_exist(small: Enumerated) -> None:
    """The oracle itself: what it lists can be settled."""
    for answered in small.cells[::101]:
        question, cell, _ = small.prepared.cell(answered.cell)
        assert settle(question, cell, small.prepared.behaviours)
