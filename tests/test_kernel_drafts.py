"""`kernels add`: what is drafted from a neighbour is compared with the profile a person wrote."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.analyze.facts.unread import subjects
from matrix.flows.kernels_add import AddRequest, add_kernel
from matrix.kernel.source.truth.profile_rows import by_name
from matrix.schema.compiled import knowledge
from matrix.schema.loader import load_knowledge
from matrix.schema.values import KernelProfile
from tests.cli_runner import run_cli

# Release, neighbour, how many of the citations must be found where a person found them, and how
# many rows may be left for a person to read, those of the operations not counted.
DRAFTS = (
    ("7.3", "7.2", 140, 20),
    ("6.1", "5.10", 48, 30),
    ("6.1", "6.12", 70, 30),
    ("6.12", "6.1", 70, 30),
)
SPELT = {"1": "true", "0": "false"}


def add(release: str, neighbour: str, tree: Path, folder: Path) -> KernelProfile:
    file = folder / f"linux-{release}-arm64.yaml"
    ran = run_cli(
        *("kernels", "add", "--tree", str(tree), "--from", neighbour, "--output", str(file))
    )
    assert ran.code == 0, ran.err
    drafted = load_knowledge((Path("configs").resolve(), folder))
    return next(item for item in drafted.kernels if item.release == release)


def shipped(release: str) -> KernelProfile:
    return next(item for item in knowledge().kernels if item.release == release)


def sources(profile: KernelProfile) -> dict[str, str]:
    """Return what each row cites, by a name of our own for the row."""
    rows = {f"o:{row.operation}": row.source for row in profile.operations}
    rows |= {f"m:{row.name}": row.source for row in profile.mechanisms}
    rows |= {f"f:{row.signature}": row.source for row in profile.functions}
    rows |= {f"v:{row.name}": row.source for row in profile.variables}
    rows |= {f"c:{row.name}": row.source for row in profile.cpucaps}
    for parameter in profile.parameters:
        rows |= {f"p:{parameter.name}:{n}": row.source for n, row in enumerate(parameter.parsers)}
    return rows


@pytest.mark.parametrize(("release", "neighbour", "least", "most"), DRAFTS)
def test_a_draft_agrees_with_the_profile_or_says_that_it_does_not_know(
    release: str,
    neighbour: str,
    least: int,
    most: int,
    kernel_tree: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: Path,
) -> None:
    monkeypatch.chdir(repository)
    drafted = add(release, neighbour, kernel_tree(release), tmp_path)
    written = shipped(release)
    assert drafted.id == written.id
    assert drafted.verified_on.version == written.verified_on.version
    assert drafted.open

    # Lines: most are those a person found; no row silently keeps the neighbour's.
    cited, right = sources(drafted), sources(written)
    found = sum(
        part in right.get(row, "").split("; ")
        for row, text in cited.items()
        for part in text.split("; ")
    )
    assert found >= least

    # Values: equal to the person's, or unread, or named as open.
    values = {item.signature: item.body.text for item in written.functions}
    values |= {item.name: item.initial.text for item in written.variables}
    mine = {item.signature: item.body.text for item in drafted.functions}
    mine |= {item.name: item.initial.text for item in drafted.variables}
    for name, text in mine.items():
        if name in values and SPELT.get(text, text) != SPELT.get(values[name], values[name]):
            heads = (f"function {name}:", f"variable {name}:")
            named = any(row.startswith(heads) for row in drafted.open)
            assert named, (name, text, values[name])
    open_rows = {row for row in subjects(drafted.open) if row[0] != "operation"}
    assert len(open_rows) <= most


def test_what_no_profile_has_is_a_row_and_says_so(kernel_tree: Callable[[str], Path]) -> None:
    """BBML3 is new in 7.3: a helper that only tests it is read, the others are open, none lacks."""
    asked = AddRequest(tree=kernel_tree("7.3"), neighbour="7.2", without="linux-7.3-arm64")
    draft = add_kernel(asked).draft
    text, opened = draft.text, set(subjects(draft.open))
    functions = by_name(text, "functions")
    assert (
        'body: "cpus_have_final_cap(ARM64_HAS_BBML3)"' in functions["system_supports_bbml3()"].text
    )
    assert "!system_supports_bbml3()" in functions["force_pte_mapping()"].text
    new = {("function", "cpu_supports_bbml3()"), ("cpucap", "ARM64_HAS_BBML3")}
    assert new <= opened
    assert {name for _, name in new} <= {*functions, *by_name(text, "cpucaps")}
    assert not {one for one in opened if one[1] in ("force_pte_mapping()", "map_mem_forces_ptes()")}


def test_what_no_cited_line_shows_is_open(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """Wrong without a word in drafts of 5.15: an enumerator that is not there yet, an override."""
    tree = tmp_path / "tree"
    shutil.copytree(kernel_tree("6.1"), tree, copy_function=shutil.copyfile)
    header = tree / "arch/arm64/include/asm/kvm_host.h"
    text = header.read_text()
    assert "\tKVM_MODE_NONE,\n" in text
    header.write_text(text.replace("\tKVM_MODE_NONE,\n", "").replace("KVM_MODE_NONE", "0"))
    parser = tree / "arch/arm64/kvm/arm.c"
    parser.write_text(parser.read_text().replace("KVM_MODE_NONE", "0"))
    features = tree / "arch/arm64/kernel/cpufeature.c"
    before, entry, after = features.read_text().partition(".capability = ARM64_MTE,")
    assert "\t\t.field_width = 4,\n" in after.partition("}")[0]
    features.write_text(before + entry + after.replace("\t\t.field_width = 4,\n", "", 1))
    for neighbour in ("5.10", "6.6"):
        asked = AddRequest(tree=tree, neighbour=neighbour, without="linux-6.1-arm64")
        draft = add_kernel(asked).draft
        opened = set(subjects(draft.open))
        # Each is open, or as a profile has it that knows.
        said = by_name(draft.text, "functions")["kvm_get_mode()"].text
        assert ("function", "kvm_get_mode()") in opened or "KVM_MODE_NONE" not in said
        said = by_name(draft.text, "cpucaps")["ARM64_MTE"].text
        assert ("cpucap", "ARM64_MTE") in opened or "unless: pfr1_mte_override" in said
        assert "linux/v6.1.176/source" in draft.text


def keep_open(file: Path, row: str) -> None:
    """Leave one row of a draft open, as if a person had read the others."""
    text = file.read_text()
    head, _, rest = text.partition("open:\n")
    rows = itertools.takewhile(lambda line: line.startswith("  - "), rest.splitlines(keepends=True))
    body = rest[len("".join(rows)) :]
    file.write_text(f'{head}open:\n  - "{row}: not read"\n{body}')


def test_an_answer_that_rests_on_what_nobody_read_is_unknown(
    kernel_tree: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: Path,
) -> None:
    monkeypatch.chdir(repository)
    add("7.3", "7.2", kernel_tree("7.3"), tmp_path)
    config = "tests/data/booted/7.3.config"
    asked = ("validate", config, "--cpu", "graviton3")
    # What is still open of the draft matters to advisories alone: the verdict is the person's.
    verdict = run_cli(*asked).out.splitlines()[0]
    assert run_cli(*asked, "--profiles", str(tmp_path)).out.splitlines()[0] == verdict
    keep_open(tmp_path / "linux-7.3-arm64.yaml", "function can_set_direct_map()")
    ran = run_cli(*asked, "--profiles", str(tmp_path))
    assert ran.code == 4
    assert "nobody has read" in " ".join(ran.out.split())
    assert run_cli("check", str(tmp_path)).code == 0
    study = ("count", "arm64-overview", "--format", "json")
    with_draft = json.loads(run_cli(*study, "--configs", str(tmp_path)).out)
    without = json.loads(run_cli(*study).out)
    assert with_draft["cells"] == without["cells"]
    assert with_draft["verdicts"]["unknown"] > without["verdicts"]["unknown"]
    verify = ("kernels", "verify", "7.3", "--tree", str(kernel_tree("7.3")))
    refused = run_cli(*verify, "--configs", str(tmp_path), "--record")
    assert refused.code == 3
    assert "MX1117" in refused.err
    assert "warning[MX1117]" in run_cli(*verify, "--configs", str(tmp_path)).out


def test_a_release_with_a_profile_is_not_drafted(kernel_tree: Callable[[str], Path]) -> None:
    ran = run_cli("kernels", "add", "--tree", str(kernel_tree("7.3")))
    assert ran.code == 3
    assert "MX1116" in ran.err


@pytest.mark.parametrize(
    "row", ["variable arm64_sw_hvhe", "parameter arm64.nomte", "variable rodata_full"]
)
def test_a_cell_is_explained_whichever_variable_nobody_has_read(
    row: str, tmp_path: Path, repository: Path
) -> None:
    text = (repository / "configs/kernels/linux-7.3-arm64.yaml").read_text(encoding="utf-8")
    head, functions, rest = text.partition("\nfunctions:\n")
    (tmp_path / "kernels").mkdir()
    file = tmp_path / "kernels" / "linux-7.3-arm64.yaml"
    file.write_text(f'{head}\nopen:\n  - "{row}: not read"\n{functions}{rest}', encoding="utf-8")
    cell = "cpu=cortex-a710,boot.rodata=noalias"
    ran = run_cli("explain", cell, "--format", "json", "--configs", str(tmp_path))
    assert ran.code in (0, 4), ran.err
    assert json.loads(ran.out)["nearest"] is not None
