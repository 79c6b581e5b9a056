"""No advisory is printed whose condition is false, on any surface.

The conditions are written here once more, over what a user gives: a `.config`, a CPU, a command
line, a kind of VM. None: what nobody recorded decides, so that either may be said.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.scenarios.arm64.page import ADVISORIES
from tests.cli_runner import run_cli

DATA = Path(__file__).parents[1] / "data" / "booted"
NAMES = {row.name for row in ADVISORIES}
SYMBOLS = {
    "hibernation-copy": "HIBERNATION",
    "kexec-copy": "KEXEC_CORE",
    "vmcore-copy": "CRASH_DUMP",
    "poisoned-alias": "MEMORY_FAILURE",
}


class Machine(Struct, frozen=True, kw_only=True):
    """What Arm's manuals and errata say of a CPU system, by hand.

    `split` by BBM, on demand or (`late`) at boot; None: the revision decides.
    """

    erratum: bool | None = False
    split: bool = False
    late: bool = False


CPUS = {
    "graviton3": Machine(erratum=True),
    "neoverse-v1,dic=1": Machine(erratum=None),
    "neoverse-v1,dic=1,midr=0x411fd402": Machine(),
    "cortex-a710": Machine(erratum=True),
    "neoverse-n1": Machine(),
    "apple-m1": Machine(),
    "neoverse-v3,dic=1,midr=0x410fd842": Machine(split=True),
    "neoverse-v3,dic=1,midr=0x410fd842+graviton3": Machine(erratum=True, late=True),
}
LINES = ("", "rodata=noalias", "rodata=noalias kfence.sample_interval=100", "kvm-arm.mode=nested")
# What may stand behind a line, with what can then not happen.
ENDS = {
    "": {"vmcore-copy"},
    "crashkernel=256M": set(),
    "nohibernate": {"hibernation-copy", "vmcore-copy"},
    "crashkernel=1G,high hibernate=no": {"hibernation-copy"},
    "crashkernel=64M,low hibernate=noresume": {"vmcore-copy"},
}
# They are about a page that the check let a VM have; FWB and booting are not.
WITHOUT_THE_FLAG = {"dev-kvm-over-advertises", "fwb-not-applied", "boot-split-panic"}


class Asked(Struct, frozen=True, kw_only=True):
    """A cell as a user gives it: symbols that are set, others are off."""

    release: str
    symbols: frozenset[str]
    cpu: str
    line: str
    end: str
    vm: str


ASKED = st.builds(
    Asked,
    release=st.sampled_from(("7.2", "7.3")),
    symbols=st.frozensets(st.sampled_from(sorted(SYMBOLS.values()))),
    cpu=st.sampled_from(sorted(CPUS)),
    line=st.sampled_from(LINES),
    end=st.sampled_from(sorted(ENDS)),
    vm=st.sampled_from(("default", "nested")),
)


def can_happen(name: str, asked: Asked, predicate: bool | None) -> bool | None:
    machine = CPUS[asked.cpu]
    if name in ENDS[asked.end] or (predicate is False and name not in WITHOUT_THE_FLAG):
        return False
    if name in SYMBOLS:
        # Kconfig has no CRASH_DUMP without KEXEC_CORE.
        needed = {SYMBOLS[name], *(("KEXEC_CORE",) if name == "vmcore-copy" else ())}
        return needed <= asked.symbols
    return {
        "vncr-alias": asked.vm == "nested",
        "split-out-of-memory": machine.split,
        "boot-split-panic": machine.late,
        "fwb-not-applied": machine.erratum,
        "dev-kvm-over-advertises": predicate is False,
    }.get(name, True)


def config_of(asked: Asked) -> str:
    lines = (DATA / f"{asked.release}.config").read_text().splitlines()
    own = tuple(f"CONFIG_{symbol}" for symbol in SYMBOLS.values())
    kept = [line for line in lines if not re.fullmatch(rf"(# )?({'|'.join(own)})[= ].*", line)]
    chosen = asked.symbols - ({"CRASH_DUMP"} if "KEXEC_CORE" not in asked.symbols else set())
    added = [f"CONFIG_{symbol}=y" for symbol in sorted(chosen)]
    return "\n".join([*kept[:-1], *added, kept[-1], ""])


@settings(max_examples=25, deadline=None)
@given(ASKED)
def test_no_file_is_answered_with_an_advisory_that_cannot_happen(asked: Asked) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "own.config"
        file.write_text(config_of(asked))
        on = ("--cpu", asked.cpu, "--vm", asked.vm, "--cmdline", f"{asked.line} {asked.end}")
        arguments = ("validate", str(file), *on)
        (result,) = json.loads(run_cli(*arguments, "--format", "json").out)["results"]
        brief = run_cli(*arguments).out
        texts = [run_cli(*arguments, *more).out for more in (["-v"], ["-vv"])]
    words = dict(map(named, result["simulation"]["advisories"]))
    for text in texts:
        assert set(re.findall(r"advisory\s+`([\w-]+)`", text)) == words.keys()
    listed = re.search(r"^  - advisories: (.*\n(?:    .*\n)*)", brief, re.MULTILINE)
    assert set(re.findall(r"`([\w-]+)`", listed[1] if listed else "")) == words.keys()
    expected = {name: can_happen(name, asked, result["predicate"]) for name in NAMES}
    for name in words.keys() & NAMES:
        assert expected[name] is not False, name
        assert (words[name] == "unknown") == (expected[name] is None)
    if result["verdict"] == "supported":
        assert {name for name in NAMES if expected[name] is not False} == words.keys() & NAMES


def named(text: str) -> tuple[str, str]:
    """Return the name of an advisory of a JSON document and how certain it is."""
    found = re.match(r"([\w-]+)(?: \(([^)]*)\))?: ", text)
    assert found, text
    return found[1], found[2] or "certain"


@pytest.fixture(scope="module")
def options() -> dict[str, tuple[str, ...]]:
    study = prepare_study(Library(()), "arm64-gmem-no-direct-map").study
    return {axis.name: tuple(option.name for option in axis.options) for axis in study.axes}


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_no_cell_is_simulated_with_an_advisory_that_cannot_happen(
    options: dict[str, tuple[str, ...]], data: st.DataObject
) -> None:
    varied = ("boot.rodata", "boot.kvm_arm_mode", "vm", "cpu")
    chosen = {axis: data.draw(st.sampled_from(options[axis]), label=axis) for axis in varied}
    chosen["kernel"] = data.draw(st.sampled_from(("6.18", "7.2", "7.3")), label="kernel")
    cell = ",".join(f'{axis}="{option}"' for axis, option in chosen.items())
    ran = run_cli("simulate", cell, "--predicate", "v12", "--format", "json")
    if ran.code == 3:
        return  # no such cell, or nothing to simulate
    (document,) = json.loads(ran.out)["cells"]
    listed = {item["invariant"]: item["certainty"] for item in document["advisories"]}
    assert ("vncr-alias" not in listed) or chosen["vm"] == "nested"
    if document["predicate"] is not None:
        assert ("dev-kvm-over-advertises" in listed) == (document["predicate"] is False)
    if document["predicate"] is False:
        assert not (NAMES - WITHOUT_THE_FLAG) & listed.keys()
    assert "vmcore-copy" not in listed  # no axis of the study reserves memory
    for name in listed.keys() & SYMBOLS.keys():
        assert listed[name] == "unknown"  # no axis of the study sets the symbol
    text = run_cli("simulate", cell, "--brief").out
    assert set(re.findall(r"(?m)^\s+advisory ([\w-]+) \(", text)) == listed.keys()


@pytest.mark.parametrize("cell", ["cpu=aws-graviton3", "cpu=apple-m1,kernel=6.18"])
def test_a_cell_is_explained_with_the_advisories_it_is_simulated_with(cell: str) -> None:
    asked = (cell, "--matrix", "arm64-overview", "--format", "json")
    explained = json.loads(run_cli("explain", *asked).out)["simulation"]["advisories"]
    (document,) = json.loads(run_cli("simulate", *asked).out)["cells"]
    simulated = {item["invariant"]: item["certainty"] for item in document["advisories"]}
    assert dict(map(named, explained)) == simulated


def test_a_review_says_no_advisory_at_all() -> None:
    """It is about what the check lets through; what hangs on the rest of a system is elsewhere."""
    mail = Path(__file__).parents[1] / "cases" / "review" / "only-the-lines.mbox"
    ran = run_cli("review", str(mail))
    assert "It says yes and must not" in ran.out
    assert not any(name in ran.out for name in NAMES)
