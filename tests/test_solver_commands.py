"""The solver's commands as a user runs them: JSON contracts, exit codes, the three texts."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.diagnostics import ExitCode
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from tests.cli_runner import run_cli
from tests.unit.analyze.small_study import declarations

MATRICES = Path(__file__).parent.parent / "configs" / "matrices"
OVERVIEW = "arm64-overview"
DIRECT_MAP = "arm64-memfd-secret"


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(declarations(tmp_path_factory.mktemp("small")))


def test_rules_in_json_have_the_keys_of_the_contract() -> None:
    ran = run_cli("rules", DIRECT_MAP, "--format", "json")
    assert ran.code == ExitCode.OK
    document = json.loads(ran.out)
    assert document.keys() == {"schema", "rules", "defects"}
    assert document["schema"] == "matrix/rules/1"
    counts = json.loads(run_cli("count", DIRECT_MAP, "--format", "json").out)["verdicts"]
    for rule in document["rules"]:
        assert rule.keys() == {"verdict", "when", "cells"}
        assert 0 < rule["cells"] <= counts[rule["verdict"]]
        assert all(isinstance(word, str) for words in rule["when"].values() for word in words)
    listed = [rule["verdict"] for rule in document["rules"]]
    assert {verdict for verdict, cells in counts.items() if cells} == set(listed)


def test_a_count_says_what_was_counted() -> None:
    text = run_cli("count", OVERVIEW, "--predicate", "cacheable-pfnmap").out
    title = YAML(typ="safe").load((MATRICES / f"{OVERVIEW}.yaml").read_text())["title"]
    # What a kernel breaks by itself comes first.
    assert text.startswith("In 26,190 cells there is a defect of Linux 6.18 (fixed by 9be19df816de")
    assert f"\n{title}, predicate cacheable-pfnmap\n\n" in text


def test_rules_of_one_verdict_are_those_of_all() -> None:
    every = json.loads(run_cli("rules", OVERVIEW, "--format", "json").out)["rules"]
    one = json.loads(run_cli("rules", OVERVIEW, "--verdict", "unsound", "--format", "json").out)
    assert one["rules"] == [rule for rule in every if rule["verdict"] == "unsound"]
    assert run_cli("rules", "--verdict", "unsund").code == ExitCode.USAGE


def test_the_rules_a_reader_sees() -> None:
    ran = run_cli("rules", OVERVIEW, "--verdict", "unsound")
    assert "has_stage2_fwb" in ran.out
    assert "¬has_cache_dic" in ran.out
    assert "¬icache_is_aliasing" in ran.out
    assert "cortex-a710" in ran.out
    table = run_cli("rules", OVERVIEW, "--verdict", "unsound", "--format", "markdown").out
    assert "| cells | rule | CPUs |" in table


def test_rules_above_the_bound_are_cut_and_undecided() -> None:
    ran = run_cli("rules", DIRECT_MAP, "--max-rules", "1")
    assert ran.code == ExitCode.UNDECIDED
    assert "warning[MX0621]" in ran.err
    assert "more rules" in ran.out
    document = json.loads(run_cli("rules", DIRECT_MAP, "--max-rules", "1", "--format", "json").out)
    whole = json.loads(run_cli("rules", DIRECT_MAP, "--format", "json").out)["rules"]
    assert document["left_out"] == len(whole) - len(document["rules"]) > 0


def test_synthesize_in_json_has_the_keys_of_the_contract() -> None:
    ran = run_cli("synthesize", "--vm", "default", "--kernel", "7.3", "--format", "json")
    assert ran.code == ExitCode.OK
    document = json.loads(ran.out)
    assert {"schema", "predicate", "exact", "atoms", "indistinguishable"} <= document.keys()
    assert document["schema"] == "matrix/synthesize/1"
    assert document["exact"] is True
    assert document["indistinguishable"] is None
    v12, cacheable, found = document["comparison"]
    assert [item["predicate"] for item in (v12, cacheable, found)] == [
        "v12",
        "cacheable-pfnmap",
        "synthesised",
    ]
    assert v12["verdicts"]["unsound"] > 0
    assert found["verdicts"]["unsound"] == 0
    assert found["lost"] == 0 < cacheable["lost"]


def test_a_synthesised_function_is_in_kernel_style() -> None:
    text = run_cli("synthesize", "--kernel", "7.3").out
    assert (
        "static bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)\n"
        "{\n"
        "\treturn can_set_direct_map() &&\n"
        "\t       cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) &&\n"
        "\t       (cpus_have_final_cap(ARM64_HAS_CACHE_DIC) ||\n"
        "\t\ticache_is_aliasing() ||\n"
        "\t\tis_protected_kvm_enabled()) &&\n"
        "\t       !kvm_vm_is_protected(kvm);\n"
        "}\n"
    ) in text
    assert max(len(line.expandtabs(8)) for line in text.splitlines() if "\t" in line) <= 80


def test_a_predicate_that_cannot_be_exact_shows_the_pair() -> None:
    document = json.loads(run_cli("synthesize", DIRECT_MAP, "--format", "json").out)
    assert document["exact"] is False
    pair = document["indistinguishable"]
    assert pair.keys() == {"safe", "unsafe", "atoms"}
    assert pair["safe"].keys() == pair["unsafe"].keys()
    assert "not exact" in run_cli("synthesize", DIRECT_MAP).out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--vm", "protectedd"), "MX0606"),
        (("--kernel", "7.4"), "MX0606"),
        ((OVERVIEW, "--vm", "default"), "MX0605"),
        (("--kernel", "6.1"), "MX0622"),
    ],
)
def test_what_cannot_be_synthesized_is_said(arguments: tuple[str, ...], code: str) -> None:
    ran = run_cli("synthesize", *arguments)
    assert ran.code == ExitCode.INPUT
    assert f"error[{code}]" in ran.err


def test_claims_in_json_have_the_keys_of_the_contract(configs: str) -> None:
    ran = run_cli("claims", "small", "--configs", configs, "--format", "json")
    document = json.loads(ran.out)
    assert document["schema"] == "matrix/claims/1"
    wanted = {"id", "statement", "status", "expected", "cells", "witness"}
    for item in document["claims"]:
        assert wanted <= item.keys()
        assert (item["witness"] is None) == (item["status"] == "proved")
        # In 6.12 the capability is absent: no cell has the premise of `fwb-suffices`.
        assert item["cells"] > 0 or item["id"] == "vacuous" or item["kernels"] == ["6.12"]


def test_a_claim_that_is_not_as_expected_exits_one(configs: str) -> None:
    ran = run_cli("claims", "small", "--configs", configs)
    assert ran.code == ExitCode.FINDINGS
    assert "not as expected: wrongly-expected" in ran.out
    assert "vacuously" in ran.out
    assert "nearest: the baseline cell" in ran.out
    answers = [line for line in ran.out.splitlines() if line.startswith(("  PROVED", "  REFUTED"))]
    expected = [line for line in answers if line.endswith(", as expected")]
    unexpected = [line for line in answers if " (expected: " in line]
    assert (len(expected), len(unexpected)) == (6, 1)


def test_the_witness_that_is_printed_can_be_explained(configs: str) -> None:
    text = run_cli("claims", "small", "--configs", configs).out
    cell = next(line for line in text.splitlines() if "nearest: cpu=" in line).split()[-1]
    ran = run_cli("explain", cell, "--matrix", "small", "--configs", configs)
    assert ran.code == ExitCode.OK
    assert "unsound" in ran.out


def test_shipped_claims_end_well() -> None:
    ran = run_cli("claims")
    assert ran.code == ExitCode.OK
    assert "IC IVAU on __va(P)" in ran.out


@pytest.mark.parametrize("between", [("v12", "cacheable-pfnmap"), ("6.18", "7.3")])
def test_diff_counts_changes_and_rules_them(configs: str, between: tuple[str, str]) -> None:
    ran = run_cli("diff", *between, "--matrix", "small", "--configs", configs, "--format", "json")
    assert ran.code == ExitCode.OK
    document = json.loads(ran.out)
    assert document["schema"] == "matrix/diff/1"
    assert document["changes"]
    for change in document["changes"]:
        assert change["from"] != change["to"]
        assert change["rules"]
        assert sum(rule["cells"] for rule in change["rules"]) >= change["cells"] > 0
    text = run_cli("diff", *between, "--matrix", "small", "--configs", configs).out
    assert f"{change['from']} → {change['to']}: {change['cells']:,} cells" in text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("debian-6.12", "debian-7.3"),
        # 16 kB pages do not boot on every CPU; the file of the other is partial.
        ("fedora-44-rt@7.2", "debian-7.3-16k"),
        ("raspberrypi-bcm2712-6.12", "debian-7.2"),
    ],
)
def test_diff_of_distributions_is_what_their_cells_answer(one: str, other: str) -> None:
    prepared = prepare_study(Library(), "arm64-distros")
    axes = [axis for axis in prepared.study.axes if axis.name != "distro"]
    cells = [
        dict(zip((axis.name for axis in axes), options, strict=True))
        for options in product(*([option.name for option in axis.options] for axis in axes))
    ]
    before, after = (
        [prepared.answer({**cell, "distro": distro}) for cell in cells] for distro in (one, other)
    )
    both = [(old, new) for old, new in zip(before, after, strict=True) if old and new]
    changes = Counter(
        (str(old.verdict), str(new.verdict)) for old, new in both if old.verdict != new.verdict
    )
    ran = run_cli("diff", one, other, "--matrix", "arm64-distros", "--format", "json")
    assert ran.code == ExitCode.OK, ran.err
    document = json.loads(ran.out)
    assert {(item["from"], item["to"]): item["cells"] for item in document["changes"]} == changes
    assert changes
    assert document["cells"] == len(both)
    assert document["only_from"] == sum(old is not None for old in before) - len(both)
    assert document["only_to"] == sum(new is not None for new in after) - len(both)


def test_diff_of_releases_names_the_distributions_that_have_them() -> None:
    ran = run_cli("diff", "5.10", "7.3", "--matrix", "arm64-distros")
    assert ran.code == ExitCode.INPUT
    assert "`7.3` is no predicate and no distribution of the study, and no study" in ran.err
    named = "debian-7.3, debian-7.3-16k, debian-7.3-cloud, debian-7.3-rt"
    assert f"hint: its kernels with Linux 7.3: {named}\n" in ran.err
    ran = run_cli("diff", "debian-7.3", "v12", "--matrix", "arm64-distros")
    assert "hint: compare two predicates, two distributions or two studies" in ran.err


def test_diff_of_equals_is_empty() -> None:
    ran = run_cli("diff", "v12", "v12", "--matrix", OVERVIEW)
    assert ran.code == ExitCode.OK
    assert "no verdict changes" in ran.out


STUDIES = Path(__file__).parent / "cases" / "studies"


def test_diff_of_studies_says_what_could_not_be_compared(configs: str) -> None:
    words = ("small", str(STUDIES / "wider.yaml"))
    ran = run_cli("diff", *words, "--configs", configs, "--format", "json")
    assert ran.code == ExitCode.OK, ran.err
    document = json.loads(ran.out)
    assert document["schema"] == "matrix/diff/1"
    assert (document["from"], document["to"]) == words
    assert document["axes"]["only_from"] == {"boot.kvm_arm_mode": "absent"}
    assert document["axes"]["only_to"] == {"gic": "v2"}
    assert document["options"]["only_to"]["vm"] == ["nested"]
    assert document["options"]["declared_differently"] == {"kconfig": ["no-kvm"]}
    assert document["only_from"] > 0 < document["only_to"]
    changes = {(item["from"], item["to"]): item["cells"] for item in document["changes"]}
    text = run_cli("diff", *words, "--configs", configs).out
    table = run_cli("diff", *words, "--configs", configs, "--format", "markdown").out
    assert "predicate: v12 → cacheable-pfnmap" in text
    sentences = " ".join(text.split())
    for sentence in (
        "axes only of small, held at its baseline: boot.kvm_arm_mode=absent",
        f"axes only of {words[1]}, held at its baseline: gic=v2",
        "options only of small, not compared: kernel: 6.12; cpu: neoverse-n1; boot.rodata: off",
        f"options only of {words[1]}, not compared: kernel: 7.2; cpu: apple-m2; vm: nested",
        "options that the studies declare differently: kconfig: no-kvm",
    ):
        assert sentence in sentences
    for (old, new), cells in changes.items():
        assert f"{old} → {new}: {cells:,} cells" in text
        assert f"| {old} | {new} | {cells:,} |" in table


def test_diff_of_a_file_and_the_shipped_study_of_its_name(tmp_path: Path) -> None:
    # What a reviewer has of a change: the file before, and the study as it is now.
    shipped = Path(__file__).parent.parent / "configs" / "matrices" / f"{DIRECT_MAP}.yaml"
    before = tmp_path / "before.yaml"
    text = shipped.read_text(encoding="utf-8")
    before.write_text(text.replace('SECRETMEM: "y"', 'SECRETMEM: "n"', 1), encoding="utf-8")
    document = json.loads(run_cli("diff", str(before), DIRECT_MAP, "--format", "json").out)
    assert document["options"]["declared_differently"] == {"kconfig.SECRETMEM": ["y"]}
    assert {change["from"] for change in document["changes"]} == {"absent"}


@pytest.mark.parametrize("other", ["v13", "7.3", DIRECT_MAP])
def test_diff_of_what_cannot_be_compared(other: str) -> None:
    ran = run_cli("diff", "v12", other, "--matrix", OVERVIEW)
    assert ran.code == ExitCode.INPUT
    assert "error[MX0626]" in ran.err


def test_an_answer_can_go_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.md"
    ran = run_cli("rules", OVERVIEW, "--format", "markdown", "--output", str(path))
    assert ran.out == ""
    assert "\n## " in path.read_text()


def test_check_reads_claims_and_decides_them_only_when_asked(tmp_path: Path) -> None:
    small = (Path(__file__).parent / "cases" / "claims" / "small.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "mine"
    (folder / "matrices").mkdir(parents=True)
    study = folder / "matrices" / "small.yaml"
    study.write_text(small, encoding="utf-8")
    quick = run_cli("check", str(folder))
    assert quick.code == ExitCode.OK
    shipped = len(list((Path(__file__).parent.parent / "configs" / "matrices").glob("*.yaml")))
    assert re.search(rf"\b{shipped + 1} studies with \d+ claims: no errors", quick.err)
    decided = run_cli("check", str(folder), "--claims")
    assert decided.code == ExitCode.FINDINGS
    assert "small: 6 of 7 answers to claims as expected" in decided.err
    assert f"{study}:" in decided.err
    assert "error[MX0672]" in decided.err
    assert decided.out == ""
    study.write_text(small.replace("rodata_full", "rodata_ful"), encoding="utf-8")
    wrong = run_cli("check", str(folder))
    assert wrong.code == ExitCode.INPUT
    assert "error[MX0624]: unknown name `rodata_ful`" in wrong.err
    assert "did you mean `rodata_full`?" in wrong.err


def test_check_gives_a_program_what_it_tells_a_person(tmp_path: Path) -> None:
    small = (Path(__file__).parent / "cases" / "claims" / "small.yaml").read_text(encoding="utf-8")
    (tmp_path / "matrices").mkdir()
    study = tmp_path / "matrices" / "small.yaml"
    study.write_text(small, encoding="utf-8")
    ran = run_cli("check", "--configs", str(tmp_path), "--claims", "--format", "json")
    assert (ran.code, ran.err) == (ExitCode.FINDINGS, "")
    document = json.loads(ran.out)
    assert document["schema"] == "matrix/check/1"
    assert {"study": "small", "answers": 7, "as_expected": 6} in document["decided"]
    (finding,) = document["diagnostics"]
    assert finding["code"] == "MX0672"
    assert finding["location"].startswith(f"{study}:")
    said = run_cli("check", str(tmp_path), "--claims")
    assert finding["message"] in said.err
    counted = [int(number) for number in re.findall(r"(\d+) [a-zA-Z]+", said.err.splitlines()[0])]
    assert counted == list(document["understood"].values())
    study.write_text(small.replace("rodata_full", "rodata_ful"), encoding="utf-8")
    wrong = run_cli("check", "--configs", str(tmp_path), "--format", "json")
    assert (wrong.code, wrong.err) == (ExitCode.INPUT, "")
    document = json.loads(wrong.out)
    assert (document["understood"], document["decided"]) == (None, None)
    assert "MX0624" in {item["code"] for item in document["diagnostics"]}


ENUM = {
    "capabilities/mine.yaml": """id: mine
