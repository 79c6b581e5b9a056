"""Laws of fixes: what `validate` prints works, nothing of it can be left out, nothing cheaper does.

A fix is applied to the file and the command line as a person would, `make olddefconfig` included,
and the command run again. That none is printed where one exists is looked for by brute force over
all changes within the bound.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answering import Cell, exists, settle
from matrix.analyze.cell.assemble import config_atoms, cpu_atoms, surroundings_atoms, variables_of
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.fix import MOST_CHANGES
from matrix.analyze.cell.question import Question, lower_question, predicate_version
from matrix.expr.nodes import Value
from matrix.flows.knowledge import Library
from matrix.kernel.config.dotconfig import load_dotconfig
from matrix.kernel.cpu.resolve import resolve_system
from matrix.schema.values import KernelProfile
from tests.cli_runner import run_cli

BOOTED = Path(__file__).parents[1] / "data" / "booted"

Change = dict[str, str]

FILES = ("7.3", "7.3-16k", "7.2", "6.12", "6.1")
CPUS = (
    "graviton3",
    "cortex-a710",
    "neoverse-v1",
    "apple-m2",
    "neoverse-n1",
    "cortex-a76+cortex-a55",
)
PARAMETERS = (
    "rodata=off",
    "rodata=noalias",
    "rodata=full",
    "rodata=bogus",
    "kfence.sample_interval=100",
    "kfence.sample_interval=0",
    "kvm-arm.mode=none",
    "kvm-arm.mode=nvhe",
    "kvm-arm.mode=protected",
    "secretmem.enable=0",
    "debug_pagealloc=on",
)
SETTINGS: tuple[dict[str, str | None], ...] = (
    {},
    {"KVM": "n", "KVM_GUEST_MEMFD": "n"},
    {"KVM": "n"},
    {"VIRTUALIZATION": "n", "KVM": "n", "KVM_GUEST_MEMFD": "n"},
    {"KVM_GUEST_MEMFD": "n"},
    {"KFENCE": "n", "KFENCE_SAMPLE_INTERVAL": None},
    {"KFENCE": "n", "KFENCE_SAMPLE_INTERVAL": "n"},
    {"KFENCE_SAMPLE_INTERVAL": "100"},
    {"DEBUG_PAGEALLOC": "y"},
    {"RODATA_FULL_DEFAULT_ENABLED": "n"},
    {"SECRETMEM": "n"},
    {"CMDLINE": '"rodata=off"', "CMDLINE_FORCE": "y"},
    {"ARM64_4K_PAGES": "n", "ARM64_64K_PAGES": "y", "ARM64_16K_PAGES": "n"},
)
# What has no prompt, whatever the release, read by hand.
UNASKED = frozenset(
    {"KVM_GUEST_MEMFD", "ARCH_HAS_SET_DIRECT_MAP", "STRICT_KERNEL_RWX", "KEXEC_CORE"}
)
# (capability, kind of VM)
ASKED = (
    ("gmem-no-direct-map", "default"),
    ("memfd-secret", "default"),
    ("gmem-no-direct-map", "nested"),
    ("gmem-no-direct-map", "protected"),
)


class Given(Struct, frozen=True, dict=True, kw_only=True):
    """What a person gives to `validate`."""

    file: str
    settings: tuple[tuple[str, str | None], ...]
    line: str
    cpu: str
    capability: str
    vm: str

    def symbols(self, change: Mapping[str, str]) -> dict[str, str | None]:
        """Return what differs from the file: its settings, a change, and what `conf` makes of it.

        `conf` by hand, read in the trees: KVM depends on VIRTUALIZATION and (from 6.18 on) selects
        KVM_GUEST_MEMFD; the interval depends on KFENCE and is 100 by default.
        """
        named = {k.removeprefix("kconfig."): v for k, v in change.items() if k[0] == "k"}
        found: dict[str, str | None] = {**dict(self.settings), **named}
        if not named and "make" not in change:
            return found
        if found.get("VIRTUALIZATION") == "n":
            found["KVM"] = "n"
        if self.file.startswith("7."):
            found["KVM_GUEST_MEMFD"] = found.get("KVM", "y")
        elif self.file == "6.1":
            found["SECRETMEM"] = "y"
        if found.get("KFENCE") == "n":
            found["KFENCE_SAMPLE_INTERVAL"] = None
        elif found.get("KFENCE_SAMPLE_INTERVAL", "0") in (None, "n"):
            found["KFENCE_SAMPLE_INTERVAL"] = "100"
        return found

    def text(self, change: Mapping[str, str]) -> str:
        """Return the `.config` with its settings and a change made in it."""
        text = (BOOTED / f"{self.file}.config").read_text()
        for symbol, value in self.symbols(change).items():
            text = re.sub(rf"^(# )?CONFIG_{symbol}[ =].*\n", "", text, flags=re.MULTILINE)
            if value is not None:
                is_off = value == "n"
                text += (
                    f"# CONFIG_{symbol} is not set\n" if is_off else f"CONFIG_{symbol}={value}\n"
                )
        return text

    def command_line(self, change: Mapping[str, str]) -> str:
        """Return the command line with a change appended."""
        named = [f"{k.removeprefix('boot.')}={v}" for k, v in change.items() if k[0] == "b"]
        return " ".join((self.line, *named)).strip()


givens = st.builds(
    Given,
    file=st.sampled_from(FILES),
    settings=st.lists(st.sampled_from(SETTINGS), max_size=2).map(
        lambda chosen: tuple({k: v for item in chosen for k, v in item.items()}.items())
    ),
    line=st.lists(st.sampled_from(PARAMETERS), max_size=3).map(" ".join),
    cpu=st.sampled_from(CPUS),
    capability=st.sampled_from(ASKED).map(lambda asked: asked[0]),
    vm=st.just("default"),
) | st.builds(
    Given,
    file=st.sampled_from(FILES[:3]),
    settings=st.sampled_from(SETTINGS).map(lambda chosen: tuple(chosen.items())),
    line=st.lists(st.sampled_from(PARAMETERS), max_size=2).map(" ".join),
    cpu=st.sampled_from(CPUS),
    capability=st.just("gmem-no-direct-map"),
    vm=st.sampled_from(("default", "nested", "protected")),
)
# SECRETMEM of 6.1 follows EMBEDDED, which the profile projects away: without either, a `.config`
# that another build may have is not brought back by any change that the model can prove.
givens = givens.filter(
    lambda asked: asked.file != "6.1" or dict(asked.settings).get("SECRETMEM") != "n"
)


def validated(folder: Path, asked: Given, change: Mapping[str, str]) -> dict[str, Any]:
    """Run `matrix validate` with a change applied and return its result."""
    file = folder / "asked.config"
    file.write_text(asked.text(change))
    ran = run_cli(
        *("validate", str(file), "--cpu", asked.cpu, "--cmdline", asked.command_line(change)),
        *("--capability", asked.capability, "--vm", asked.vm, "--format", "json"),
        *("--kernel", asked.file.partition("-")[0], "--fail-on", ""),
    )
    assert ran.code in (0, 4), ran.err
    result: dict[str, Any] = json.loads(ran.out)["results"][0]
    return result


def works(result: Mapping[str, Any]) -> bool:
    """Tell whether an answer is `supported`, of a `.config` that the release's Kconfig can make."""
    return result["verdict"] == "supported" and not unrealizable(result)


