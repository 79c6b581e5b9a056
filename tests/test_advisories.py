"""Advisories by hand: each is said where it can happen, and nowhere else.

The tables are written from the kernel's Kconfig, the fact pages and Arm's errata, in other words
than the declarations.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from matrix.analyze.cell import advice, answering
from matrix.analyze.cell.advice import advisories
from matrix.analyze.cell.answering import settle
from matrix.analyze.cell.question import Completion, Question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.evaluation import Evaluation
from matrix.explore.fixpoint import explore
from matrix.explore.outcome import Violation
from matrix.expr.evaluation import truth
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study, study_result
from matrix.scenarios.arm64.page import ADVISORIES
from tests.cli_runner import run_cli
from tests.unit.scenarios.by_inputs import machines_of, scenario_of
from tests.unit.scenarios.simulation_cases import inputs_of

DATA = Path(__file__).parent / "data" / "booted"
NAMES = {row.name for row in ADVISORIES}
LIBRARY = Library(())


def advised(*arguments: str) -> dict[str, tuple[str, str]]:
    """Return what `validate` advises for one file and CPU: name to (word, message)."""
    (result,) = json.loads(run_cli("validate", *arguments, "--format", "json").out)["results"]
    return parsed(result["simulation"]["advisories"])


def parsed(texts: list[str]) -> dict[str, tuple[str, str]]:
    found = {}
    for text in texts:
        split = re.fullmatch(r"([\w-]+)(?: \(([^)]*)\))?: (.*)", text, re.DOTALL)
        assert split, text
        found[split[1]] = (split[2] or "certain", split[3])
    return found


def changed(folder: Path, symbols: Mapping[str, str | None]) -> str:
    """Return the `.config` of Debian's 7.3 with some symbols set, or off (None)."""
    text = (DATA / "7.3.config").read_text()
    for symbol, value in symbols.items():
        text = re.sub(rf"(?m)^(# )?CONFIG_{symbol}[ =].*\n", "", text)
        line = f"# CONFIG_{symbol} is not set" if value is None else f"CONFIG_{symbol}={value}"
        head, last = text.rstrip("\n").rsplit("\n", 1)
        text = f"{head}\n{line}\n{last}\n"
    path = folder / "own.config"
    path.write_text(text)
    return str(path)


# --- what a .config decides -----------------------------------------------------------------------

OF_A_SYMBOL = {
    "hibernation-copy": "HIBERNATION",
    "kexec-copy": "KEXEC_CORE",
    "vmcore-copy": "CRASH_DUMP",
    "poisoned-alias": "MEMORY_FAILURE",
}


@pytest.mark.parametrize("name", OF_A_SYMBOL)
def test_what_is_not_built_in_is_not_advised(name: str, tmp_path: Path) -> None:
    asked = ("--cpu", "graviton3", "--cmdline", "crashkernel=256M")
    off = advised(changed(tmp_path, {OF_A_SYMBOL[name]: None}), *asked)
    assert name not in off
    on = advised(changed(tmp_path, {OF_A_SYMBOL[name]: "y"}), *asked)
    assert on[name][0] == "possible"
    assert "; needs " in on[name][1]


@pytest.mark.parametrize("name", OF_A_SYMBOL)
def test_of_a_fragment_that_does_not_say_it_hangs_on_the_symbol(name: str, tmp_path: Path) -> None:
    fragment = tmp_path / "fragment.config"
    fragment.write_text(
        "# Linux/arm64 7.3.0 Kernel Configuration\n"
        "CONFIG_KVM=y\nCONFIG_KVM_GUEST_MEMFD=y\nCONFIG_ARM64_4K_PAGES=y\n"
        "# CONFIG_DEBUG_PAGEALLOC is not set\nCONFIG_KFENCE=y\nCONFIG_KFENCE_SAMPLE_INTERVAL=0\n"
    )
    asked = ("--cpu", "graviton3", "--cmdline", "crashkernel=256M")
    word, message = advised(str(fragment), *asked)[name]
    assert word == "unknown"
    assert message.endswith(f"hangs on CONFIG_{OF_A_SYMBOL[name]}, which is not given")


def test_a_reported_fragment_with_hibernation_off_is_not_advised_about_it(tmp_path: Path) -> None:
    """p25 of the reported inputs: HIBERNATION is off in what is merged."""
    merged = tmp_path / "merged.config"
    merged.write_text(
        "# Linux/arm64 6.18.39 Kernel Configuration\n"
        "CONFIG_KVM=y\nCONFIG_KVM_GUEST_MEMFD=y\nCONFIG_ARM64_4K_PAGES=y\n"
        "# CONFIG_HIBERNATION is not set\nCONFIG_STRICT_KERNEL_RWX=y\n"
        "CONFIG_KFENCE=y\nCONFIG_KFENCE_SAMPLE_INTERVAL=0\n"
    )
    assert "hibernation-copy" not in advised(str(merged), "--cpu", "graviton3")
    assert "hibernation" not in run_cli("validate", str(merged), "--cpu", "graviton3").out


