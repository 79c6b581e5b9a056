"""Facts of the seven shipped kernels against hand-worked cases, and against booted kernels.

The cases were written from the kernel's source; the boots are observations. Neither shares code
with the program.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, field
from ruamel.yaml import YAML

from matrix.analyze.cell.assemble import config_atoms, cpu_atoms, surroundings_atoms, variables_of
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.facts.program import FactProgram
from matrix.expr.nodes import Value
from matrix.kernel.config.dotconfig import DotConfig, load_dotconfig
from matrix.kernel.cpu.resolve import resolve_system
from tests.unit.analyze.shipped_kernels import (
    architecture,
    condition,
    declared,
    profile_of,
    program_of,
)

ROOT = Path(__file__).resolve().parents[3]
ABSENT = "absent"


class Case(Struct, frozen=True, kw_only=True):
    id: str
    release: str
    source: str
    expect: Mapping[str, Value]
    config: Mapping[str, str | int] = field(default_factory=dict)
    cmdline: str = ""
    hw: list[str] = field(default_factory=list)
    boot: list[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def cases() -> tuple[Mapping[str, str], list[Case]]:
    path = ROOT / "tests" / "data" / "kernel-facts-cases.yaml"
    loaded = YAML(typ="safe").load(path.read_text("utf-8"))
    rows = [Case(source=row.pop("from"), **row) for row in loaded["cases"]]
    return loaded["base"], rows


BASE, CASES = cases()


def symbol_value(text: str | int) -> Value:
    return {"y": True, "n": False}.get(text, text) if isinstance(text, str) else text


def evaluation_of(case: Case) -> Evaluation:
    program = program_of(case.release)
    symbols = {**BASE, **case.config}
    atoms: dict[str, Value] = {
        atom: symbol_value(symbols.get(atom.removeprefix("CONFIG_"), "n"))
        for atom in program.atoms
        if atom.startswith("CONFIG_")
    }
    boot = case.hw if case.boot is None else case.boot
    for cap in program.cpucaps:
        atoms[f"hw.{cap.name}"] = cap.name in case.hw
        atoms[f"boot_hw.{cap.name}"] = cap.name in boot
    unknown = {*case.hw, *boot} - {cap.name for cap in program.cpucaps}
    assert not unknown, f"the case names cpucaps that do not exist: {unknown}"
    atoms.update(surroundings_atoms(architecture(), case.environment))
    variables = variables_of(program, profile_of(case.release), case.cmdline)
    return Evaluation(program.definitions, variables, atoms)


def value_in(case: Case, key: str, cell: Evaluation) -> Value:
    program = program_of(case.release)
    if key in {fact.name for fact in architecture().facts}:
        return cell.of(program.facts[key]) if key in program.facts else ABSENT
    if key in program.simulation:
        return cell.of(program.simulation[key])
    asked = condition(key)
    return ABSENT if program.lacks(asked) else cell.of(program.lower_expression(asked))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"kernel-facts-cases::{case.id}")
def test_facts_are_as_worked_by_hand(case: Case) -> None:
    cell = evaluation_of(case)
    found = {key: value_in(case, key, cell) for key in case.expect}
    assert found == dict(case.expect)


def test_every_release_has_cases_and_every_case_its_own_name() -> None:
    releases = {profile.release for profile in declared().kernels}
    assert {case.release for case in CASES} == releases
    assert len({case.id for case in CASES}) == len(CASES)


# --- really booted kernels ------------------------------------------------------------------------


def booted_cell(folder: Path, row: Mapping[str, Any]) -> tuple[FactProgram, Evaluation]:
    """Return the cell of a boot, assembled from the parts and not by `validate`."""
    release = row["kernel"].removeprefix("t").partition("-")[0]
    program = program_of(release)
    name, _, rest = row["cpu"].partition(",")
    spec = f"qemu-{name},{rest}" if rest.startswith("midr=") else f"qemu-{name}"
    system = resolve_system(spec, declared(), architecture())
    surroundings = {
        "entry": "el2" if row["el2"] else "el1",
        "gic": "v3" if "gic-version=3" in row["machine"] else "v2",
    }
    atoms = {
        **config_atoms(program, config_of(folder / f"{row['kernel']}.config")),
        **cpu_atoms(program, system)[0],
        **surroundings_atoms(architecture(), surroundings),
    }
    line = f"console=ttyAMA0 panic=-1 quiet {row['cmdline']}"
    return program, Evaluation(
        program.definitions, variables_of(program, profile_of(release), line), atoms
    )


@cache
def config_of(path: Path) -> DotConfig:
    return load_dotconfig(path)


# What the kernel says of KVM in its log, and the word of our fact.
KVM_MODES = {
    "VHE mode initialized successfully": "vhe",
    "Hyp nVHE mode initialized successfully": "nvhe",
    "Hyp mode initialized successfully": "nvhe",
    "Protected hVHE mode initialized successfully": "protected",
    "HYP mode not available": "none",
    "KVM disabled from command line": "none",
}


def test_booted_kernels_answered_as_predicted(booted_extract: Path) -> None:
    text = lzma.decompress((booted_extract / "oracle.jsonl.xz").read_bytes()).decode()
    compared = {"can_set_direct_map": 0, "dev_kvm": 0, "kvm_mode": 0, "secretmem_enable": 0}
    wrong = []
    for row in map(json.loads, text.splitlines()):
        program, cell = booted_cell(booted_extract, row)
        expected = {
            "can_set_direct_map": row["can_set_direct_map"],
            "dev_kvm": row["dev_kvm"],
            "kvm_mode": KVM_MODES.get(row["kvm_mode"] or ""),
            "secretmem_enable": {"Y": True, "N": False}.get(row["secretmem_enable"] or ""),
        }
        found = {
            "can_set_direct_map": fact_or_none(program, cell, "can_set_direct_map"),
            "dev_kvm": cell.value("kvm_is_available()"),
            "kvm_mode": fact_or_none(program, cell, "kvm_mode"),
            "secretmem_enable": fact_or_none(program, cell, "secretmem_enable"),
        }
        for name, value in expected.items():
            if value is not None:
                compared[name] += 1
                if found[name] != value:
                    wrong.append((row["id"], row["kernel"], row["cmdline"], name, found[name]))
    assert wrong == []
    assert compared["can_set_direct_map"] == 340
    assert min(compared.values()) > 100


def fact_or_none(program: FactProgram, cell: Evaluation, name: str) -> Value:
    return cell.of(program.facts[name]) if name in program.facts else None
