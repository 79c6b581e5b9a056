"""What a stranger types first, through the whole command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli
from tests.small_trees import small_tree
from tests.unit.scenarios.simulation_cases import cases, series, subsequence

ROOT = Path(__file__).parent.parent


def test_a_starter_study_checks_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_cli("init", "mine").code == 0
    checked = run_cli("check", "mine")
    assert checked.code == 0, checked.err
    ran = run_cli("report", "my-study", "--configs", "mine", "-o", "out")
    assert ran.code == 0, ran.err
    written = ["my-study.html", "my-study.md", "badges/my-study.svg"]
    assert ran.out.split() == [f"out/{name}" for name in written]
    text = (tmp_path / "out" / "my-study.md").read_text()
    assert "my-cpu" in text
    again = run_cli("report", "my-study", "--configs", "mine", "-o", "out", "--check")
    assert again.code == 0


@pytest.mark.parametrize("command", [("check", "mine"), ("count", "my-study", "--configs", "mine")])
def test_a_study_without_a_cell_is_refused_where_it_is_checked(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_cli("init", "mine")
    study = Path("mine/matrices/my-study.yaml")
    text = study.read_text()
    guilty = 'KVM_GUEST_MEMFD: "n"'
    study.write_text(text.replace('KVM_GUEST_MEMFD: "y"', guilty))
    ran = run_cli(*command)
    assert ran.code == 3
    assert ran.err.count("error[") == ran.err.count("error[MX0661]") == 1
    lines = study.read_text().splitlines()
    (line,) = (number for number, found in enumerate(lines, start=1) if guilty in found)
    said = "note[MX0660]: axis `page_size` has only `4k`: KVM=y, KVM_GUEST_MEMFD=n"
    assert re.search(rf"{study}:{line}:\d+: {re.escape(said)}", ran.err)


def test_a_symbol_that_no_axis_sets_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_cli("init", "mine")
    study = Path("mine/matrices/my-study.yaml")
    study.write_text(study.read_text().replace(', KVM_GUEST_MEMFD: "y"', ""))
    ran = run_cli("check", "mine")
    assert ran.code == 3
    assert "no axis of the study sets CONFIG_KVM_GUEST_MEMFD: off" in ran.err


def test_a_study_whose_baseline_cannot_exist_has_cells_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_cli("init", "mine")
    study = Path("mine/matrices/my-study.yaml")
    refused = 'constraints:\n  - {c: "!rodata_full", because: "an example"}\n'
    study.write_text(study.read_text().replace("constraints: []\n", refused))
    assert run_cli("explain", "kernel=7.3", "--matrix", "my-study", "--configs", "mine").code == 3
    assert run_cli("check", "mine").code == 0


def test_a_stale_report_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_cli("report", "arm64-memfd-secret").code == 0
    page = tmp_path / "reports" / "arm64-memfd-secret.md"
    page.write_text(page.read_text() + "edited\n")
    ran = run_cli("report", "arm64-memfd-secret", "--check")
    assert ran.code == 1
    assert "stale: reports/arm64-memfd-secret.md" in ran.err
    assert page.read_text().endswith("edited\n")


def test_the_overview_names_each_of_its_kernels_and_every_cpu() -> None:
    named = {"5.10", "6.1", "6.6", "6.12", "6.18", "7.2", "7.3"}
    text = (ROOT / "reports" / "arm64-overview.md").read_text()
    listed = json.loads(run_cli("kernels", "list", "--format", "json").out)["kernels"]
    arm64 = [item for item in listed if item["arch"] == "arm64"]
    kernels = [item for item in arm64 if item["release"] in named]
    listed = json.loads(run_cli("cpus", "list", "--format", "json").out)["cpus"]
    cpus = [item for item in listed if item["arch"] == "arm64"]
    assert len(kernels) == 7
    assert len(cpus) == 82
    assert [item["release"] for item in kernels if item["release"] not in text] == []
    assert [item["id"] for item in cpus if item["id"] not in text] == []


def test_shipped_declarations_are_valid_for_another_validator() -> None:
    schema = json.loads(run_cli("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    files = sorted((ROOT / "configs").rglob("*.yaml"))
    assert len(files) > 90
    for path in files:
        document = json.loads(json.dumps(YAML(typ="safe").load(path.read_text())))
        assert list(validator.iter_errors(document)) == [], path


def test_embed_fills_a_block_and_check_notices_a_change(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n<!-- matrix:begin arm64-memfd-secret show=counts -->\n<!-- matrix:end -->\n"
    )
    assert run_cli("embed", "--check", str(page)).code == 1
    assert run_cli("embed", str(page)).code == 0
    filled = page.read_text()
    assert "supported" in filled
    assert run_cli("embed", "--check", str(page)).code == 0
    page.write_text(filled.replace("supported", "unsound", 1))
    stale = run_cli("embed", "--check", str(page))
    assert stale.code == 1
    assert "MX0811" in stale.err


@pytest.mark.parametrize("more", [(), ("--check",)])
def test_embed_names_the_line_of_an_unknown_study(more: tuple[str, ...], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- matrix:begin nope -->\n<!-- matrix:end -->\n")
    ran = run_cli("embed", *more, str(page))
    assert ran.code == 3
    assert f"{page}:3:1: error[MX0906]: unknown study `nope`" in ran.err


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("# Page\n", [""]),
        ("<!-- matrix begin arm64-overview -->\n<!-- matrix end -->\n", [":1:1", ":2:1"]),
        ("text\n\n<!-- Matrix:Begin arm64-overview -->\n", [":3:1"]),
        ("<!--- matrix:begin arm64-overview -->\n", [":1:1"]),
        ("<!-- mmatrix:begin arm64-overview -->\n", [":1:1"]),
        ("<!-- matrix-begn x -->\n", [":1:1"]),
        ("<!-- a remark -->\n`<!-- matrix begin -->`\n\n    <!-- matrix begin -->\n", [""]),
        ("<!-- matrix:begin arm64-overview -->\n<!-- matrix:end -->\n", []),
        ("<!-- matrix of x -->\n<!-- matrix:begin arm64-overview -->\n<!-- matrix:end -->", []),
    ],
)
def test_embed_warns_of_what_it_passes_over(text: str, places: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    ran = run_cli("embed", str(page))
    assert ran.code == 0
    assert ran.err.count("MX0812") == len(places)
    for place in places:
        assert f"{page}{place}: warning[MX0812]: " in ran.err


# Each a document in which a block is meant, and the line at which it is begun.
@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.rst", "Title\n=====\n\n<!-- matrix:begin -->\n<!-- matrix:end -->\n", 4),
        ("a.adoc", "= Title\n\n.. matrix:begin arm64-overview\n.. matrix:end\n", 3),
        ("a.html", "<h1>x</h1>\n{# matrix:begin arm64-overview #}\n{# matrix:end #}\n", 2),
        ("a.txt", "<!-- matrix:begin -->\n<!-- matrix:end -->\n", 1),
        ("a.tex", "% matrix:begin arm64-overview\n% matrix:end\n", 1),
        ("a.texi", "@c matrix:begin arm64-overview\n@c matrix:end\n", 1),
        ("a.org", "# matrix:begin arm64-overview\n# matrix:end\n", 1),
        ("a.mdx", "{/* matrix:begin arm64-overview */}\n{/* matrix:end */}\n", 1),
        ("a.md", "text\n\n.. matrix:begin arm64-overview\n.. matrix:end\n", 3),
        ("a.md", "[//]: # (matrix:begin arm64-overview)\n[//]: # (matrix:end)\n", 1),
        ("a.md", "[comment]: <> (matrix:begin)\n[comment]: <> (matrix:end)\n", 1),
        ("a.md", "{# Matrix:Begin arm64-overview #}\n{# Matrix:End #}\n", 1),
        ("a.md.in", "<!--\nmatrix:begin arm64-overview\n-->\n", 2),
        (
            "a.md",
            "<!-- matrix:begin arm64-overview -->\n<!-- matrix:end -->\n\n// matrix:begin x\n",
            4,
        ),
    ],
)
@pytest.mark.parametrize("more", [(), ("--check",), ("--check", "--allow-empty")])
def test_embed_refuses_a_marker_in_comments_it_does_not_fill(
    more: tuple[str, ...], name: str, text: str, line: int, tmp_path: Path
) -> None:
    page = tmp_path / name
    page.write_text(text)
    ran = run_cli("embed", *more, str(page))
    assert ran.code == 3
    assert f"{page}:{line}:" in ran.err
    assert "error[MX0814]" in ran.err
    assert page.read_text() == text


def test_embed_takes_a_marker_in_code_or_prose_for_text(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Write `.. matrix:begin` or matrix:begin.\n\n```\n.. matrix:begin x\n```\n\n"
        "    // matrix:end\n\n`matrix:end` ends it.\n"
    )
    ran = run_cli("embed", str(page))
    assert (ran.code, "MX0814" in ran.err) == (0, False)


@pytest.mark.parametrize("name", ["page.md", "page.rst", "page.html"])
def test_embed_check_is_not_green_for_a_document_without_a_block(name: str, tmp_path: Path) -> None:
    page, full = tmp_path / name, tmp_path / "full.md"
    page.write_text("Page\n====\n")
    full.write_text("<!-- matrix:begin arm64-overview -->\n<!-- matrix:end -->\n")
    assert run_cli("embed", str(full), str(page)).code == 0
    ran = run_cli("embed", "--check", str(full), str(page))
    assert (ran.code, f"{page}: error[MX0812]: " in ran.err) == (1, True)
    ran = run_cli("embed", "--check", "--allow-empty", str(full), str(page))
    assert (ran.code, "MX0812" in ran.err) == (0, False)


def test_embed_check_is_not_green_for_a_misspelt_marker(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- matrix begin arm64-overview -->\n<!-- matrix end -->\n")
    ran = run_cli("embed", "--check", "--allow-empty", str(page))
    assert (ran.code, f"{page}:1:1: error[MX0812]: " in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("verdicts", "code"), [("unsound", 1), ("supported", 0), ("unsound,refused", 1)]
)
def test_fail_on(booted_extract: Path, verdicts: str, code: int) -> None:
    config = str(booted_extract / "7.3.config")
    ran = run_cli("validate", config, "--cpu", "cortex-a710", "--fail-on", verdicts)
    assert ran.code == code


def test_unknown_exits_undecided_only_where_a_cpu_was_named(booted_extract: Path) -> None:
    config = str(booted_extract / "7.3.config")
    assert run_cli("validate", config, "--cpu", "neoverse-v1").code == 4
    assert run_cli("validate", config, "--fail-on", "overstrict").code == 0


def test_a_wrong_file_does_not_keep_the_others_from_their_answer(booted_extract: Path) -> None:
    good = str(booted_extract / "7.3.config")
    ran = run_cli(
        "validate", good, "nowhere.config", good, "--cpu", "graviton3", "--format", "json"
    )
    assert ran.code == 3
    assert "MX0301" in ran.err
    assert [item["verdict"] for item in json.loads(ran.out)["results"]] == ["supported"] * 2


def test_a_fix_of_one_file_is_not_taken_for_another(booted_extract: Path, tmp_path: Path) -> None:
    # Both kernels see the same command line, but the forced one ignores what is appended to it.
    line = "rodata=off kfence.sample_interval=100"
    text = (booted_extract / "7.3.config").read_text()
    kept = "".join(item for item in text.splitlines(keepends=True) if "CONFIG_CMDLINE" not in item)
    open_file, forced = tmp_path / "a-config", tmp_path / "b-config"
    open_file.write_text(kept + f'CONFIG_CMDLINE="{line}"\n# CONFIG_CMDLINE_FORCE is not set\n')
    forced.write_text(kept + f'CONFIG_CMDLINE="{line}"\nCONFIG_CMDLINE_FORCE=y\n')
    ran = run_cli(
        "validate",
        str(open_file),
        str(forced),
        "--cpu",
        "graviton3",
        "--format",
        "json",
        "--cmdline",
        line,
    )
    first, second = json.loads(ran.out)["results"]
    assert first["cmdline"] == second["cmdline"] == line
    assert first["verdict"] == second["verdict"] == "refused"
    assert first["fixes"]
    assert all(name.startswith("boot.") for fix in first["fixes"] for name in fix["change"])
    assert not any(name.startswith("boot.") for fix in second["fixes"] for name in fix["change"])


def test_simulate_prints_states_and_lines() -> None:
    ran = run_cli("simulate", "cpu=apple-m2,page_size=16k", "--format", "json")
    (cell,) = json.loads(ran.out)["cells"]
    violation = cell["violations"][0]
    assert violation["invariant"] == "alias-access"
    last = violation["trace"][-1]["operations"][-1]
    assert last["name"] == "icache_inval_pou"
    assert "arch/arm64/mm/cache.S:92-100" in last["source"]
    left = {item["name"]: item["source"] for item in violation["trace"][-1]["left_behind"]}
    assert list(left) == ["oops_leaf_locked", "oops_fault_lock_held"]
    assert "arch/arm64/kvm/hyp/pgtable.c:997-998" in left["oops_leaf_locked"]
    fixed = run_cli("simulate", "cpu=apple-m2", "--variant", "guest=no-exec")
    assert "no violation is reachable" in fixed.out


def test_simulate_runs_a_declared_version_of_the_series() -> None:
    asked = ("simulate", "cpu=aws-graviton3", "--format", "json", "--variant")
    (cell,) = json.loads(run_cli(*asked, "add-folio-7.3-order").out)["cells"]
    assert cell["cell"].startswith("Linux 7.3 + add-folio-7.3-order: the baseline cell;")
    (violation,) = cell["violations"]
    assert violation["invariant"] == "alias-access"
    done = violation["trace"][-1]["operations"]
    assert done[-1]["name"] == "gmem_clear_page"
    # No line of v12 is shown as if it were one of this version.
    assert not [item for item in done if "v12" in (item.get("source") or "")]
    (changed,) = json.loads(
        run_cli(*asked, "add-folio-7.3-order", "--variant", "zeroing=when-added").out
    )["cells"]
    assert not changed["violations"]
    assert "zeroing=when-added" in changed["cell"]


# The case of each declared version that changes nothing else: worked by hand in series.yaml.
BY_HAND = {
    row.series: row
    for row in reversed(cases())
    if row.series and row.options == series()[row.series] and (row.inputs, row.map) == ({}, "pages")
}


@pytest.mark.parametrize("version", series())
def test_simulate_finds_of_each_declared_version_what_a_person_did(version: str) -> None:
    """On Graviton3 (FWB and DIC): the invariants, the events that lead there, the last steps."""
    case = BY_HAND[version]
    ran = run_cli("simulate", "cpu=aws-graviton3", "--format", "json", "--variant", version)
    (cell,) = json.loads(ran.out)["cells"]
    found = {item["invariant"]: item for item in cell["violations"]}
    assert sorted(found) == sorted(item.name for item in case.violations)
    for expected in case.violations:
        boot, *events = found[expected.name]["trace"]
        assert boot["event"] == "boot"
        assert expected.events is None or [one["event"] for one in events] == expected.events
        done = [one["name"] for one in events[-1]["operations"]]
        assert subsequence(expected.operations, done)


def test_simulate_says_what_a_predicate_answers() -> None:
    # An M2 has FWB and no DIC: the posted check asks for the first, the other one for both.
    cell = ("simulate", "cpu=apple-m2", "--brief")
    broken = [text for text in run_cli(*cell).out.splitlines() if text.startswith("  violation")]
    assert broken
    for version, answer in (("v12", "says yes"), ("cacheable-pfnmap", "says no: it refuses")):
        lines = run_cli(*cell, "--predicate", version).out.splitlines()
        assert lines[0].startswith(f"Linux 7.3 + v12: cpu=apple-m2; {version} {answer}")
        # What is reported besides follows the check; what is violated does not.
        over = [text for text in lines if "dev-kvm-over-advertises" in text]
        assert bool(over) == (version == "cacheable-pfnmap")
        assert [text for text in lines if text.startswith("  violation")] == broken
    absent = run_cli(
        "simulate", "--matrix", "arm64-memfd-secret", "--predicate", "upstreams", "x=y"
    )
    assert absent.code == 3
    assert "did you mean `upstream`?" in absent.err


@pytest.mark.parametrize("option", ["--kernel", "--release"])
def test_kernels_add_takes_the_release_as_other_commands_do(option: str, tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree", "", release="7.4")
    ran = run_cli("kernels", "add", "--tree", str(tree), option, "7.3")
    assert ran.code == 3
    assert "Linux 7.3 has a profile already" in ran.err


def test_the_note_about_the_granule_names_the_cpus() -> None:
    config = str(ROOT / "tests" / "data" / "booted" / "7.3.config")
    listed = json.loads(run_cli("cpus", "list", "@server", "--format", "json").out)["cpus"]
    asked = [cpu["id"] for cpu in listed]
    unrecorded = []
    for name in asked:
        (cpu,) = json.loads(run_cli("cpus", "show", name, "--format", "json").out)["cpus"]
        fields = {field["name"]: field["value"] for field in cpu["fields"]}
        unrecorded += [name] if fields["tgran4"] is None else []  # the kernel has pages of 4 kB
    assert 0 < len(unrecorded) < len(asked)
    ran = run_cli("validate", config, "--cpu", "@server", "--cpu", f"graviton3+{unrecorded[0]}")
    (note,) = [line for line in ran.err.splitlines() if "MX0904" in line]
    named = re.search(r"nobody recorded whether (.+) support the kernel's", note)
    assert named is not None
    assert sorted(named[1].split(", ")) == sorted(unrecorded)
    # A document has the note of each system.
    one = ("validate", config, "--cpu", f"graviton3+{unrecorded[0]}", "--format", "json")
    (result,) = json.loads(run_cli(*one).out)["results"]
    (said,) = [item["message"] for item in result["diagnostics"] if item["code"] == "MX0904"]
    assert f"whether {unrecorded[0]} supports" in said


def test_an_unknown_command_is_a_usage_error() -> None:
    ran = run_cli("kernels", "lst")
    assert ran.code == 2
    assert "Did you mean 'list'" in ran.err
