"""A study proposes no check that another study of the capability refutes.

What the checks must hold was read by hand: without FWB a page that left the direct map is cleaned
through its alias, pKVM refuses every fault of a protected VM on such a page, and a Realm's
set_direct_map_*() does nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matrix.flows.knowledge import Library
from matrix.flows.other_studies import OtherStudies
from matrix.flows.study import prepare_study
from matrix.flows.synthesize import synthesize
from matrix.render.synthesis import synthesis_document
from matrix.render.writers import write
from tests.cli_runner import run_cli

LIBRARY = Library()
CAPABILITY = {
    study.id: study.capability
    for study in LIBRARY.knowledge.studies
    if LIBRARY.capability(study.capability).synthesis is not None
}
MUST_HOLD = {
    "gmem-no-direct-map": (
        "can_set_direct_map() &&",
        "cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) &&",
        "!kvm_vm_is_protected(kvm);",
    ),
    "memfd-secret": ("can_set_direct_map() &&", "!is_realm_world();"),
    "cacheable-pfnmap": ("icache_is_aliasing()) &&", "!kvm_has_mte(kvm);"),
    "mte-in-guests": ("system_supports_mte() &&", "!kvm_created_vcpus(kvm) &&"),
    "kpti": ("!cpus_have_cap(ARM64_HAS_E0PD)", "!meltdown_safe", "!is_midr_in_range_list("),
    # What only firmware knows no check can test.
    "pseudo-nmi": ("return false;",),
    "riscv-memfd-secret": ("return true;",),
    "x86-gmem-no-direct-map": ("!is_tdx_vm(kvm) &&", "!is_sev_vm(kvm);"),
}
ALONE = "Weakest over this study alone"
LARGE = "arm64-gmem-no-direct-map"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    run_cli("report", "--output", str(folder))
    return folder


def section(text: str) -> str:
    return text.split("## What the check should be\n")[1].split("\n## ", maxsplit=1)[0]


@pytest.mark.parametrize("study", CAPABILITY)
def test_the_check_to_propose_holds_in_every_study(study: str, reports: Path) -> None:
    shown = section((reports / f"{study}.md").read_text())
    proposed = re.findall(r"```c\n(.*?)```", shown, re.DOTALL)[0]
    for condition in MUST_HOLD[CAPABILITY[study]]:
        assert condition in proposed
    html = (reports / f"{study}.html").read_text()
    assert (ALONE in html) == (f"### {ALONE}" in shown)


@pytest.mark.parametrize(
    ("study", "by"),
    [
        ("arm64-overview", [LARGE]),
        ("arm64-distros", [LARGE, "arm64-overview"]),
        ("arm64-distros-memfd-secret", ["arm64-memfd-secret"]),
        (LARGE, []),
        ("arm64-memfd-secret", []),
    ],
)
def test_a_study_names_those_that_refute_its_check(
    study: str, by: list[str], reports: Path
) -> None:
    shown = section((reports / f"{study}.md").read_text())
    assert (f"### {ALONE}" in shown) == bool(by)
    assert re.findall(r"cells of `([\w-]+)`", shown) == by
    if by:
        assert f"[{by[0]}]({by[0]}.md#what-the-check-should-be)" in shown
    text = write(synthesis_document(synthesize(study, kernels=(), vms=(), configs=())), "text")
    assert re.findall(r"^    ([\w-]+): [\d,]+ of [\d,]+ cells$", text, re.MULTILINE) == by


def test_a_cell_that_refutes_the_check_of_the_distributions() -> None:
    """Their CPUs with an aliasing instruction cache have FWB: their check need not ask for it."""
    others = OtherStudies(LIBRARY)
    found = others.synthesis("arm64-distros")
    assert found is not None
    refuting = others.refuting("arm64-distros", found.predicate)
    assert refuting[0].study.id == LARGE
    large = prepare_study(LIBRARY, LARGE)
    without_fwb = {"cpu": "free,fwb=0,dic=0,l1ip=vipt,bbm=0,vhe=1,nv=0,mte=0"}
    answer = large.answer(without_fwb, detailed=True)
    assert answer is not None
    facts = dict(answer.facts)
    assert facts["can_set_direct_map"] is True
    assert facts["icache_is_aliasing"] is True
    assert answer.outcome == "violates"


def test_who_asks_for_some_kinds_of_vm_is_not_told_of_others() -> None:
    assert not synthesize("arm64-overview", kernels=("7.3",), vms=(), configs=()).elsewhere
