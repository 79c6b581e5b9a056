"""The worked examples of the design and the consequences of the kernel facts, as cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import fields
from ruamel.yaml import YAML

from matrix.flows.validate import ValidateRequest, validate
from matrix.render.validate import render_validate

CASES = Path(__file__).parent / "cases" / "validate" / "worked-examples.yaml"


class Case(Struct, frozen=True, kw_only=True):
    id: str
    config: str
    cpu: str
    verdict: str
    kernel: str = "auto"
    cmdline: str = ""
    capability: str = "gmem-no-direct-map"
    predicate: str | None = None
    vm: str = "default"
    set: tuple[str, ...] = ()
    violations: dict[str, str] | None = None
    advisories: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


def load_cases() -> list[Case]:
    known = {field.name for field in fields(Case)}
    cases = []
    for row in YAML(typ="safe").load(CASES.read_text()):
        assert set(row) <= known, f"unknown key in {row['id']}"
        lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
        cases.append(Case(**{**row, **lists}))
    assert len({case.id for case in cases}) == len(cases)
    return cases


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.id)
def test_worked_example(case: Case, booted_extract: Path) -> None:
    outcome = validate(
        ValidateRequest(
            files=(str(booted_extract / f"{case.config}.config"),),
            kernel=case.kernel,
            cpus=(case.cpu,),
            cmdline=case.cmdline,
            capability=case.capability,
            predicate=case.predicate,
            vm=case.vm,
            settings=case.set,
        )
    )
    (result,) = json.loads(render_validate(outcome, "json"))["results"]
    assert result["verdict"] == case.verdict, result["reasons"]
    simulation: dict[str, Any] = result["simulation"]
    found = {(item["invariant"], item["certainty"]) for item in simulation["violations"]}
    if case.violations is not None:
        assert found == set(case.violations.items())
    elif case.verdict in ("supported", "overstrict", "absent"):
        assert not found
    advised = " ".join(json.dumps(item) for item in simulation["advisories"]).lower()
    for word in case.advisories:
        assert word in advised
    if case.trace:
        text = " ".join(simulation["violations"][0]["trace"])
        positions = [text.find(part) for part in case.trace]
        assert -1 not in positions
        assert positions == sorted(positions)
    spoken = json.dumps([result["reasons"], result["diagnostics"], result["fixes"]])
    for word in case.says:
        assert word in spoken
