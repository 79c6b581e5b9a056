"""`list` and `show` of what is declared, and the capability that `matrix init` begins."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli

CONFIGS = Path(__file__).parent.parent / "configs"
OVERVIEW = CONFIGS / "matrices" / "arm64-overview.yaml"


def declared(folder: str) -> list[str]:
    files = (CONFIGS / folder).glob("*.yaml")
    return sorted(YAML(typ="safe").load(file)["id"] for file in files)


@pytest.mark.parametrize(
    ("kind", "folder"), [("capabilities", "capabilities"), ("studies", "matrices")]
)
def test_everything_declared_is_listed(kind: str, folder: str) -> None:
    rows = json.loads(run_cli(kind, "list", "--format", "json").out)[kind]
    assert sorted(row["id"] for row in rows) == declared(folder)
    text = run_cli(kind, "list").out
    for row in rows:
        assert re.search(rf"^{re.escape(row['id'])} ", text, re.MULTILINE)


def test_groups_have_the_cpus_that_say_so() -> None:
    wanted: dict[str, list[str]] = {}
    for file in (CONFIGS / "cpus").glob("*.yaml"):
        cpu = YAML(typ="safe").load(file)
        for name in cpu.get("groups", ()):
            wanted.setdefault(f"@{name}", []).append(cpu["id"])
    rows = json.loads(run_cli("groups", "list", "--format", "json").out)["groups"]
    assert {row["name"]: sorted(row["cpus"]) for row in rows} == {
        name: sorted(cpus) for name, cpus in wanted.items()
    }
    for word in ("server", "@server"):
        shown = json.loads(run_cli("groups", "show", word, "--format", "json").out)["cpus"]
        assert sorted(cpu["id"] for cpu in shown) == sorted(wanted["@server"])
    text = run_cli("groups", "list").out
    assert re.search(rf"^@server +{len(wanted['@server'])} ", text, re.MULTILINE)


def test_a_study_is_shown_with_its_axes() -> None:
    study = YAML(typ="safe").load(OVERVIEW)
    text = run_cli("studies", "show", "arm64-overview").out
    for name in study["axes"]:
        assert f"  {name}: " in text
    for pivot in study["pivots"]:
        assert f"  {pivot['title']}: " in " ".join(text.split("\n"))
    shown = json.loads(run_cli("studies", "show", "arm64-overview", "--format", "json").out)
    assert [axis["name"] for axis in shown["axes"]] == list(study["axes"])
    assert shown["baseline"] == study["baseline"]


def test_a_capability_is_shown_with_its_expressions() -> None:
    source = YAML(typ="safe").load(CONFIGS / "capabilities" / "memfd-secret.yaml")
    shown = json.loads(run_cli("capabilities", "show", "memfd-secret", "--format", "json").out)
    assert {row["name"]: row["c"] for row in shown["predicates"]} == {
        name: row["c"] for name, row in source["predicates"].items()
    }
    text = run_cli("capabilities", "show", "memfd-secret").out
    assert "What decides is the simulation of `secretmem`." in text


@pytest.mark.parametrize(
    ("kind", "code"), [("capabilities", "MX0906"), ("studies", "MX0906"), ("groups", "MX0507")]
)
def test_a_name_that_nothing_has(kind: str, code: str) -> None:
    ran = run_cli(kind, "show", "nobody")
    assert (ran.code, ran.out) == (3, "")
    assert f"error[{code}]" in ran.err


@pytest.mark.parametrize("name", ["my-capability", "kvm", "x.1_a-b"])
def test_a_capability_is_begun_that_check_accepts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run_cli("init", "mine", "--capability", name)
    assert ran.out.splitlines() == [
        f"mine/{folder}/{name}.yaml" for folder in ("capabilities", "overlays", "matrices")
    ]
    checked = run_cli("check", "mine")
    assert (checked.code, "no errors" in checked.err) == (0, True), checked.err
    assert "warning" not in checked.err
    again = run_cli("init", "mine", "--capability", name)
    assert (again.code, "MX0915" in again.err) == (3, True)


def test_the_answers_of_a_capability_that_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: it is built in or absent, needs FWB, and example_mine=0 switches it off."""
    monkeypatch.chdir(tmp_path)
    run_cli("init", "mine", "--capability", "mine")
    own = ("--configs", "mine")
    rows = run_cli("cells", "mine", *own, "--columns", "kernel,cpu,build,boot.example,verdict").out
    fwb = {"aws-graviton3": "granted", "neoverse-v2": "granted"}
    for row in rows.splitlines()[1:]:
        kernel, cpu, build, line, verdict = row.split(",")
        assert kernel
        granted = fwb.get(cpu, "not-granted") if line == "absent" else "not-granted"
        assert verdict == ("absent" if build == "without" else granted)
    assert run_cli("claims", "mine", *own).code == 0
    assert run_cli("synthesize", "mine", *own).code == 3
    report = run_cli("report", "mine", *own, "-o", "out")
    assert report.code == 0, report.err
    assert "unsound" not in (tmp_path / "out" / "mine.md").read_text()


@pytest.mark.parametrize("name", ["memfd-secret", "Mine", "a b", "", "../up"])
def test_a_name_that_no_new_capability_can_have(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run_cli("init", "mine", "--capability", name)
    assert (ran.code, "error[MX0254]" in ran.err) == (3, True)
    assert not (tmp_path / "mine").exists()


def test_a_kernel_shows_every_name_that_an_expression_may_use() -> None:
    """By hand, of linux-7.3-arm64.yaml and arm64.yaml: a variable, an enum, an axis."""
    shown = run_cli("kernels", "show", "7.3").out
    assert "  rodata_full: true  (arch/arm64/mm/pageattr.c:88)\n" in shown
    assert "CPU_MITIGATIONS_OFF = 0" in shown
    assert '  gic: "v2", "v3"  (interrupt controller that KVM can use)\n' in shown
    found = json.loads(run_cli("kernels", "show", "7.3", "--format", "json").out)
    variables = {row["name"]: row for row in found["variables"]}
    assert variables["kvm_mode"]["enumerators"]["KVM_MODE_PROTECTED"] == 1
    assert {row["name"]: row["default"] for row in found["environment"]}["entry"] == "el2"