# --- what the command line decides ----------------------------------------------------------------

# Documentation/admin-guide/kernel-parameters.txt: whether an image can be written.
HIBERNATES = {
    "": True,
    "nohibernate": False,
    "hibernate=no": False,
    "hibernate=noresume": True,
    "noresume": True,
    "hibernate=nocompress": True,
    "nohibernate hibernate=nocompress": False,
    "console=ttyAMA0 -- nohibernate": True,  # init's, not the kernel's
}
# kdump.rst: whether the line asks for memory that a crash kernel runs in.
RESERVES = {
    "": False,
    "crashkernel": False,
    "crashkernel=256M": True,
    "crashkernel=512M-2G:64M,2G-:128M": True,
    "crashkernel=0-2G:0,2G-:256M": True,
    "crashkernel=0": False,
    "crashkernel=256M,high crashkernel=64M,low": True,
    "crashkernel=64M,low": False,
    "crashkernel=256M crashkernel=0": False,
    "crashkernel=0 crashkernel=256M": True,
}


@pytest.mark.parametrize("kernel", ["6.18", "7.2", "7.3"])
@pytest.mark.parametrize("line", HIBERNATES)
def test_a_line_that_forbids_hibernation_is_not_advised_about_it(line: str, kernel: str) -> None:
    asked = ("--kernel", kernel, "--cpu", "graviton3", "--cmdline", line)
    assert ("hibernation-copy" in advised(str(DATA / "7.3.config"), *asked)) == HIBERNATES[line]


@pytest.mark.parametrize("kernel", ["6.18", "7.2", "7.3"])
@pytest.mark.parametrize("line", RESERVES)
def test_without_memory_for_a_crash_kernel_no_vmcore_is_advised_about(
    line: str, kernel: str
) -> None:
    asked = ("--kernel", kernel, "--cpu", "graviton3", "--cmdline", line)
    assert ("vmcore-copy" in advised(str(DATA / "7.3.config"), *asked)) == RESERVES[line]


def test_an_older_kernel_is_not_said_to_lack_the_parameters_that_advisories_read() -> None:
    line = "nohibernate hibernate=no crashkernel=256M"
    for kernel in ("5.10", "6.1", "6.6", "6.12"):
        file = str(DATA / "6.12.config")
        ran = run_cli("validate", file, "--kernel", kernel, "--cpu", "graviton3", "--cmdline", line)
        assert "MX1702" not in ran.err
        assert "MX1703" not in ran.err


# --- what the CPU, the VM and the check decide ----------------------------------------------------

# Arm's errata: the last revision that has it; None: what nobody recorded decides.
ERRATUM = {
    "cortex-a710": True,  # seen r2p1; 2701952 to r2p1
    "cortex-a710,midr=0x412fd472": False,  # r2p2, after the last revision
    "neoverse-v1": None,  # r1p1 and r1p2 were seen; 2701953 to r1p1
    "neoverse-v1,midr=0x410fd400": True,
    "neoverse-v1,midr=0x411fd401": True,
    "neoverse-v1,midr=0x411fd402": False,
    "graviton3": True,  # r1p1
    "cortex-a715": False,
    "cortex-a720+cortex-a710": True,  # one CPU with it is enough
    "apple-m1": False,
}


@pytest.mark.parametrize("cpu", ERRATUM)
def test_fwb_is_not_applied_on_the_revisions_of_the_erratum(cpu: str) -> None:
    # DIC is a build option of Neoverse V1: set, so that the answer itself is known.
    spec = f"{cpu},dic=1" if cpu.startswith("neoverse-v1") else cpu
    found = advised(str(DATA / "7.3.config"), "--cpu", spec)
    match ERRATUM[cpu]:
        case True:
            word, message = found["fwb-not-applied"]
            assert word == "possible"
            assert message.endswith("needs an interconnect that is not Arm's")
        case None:
            word, message = found["fwb-not-applied"]
            assert word == "unknown"
            assert "hangs on midr (the revision of neoverse-v1,dic=1 decides" in message
        case False:
            assert "fwb-not-applied" not in found


