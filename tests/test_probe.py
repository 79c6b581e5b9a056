"""`matrix probe` of machines that were really booted, and of machines that contradict the model.

The bundles of `tests/data/probed` were saved inside QEMU guests: what they observe owes nothing to
the model. A bundle that is changed by hand shows that the comparison can fail.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matrix.flows.probe import ProbeRequest, probe
from matrix.flows.validate_job import ValidateRequest
from matrix.kernel.host.bundle import dump_bundle
from matrix.render.probe import probe_json, probe_text
from matrix.render.text import Detail
from tests.bundle_builder import FakeSystem, bundle_document, make_tree
from tests.cli_runner import run_cli
from tests.golden_files import Golden
from tests.guests.booted_guest import GUESTS, NOBODY, Guest

PROBED = Path(__file__).parent / "data" / "probed"
NAMES = [guest.name for guest in GUESTS]

# Facts that some guest shows, and the values that the guests show of them.
OBSERVED = {
    "can_set_direct_map": {True, False},
    "page_size": {4096, 16384},
    "has_stage2_fwb": {True, False},
    "has_cache_idc": {True},
    "has_cache_dic": {True, False},
    "icache_is_aliasing": {False},
    "has_bbml": {True, False},
    "is_realm_world": {False},
    "secretmem_enable": {True},
    "kvm_mode": {"vhe", "nvhe", "protected", "none"},
    "memfd_secret": {True, False},
    "guest_memfd": {True, False},
    "cacheable_pfnmap": {True, False},
}


def probed(name: str, *arguments: str) -> dict[str, Any]:
    ran = run_cli(
        "probe", "--host", str(PROBED / f"{name}.json.gz"), "--format", "json", *arguments
    )
    document: dict[str, Any] = json.loads(ran.out)
    return {**document, "exit": ran.code}


def test_each_guest_has_its_bundle() -> None:
    assert {path.name for path in PROBED.glob("*.gz")} == {f"{name}.json.gz" for name in NAMES}


# Who has no rights sees neither the log nor KVM.
LEAST_AGREEING = {0: 14, NOBODY: 6}


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
def test_the_model_agrees_with_a_booted_machine(guest: Guest) -> None:
    """With the model told of the CPU by its MIDR alone, and by its SPEC where a guest has one."""
    for arguments in {(), guest.arguments}:
        document = probed(guest.name, *arguments)
        agreements = Counter(line["agreement"] for line in document["comparison"])
        wrong = [line for line in document["comparison"] if line["agreement"] == "disagree"]
        assert not wrong
        assert agreements["model-unknown"] == 0
        assert agreements["agree"] >= LEAST_AGREEING[guest.user]
        assert document["exit"] == 0


def test_the_guests_show_most_facts_with_every_value() -> None:
    seen: defaultdict[str, set[Any]] = defaultdict(set)
    for name in NAMES:
        for line in probed(name)["comparison"]:
            if line["agreement"] == "agree":
                seen[line["fact"]].add(line["observed"])
    assert dict(seen) == OBSERVED


@pytest.mark.parametrize("name", NAMES)
def test_validate_answers_a_bundle_as_probe_does(name: str) -> None:
    ran = run_cli("validate", "--host", str(PROBED / f"{name}.json.gz"), "--format", "json")
    (result,) = json.loads(ran.out)["results"]
    answer = probed(name)["answer"]
    assert {**result, "fixes": []} == {**answer, "fixes": []}
    assert result["fixes"] == answer["fixes"]


def test_a_bundle_replays_what_the_machine_itself_was_told(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "machine")
    request = ProbeRequest(asked=ValidateRequest(files=()), root=tree, system=FakeSystem())
    here = probe(request)
    saved = tmp_path / "saved.json"
    saved.write_text(dump_bundle(here.host))
    there = probe(ProbeRequest(bundle=saved))
    assert probe_json(there) == probe_json(here)
    first, second = (probe_text(one, colour=False, detail=Detail.WHOLE) for one in (here, there))
    assert first == second
    assert dump_bundle(there.host) == dump_bundle(here.host)


def test_the_text_of_a_probe(golden: Callable[[str], Golden]) -> None:
    ran = run_cli("probe", "--host", str(PROBED / "7.2-a710-noalias.json.gz"))
    assert ran.code == 0
    golden("probe/7.2-a710-noalias.txt").check(ran.out)


# What is changed on a machine, and the facts the model is then wrong about.
CONTRADICTIONS: dict[str, tuple[FakeSystem, set[str]]] = {
    "log": (
        FakeSystem(log=FakeSystem().log.replace("Stage-2 Force Write-Back", "HCRX_EL2 register")),  # type: ignore[union-attr]
        {"has_stage2_fwb"},
    ),
    "kvm": (FakeSystem(fwb=0), {"has_stage2_fwb"}),
    "memfd_secret": (FakeSystem(memfd_result="ENOSYS"), {"can_set_direct_map", "memfd_secret"}),
    "l1ip": (FakeSystem(ctr=0xB4448004), {"icache_is_aliasing"}),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_called_out(name: str, tmp_path: Path) -> None:
    system, expected = CONTRADICTIONS[name]
    file = tmp_path / "machine.json"
    file.write_text(json.dumps(bundle_document(make_tree(tmp_path / "tree"), system)))
    ran = run_cli("probe", "--host", str(file), "--cpu", "graviton3", "--format", "json")
    lines = json.loads(ran.out)["comparison"]
    assert {line["fact"] for line in lines if line["agreement"] == "disagree"} == expected
    assert ran.code == 1
    text = run_cli("probe", "--host", str(file), "--cpu", "graviton3").out
    assert "DISAGREE" in text
    assert f"the model is wrong here about {', '.join(sorted(expected))}.\n" in text


def test_a_call_that_is_switched_off_shows_nothing_of_the_function(tmp_path: Path) -> None:
    """`if (!secretmem_enable || !can_set_direct_map())` is one ENOSYS: mm/secretmem.c:327 (7.3)."""
    tree = make_tree(tmp_path / "tree", cmdline="root=/dev/vda rodata=on secretmem.enable=0")
    (tree / "sys/module/secretmem/parameters/enable").write_text("N\n")
    file = tmp_path / "machine.json"
    file.write_text(json.dumps(bundle_document(tree, FakeSystem(memfd_result="ENOSYS"))))
    ran = run_cli("probe", "--host", str(file), "--cpu", "graviton3", "--format", "json")
    lines = {line["fact"]: line for line in json.loads(ran.out)["comparison"]}
    found = lines["can_set_direct_map"]
    assert (found["model"], found["observed"]) == (True, None)
    assert found["because"] == "memfd_secret(2) is switched off (secretmem.enable)"
    assert lines["memfd_secret"]["agreement"] == "agree"
    assert ran.code == 0


@pytest.mark.parametrize(
    ("flags", "cpu", "agreement"),
    [
        (3, "graviton3", "not-observable"),
        (7, "graviton3", "agree"),
        (7, "neoverse-n1", "disagree"),
    ],
)
def test_only_the_flag_of_the_series_says_something(
    flags: int, cpu: str, agreement: str, tmp_path: Path
) -> None:
    file = tmp_path / "machine.json"
    system = FakeSystem(gmem_flags=flags)
    file.write_text(json.dumps(bundle_document(make_tree(tmp_path / "tree"), system)))
    ran = run_cli("probe", "--host", str(file), "--cpu", cpu, "--format", "json")
    agreements = {line["fact"]: line["agreement"] for line in json.loads(ran.out)["comparison"]}
    assert agreements["no_direct_map_flag"] == agreement


def spec_of(tmp_path: Path, *midrs: int) -> list[str]:
    """Return the CPUs that the model is told of a machine with these MIDRs, one for each CPU."""
    document = bundle_document(make_tree(tmp_path / "tree"))
    cpus = {str(cpu): {"midr_el1": f"{midr:#x}"} for cpu, midr in enumerate(midrs)}
    document["readings"]["cpus"]["value"] = cpus
    file = tmp_path / "machine.json"
    file.write_text(json.dumps(document))
    ran = run_cli("probe", "--host", str(file), "--format", "json")
    spec: list[str] = json.loads(ran.out)["answer"]["cpu"]
    return spec


def test_each_cpu_type_of_a_machine_counts_once(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, 0x410FD851, 0x410FD872, 0x410FD851, 0x410FD872)
    assert [part.partition(",")[0] for part in spec] == ["cortex-x925", "cortex-a725"]


def test_a_cpu_that_nobody_declared_is_known_by_what_the_machine_shows(tmp_path: Path) -> None:
    (spec,) = spec_of(tmp_path, 0x990F9990)
    assert spec.startswith("free,midr=0x990f9990,fwb=1,")
    assert "dic=1" in spec.split(",")


def test_a_field_that_is_recorded_is_not_taken_from_the_machine(tmp_path: Path) -> None:
    """Else the model could not be wrong about it."""
    (spec,) = spec_of(tmp_path, 0x412FD471)
    assert "dic" not in spec


def test_fail_on_and_unknown_verdicts_decide_the_exit_code(tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    file.write_text(json.dumps(bundle_document(make_tree(tmp_path / "tree"))))
    arguments = ("probe", "--host", str(file), "--cpu")
    assert run_cli(*arguments, "graviton3").code == 0
    assert run_cli(*arguments, "graviton3", "--fail-on", "supported").code == 1
    assert run_cli(*arguments, "neoverse-v1").code == 4
    assert run_cli(*arguments, "neoverse-v1", "--fail-on", "none").code == 0


def test_this_machine_is_probed_without_a_traceback(tmp_path: Path) -> None:
    saved = tmp_path / "here.json"
    ran = run_cli("probe", "--save", str(saved), "--format", "json")
    assert ran.code in (0, 1, 3, 4), ran.err
    assert "Traceback" not in ran.err
    document = json.loads(ran.out)
    assert {line["fact"] for line in document["comparison"]} >= {"page_size", "memfd_secret"}
    again = run_cli("probe", "--host", str(saved), "--format", "json")
    assert again.out.replace(f"{saved}: ", "") == ran.out or document["machine"] != "aarch64"
    assert again.code == ran.code


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_in_the_repository_holds_nothing_private(name: str) -> None:
    readings = json.loads(gzip.decompress((PROBED / f"{name}.json.gz").read_bytes()))["readings"]
    assert "00000000-0000" not in readings["cmdline"]["value"]
    texts = [
        line
        for line in readings["config"]["value"].splitlines()
        if line.endswith('"') and not line.endswith('=""')
    ]
    assert texts == []
