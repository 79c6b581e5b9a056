"""Every command that takes a study, on every shipped one: an answer or a diagnostic, no traceback.

Studies have axes of different kinds (distributions instead of kernels, other capabilities), and a
command tried on one of them may fail on another.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrix.flows.knowledge import Library
from matrix.schema.documents.study import KINDS
from matrix.schema.values import Axis, MatrixStudy
from tests.cli_runner import run_cli

PATCH = str(Path(__file__).parent / "cases" / "review" / "base64.mbox")
STUDIES = {study.id: study for study in Library().knowledge.studies}
ANSWERED = {0, 1, 4}


def test_the_shipped_studies_have_axes_of_every_kind() -> None:
    assert {axis.kind for study in STUDIES.values() for axis in study.axes} == set(KINDS)


def cell_of(study: MatrixStudy, axis: Axis) -> str:
    """Return a cell that differs from the baseline in one axis."""
    option = next(item for item in axis.options if item.name != dict(study.baseline)[axis.name])
    return f'{axis.name}="{option.name}"'


def commands(study: MatrixStudy) -> list[tuple[str, ...]]:
    name, (one, other) = study.id, [option.name for option in study.axes[0].options[:2]]
    # One of each kind: twenty axes of boot parameters are alike here.
    by_kind = {axis.kind: axis for axis in study.axes}
    every_kind = [cell_of(study, axis) for axis in by_kind.values()]
    releases = ("--kernel", "7.3")
    return [
        ("count", name),
        ("cells", name, "--limit", "2"),
        ("cells", name, "--sample", "1"),
        ("claims", name),
        ("rules", name, "--verdict", "supported"),
        ("synthesize", name),
        ("synthesize", name, *releases),
        ("diff", one, other, "--matrix", name, "--max-rules", "1"),
        ("diff", name, "arm64-overview", "--max-rules", "1"),
        *(("explain", cell, "--matrix", name) for cell in every_kind),
        *(("simulate", cell, "--matrix", name, "--brief") for cell in every_kind),
        ("explain", "cpu=no-such-cpu", "--matrix", name),
    ]


@pytest.mark.parametrize("name", STUDIES)
def test_every_command_answers_or_says_what_is_wrong(name: str) -> None:
    answered = []
    for command in commands(STUDIES[name]):
        ran = run_cli(*command)
        assert ran.code in (ANSWERED | {3}), (command, ran.err)
        assert (ran.code == 3) == ("error[MX" in ran.err), (command, ran.err)
        answered += [command] if ran.code in ANSWERED else []
    wanted = {"count", "cells", "claims"}
    if Library().capability(STUDIES[name].capability).synthesis is not None:
        wanted.add("synthesize")
    assert {command[0] for command in answered} >= wanted
    assert sum(command[0] == "explain" for command in answered) > 1


def test_a_study_of_distributions_has_nearest_cells() -> None:
    """`explain --matrix arm64-distros` was a KeyError: axes of distributions had no weight."""
    cell = "distro=centos-stream-10,cpu=apple-m1"
    ran = run_cli("explain", cell, "--matrix", "arm64-distros", "--format", "json")
    assert ran.code == 0, ran.err
    nearest = json.loads(ran.out)["nearest"]
    assert nearest["weight"] == 100
    (change,) = nearest["changes"]
    assert change["acts"] == ["another kernel"]
    for option in change["axes"]["distro"]:
        found = f"distro={option},cpu=apple-m1"
        again = run_cli("explain", found, "--matrix", "arm64-distros", "--format", "json")
        assert json.loads(again.out)["verdict"] == "supported"


def test_a_distribution_that_cannot_boot_on_a_cpu_is_no_cell() -> None:
    ran = run_cli("explain", "distro=rhel-eln-64k,cpu=apple-m1", "--matrix", "arm64-distros")
    assert ran.code == 3
    assert ran.err.count("note[MX0660]") == 3  # the two choices, and that a kernel boots


@pytest.mark.parametrize("command", ["review", "synthesize"])
def test_a_release_chooses_the_distributions_of_it(command: str) -> None:
    asked = ("review", PATCH, "--matrix") if command == "review" else ("synthesize",)
    ran = run_cli(*asked, "arm64-distros", "--kernel", "7.3", "--format", "json")
    assert ran.code in (0, 1), ran.err
    document = json.loads(ran.out)
    rows = document.get("suggestion", document)["comparison"]
    assert {sum(row["verdicts"].values()) for row in rows} == {234}
    wrong = run_cli(*asked, "arm64-distros", "--kernel", "debian-7.3")
    assert wrong.code == 3
    assert "error[MX0606]: study `arm64-distros` has no Linux `debian-7.3`" in wrong.err