def test_fwb_that_the_kernel_does_not_see_is_not_advised_about() -> None:
    found = advised(str(DATA / "7.3.config"), "--cpu", "cortex-a710,fwb=0")
    assert "fwb-not-applied" not in found


def test_dev_kvm_says_yes_where_the_vm_says_no_and_only_there() -> None:
    file = str(DATA / "7.3.config")
    no = advised(file, "--cpu", "neoverse-n1")
    assert no["dev-kvm-over-advertises"][0] == "certain"
    assert "dev-kvm-over-advertises" not in advised(file, "--cpu", "graviton3")
    off = ("--cmdline", "rodata=noalias kfence.sample_interval=100")
    assert "dev-kvm-over-advertises" in advised(file, "--cpu", "graviton3", *off)


@pytest.mark.parametrize("further", ["", "CONFIG_ARM64_16K_PAGES=y\n"])
def test_of_a_fragment_each_completion_is_asked_what_it_says_by_itself(
    further: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shared by completions that agree is what evaluating each anew gives."""
    asked: list[tuple[Question, Evaluation, tuple[Completion, ...]]] = []

    def noted(question: Question, known: Evaluation, completions: Any, *rest: Any) -> Any:
        asked.append((question, known, completions))
        return advisories(question, known, completions, *rest)

    monkeypatch.setattr(answering, "advisories", noted)
    file = tmp_path / "fragment"
    file.write_text(f"CONFIG_KVM=y\n{further}")
    run_cli("validate", str(file), "--kernel", "7.3")
    compared = 0
    for question, known, completions in asked:
        found = {advice._key(row) for item in completions for row in _besides(item)}
        for key in found:
            rule = question.advisories.get(key[0])
            alone = [
                key in {advice._key(row) for row in _besides(item)}
                and (
                    key[0] in question.invariants
                    or (
                        rule is not None
                        and truth(known.with_atoms(dict(item.assigned)).of(rule.when))
                    )
                )
                for item in completions
            ]
            assert advice._holding(question, known, completions, key) == alone
            compared += len({item.assigned for item in completions}) > 1
    assert compared > 50


def _besides(item: Completion) -> tuple[Violation, ...]:
    return item.leaf.result.advisories if item.leaf.result else ()


# Said of a page without its alias: where the check says no there is none. The others are met by
# every guest (FWB), or while the kernel boots.
OF_A_PAGE = NAMES - {"dev-kvm-over-advertises", "fwb-not-applied", "boot-split-panic"}


@pytest.mark.parametrize(
    "cpu", ["neoverse-n1", "cortex-a76", "neoverse-v3,dic=1,fwb=0,midr=0x410fd842", "graviton3"]
)
def test_of_pages_that_do_not_exist_nothing_is_advised(cpu: str) -> None:
    off = "rodata=noalias kfence.sample_interval=100 crashkernel=256M"
    line = off if cpu == "graviton3" else "crashkernel=256M"
    arguments = ("--cpu", cpu, "--cmdline", line)
    ran = run_cli("validate", str(DATA / "7.3.config"), *arguments, "--format", "json")
    (result,) = json.loads(ran.out)["results"]
    assert result["predicate"] is False
    found = parsed(result["simulation"]["advisories"])
    assert not OF_A_PAGE & found.keys()
    assert found["dev-kvm-over-advertises"][0] == "certain"


def test_where_the_check_says_yes_the_same_is_advised() -> None:
    arguments = ("--cpu", "graviton3", "--cmdline", "crashkernel=256M")
    found = advised(str(DATA / "7.3.config"), *arguments)
    assert found.keys() - {"fwb-not-applied"} == OF_A_PAGE - {"vncr-alias", "split-out-of-memory"}


def test_another_predicate_says_no_where_v12_says_yes() -> None:
    file, other = str(DATA / "7.3.config"), ("--predicate", "cacheable-pfnmap")
    assert "dev-kvm-over-advertises" not in advised(file, "--cpu", "apple-m1")
    assert "dev-kvm-over-advertises" in advised(file, "--cpu", "apple-m1", *other)


def test_an_allocation_that_has_to_fail_is_not_certain() -> None:
    """BBM of Neoverse V3 counts from r0p2 on; on Graviton3 there is none."""
    splits = "neoverse-v3,dic=1,midr=0x410fd842"
    for cpu, name in (
        (splits, "split-out-of-memory"),
        (f"{splits}+graviton3", "boot-split-panic"),
    ):
        word, message = advised(str(DATA / "7.3.config"), "--cpu", cpu)[name]
        assert word == "possible"
        assert message.endswith("needs an allocation that fails")
    assert (
        not {"split-out-of-memory", "boot-split-panic"}
        & advised(str(DATA / "7.3.config"), "--cpu", "graviton3").keys()
    )


def test_pinning_fails_wherever_the_flag_is_taken() -> None:
    word, message = advised(str(DATA / "7.3.config"), "--cpu", "graviton3")["gup-refused"]
    assert word == "certain"
    for user in ("VFIO", "O_DIRECT", "futexes", "core dumps"):
        assert user in message


# --- compared with a kernel without the capability ------------------------------------------------


def base_and_series(name: str) -> tuple[bool, bool]:
    """Say whether the base kernel and the kernel with the series find something."""
    inputs = inputs_of("7.3")
    (first, *_) = machines_of(inputs)
    found = []
    for used in (False, True):
        machine = replace(first, assumption="faults", with_capability=used)
        found.append(name in explore(scenario_of(inputs), machine).paths)
    return found[0], found[1]


def test_a_poisoned_page_is_no_worse_off_than_without_the_capability() -> None:
    """arm64 has no set_mce_nospec(): the entry was valid there all along, as the message says."""
    assert base_and_series("poisoned-alias") == (False, True)
    _, message = advised_of_study()["poisoned-alias"]
    assert "without the capability it never becomes invalid" in message


def test_the_erratum_is_met_without_the_capability_too() -> None:
    assert base_and_series("fwb-not-applied") == (True, True)


# --- studies --------------------------------------------------------------------------------------


def advised_of_study(cell: str = "cpu=graviton3") -> dict[str, tuple[str, str]]:
    ran = run_cli("simulate", cell.replace("graviton3", "aws-graviton3"), "--format", "json")
    (document,) = json.loads(ran.out)["cells"]
    return {
        item["invariant"]: (item["certainty"], item["message"]) for item in document["advisories"]
    }


def test_in_a_study_without_the_symbol_it_hangs_on_it() -> None:
    word, message = advised_of_study()["hibernation-copy"]
    assert word == "unknown"
    assert message.endswith("hangs on CONFIG_HIBERNATION, which is not given")


def test_a_chosen_order_of_events_finds_no_advisory_that_cannot_happen() -> None:
    event = ("--event", "guest read", "--event", "hibernation", "--format", "json")
    debian, cloud = (
        json.loads(run_cli("simulate", f"distro={name}", "--matrix", "arm64-distros", *event).out)[
            "cells"
        ][0]["found"]
        for name in ("debian-7.3", "fedora-rawhide")
    )
    assert [item["name"] for item in debian] == ["hibernation-copy"]
    assert hibernates("debian-7.3")
    assert bool(cloud) == hibernates("fedora-rawhide")


def hibernates(distro: str) -> bool:
    folder = Path(__file__).parent.parent / "configs" / "distros"
    return '\n  HIBERNATION: "y"' in (folder / f"{distro}.yaml").read_text()


def test_a_report_counts_each_advisory_in_the_cells_that_can_have_it() -> None:
    """Cell by cell by the concrete engine, for distributions and CPUs that leave much unknown."""
    prepared = prepare_study(LIBRARY, "arm64-distros")
    solved = prepared.solve()
    reported: Counter[str] = Counter()
    for item in study_result(prepared, solved).advisories:
        reported[item.finding.invariant] += item.cells
    counted: Counter[str] = Counter()
    for chosen in (solved.valid - solved.verdicts[Verdict.ABSENT]).cells():
        question, cell, _ = prepared.cell(chosen)
        completions = settle(question, cell, prepared.behaviours)
        known = Evaluation(question.program.definitions, cell.variables, cell.atoms)
        found = advisories(question, known, completions, prepared.behaviours, cell.detections)
        counted.update({item.invariant for item in found})
    assert counted == reported
    assert {"hibernation-copy", "kexec-copy", "fwb-not-applied", "guest-progress"} <= set(counted)


def test_every_advisory_has_a_condition_that_some_release_has() -> None:
    architecture = LIBRARY.architecture("arm64")
    assert {row.name for row in architecture.advisories} == NAMES
    named = [LIBRARY.program(profile) for profile in LIBRARY.knowledge.kernels]
    assert {name for program in named for name in program.advisories} == NAMES
    assert all(row.condition.source for row in architecture.advisories)


@pytest.mark.parametrize("config", ["5.10", "6.1", "6.12"])
def test_an_older_kernel_is_not_said_to_lack_what_advisories_read(config: str) -> None:
    ran = run_cli("validate", str(DATA / f"{config}.config"), "--cpu", "graviton3")
    assert "CRASH_DUMP" not in ran.err
    assert "MEMORY_FAILURE" not in ran.err
