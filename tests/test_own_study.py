"""What a study of one's own may leave out or give, and that every command then says the same."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.cli_runner import run_cli

CAPABILITY = """id: mine
title: "A capability of one's own"
description: "It asks of the command line, and of one CPU property."
assumes_patch: null
predicates:
  upstream: {c: "rodata_full", source: "here:1", description: "the check"}
default_predicate: upstream
truth:
  no-mte:
    c: "!cpus_have_final_cap(ARM64_MTE)"
    source: "here:2"
    because: "tags are in the way"
"""
STUDY = """id: mine
title: "A study of one's own"
description: "Where?"
capability: mine
predicate: upstream
arch: arm64
axes:
  kernel: {kind: kernel, title: "Linux release", options: ["7.3"]}
  build: {kind: kconfig, title: "build", options: {with: {ARM64_4K_PAGES: "y", ARM64_MTE: "y"}}}
  boot.rodata: {kind: boot, title: "rodata=", options: {absent: "", "off": "rodata=off"}}
baseline: {kernel: "7.3", build: with, boot.rodata: absent}
pivots:
  - {title: "table", rows: boot.rodata, columns: [kernel]}
formats: [markdown]
"""


def declared(folder: Path, *cpus: str) -> list[str]:
    """Write the capability and a study of `cpus`, and return the words of a command about it."""
    study = STUDY
    if cpus:
        options = ", ".join(f'"{spec}"' for spec in cpus)
        axis = f'  cpu: {{kind: cpu, title: "CPU", options: [{options}]}}\nbaseline'
        study = study.replace("baseline", axis, 1).replace(
            "absent}\n", f'absent, cpu: "{cpus[0]}"}}\n', 1
        )
        study = study.replace("rows: boot.rodata", "rows: cpu")
    for kind, text in (("capabilities", CAPABILITY), ("matrices", study)):
        (folder / kind).mkdir(parents=True)
        (folder / kind / "mine.yaml").write_text(text)
    return ["mine", "--configs", str(folder)]


def counted(asked: list[str]) -> dict[str, int]:
    """Return the cells that `matrix count` gives, by verdict."""
    ran = run_cli("count", *asked)
    return {
        word: int(cells) for word, cells in re.findall(r"^([a-z]+) +(\d+)$", ran.out, re.MULTILINE)
    }


def test_a_cell_whose_kernel_cannot_boot_is_no_cell_for_any_command(tmp_path: Path) -> None:
    # hisi-0xd22 has no granule of 4 kB, and the study does not say that this matters.
    asked = declared(tmp_path, "aws-graviton3", "hisi-0xd22")
    listed = csv.DictReader(io.StringIO(run_cli("cells", *asked).out))
    assert {row["cpu"] for row in listed} == {"aws-graviton3"}
    assert sum(counted(asked).values()) == 2
    assert re.search(r"^hisi-0xd22 +–", run_cli("view", *asked).out, re.MULTILINE)
    checked = run_cli("check", str(tmp_path))
    assert checked.code == 0
    assert "`hisi-0xd22` of axis `cpu` has no cell: the study demands `granule_supported()`" in (
        checked.err
    )


def test_a_study_without_cpus_is_answered_over_all_that_they_may_be(tmp_path: Path) -> None:
    # By hand: with rodata=off the check is false, without it true, and whether a CPU has tags is
    # open, so that both are unknown.
    asked = declared(tmp_path)
    assert counted(asked) == {
        **dict.fromkeys(("unsound", "overstrict", "supported", "refused", "absent"), 0),
        "unknown": 2,
    }
    listed = csv.DictReader(io.StringIO(run_cli("cells", *asked).out))
    assert Counter(row["verdict"] for row in listed) == {"unknown": 2}
    for command in ("rules", "view"):
        ran = run_cli(command, *asked)
        assert (ran.code, ran.err) == (0, "")
    assert run_cli("report", *asked, "--output", str(tmp_path / "out")).code == 0


def test_a_cpu_whose_field_the_study_gives_is_listed_beside_those_by_name(tmp_path: Path) -> None:
    asked = declared(tmp_path, "aws-graviton3,mte=3", "neoverse-v2", "aws-graviton3")
    unsound = run_cli("rules", *asked).out.partition("unknown:")[0]
    assert '2 CPUs: "aws-graviton3,mte=3", neoverse-v2' in unsound


def test_a_spec_without_quotes_in_a_cell_is_told_how_to_write_it(tmp_path: Path) -> None:
    study, *own = declared(tmp_path, "aws-graviton3", "aws-graviton3,mte=3")
    asked = ("--matrix", study, *own)
    ran = run_cli("explain", "cpu=aws-graviton3,mte=3", *asked)
    assert (ran.code, "MX0604" in ran.err) == (3, True)
    assert 'write cpu="aws-graviton3,mte=3", ' in ran.err
    assert run_cli("explain", 'cpu="aws-graviton3,mte=3"', *asked).code == 0


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "matrices",
            '  kernel: {kind: kernel, title: "Linux release", options: ["7.3"]}\n',
            "",
            "mine.yaml:7:1: error[MX0224]: the study has no axis of kernels",
        ),
        (
            "capabilities",
            "truth:",
            "so_what: [{verdict: granted, says: x}]\ntruth:",
            "mine.yaml:8:1: error[MX0224]: no answer is `granted`",
        ),
        (
            "capabilities",
            "truth:",
            'synthesis: {function: "bool f(void)", atoms: [{c: "rodata_ful"}]}\ntruth:',
            "mine.yaml:8:52: error[MX0221]: unknown name `rodata_ful`",
        ),
    ],
)
def test_what_would_be_passed_over_is_refused(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    declared(tmp_path)
    path = tmp_path / file / "mine.yaml"
    text = path.read_text().replace(old, new, 1)
    path.write_text(text.replace('kernel: "7.3", ', "", 1) if not new else text)
    ran = run_cli("check", str(tmp_path))
    assert ran.code == 3
    assert said in ran.err
