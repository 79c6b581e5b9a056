"""What somebody else declares stays apart from what ships, and is held to the same checks.

A second architecture may have everything by the same name: releases, CPU fields, axes, mechanisms.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli_runner import Ran, run_cli

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "configs"
CONFIG = ROOT / "tests" / "data" / "booted" / "7.3.config"

# Of `arm64-overview`, as recorded before another architecture could be declared.
CELLS = 605_520


def count(*arguments: str) -> dict[str, object]:
    ran = run_cli("count", "arm64-overview", "--format", "json", *arguments)
    assert ran.code == 0, ran.err
    document: dict[str, object] = json.loads(ran.out)
    return document


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return declarations of an architecture that has all of arm64's names: a copy of it."""
    folder = tmp_path_factory.mktemp("twin")
    for kind, names in {
        "architectures": ["arm64"],
        "kernels": ["linux-7.2-arm64", "linux-7.3-arm64"],
        "cpus": ["aws-graviton3", "aws-graviton4"],
    }.items():
        (folder / kind).mkdir()
        for name in names:
            text = (CONFIGS / kind / f"{name}.yaml").read_text()
            text = re.sub(r"^id: (linux-[0-9.]+-)?arm64$", r"id: \1twin", text, flags=re.MULTILINE)
            text = text.replace(name, f"twin-{name}") if kind == "cpus" else text
            text = re.sub(r"^(release: .7\.)2", r"\g<1>9", text, flags=re.MULTILINE)
            text = re.sub(r"^aliases: .*\n", "", text, flags=re.MULTILINE)
            text = re.sub(r"^arch: arm64$", "arch: twin", text, flags=re.MULTILINE)
            (folder / kind / f"{name}.yaml").write_text(
                text.replace("linux-7.2-twin", "linux-7.9-twin")
            )
    return folder


def mine(folder: Path, kind: str, name: str, *changes: tuple[str, str]) -> Path:
    """Write a shipped declaration, changed, into a folder of one's own."""
    text = (CONFIGS / kind / f"{name}.yaml").read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    (folder / kind).mkdir(parents=True)
    (folder / kind / f"{name}.yaml").write_text(text)
    return folder


def test_a_twin_of_the_architecture_changes_no_number(twin: Path) -> None:
    alone = count()
    assert alone["cells"] == CELLS
    assert count("--configs", str(twin)) == alone


STUDY = """id: twins
title: "a study of the twin"
description: "two kernels and two CPUs"
capability: linear-map-blocks
predicate: upstream
axes:
  kernel: {kind: kernel, title: "Linux release", options: all}
  cpu: {kind: cpu, title: "CPU", options: all}
  page_size: {kind: kconfig, title: "page size", options: {"4k": {ARM64_4K_PAGES: "y"}}}
baseline: {kernel: "7.3", cpu: twin-aws-graviton3, page_size: "4k"}
formats: [markdown]
"""


def test_the_twin_is_answered_by_its_own_kernels_and_cpus(twin: Path, tmp_path: Path) -> None:
    """The study says by its CPU alone that 7.3 is the twin's."""
    folder = tmp_path / "mine"
    shutil.copytree(twin, folder)
    # No scenario is of the twin, so nothing of it is simulated, and no input is asked for.
    file = folder / "architectures" / "arm64.yaml"
    text = re.sub(
        r"^simulation:\n(?:[ #].*\n|\n)*", "simulation: []\n", file.read_text(), flags=re.MULTILINE
    )
    file.write_text(text)
    (folder / "matrices").mkdir()
    (folder / "matrices" / "twins.yaml").write_text(STUDY)
    ran = run_cli("cells", "twins", "--columns", "kernel,cpu", "--configs", str(folder))
    assert ran.code == 0, ran.err
    named = {tuple(line.split(",")) for line in ran.out.splitlines()[1:]}
    cpus = ("twin-aws-graviton3", "twin-aws-graviton4")
    assert named == {(kernel, cpu) for kernel in ("7.3", "7.9") for cpu in cpus}
    mixed = STUDY.replace(
        "options: all}\n  page", "options: [aws-graviton2, twin-aws-graviton3]}\n  page"
    )
    (folder / "matrices" / "twins.yaml").write_text(mixed)
    ran = run_cli("count", "twins", "--configs", str(folder))
    assert (
        "error[MX0228]: cpu `twin-aws-graviton3` is of `twin`, and the study of `arm64`" in ran.err
    )
    assert "hint: cpu `aws-graviton2` at " in ran.err


def validated(*arguments: str) -> Ran:
    return run_cli("validate", str(CONFIG), *arguments)


def test_a_release_is_of_the_usual_architecture_or_must_be_said_by_id(
    twin: Path, tmp_path: Path
) -> None:
    more = ("--configs", str(twin))
    assert validated("--cpu", "graviton3", *more) == validated("--cpu", "graviton3")
    by_release = ("--cpu", "graviton3", "--kernel", "7.3")
    assert validated(*by_release, *more) == validated(*by_release)
    by_id = ("--cpu", "graviton3", "--kernel", "linux-7.3-arm64")
    assert validated(*by_id, *more) == validated(*by_release)
    other = validated("--cpu", "twin-aws-graviton4", "--kernel", "linux-7.3-twin", *more)
    assert "error[MX0308]" in other.err  # an arm64 file is no kernel of the twin
    triplet = tmp_path / "triplet"
    for kind, name in (("architectures", "arm64"), ("kernels", "linux-7.2-arm64")):
        text = (
            (twin / kind / f"{name}.yaml")
            .read_text()
            .replace("linux-7.9-twin", "linux-7.9-triplet")
        )
        text = re.sub(r"^(id|arch): twin$", r"\1: triplet", text, flags=re.MULTILINE)
        (triplet / kind).mkdir(parents=True)
        (triplet / kind / f"{name}.yaml").write_text(text)
    ran = validated("--cpu", "graviton3", "--kernel", "7.9", *more, "--configs", str(triplet))
    assert ran.code == 3
    assert "error[MX0687]: `7.9` is a kernel of" in ran.err
    assert "linux-7.9-triplet at " in ran.err
    assert "linux-7.9-twin at " in ran.err


