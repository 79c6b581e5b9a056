"""A study answers a distribution's partial `.config` by solving, `validate` by trying: the same."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from tests.cli_runner import run_cli

SHIPPED = Path(__file__).parent.parent / "configs" / "distros"
# Beside the shipped ones: files that say much less than a distribution's. Each has a page size: of
# the others `validate` says that they may not boot, and a study has only what boots.
FRAGMENTS = {
    "own-nothing": "CONFIG_ARM64_4K_PAGES=y\n",
    "own-kvm": "CONFIG_KVM=y\nCONFIG_ARM64_64K_PAGES=y\n",
    "own-late-kfence": "CONFIG_KVM=y\nCONFIG_ARM64_16K_PAGES=y\nCONFIG_KFENCE=y\n"
    "CONFIG_KFENCE_SAMPLE_INTERVAL=0\n",
}
LINES = {
    ("absent", "absent"): "",
    ("off", "absent"): "rodata=off",
    ("on", "protected"): "rodata=on kvm-arm.mode=protected",
}


def config_text(file: Path) -> str:
    """Return the lines of the `.config` that a shipped declaration was made of."""
    declared = YAML(typ="safe").load(file.read_text())
    lines = [
        f"# CONFIG_{name} is not set" if value == "n" else f"CONFIG_{name}={value}"
        for name, value in declared["kconfig"].items()
    ]
    if declared.get("command_line"):
        lines.append(f'CONFIG_CMDLINE="{declared["command_line"]}"')
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of declarations that adds the fragments to the study's distributions."""
    folder = tmp_path_factory.mktemp("own")
    for name, text in FRAGMENTS.items():
        file = folder / f"{name}.config"
        file.write_text(text)
        ran = run_cli(
            *("distros", "import", str(file), "--kernel", "7.3", "--id", name),
            *("--output", str(folder / "distros")),
        )
        assert ran.code == 0, ran.err
    return folder


def test_a_study_says_what_validate_says_of_a_partial_config(own: Path) -> None:
    library = Library((own,))
    study = prepare_study(library, "arm64-distros").study
    axis = next(axis for axis in study.axes if axis.name == "distro")
    partial = [option for option in axis.options if option.partial]
    assert len(partial) >= 10 + len(FRAGMENTS)
    assert {option.name for option in partial} >= FRAGMENTS.keys()
    ran = run_cli("cells", "arm64-distros", "--configs", str(own))
    solved = {
        (row["distro"], row["cpu"], row["boot.rodata"], row["boot.kvm_arm_mode"]): row["verdict"]
        for row in csv.DictReader(io.StringIO(ran.out))
    }
    releases = {profile.id: profile.release for profile in library.knowledge.kernels}
    systems = {option.name for axis in study.axes if axis.name == "cpu" for option in axis.options}
    named: dict[str, list[str]] = {}
    for option in partial:
        text = FRAGMENTS.get(option.name)
        text = text or config_text(SHIPPED / f"{option.name.partition('@')[0]}.yaml")
        (own / option.name).write_text(text)
        named.setdefault(releases[str(option.kernel)], []).append(str(own / option.name))
    wrong = {}
    seen = set()
    for release, files in named.items():
        for chosen, line in LINES.items():
            # Named CPUs would each be given fixes, which are not asked for here.
            ran = run_cli(
                *("validate", *files, "--kernel", release, "--cmdline", line),
                *("--fail-on", "none", "--format", "json"),
            )
            for result in json.loads(ran.out)["results"]:
                name, (cpu,) = Path(result["file"]).name, result["cpu"]
                if cpu not in systems:
                    continue
                # What cannot boot is no cell of the study; `validate` calls it absent.
                boots = not any("cannot boot" in reason for reason in result["reasons"])
                expected = result["verdict"] if boots else None
                seen.add((expected, name in FRAGMENTS))
                if solved.get((name, cpu, *chosen)) != expected:
                    wrong[name, cpu, line] = (solved.get((name, cpu, *chosen)), expected)
    assert not wrong
    assert {verdict for verdict, _ in seen} >= {"supported", "unsound", "refused", "unknown", None}
    assert len(seen) >= 8


def test_a_study_of_one_fragment_is_solved_as_its_cells_are_tried(
    own: Path, tmp_path: Path
) -> None:
    study = (SHIPPED.parent / "matrices" / "arm64-distros.yaml").read_text(encoding="utf-8")
    study = re.sub(r"options: all, kernels: \[.*?\]", "options: [own-kvm]", study, count=1)
    study = study.replace("distro: debian-7.3", "distro: own-kvm").partition("\nclaims:")[0]
    study = study.replace("id: arm64-distros", "id: own-study", 1) + "\nformats: [html]\n"
    file = tmp_path / "matrices" / "own-study.yaml"
    file.parent.mkdir()
    file.write_text(study, encoding="utf-8")
    folders = ("--configs", str(own), "--configs", str(tmp_path))
    rows = list(csv.DictReader(io.StringIO(run_cli("cells", "own-study", *folders).out)))
    prepared = prepare_study(Library((own, tmp_path)), "own-study")
    axes = [axis.name for axis in prepared.study.axes]
    assert len(rows) > 10
    for row in rows:
        answer = prepared.answer({name: row[name] for name in axes})
        assert answer is not None
        assert answer.verdict == row["verdict"], row
