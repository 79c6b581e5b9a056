"""A `.config` that no build makes is answered without the constraints it contradicts, no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import Cell, answer
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import lower_question, predicate_version
from matrix.analyze.cell.verdict import Verdict
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from tests.cli_runner import run_cli
from tests.unit.analyze.shipped_kernels import condition

SELECTS = "KVM selects KVM_GUEST_MEMFD (arch/arm64/kvm/Kconfig:39)"
INTERVAL = "KFENCE_SAMPLE_INTERVAL depends on KFENCE (lib/Kconfig.kfence:28)"
CHOICE = (
    "ARM64_4K_PAGES and ARM64_64K_PAGES are members of the choice "
    '"Page size" (arch/arm64/Kconfig:1499)'
)
# KVM selects KVM_GUEST_MEMFD, which the fragment does not say: only Kconfig knows it.
PARTIAL = "CONFIG_ARM64_4K_PAGES=y\nCONFIG_KVM=y\n"
KFENCE_OFF = "# CONFIG_KFENCE is not set\nCONFIG_KFENCE_SAMPLE_INTERVAL=100\n"


@pytest.mark.parametrize(
    ("text", "verdict", "broken"),
    [
        (PARTIAL, "supported", ""),
        (PARTIAL + KFENCE_OFF, "supported", INTERVAL),
        # Both page sizes at once: 4 kB pages or 64 kB ones, the CPU has both.
        (PARTIAL + KFENCE_OFF + "CONFIG_ARM64_64K_PAGES=y\n", "supported", f"{CHOICE}; {INTERVAL}"),
        # The file itself says that it has no guest_memfd, so it has none.
        (
            PARTIAL + KFENCE_OFF + "# CONFIG_KVM_GUEST_MEMFD is not set\n",
            "absent",
            f"{SELECTS}; {INTERVAL}",
        ),
        # Without KVM nothing selects it, and nothing else does.
        (KFENCE_OFF + "# CONFIG_KVM is not set\n", "absent", INTERVAL),
    ],
)
def test_the_constraints_it_keeps_are_relied_on(
    text: str, verdict: str, broken: str, tmp_path: Path
) -> None:
    file = tmp_path / "partial.config"
    file.write_text(text)
    ran = run_cli(
        *("validate", str(file), "--kernel", "7.3", "--cpu", "graviton3", "--format", "json"),
    )
    (result,) = json.loads(ran.out)["results"]
    messages = [item["message"] for item in result["diagnostics"] if item["code"] == "MX0919"]
    assert result["verdict"] == verdict
    said = [message.partition("it breaks: ")[2] for message in messages]
    assert said == ([broken] if broken else [])


def test_its_fixes_rely_on_them_too(tmp_path: Path) -> None:
    file = tmp_path / "partial.config"
    file.write_text(PARTIAL + KFENCE_OFF + "# CONFIG_DEBUG_PAGEALLOC is not set\n")
    ran = run_cli(
        *("validate", str(file), "--kernel", "7.3", "--cpu", "graviton3", "--format", "json"),
        *("--cmdline", "rodata=off"),
    )
    (result,) = json.loads(ran.out)["results"]
    assert result["verdict"] == "refused"
    # Without guest_memfd, on which no boot parameter decides, none of these would be enough.
    assert {"boot.rodata": "on"} in [fix["change"] for fix in result["fixes"]]


def answered(*constraints: str) -> Answer:
    """Answer 7.3 with KVM on, SECRETMEM off, guest_memfd unknown, under further constraints."""
    prepared = prepare_study(Library(), "arm64-overview")
    question, cell, _ = prepared.cell({"cpu": "aws-graviton3", "kernel": "7.3"})
    program = question.program
    capability = question.capability
    question = lower_question(
        program,
        capability,
        predicate_version(capability, None),
        tuple(map(condition, constraints)),
    )
    known = {**cell.atoms, "CONFIG_KVM": True, "CONFIG_SECRETMEM": False}
    del known["CONFIG_KVM_GUEST_MEMFD"]
    cell = Cell(variables=cell.variables, atoms=known, detections=cell.detections)
    return answer(question, cell, Behaviours())


def test_of_constraints_that_contradict_each_other_none_is_relied_on() -> None:
    """KVM needs guest_memfd, which needs SECRETMEM, which is off: one of the two is not so."""
    assert answered().verdict is Verdict.SUPPORTED
    needs = "!IS_ENABLED(CONFIG_KVM_GUEST_MEMFD) || IS_ENABLED(CONFIG_SECRETMEM)"
    given = answered(needs)
    assert given.verdict is Verdict.UNKNOWN
    (note,) = given.diagnostics
    assert note.code == "MX0919"
    assert f"it breaks: {SELECTS} and " in note.message
    assert "CONFIG_SECRETMEM" in note.message