def test_a_cpu_of_another_architecture_is_unknown_here(twin: Path) -> None:
    ran = validated("--cpu", "twin-aws-graviton4", "--configs", str(twin))
    assert (ran.code, "error[MX0502]" in ran.err) == (3, True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("split_gate: {value: boot-flag,", "split_gate: {value: boot_flag,"), "boot_flag"),
        (("value: shared-without-pkvm,", "value: shared-without-pkvn,"), "shared-without-pkvn"),
        (("icache_range_limit: {value: true,", 'icache_range_limit: {value: "true",'), "true"),
        (("protected_vm_type: {value: true,", "protected_vm_type: {value: 1,"), "1"),
    ],
)
def test_a_misspelt_mechanism_is_refused(
    change: tuple[str, str], says: str, tmp_path: Path
) -> None:
    folder = mine(tmp_path, "kernels", "linux-7.3-arm64", change)
    ran = run_cli("count", "arm64-overview", "--configs", str(folder))
    assert ran.code == 3
    assert re.search(
        rf":\d+:\d+: error\[MX0222\]: `.?{says}.?` is no value of the mechanism", ran.err
    )


def test_the_value_before_a_point_release_is_held_to_the_domain_too(tmp_path: Path) -> None:
    folder = mine(tmp_path, "kernels", "linux-6.12-arm64", ("before: false", "before: no-check"))
    assert "`no-check` is no value of" in run_cli("check", "--configs", str(folder)).err


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([("dic: {value: 1,", "dic: {value: 0,")], "MX0229"),
        ([("l1ip: {value: pipt,", "l1ip: {value: vipt,")], "MX0229"),
        ([("tgran16: {value: 1,", "tgran16: {value: 0,")], "MX0229"),
        ([("parts: [0xd40]", "parts: [0xd4f]")], "MX0230"),
        ([("implementer: 0x41", "implementer: 0x42")], "MX0230"),
        # Without the register nothing but the rules speaks against it.
        ([("  ctr_el0: 0xb444c004", "  #"), ("  idc: {value: 1,", "  idc: {value: 0,")], "MX0231"),
        # What CLIDR_EL1 says counts as well.
        ([("idc_effective: {value: 1,", "idc_effective: {value: 0,")], "MX0229"),
        (
            [
                ("idc_effective: {value: 1,", "idc_effective: {value: 0,"),
                ("  clidr_el1: ", "  #"),
                ("  ctr_el0: 0xb444c004", "  #"),
            ],
            "MX0231",
        ),
    ],
)
def test_a_cpu_that_contradicts_itself_is_refused(
    changes: list[tuple[str, str]], code: str, tmp_path: Path
) -> None:
    folder = mine(tmp_path, "cpus", "aws-graviton3", *changes)
    ran = run_cli("count", "arm64-overview", "--configs", str(folder))
    assert ran.code == 3
    assert f"error[{code}]" in ran.err
    assert len(re.findall(r"aws-graviton3\.yaml:\d+", ran.err)) >= 2


def test_no_code_decides_by_the_name_of_an_architecture() -> None:
    """Which symbol and header name an architecture is data; a scenario says whose it is."""
    table = ROOT / "matrix" / "kernel" / "config" / "header.py"
    world = ROOT / "matrix" / "scenarios" / "arm64" / "page.py"
    saying = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "matrix").rglob("*.py"))
        if path not in (table, world)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value == "arm64"
    ]
    assert saying == []


def test_an_input_that_has_no_such_value_is_said_at_the_value(tmp_path: Path) -> None:
    before = "{name: dic, c: "
    folder = mine(
        tmp_path / "mine",
        "architectures",
        "arm64",
        (before + '"cpus_have_final_cap(ARM64_HAS_CACHE_DIC)"', before + '"\\"yes\\""'),
    )
    for command in (("count", "arm64-overview"), ("check",)):
        ran = run_cli(*command, "--configs", str(folder))
        assert ran.code == 3
        assert "error[MX0685]: `yes` is no value of the simulation's input `dic`" in ran.err
        assert "hint: `dic` is true or false" in ran.err


def test_reported_declarations(shared_data: Path) -> None:
    reported = shared_data / "data" / "reported" / "declarations"
    assert count("--configs", str(reported / "rv3"))["cells"] == CELLS
    mech = run_cli("count", "arm64-overview", "--configs", str(reported / "mech"))
    assert "`bogus` is no value of the mechanism `split_gate`" in mech.err
    dic = run_cli("check", "--configs", str(reported / "dic"))
    assert {"MX0229", "MX0230"} <= set(re.findall(r"error\[(\w+)\]", dic.err))
