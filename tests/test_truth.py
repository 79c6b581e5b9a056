"""How a capability's truth is known: simulated, stated, or not at all; worked by hand.

The verdicts below follow from the declared fields alone. Of four CPUs only Neoverse V2 surely has
MTE and only Cortex-A57 lacks FWB; whether QEMU's `max` has MTE is an option of the board.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli_runner import run_cli

CASES = Path(__file__).parent / "cases" / "capabilities"
CONFIG = Path(__file__).parent / "data" / "booted" / "7.3.config"
GRANTED = ("--configs", str(CASES / "granted"))
JUDGED = ("--configs", str(CASES / "judged"))
# What may be said of no check whose truth is not declared, nor of what was not simulated.
JUDGING = re.compile(r"\b(un)?sound|overstrict|\bsupported|\brefused|violat|simulat", re.IGNORECASE)
FOREIGN = re.compile(r"IC IVAU|alias-|guest_memfd|kvm_arch_gmem", re.IGNORECASE)

# (CPU, page size) -> verdict where KVM is on, on 7.2 as on 7.3.
BY_HAND = {
    "granted": {
        ("aws-graviton3", "4k"): "not-granted",
        ("aws-graviton3", "64k"): "not-granted",
        ("neoverse-v2", "4k"): "granted",
        ("neoverse-v2", "64k"): "granted",
        ("cortex-a57", "4k"): "not-granted",
        ("cortex-a57", "64k"): "not-granted",
        ("qemu-max", "4k"): "unknown",
        ("qemu-max", "64k"): "unknown",
    },
    "judged": {
        ("aws-graviton3", "4k"): "overstrict",
        ("aws-graviton3", "64k"): "refused",
        ("neoverse-v2", "4k"): "supported",
        ("neoverse-v2", "64k"): "unsound",
        ("cortex-a57", "4k"): "refused",
        ("cortex-a57", "64k"): "refused",
        ("qemu-max", "4k"): "unknown",
        ("qemu-max", "64k"): "unknown",
    },
}


@pytest.mark.parametrize(("folder", "study"), [("granted", "tags"), ("judged", "judged-tags")])
def test_every_cell_is_as_worked_by_hand(folder: str, study: str) -> None:
    columns = "kernel,cpu,page,boot.kvm,verdict"
    ran = run_cli("cells", study, "--configs", str(CASES / folder), "--columns", columns)
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert len(rows) == 32
    for row in rows:
        worked = BY_HAND[folder][row["cpu"], row["page"]]
        assert row["verdict"] == ("absent" if row["boot.kvm"] == "none" else worked), row


@pytest.mark.parametrize(("folder", "study"), [("granted", "tags"), ("judged", "judged-tags")])
def test_each_cell_alone_says_the_same(folder: str, study: str) -> None:
    for (cpu, page), verdict in BY_HAND[folder].items():
        cell = f"cpu={cpu},page={page}"
        told = run_cli(
            "explain", cell, "--matrix", study, "--configs", str(CASES / folder), "--format", "json"
        )
        assert json.loads(told.out)["verdict"] == verdict, cell


COMMANDS = {
    "count": ("count", "tags"),
    "count --json": ("count", "tags", "--format", "json"),
    "rules": ("rules", "tags"),
    "cells": ("cells", "tags"),
    "explain": ("explain", "cpu=aws-graviton3", "--matrix", "tags"),
    "explain --json": ("explain", "cpu=neoverse-v2", "--matrix", "tags", "--format", "json"),
    "validate": ("validate", str(CONFIG), "--capability", "tags"),
    "validate --format": ("validate", str(CONFIG), "--capability", "tags", "--format", "sarif"),
    "validate one": ("validate", str(CONFIG), "--capability", "tags", "--cpu", "apple-m2"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_only_granted_is_never_judged(name: str) -> None:
    ran = run_cli(*COMMANDS[name], *GRANTED)
    assert "granted" in ran.out
    judged = [word.group() for word in JUDGING.finditer(_without_settings(ran.out))]
    assert judged == [], ran.out
    assert FOREIGN.search(ran.out) is None, ran.out


def _without_settings(text: str) -> str:
    """Return a text without facts of the kernel and SARIF's own words."""
    return re.sub(r'"system_supports_bbml": \w+,?|suppress\w+|"set_memory\w*', "", text)


def test_a_report_of_what_is_only_granted_judges_nothing(tmp_path: Path) -> None:
    ran = run_cli("report", "tags", *GRANTED, "--output", str(tmp_path))
    assert ran.code == 0, ran.err
    for file in ("tags.md", "tags.html"):
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert "not-granted" in text
        # Names of colours are no words of a reader.
        read = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
        assert JUDGING.findall(read) == [], file


def test_a_fleet_of_hosts_is_counted_as_granted(tmp_path: Path) -> None:
    shutil.copyfile(CONFIG, tmp_path / "config")
    hosts = tmp_path / "hosts.csv"
    hosts.write_text(
        "host,kernel,config,cpu\na,7.3,config,neoverse-v2\nb,7.3,config,aws-graviton3\n"
    )
    ran = run_cli("fleet", str(hosts), "--capability", "tags", *GRANTED)
    assert re.search(r"not-granted +1\b", ran.out), ran.out
    assert re.search(r"\n +granted +1\b", ran.out), ran.out
    assert JUDGING.search(ran.out) is None, ran.out