def unrealizable(result: Mapping[str, Any]) -> bool:
    return any(item["code"] == "MX0919" for item in result["diagnostics"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("asked")


def weight(change: Mapping[str, str]) -> int:
    return sum(1 if name.startswith("boot.") else 10 for name in change)


@settings(max_examples=30)
@given(asked=givens)
def test_what_is_printed_works_and_nothing_of_it_is_idle(folder: Path, asked: Given) -> None:
    before = validated(folder, asked, {})
    fixes = before["fixes"]
    assert not (fixes and before["verdict"] == "supported")
    for fix in (*fixes[:2], *fixes[-1:]):
        change: Change = fix["change"]
        assert 0 < len(change) <= MOST_CHANGES
        again = validated(folder, asked, change)
        assert again["verdict"] == fix["verdict"] == "supported", change
        assert not UNASKED & {name.removeprefix("kconfig.") for name in change}
        if not unrealizable(before) or any(not name.startswith("boot.") for name in change):
            assert not unrealizable(again), change
        for size in range(1, len(change)):
            for kept in itertools.combinations(change.items(), size):
                part = validated(folder, asked, dict(kept))
                assert not works(part), (change, kept)


# --- brute force ----------------------------------------------------------------------------------


@cache
def library() -> Library:
    return Library()


class BruteForce:
    """Every change of a given file and command line, each evaluated as a cell of its own."""

    def __init__(self, folder: Path, asked: Given) -> None:
        self.asked = asked
        shelf = library()
        self.profile: KernelProfile = shelf.kernel(asked.file.partition("-")[0])
        capability = shelf.capability(asked.capability)
        program = shelf.program(self.profile)
        self.question: Question = lower_question(
            program, capability, predicate_version(capability, None)
        )
        file = folder / "brute.config"
        file.write_text(asked.text({}))
        config = load_dotconfig(str(file))
        architecture = shelf.architecture("arm64")
        system = resolve_system(asked.cpu, shelf.knowledge, architecture)
        values, self.detections = cpu_atoms(program, system)
        self.atoms: dict[str, Value] = {
            **config_atoms(program, config),
            **surroundings_atoms(architecture, {"vm": asked.vm}),
            **values,
        }
        self.built_in: str | None = None
        if config.value("CMDLINE_FORCE") is True:
            self.built_in = str(config.value("CMDLINE"))
        self.lines: dict[str, Mapping[str, Any]] = {}
        self.behaviours = Behaviours()
        # Without a rebuild, a `.config` that Kconfig cannot make is taken as it stands.
        self.as_it_stands = self.question
        if not exists(self.question, self.cell({}), self.behaviours):
            self.as_it_stands = replace(self.question, constraints=())

    def cell(self, change: Mapping[str, str]) -> Cell:
        line = self.built_in if self.built_in is not None else self.asked.command_line(change)
        if line not in self.lines:
            self.lines[line] = variables_of(self.question.program, self.profile, line)
        atoms = dict(self.atoms)
        for symbol, text in self.asked.symbols(change).items():
            if f"CONFIG_{symbol}" in atoms and (text or "0").isdigit():
                atoms[f"CONFIG_{symbol}"] = int(text or "0")
            elif f"CONFIG_{symbol}" in atoms:
                atoms[f"CONFIG_{symbol}"] = {"y": True, "n": False}[text or "n"]
        return Cell(variables=self.lines[line], atoms=atoms, detections=self.detections)

    def changes(self) -> list[tuple[str, str]]:
        """Return every single change, written down here without the help of the search."""
        words = {
            "rodata": ("on", "off", "full", "noalias"),
            "debug_pagealloc": ("on", "off"),
            "kfence.sample_interval": ("0", "100"),
            "secretmem.enable": ("1", "0"),
            "kvm-arm.mode": ("none", "protected", "nvhe", "nested"),
        }
        found = [(f"boot.{name}", text) for name, texts in words.items() for text in texts]
        for atom, value in self.atoms.items():
            if not atom.startswith("CONFIG_"):
                continue
            name = atom.replace("CONFIG_", "kconfig.")
            symbol = atom.removeprefix("CONFIG_")
            if symbol in UNASKED or (self.asked.file, symbol) == ("6.1", "SECRETMEM"):
                continue
            if self.question.program.symbols.get(atom.removeprefix("CONFIG_")) == "int":
                found += [(name, text) for text in ("0", "100") if text != str(int(value or 0))]
                found += [(name, "0")] if not value else []
            elif isinstance(value, bool):
                found.append((name, "n" if value else "y"))
        if dict(self.asked.settings).get("VIRTUALIZATION") == "n":
            found.append(("kconfig.VIRTUALIZATION", "y"))
        return [*dict.fromkeys(found), ("make", "olddefconfig")]

    def supported(self, change: Mapping[str, str]) -> bool:
        rebuilt = any(not name.startswith("boot.") for name in change)
        question = self.question if rebuilt else self.as_it_stands
        completions = settle(question, self.cell(change), self.behaviours)
        return {item.leaf.verdict for item in completions} == {"supported"}

    def fixes(self, most: int) -> Iterator[Change]:
        """Yield every change of at most `most` parts that makes the cell supported."""
        single = self.changes()
        for size in range(1, most + 1):
            for parts in itertools.combinations(single, size):
                if len({name for name, _ in parts}) == size and self.supported(dict(parts)):
                    yield dict(parts)


def compare(folder: Path, asked: Given, most: int) -> None:
    before = validated(folder, asked, {})
    if before["verdict"] == "supported":
        return
    printed: list[Change] = [fix["change"] for fix in before["fixes"]]
    listed = list(BruteForce(folder, asked).fixes(most))
    if not listed:
        assert not [change for change in printed if len(change) <= most]
        return
    assert printed, listed[:3]
    least = min(map(weight, listed))
    assert {weight(change) for change in printed} == {min(least, weight(printed[0]))}
    if len(printed[0]) <= most:
        assert weight(printed[0]) == least


@settings(max_examples=25)
@given(asked=givens)
def test_nothing_cheaper_is_overlooked(folder: Path, asked: Given) -> None:
    compare(folder, asked, 2)


THREE = [
    # A KVM that is not built in, on a CPU that needs pKVM: three changes, of two kinds.
    Given(
        file="7.3",
        settings=(("KVM", "n"), ("KVM_GUEST_MEMFD", "n")),
        line="",
        cpu="cortex-a710",
        capability="gmem-no-direct-map",
        vm="default",
    ),
    # A protected VM always fails: no change helps.
    Given(
        file="7.3",
        settings=(),
        line="kvm-arm.mode=protected",
        cpu="graviton3",
        capability="gmem-no-direct-map",
        vm="protected",
    ),
    # The kernel ignores what the boot loader passes.
    Given(
        file="7.3",
        settings=(("CMDLINE", '"rodata=off"'), ("CMDLINE_FORCE", "y"), ("KFENCE", "n")),
        line="",
        cpu="cortex-a710",
        capability="gmem-no-direct-map",
        vm="default",
    ),
    # KFENCE without its line of the interval: the default would not do.
    Given(
        file="7.3",
        settings=(
            ("KFENCE", "n"),
            ("KFENCE_SAMPLE_INTERVAL", None),
            ("CMDLINE", '"rodata=noalias"'),
            ("CMDLINE_FORCE", "y"),
        ),
        line="",
        cpu="graviton3",
        capability="gmem-no-direct-map",
        vm="default",
    ),
    # The page size is a choice: the two symbols change together.
    Given(
        file="7.3",
        settings=(("ARM64_4K_PAGES", "n"), ("ARM64_16K_PAGES", "y")),
        line="",
        cpu="apple-m2,dic=1",
        capability="memfd-secret",
        vm="default",
    ),
]


@pytest.mark.parametrize("asked", THREE, ids=range(len(THREE)))
def test_three_changes_at_once(folder: Path, asked: Given) -> None:
    compare(folder, asked, MOST_CHANGES)


def test_siblings_of_a_choice_change_together(folder: Path) -> None:
    """A 16 kB kernel on a CPU with 4 kB pages only: the other symbol of the choice is set, too."""
    asked = Given(
        file="7.3-16k",
        settings=(),
        line="",
        cpu="free,fwb=1,dic=1,l1ip=pipt,bbm=2,vhe=1,nv=0,mte=0,id_aa64mmfr0_el1=0x1122,midr=0x410fd490",
        capability="gmem-no-direct-map",
        vm="default",
    )
    before = validated(folder, asked, {})
    assert before["verdict"] == "absent"
    changes = [fix["change"] for fix in before["fixes"]]
    assert {"kconfig.ARM64_4K_PAGES": "y", "kconfig.ARM64_16K_PAGES": "n"} in changes
    assert all(len(change) == 2 for change in changes)
    assert works(validated(folder, asked, changes[0]))
