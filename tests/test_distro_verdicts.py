"""The verdict of every real configuration per group of CPUs: `golden/distro-verdicts.txt`.

180 distribution files and the 14 booted configurations. Files that take the same `--kernel` are
answered in one run on every declared CPU, as a user would. What `distro_verdicts_by_hand.yaml`
expects is derived from the recorded facts, CPU by CPU.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from msgspec import Struct
from ruamel.yaml import YAML

from matrix.flows.knowledge import Library
from tests.cli_runner import run_cli
from tests.golden_files import Golden

CASES = Path(__file__).parent / "cases"
GROUPS = ("server", "cloud", "client", "embedded")
VERDICTS = ("supported", "unsound", "refused", "overstrict", "unknown", "absent")
HEAD = """\
# Verdicts of gmem-no-direct-map (predicate v12, no boot loader line, default VM) per group of CPUs.
#
# A row: file | kernel it is answered for | complete or partial | answer | number of CPUs by verdict
# in each group. A CPU may be in several groups. The answers at the end name the CPUs of each.
#
# How it was reviewed: 40 rows were derived by hand, CPU by CPU, from the recorded CPU registers,
# the kernel facts (section 0, and its extension to 6.18) and the worked examples of the design. The
# reviewer had seen the counts before; the sets of CPUs were then checked against the register table
# by a rule of its own. Rows and reasons are in cases/distro_verdicts_by_hand.yaml, tested on their
# own: Debian's releases and flavours (each one, not each pair), 3.18 and 4.19, KFENCE with interval
# 0, 100 and without it, 4, 16 and 64 kB pages, KVM off, partial files that say much or nothing, the
# debug files that contradict Kconfig. No file has CMDLINE_FORCE=y. Such a row reaches every answer.
#
# The 17 partial debug files of Fedora, CentOS Stream and RHEL set KFENCE_SAMPLE_INTERVAL with
# KFENCE off, which no build has (MX0919): they are answered without that one constraint. Kconfig
# would drop the line, and without KFENCE the kernel has nothing that reads it.
"""


class Row(Struct, frozen=True, kw_only=True):
    """What is answered for one file; `verdicts` has one for each CPU that is no emulator's."""

    kernel: str
    complete: bool
    verdicts: Mapping[str, str]


def members() -> dict[str, list[str]]:
    cpus = Library().knowledge.cpus
    return {group: [cpu.id for cpu in cpus if group in cpu.groups] for group in GROUPS}


def kernels_needed() -> dict[str, str]:
    """Return the `--kernel` of each distribution file, as `cases/distros.yaml` has it."""
    rows = YAML(typ="safe").load((CASES / "distros.yaml").read_text())
    return {row["file"]: row.get("given", "auto").partition(" ")[0] for row in rows}


def answered(files: Mapping[str, Path], kernel: str) -> dict[str, Row]:
    """Return the row of each file, all answered in one run."""
    names = {str(path): name for name, path in files.items()}
    # Named CPUs would each be given fixes, which take most of the time and are not asked for here.
    ran = run_cli("validate", *names, "--kernel", kernel, "--fail-on", "none", "--format", "json")
    assert ran.code == 0, ran.err
    wanted = {cpu for group in members().values() for cpu in group}
    verdicts: dict[str, dict[str, str]] = {}
    rows = {}
    for result in json.loads(ran.out)["results"]:
        name = names[result["file"]]
        (cpu,) = result["cpu"]
        if cpu in wanted:
            verdicts.setdefault(name, {})[cpu] = result["verdict"]
        codes = {item["code"] for item in result["diagnostics"]}
        rows[name] = Row(
            kernel=result["kernel"], complete="MX0911" not in codes, verdicts=verdicts[name]
        )
    return rows


@pytest.fixture(scope="module")
def rows(distro_configs: Path, debian_configs: Path, booted_extract: Path) -> dict[str, Row]:
    """Return the rows of all 194 files; a booted one is named `booted/<kernel>.config`."""
    files = {
        path.name: path
        for folder in (distro_configs, debian_configs)
        for path in folder.glob("*.config")
    }
    kernels = kernels_needed()
    assert kernels.keys() == files.keys()
    for path in booted_extract.glob("*.config"):
        files[f"booted/{path.name}"] = path
        kernels[f"booted/{path.name}"] = "auto"
    assert len(files) == 194
    found: dict[str, Row] = {}
    for kernel in sorted(set(kernels.values())):
        alike = {name: path for name, path in files.items() if kernels[name] == kernel}
        found |= answered(alike, kernel)
    assert found.keys() == files.keys()
    return found


def counts(verdicts: Iterable[str]) -> str:
    counted = Counter(verdicts)
    return ", ".join(f"{verdict} {counted[verdict]}" for verdict in VERDICTS if counted[verdict])


def test_every_real_configuration(rows: Mapping[str, Row], golden: Callable[[str], Golden]) -> None:
    groups = members()
    answers: list[Mapping[str, str]] = []
    lines = []
    for file, row in sorted(rows.items()):
        if row.verdicts not in answers:
            answers.append(row.verdicts)
        by_group = [
            f"{name}: {counts(row.verdicts[cpu] for cpu in groups[name])}" for name in GROUPS
        ]
        kind = "complete" if row.complete else "partial"
        number = answers.index(row.verdicts) + 1
        lines.append(" | ".join((file, row.kernel, kind, f"answer {number}", *by_group)))
    for number, verdicts in enumerate(answers, start=1):
        lines += ["", f"answer {number}"]
        for verdict in VERDICTS:
            cpus = sorted(cpu for cpu, given in verdicts.items() if given == verdict)
            if cpus:
                whole = len(cpus) == len(verdicts)
                lines.append(f"  {verdict}: {'every CPU' if whole else ' '.join(cpus)}")
    golden("distro-verdicts.txt").check(HEAD + "\n" + "\n".join(lines) + "\n")


def expected(answers: Mapping[str, Mapping[str, object]], name: str) -> dict[str, str]:
    """Return the verdict of each CPU in an answer that was worked out by hand."""
    answer = dict(answers[name])
    like, otherwise = answer.pop("like", None), answer.pop("otherwise", None)
    if isinstance(like, str):
        verdicts = expected(answers, like)
    else:
        assert otherwise in VERDICTS
        verdicts = {cpu: str(otherwise) for group in members().values() for cpu in group}
    for verdict, cpus in answer.items():
        assert verdict in VERDICTS
        assert isinstance(cpus, list)
        assert set(cpus) <= verdicts.keys()
        verdicts |= dict.fromkeys(cpus, verdict)
    return verdicts


def test_rows_worked_out_by_hand(rows: Mapping[str, Row]) -> None:
    by_hand = YAML(typ="safe").load((CASES / "distro_verdicts_by_hand.yaml").read_text())
    wrong = {}
    for case in by_hand["rows"]:
        awaited, found = expected(by_hand["answers"], case["answer"]), rows[case["file"]]
        differing = {
            cpu: (verdict, found.verdicts[cpu])
            for cpu, verdict in awaited.items()
            if found.verdicts[cpu] != verdict
        }
        if differing or found.complete == case["because"].startswith("partial"):
            wrong[case["file"]] = (case["because"], differing)
    assert not wrong
    assert {case["answer"] for case in by_hand["rows"]} == by_hand["answers"].keys()