def test_a_part_of_the_truth_is_the_reason_with_its_source() -> None:
    asked = ("explain", "cpu=neoverse-v2,page=64k", "--matrix", "judged-tags", *JUDGED)
    text = run_cli(*asked).out
    assert text.startswith("unsound: ")
    assert "the check says yes, though tags of larger pages are not copied" in text
    assert "truth small-pages: PAGE_SIZE == 4096 = false" in text
    assert "arch/arm64/mm/copypage.c:14" in text
    assert FOREIGN.search(text) is None, text
    document = json.loads(run_cli(*asked, "--format", "json").out)
    assert "simulation" not in document
    (violated,) = document["truth"]["violations"]
    assert violated["invariant"] == "small-pages"
    assert violated["source"] == ["arch/arm64/mm/copypage.c:14"]


def test_the_check_that_a_truth_asks_for_is_synthesised() -> None:
    # FWB and small pages are the truth, and both can be tested.
    document = json.loads(run_cli("synthesize", "judged-tags", *JUDGED, "--format", "json").out)
    assert document["predicate"] == (
        "cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) && page_size_is_small(kvm)"
    )
    assert document["exact"] is True
    synthesised = document["comparison"][-1]["verdicts"]
    assert (synthesised["unsound"], synthesised["overstrict"]) == (0, 0)


def test_nothing_is_simulated_without_a_scenario() -> None:
    for study, configs in (("tags", GRANTED), ("judged-tags", JUDGED)):
        ran = run_cli("simulate", "cpu=neoverse-v2", "--matrix", study, *configs)
        assert (ran.code, ran.out) == (3, "")
        assert "MX0692" in ran.err


def test_a_claim_speaks_of_the_verdicts_that_there_are(tmp_path: Path) -> None:
    shutil.copytree(CASES / "granted", tmp_path / "mine")
    file = tmp_path / "mine" / "capabilities" / "tags.yaml"
    claim = 'claims:\n  v2: {{c: "{}", expected: {{"*": proved}}, description: "V2 has it"}}\n'
    text = file.read_text()
    statement = 'cpu != \\"neoverse-v2\\" || verdict == \\"{}\\" || verdict == \\"absent\\"'
    file.write_text(text + claim.format(statement.format("supported")))
    ran = run_cli("check", "--configs", str(tmp_path / "mine"))
    assert ran.code == 3
    assert "`verdict` is never `supported`" in ran.err
    file.write_text(text + claim.format(statement.format("granted")))
    ran = run_cli("claims", "tags", "--configs", str(tmp_path / "mine"))
    assert ran.code == 0, ran.out
    file.write_text(text + claim.format('!violates(\\"alias-access\\")'))
    ran = run_cli("check", "--configs", str(tmp_path / "mine"))
    assert "nothing is violated" in ran.err


def test_a_symbol_that_no_profile_has_is_said_with_the_overlay_that_adds_it(
    shared_data: Path,
) -> None:
    folder = shared_data / "data/reported/declarations/own-capability"
    ran = run_cli("check", "--configs", str(folder))
    assert ran.code == 3
    assert "error[MX0221]" in ran.err
    assert "overlays/mine.yaml" in ran.err
    assert FOREIGN.search(ran.out) is None


@pytest.mark.parametrize("name", ["mte", "own-capability-mte"])
def test_a_copied_scenario_is_refused_with_what_to_write(name: str, shared_data: Path) -> None:
    ran = run_cli("check", "--configs", str(shared_data / "data/reported/declarations" / name))
    assert ran.code == 3
    assert "error[MX0241]" in ran.err
    assert "declare `truth:`" in ran.err
    assert FOREIGN.search(ran.out) is None


@pytest.mark.parametrize(("name", "study"), [("mte", "mte"), ("own-capability-mte", "mte")])
def test_without_the_copied_scenario_it_is_answered(
    name: str, study: str, tmp_path: Path, shared_data: Path
) -> None:
    shutil.copytree(shared_data / "data/reported/declarations" / name, tmp_path / "mine")
    (file,) = (tmp_path / "mine" / "capabilities").iterdir()
    text = re.sub(r"scenario: \w+\n(claims:\n(  .*\n)+)?", "", file.read_text())
    file.write_text(text)
    ran = run_cli("count", study, "--configs", str(tmp_path / "mine"))
    assert ran.code == 0, ran.err
    assert re.search(r"^granted +[1-9]", ran.out, re.MULTILINE), ran.out
    assert JUDGING.search(ran.out) is None


def test_no_shipped_file_is_refused_for_its_scenario() -> None:
    assert run_cli("check").code == 0


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kvm_mode != KVM_MODE_NONE", "kvm_is_availble()", "did you mean `kvm_is_available()`?"),
        ("kvm_mode != KVM_MODE_NONE", "kvm_mod != KVM_MODE_NONE", "did you mean `kvm_mode`?"),
        (
            "IS_ENABLED(CONFIG_KVM)",
            "IS_ENABLED(CONFIG_KASAN_HW_TAGS)",
            "KASAN_HW_TAGS: {type: bool",
        ),
        ("cap(ARM64_MTE)", "cap(ARM64_MTE2)", "did you mean `ARM64_MTE`?"),
    ],
)
def test_a_name_that_no_profile_has_is_refused_and_not_passed_over(
    old: str, new: str, says: str, tmp_path: Path
) -> None:
    # A requirement with a misspelt name was never asked: absent cells came out as granted.
    shutil.copytree(CASES / "granted", tmp_path / "mine")
    file = tmp_path / "mine" / "capabilities" / "tags.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    ran = run_cli("count", "tags", "--configs", str(tmp_path / "mine"))
    assert (ran.code, ran.out) == (3, "")
    assert "error[MX0221]" in ran.err
    assert says in ran.err
