"""Every diagnostic code has a row, an example and a golden text: the three sets are equal.

An example is a file of `tests/cases/bad` named after its code, or a command of `commands.yaml`.
Each is given to the command line; the golden is what a person then reads.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from ruamel.yaml import YAML

from matrix.diagnostics.codes import codes
from tests import bundle_builder, package_builder
from tests.cli_runner import Ran, run_cli
from tests.golden_files import Golden
from tests.small_trees import write_example_trees

CODES = codes()
ROOT = Path(__file__).parent.parent
BAD = Path(__file__).parent / "cases" / "bad"
CLAIMS = Path(__file__).parent / "cases" / "claims"
STUDIES = Path(__file__).parent / "cases" / "studies"
GOOD = Path(__file__).parent / "cases" / "good"
REVIEW = Path(__file__).parent / "cases" / "review"
CAPABILITIES = Path(__file__).parent / "cases" / "capabilities"
CONFIG = Path(__file__).parent / "data" / "booted" / "7.3.config"

MAKEFILE = "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\nEXTRAVERSION = -rc7\n"

# Codes without an example, and why; each has a test of its own.
WITHOUT_EXAMPLE = {
    "MX0685": "an architecture with a scenario is long: tests/test_declared_architectures.py",
    "MX0203": "the file would be larger than anyone reads",
    "MX0290": "a profile of its own would be needed; tests/unit/analyze/test_facts_lowering.py",
    "MX0291": "likewise",
    "MX0292": "likewise",
    "MX0304": "needs an environment without zstandard",
    "MX0608": "a study of its own would be needed; tests/unit/analyze/test_bounds.py",
    "MX0610": "a study of its own would be needed; tests/unit/analyze/test_bounds.py",
    "MX0620": "no shipped study needs so many features; tests/unit/analyze/test_rules.py",
    "MX0634": "needs two million nodes; tests/unit/solve/test_layers.py",
    "MX0640": "no shipped study has so many; tests/unit/solve/test_covering.py",
    "MX0651": "tests/unit/solve/test_partition.py",
    "MX0652": "likewise",
    "MX0653": "likewise",
    "MX0656": "needs a limit of the system; tests/unit/solve/test_diagram.py",
    "MX0654": "needs more memory than there is; tests/unit/solve/test_space.py",
    "MX0655": "tests/unit/solve/test_partition.py",
    "MX0665": "needs a process that is killed; tests/test_validate_jobs.py",
    "MX0708": "no command takes an assumption's value; tests/unit/explore",
    "MX0720": "needs another architecture; tests/unit/analyze/test_scenarios.py",
    "MX0710": "no shipped class is near the bound; tests/unit/analyze/test_bounds.py",
    "MX0802": "no command writes two results to one file; tests/unit/render",
    "MX0813": "needs an edit at the right moment; tests/test_rewritten_files.py",
    "MX0815": "needs a process that is killed; tests/test_cell_parts.py",
    "MX0825": "needs an environment without dask; tests/test_cell_clusters.py",
    "MX0826": "takes its time; tests/test_cell_clusters.py",
    "MX0827": "needs a cluster; tests/test_cell_clusters.py",
    "MX0828": "likewise",
    "MX0850": "no file shows it; tests/unit/door/test_streams.py",
    "MX1444": "needs a .config beside it; tests/test_reported_inputs.py",
    "MX0823": "needs a port that is taken; tests/test_report_folder.py",
    "MX0902": "can be asked where present; tests/unit/analyze/test_bounds.py",
    "MX0903": "no shipped CPU has so many unknown fields; tests/unit/analyze/test_bounds.py",
    "MX1101": "needs a kernel tree; tests/test_source_drift.py",
    "MX1102": "needs a kernel tree; tests/test_source_drift.py",
    "MX1103": "needs a kernel tree; tests/test_source_drift.py",
    "MX1104": "needs a kernel tree; tests/test_source_drift.py",
    "MX1105": "needs a kernel tree; tests/test_source_drift.py",
    "MX1106": "needs a kernel tree; tests/test_source_drift.py",
    "MX1107": "needs a kernel tree; tests/test_source_drift.py",
    "MX1108": "needs a kernel tree; tests/test_source_drift.py",
    "MX1109": "needs a kernel tree; tests/test_source_drift.py",
    "MX1110": "needs a kernel tree; tests/test_source_drift.py",
    "MX1227": "needs a kernel tree; tests/test_review_tree.py",
    "MX1228": "needs a kernel tree; tests/test_review_tree.py",
    "MX1229": "needs a kernel tree; tests/test_review_tree.py",
    "MX1124": "needs a draft; tests/laws/test_unread_rows.py",
    "MX1125": "needs a kernel tree; tests/test_source_drift.py",
    "MX1117": "needs a draft; tests/test_kernel_drafts.py",
    "MX1017": "a whole tree is needed; tests/test_builds.py",
    "MX1018": "likewise",
    "MX1459": "a .scc names other files; tests/test_builds.py",
    "MX1460": "a folder of many files; tests/test_builds.py",
    "MX1461": "a file elsewhere is included; tests/test_builds.py",
    "MX1115": "needs a profile of its own; tests/test_source_drift.py",
    "MX1118": "needs an installed package; tests/test_written_files.py",
    "MX1119": "needs a kernel tree; tests/test_source_drift.py",
    "MX1120": "needs a kernel tree; tests/test_source_drift.py",
    "MX1121": "needs a kernel tree; tests/test_source_drift.py",
    "MX1202": "the file would be larger than anyone reads; tests/unit/kernel/test_patch_mail.py",
    "MX1217": "a warning beside an answer; tests/test_review.py",
    "MX1218": "likewise",
    "MX1221": "likewise",
    "MX1222": "likewise",
    "MX1224": "likewise",
    "MX1225": "likewise",
    "MX1226": "likewise",
    "MX1240": "likewise",
    "MX1241": "likewise",
    "MX1242": "likewise",
    "MX1243": "a warning beside an answer; tests/test_review_tree.py",
    "MX1010": "would look at 200,000 assignments; tests/unit/solve/test_projection.py",
    "MX1011": "would wait for a minute; tests/unit/kernel/test_kconfig_reading.py",
    "MX1430": "the file would be larger than anyone reads; tests/unit/kernel/test_evidence.py",
}

# What makes the small study contradictory: two constraints of its own and one of each Kconfig.
CONTRADICTION = (
    "constraints:\n",
    """constraints:
  - {c: "!IS_ENABLED(CONFIG_KVM)", because: "the first example of a contradiction"}
  - {c: "kvm_mode != KVM_MODE_PROTECTED", because: "this one takes no part in it"}
  - {c: "IS_ENABLED(CONFIG_KVM) || vm == \\"protected\\"", because: "the second example"}
