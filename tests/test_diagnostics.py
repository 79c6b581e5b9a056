"""Every diagnostic code has a row, an example and a golden text: the three sets are equal.

An example is a file of `tests/cases/bad` named after its code, or a command of `commands.yaml`.
Each is given to the command line; the golden is what a person then reads.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.diagnostics.codes import CODES
from tests import bundle_builder, package_builder
from tests.cli_runner import Ran, run_cli
from tests.golden_files import Golden

ROOT = Path(__file__).parent.parent
BAD = Path(__file__).parent / "cases" / "bad"
CLAIMS = Path(__file__).parent / "cases" / "claims"
GOOD = Path(__file__).parent / "cases" / "good"
CONFIG = Path(__file__).parent / "data" / "booted" / "7.3.config"

# Codes without an example, and why; each has a test of its own.
WITHOUT_EXAMPLE = {
    "MX0203": "the file would be larger than anyone reads",
    "MX0290": "a profile of its own would be needed; tests/unit/analyze/test_facts_lowering.py",
    "MX0291": "likewise",
    "MX0292": "likewise",
    "MX0304": "needs an environment without zstandard",
    "MX0608": "a study of its own would be needed; tests/unit/analyze/test_bounds.py",
    "MX0610": "a study of its own would be needed; tests/unit/analyze/test_bounds.py",
    "MX0620": "no shipped study needs so many features; tests/unit/analyze/test_rules.py",
    "MX0651": "tests/unit/solve/test_partition.py",
    "MX0652": "likewise",
    "MX0653": "likewise",
    "MX0654": "needs more memory than there is; tests/unit/solve/test_space.py",
    "MX0655": "tests/unit/solve/test_partition.py",
    "MX0701": "the schema refuses an unknown scenario first",
    "MX0708": "no command takes an assumption's value; tests/unit/simulate",
    "MX0710": "no shipped class is near the bound; tests/unit/analyze/test_bounds.py",
    "MX0802": "no command writes two results to one file; tests/unit/render",
    "MX0902": "can be asked where present; tests/unit/analyze/test_bounds.py",
    "MX0903": "no shipped CPU has so many unknown fields; tests/unit/analyze/test_bounds.py",
}


def commands() -> dict[str, list[str]]:
    table: dict[str, list[str]] = YAML(typ="safe").load((BAD / "commands.yaml").read_text())
    return table


def examples() -> list[str]:
    files = [path.name for path in BAD.iterdir() if path.name.startswith("MX")]
    return sorted([*files, *commands()])


def lay_out(folder: Path) -> None:
    """Make the files that the commands of `commands.yaml` name."""
    text = CONFIG.read_text()
    (folder / "config").write_text(text)
    (folder / "headless.config").write_text(text.partition("Kernel Configuration")[2])
    (folder / "other-release.config").write_text(text.replace("7.3.0", "7.1.4", 1))
    without = re.sub(r"CONFIG_KVM_GUEST_MEMFD=y\n", "", text).replace("7.3.0", "5.15.9", 1)
    (folder / "no-gmem.config").write_text(without)
    (folder / "fragment.config").write_text("CONFIG_KVM=y\nCONFIG_ARM64_4K_PAGES=y\n")
    shutil.copytree(CLAIMS, folder / "claims" / "matrices")
    package_builder.lay_out(folder)
    bundle_builder.lay_out(folder)
    (folder / "taken" / "matrices").mkdir(parents=True)
    (folder / "taken" / "matrices" / "my-study.yaml").write_text("")


def run_example(name: str, folder: Path) -> Ran:
    lay_out(folder)
    if name in commands():
        return run_cli(*commands()[name])
    source = BAD / name
    if source.is_dir() or source.suffix in (".yaml", ".expr"):
        return run_cli("check", *declarations(source, folder))
    shutil.copyfile(source, folder / name)
    match source.suffix:
        case ".cmdline":
            return run_cli("validate", "config", "--cpu", "graviton3", "--cmdline-file", name)
        case ".spec":
            return run_cli("validate", "config", "--cpu", source.read_text().rstrip("\n"))
        case ".md":
            return run_cli("embed", "--check", name)
        case _:
            extra = ["--cmdline", "quiet"] if name.startswith("MX0406") else []
            return run_cli("validate", name, "--kernel", "7.3", "--cpu", "graviton3", *extra)


def declarations(source: Path, folder: Path) -> list[str]:
    """Return the folders of declarations that show an example of MX01 or MX02."""
    if source.is_dir():
        shutil.copytree(source, folder / source.name)
        return [source.name]
    if source.suffix == ".expr":
        study = folder / "mine" / "matrices"
        study.mkdir(parents=True)
        shutil.copyfile(ROOT / "configs" / "matrices" / "arm64-overview.yaml", study / "my.yaml")
        text = (study / "my.yaml").read_text().replace("id: arm64-overview", "id: my")
        written = source.read_text().rstrip("\n").replace("\n", " ").replace("'", "''")
        lines = [
            f"  - {{c: '{written}', because: \"it is an example\"}}"
            if "granule_supported()" in line
            else line
            for line in text.splitlines()
        ]
        (study / "my.yaml").write_text("\n".join(lines) + "\n")
        return ["mine"]
    (folder / "mine" / "cpus").mkdir(parents=True)
    shutil.copyfile(source, folder / "mine" / "cpus" / source.name)
    return ["mine"]


@pytest.mark.parametrize("name", examples())
def test_example(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[str], Golden],
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run_example(name, tmp_path)
    code = name.partition("-")[0]
    said = ran.err if ran.code == 3 else ran.out + ran.err
    assert "Traceback" not in said
    assert ran.code != 70
    assert code in said, said
    if f"error[{code}]" in said:
        assert ran.code in (3, 4) or name.startswith("MX0811")
        assert "hint: " in said
    golden(f"diagnostics/{name}.txt").check(said.replace(str(tmp_path), "."))


def test_rows_examples_and_uses_are_the_same_codes() -> None:
    with_example = {name.partition("-")[0] for name in examples()}
    assert WITHOUT_EXAMPLE.keys() <= CODES.keys()
    assert with_example | WITHOUT_EXAMPLE.keys() == CODES.keys()
    assert not with_example & WITHOUT_EXAMPLE.keys()
    used = {
        code
        for path in (ROOT / "matrix").rglob("*.py")
        if path.parent.name != "diagnostics"
        for code in re.findall(r'"(MX\d{4})"', path.read_text())
    }
    assert used == CODES.keys()


@pytest.mark.parametrize("code", CODES)
def test_explain_knows_the_code(code: str) -> None:
    ran = run_cli("explain", code)
    assert ran.code == 0
    assert ran.out.startswith(f"{code}: {CODES[code][0]}\n\n")


def test_the_page_of_diagnostics_is_up_to_date() -> None:
    page = (ROOT / "docs" / "diagnostics.md").read_text()
    rows = [f"| {code} | {title} | {text} |" for code, (title, text) in CODES.items()]
    assert [line for line in page.splitlines() if line.startswith("| MX")] == rows
