"""The verdict of every real configuration per group of CPUs: `cases/distro_verdicts.yaml`.

180 distribution files (shared data) and 14 booted configurations; the table's head says how it was
reviewed. All files of one kernel are answered in one run, as a user would.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ruamel.yaml import YAML

from matrix.pipeline.knowledge import Library
from matrix.pipeline.validate import ValidateRequest, validate

TABLE = Path(__file__).parent / "cases" / "distro_verdicts.yaml"
GROUPS = ("server", "client", "qemu")


def verdicts(files: tuple[str, ...], kernel: str) -> dict[str, dict[str, str]]:
    """Return per file and group how many CPUs have each verdict, or `-` where it has no answer."""
    members = {
        group: {cpu.id for cpu in Library().knowledge.cpus if group in cpu.groups}
        for group in GROUPS
    }
    cpus = tuple(f"@{group}" for group in GROUPS)
    outcome = validate(ValidateRequest(files=files, kernel=kernel, cpus=cpus))
    counted: dict[str, dict[str, Counter[str]]] = {}
    seen = set()
    for result in outcome.results:
        (cpu,) = result.cpu
        if (result.file, cpu) in seen:
            continue
        seen.add((result.file, cpu))
        groups = counted.setdefault(result.file, {group: Counter() for group in GROUPS})
        for group in GROUPS:
            if cpu in members[group]:
                groups[group][result.answer.verdict.value] += 1
    return {
        file: {
            group: ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
            for group, counts in groups.items()
        }
        for file, groups in counted.items()
    }


def wrong_rows(folders: dict[str, Path]) -> list[object]:
    rows = [
        row
        for row in YAML(typ="safe").load(TABLE.read_text())
        if row["file"].partition("/")[0] in folders
    ]
    paths = {}
    for row in rows:
        folder, _, name = row["file"].partition("/")
        paths[row["file"]] = folders[folder] / name
    present = {path for folder in folders.values() for path in folder.glob("*.config")}
    assert set(paths.values()) == present
    wrong: list[object] = []
    for kernel in sorted({row["kernel"] for row in rows}):
        mine = [row for row in rows if row["kernel"] == kernel]
        found = verdicts(tuple(str(paths[row["file"]]) for row in mine), kernel)
        for row in mine:
            answer = found.get(str(paths[row["file"]]))
            if answer != {group: row[group] for group in GROUPS}:
                wrong.append((row, answer))
    return wrong


def test_distribution_files(distro_configs: Path, debian_configs: Path) -> None:
    assert not wrong_rows({"distros": distro_configs, "debian": debian_configs})


def test_booted_configurations(booted_originals: Path) -> None:
    assert not wrong_rows({"booted": booted_originals})