""",
)


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
    (folder / "other-release.config").write_text(text.replace("7.3.0", "7.9.4", 1))
    without = re.sub(r"CONFIG_KVM_GUEST_MEMFD=y\n", "", text).replace("7.3.0", "6.4.9", 1)
    (folder / "no-gmem.config").write_text(without)
    (folder / "fragment.config").write_text("CONFIG_KVM=y\nCONFIG_ARM64_4K_PAGES=y\n")
    (folder / "old-verdicts.json").write_text('{"schema": "matrix/verdicts/0"}\n')
    for name in ("tree/arch/arm64", "x86-tree/arch/x86"):
        (folder / name).mkdir(parents=True)
        (folder / name).parents[1].joinpath("Makefile").write_text(MAKEFILE)
    shutil.copytree(CLAIMS, folder / "claims" / "matrices")
    shutil.copytree(STUDIES, folder / "studies")
    shutil.copytree(CAPABILITIES / "granted", folder / "granted")
    (folder / "unexpected" / "matrices").mkdir(parents=True)
    shutil.copyfile(CLAIMS / "small.yaml", folder / "unexpected" / "matrices" / "small.yaml")
    for kind in ("architectures", "kernels"):
        shutil.copytree(BAD / "MX0227-which-architecture" / kind, folder / "two" / kind)
    shutil.copytree(BAD / "MX0252-overlays-collide", folder / "overlays")
    (folder / "overlays" / "overlays" / "two.yaml").unlink()
    package_builder.lay_out(folder)
    small = (CLAIMS / "small.yaml").read_text().replace("id: small", "id: contradictory")
    (folder / "contradictory" / "matrices").mkdir(parents=True)
    (folder / "contradictory" / "matrices" / "my.yaml").write_text(small.replace(*CONTRADICTION))
    shutil.copytree(REVIEW, folder / "review")
    (folder / "binary.patch").write_bytes(b"\x7fELF\0\0\0")
    write_example_trees(folder / "trees")
    (folder / "overlay.config").write_text("# CONFIG_KVM is not set\n")
    (folder / "releases.toml").write_text('[releases]\n"frag*" = "7.3"\n')
    (folder / "feature.scc").write_text("kconf hardware gone.cfg\n")
    (folder / "linux-7.3.config").write_text("CONFIG_KVM=y\nCONFIG_ARM64_4K_PAGES=y\n")
    shutil.copyfile(BAD / "MX1442-log-alone.evidence", folder / "boots.log")
    bundle_builder.lay_out(folder)
    (folder / "taken" / "matrices").mkdir(parents=True)
    (folder / "taken" / "matrices" / "my-study.yaml").write_text("")
    lay_out_fleets(folder)


def lay_out_fleets(folder: Path) -> None:
    """Make the tables of hosts that the commands of `commands.yaml` name."""
    (folder / "hosts.csv").write_text(
        "host,kernel,config,cpu,cmdline,rack\n"
        "good,7.3.0-1-arm64,config,graviton3,quiet,1\n"
        "wordy,7.3,config,graviton3,quiet,1,rodata=on\n"
        "nameless,vmlinuz,config,graviton3,,2\n"
        f"hashed,7.3,{'ab' * 32},graviton3,,2\n"
        "headless,7.3,config,,,2\n"
    )
    (folder / "lacking.csv").write_text("host,rack,cpu\na,7,graviton3\n")
    (folder / "configless.csv").write_text("NAME,INSTANCE-TYPE,KERNEL-VERSION\na,m7g.metal,7.3\n")
    (folder / "cut.parquet").write_bytes(b"PAR1 and nothing more")
    columns = {"host": ["a"], "kernel": [6.10], "config": ["config"], "cpu": ["graviton3"]}
    parquet.write_table(pa.table(columns), folder / "numbers.parquet")


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that each example gets a copy of."""
    folder = tmp_path_factory.mktemp("laid-out")
    lay_out(folder)
    return folder


def run_example(name: str, folder: Path) -> Ran:
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
        case ".evidence":
            return run_cli("validate", "--evidence", name)
        case ".md" | ".rst" | ".adoc":
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
    laid_out: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[str], Golden],
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(laid_out, tmp_path, symlinks=True, dirs_exist_ok=True)
    ran = run_example(name, tmp_path)
    code = name.partition("-")[0]
    said = ran.err if ran.code == 3 else ran.out + ran.err
    assert "Traceback" not in said
    assert ran.code != 70
    assert code in said, said
    if f"error[{code}]" in said:
        assert ran.code in (3, 4) or name.startswith(("MX0672", "MX0811", "MX0812"))
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