title: "mitigations are on"
description: "what mitigations= leaves"
assumes_patch: null
requires: []
predicates:
  upstream:
    c: "cpu_mitigations != CPU_MITIGATIONS_OFF"
    source: "kernel/cpu.c:3320"
    description: "it"
default_predicate: upstream
""",
    "matrices/mine.yaml": """id: mine
title: "mine"
description: "an enum of the kernel"
capability: mine
predicate: upstream
axes:
  kernel: {kind: kernel, title: Kernel, options: ["7.3"]}
  cpu: {kind: cpu, title: CPU, options: [aws-graviton3]}
  page: {kind: kconfig, title: Page, options: {"4k": {ARM64_4K_PAGES: "y"}}}
  boot.mitigations: {kind: boot, title: it, options: {absent: "", "off": "mitigations=off"}}
baseline: {kernel: "7.3", cpu: aws-graviton3, page: "4k", boot.mitigations: absent}
formats: [markdown]
""",
}


def test_rules_call_the_value_of_an_enum_by_its_name(tmp_path: Path) -> None:
    for name, text in ENUM.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    said = run_cli("rules", "mine", "--configs", str(tmp_path)).out
    assert "cpu_mitigations = CPU_MITIGATIONS_OFF" in said
    assert "cpu_mitigations = CPU_MITIGATIONS_AUTO" in said
