"""What a kernel breaks by itself stands in the first line of every output, with the fixing commit.

Linux 6.18.2 maps again on a permission fault of guest_memfd (fact page 10.1): where DIC is 0 a
guest that has used a page as data never comes past the first fetch from it. Fixed in 7.1.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from matrix.analyze.cell.advice import defect_of
from matrix.flows.knowledge import Library
from tests.cli_runner import run_cli
from tests.unit.scenarios.by_inputs import INVARIANT_NAMES

DATA = Path(__file__).parent / "data" / "booted"
COMMIT, RELEASE = "9be19df816de", "7.1"
WORDS = "the guest faults for ever on an instruction fetch"
LIBRARY = Library(())


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return a `.config` of 6.18: Debian's of 7.2 under the other release."""
    text = (DATA / "7.2.config").read_text()
    path = tmp_path / "6.18.config"
    path.write_text(re.sub(r"Linux/arm64 \S+", "Linux/arm64 6.18.2", text, count=1))
    return str(path)


def says(text: str) -> bool:
    """Say whether a text names the kernel, what a user meets, the commit and its release."""
    flat = " ".join(text.split())
    return all(part in flat for part in ("Linux 6.18", WORDS, COMMIT, f"in {RELEASE}"))


def first_line(text: str) -> str:
    return text.lstrip("\n").split("\n", 1)[0]


# VIPT without DIC; PIPT without DIC; no FWB and no DIC, where the guest runs without the flag.
VERDICTS = {"apple-m1": "supported", "cortex-a710": "unsound", "cortex-a72": "refused"}


@pytest.mark.parametrize("cpu", VERDICTS)
def test_the_first_line_of_an_answer_says_it_whatever_the_verdict(cpu: str, config: str) -> None:
    out = run_cli("validate", config, "--cpu", cpu).out
    assert first_line(out).startswith(f"{VERDICTS[cpu]}, with a defect of Linux 6.18")
    assert COMMIT in first_line(out)
    assert says(out)


def test_a_kernel_or_cpu_without_the_defect_is_not_blamed(config: str) -> None:
    assert COMMIT not in run_cli("validate", config, "--cpu", "graviton3").out
    for release in ("7.2", "7.3"):
        out = run_cli("validate", str(DATA / f"{release}.config"), "--cpu", "apple-m1").out
        assert "defect" not in out


def test_where_what_decides_is_unknown_it_hangs_on_that(config: str) -> None:
    out = run_cli("validate", config, "--cpu", "neoverse-v1").out
    assert first_line(out).startswith("unknown, with a defect of Linux 6.18")
    assert "hangs on dic" in " ".join(out.split())
    assert "dic and dic" not in " ".join(out.split())  # two facts of the kernel rest on the field


def test_of_many_cpus_the_first_line_says_on_how_many(config: str) -> None:
    out = run_cli("validate", config).out
    assert re.match(r"on \d+ of \d+ CPUs a defect of Linux 6.18 \(fixed by", first_line(out))
    assert COMMIT in first_line(out)


def test_json_begins_its_reasons_with_it(config: str) -> None:
    ran = run_cli("validate", config, "--cpu", "apple-m1", "--format", "json")
    (result,) = json.loads(ran.out)["results"]
    assert says(result["reasons"][0])
    (defect,) = result["defects"]
    assert (defect["fixed_by"], defect["fixed_in"]) == (COMMIT, RELEASE)
    assert defect["invariant"] == "guest-progress"
    assert "30 November 2025" in defect["reported"]
    assert "arch/arm64/kvm/mmu.c" in defect["source"]


def test_the_formats_of_code_hosts_say_it_first(config: str) -> None:
    def written(form: str) -> str:
        return run_cli("validate", config, "--cpu", "apple-m1", "--format", form).out

    assert says(first_line(written("github")))
    assert first_line(written("github")).startswith("::warning ")
    cases = ET.fromstring(written("junit")).findall(".//testcase/system-out")  # noqa: S314
    assert [says(first_line(case.text or "")) for case in cases] == [True]
    (run,) = json.loads(written("sarif"))["runs"]
    (result,) = run["results"]
    assert says(first_line(result["message"]["text"]))
    assert result["level"] == "warning"


CELL = ("kernel=6.18,cpu=apple-m1", "--matrix", "arm64-overview")


@pytest.mark.parametrize("command", ["explain", "simulate"])
def test_a_cell_of_a_study_says_it_first(command: str) -> None:
    out = run_cli(command, *CELL).out
    assert COMMIT in first_line(out)
    assert says(out)
    document = json.loads(run_cli(command, *CELL, "--format", "json").out)
    (cell,) = document.get("cells", [document])
    assert says(cell["defects"][0]["sentence"])


def test_simulate_says_what_it_hangs_on_as_explain_does() -> None:
    """The run that is shown has one value of the field that nobody recorded; the cell has both."""
    said = []
    for command in ("explain", "simulate"):
        asked = (command, "kernel=6.18,cpu=neoverse-n1", "--matrix", "arm64-overview")
        document = json.loads(run_cli(*asked, "--format", "json").out)
        (cell,) = document.get("cells", [document])
        said.append(cell["defects"])
    assert [defect["hangs_on"] for defect in said[0]] == [["dic"]]
    assert said[0] == said[1]


def test_a_fleet_says_it_first(config: str, tmp_path: Path) -> None:
    table = tmp_path / "hosts.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("host", "kernel", "config", "cpu", "cmdline"))
        rows.writerow(("a", "6.18.2", config, "apple-m1", ""))
        rows.writerow(("b", "6.18.2", config, "graviton3", ""))
    ran = run_cli("fleet", str(table))
    assert first_line(ran.out).startswith("1 host of 2: a defect of Linux 6.18 (fixed by")
    assert COMMIT in first_line(ran.out)
    assert says(ran.out)
    document = json.loads(run_cli("fleet", str(table), "--format", "json").out)
    assert says(document["defects"][0])
    hit = [group for group in document["groups"] if says(group["reasons"][0])]
    assert [group["cpus"] for group in hit] == [{"apple-m1": 1}]


def test_a_report_says_it_in_its_first_paragraph(tmp_path: Path) -> None:
    run_cli("report", "arm64-overview", "-o", str(tmp_path))
    paragraphs = (tmp_path / "arm64-overview.md").read_text().split("\n\n")
    assert says(paragraphs[2])
    page = (tmp_path / "arm64-overview.html").read_text()
    (answer,) = re.findall(r'<p class="answer">(.*?)</p>', page, re.DOTALL)
    assert says(re.sub(r"<[^>]+>", "", answer))


def test_blocks_of_a_document_say_it_first_where_they_show_the_release(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    end = "<!-- matrix:end -->"
    blocks = ("counts", "unsound", "table table=1 columns=6.18", "table table=1 columns=7.3")
    page.write_text(
        "".join(f"<!-- matrix:begin arm64-overview show={block} -->\n{end}\n\n" for block in blocks)
    )
    ran = run_cli("embed", str(page))
    assert ran.code == 0, ran.err
    shown = re.findall(r"edits are lost\. -->\n\n(.*)", page.read_text())
    assert [says(text) for text in shown] == [True, True, True, False]


def test_a_review_says_it_to_who_sends_the_reply() -> None:
    """The reply itself is about the patch; documents begin with it."""
    mail = Path(__file__).parent / "cases" / "review" / "only-the-lines.mbox"
    asked = ("review", str(mail), "--kernel", "6.18")
    ran = run_cli(*asked)
    assert says(" ".join(ran.err.partition("\ntests/")[0].split()))
    assert COMMIT not in ran.out
    assert says(run_cli(*asked, "--format", "markdown").out.split("\n\n")[0])
    document = json.loads(run_cli(*asked, "--format", "json").out)
    assert says(document["defects"][0]["sentence"])
    assert document["defects"][0]["cells"] > 0
    # It said "67 669 200" above "304,117,200".
    first = ran.err.split("\n")[0]
    assert re.match(r"In [1-9][0-9]{0,2}(,[0-9]{3})+ cells there is a defect", first), first
    assert COMMIT not in run_cli("review", str(mail), "--kernel", "7.3").out


# --- the kind -------------------------------------------------------------------------------------


@pytest.mark.parametrize("invariant", INVARIANT_NAMES)
def test_any_violation_of_the_kernel_by_itself_is_said(invariant: str) -> None:
    """Nothing is special about the one defect that is declared."""
    (newest,) = (one for one in LIBRARY.knowledge.kernels if one.release == "7.3")
    defect = defect_of(LIBRARY.program(newest), (invariant, None, "it breaks"))
    assert defect.sentence == (
        "a defect of Linux 7.3 (no fix is known): it breaks, with the capability or without it"
    )


def test_the_defect_is_declared_and_rests_on_its_mechanism() -> None:
    declared = {
        (profile.release, defect.invariant): (defect, dict(mechanisms))
        for profile in LIBRARY.knowledge.kernels
        for mechanisms in [{item.name: item.value for item in profile.mechanisms}]
        for defect in profile.defects
    }
    assert declared.keys() == {("6.18", "guest-progress"), ("6.19", "guest-progress")}
    for defect, mechanisms in declared.values():
        assert (defect.fixed_by, defect.fixed_in) == (COMMIT, RELEASE)
        assert mechanisms[defect.mechanism] is False


SOLVERS = {
    "count": ("count", "arm64-overview"),
    "rules": ("rules", "arm64-overview"),
    "claims": ("claims", "arm64-overview"),
    "synthesize": ("synthesize", "arm64-overview"),
    "diff of kernels": ("diff", "6.18", "7.2", "--matrix", "arm64-overview"),
    "diff of predicates": ("diff", "cacheable-pfnmap", "v12", "--matrix", "arm64-overview"),
    "diff of studies": ("diff", "arm64-overview", "arm64-gmem-no-direct-map"),
}


@pytest.mark.parametrize("command", SOLVERS)
def test_what_is_said_of_a_study_begins_with_it(command: str) -> None:
    out = run_cli(*SOLVERS[command]).out
    assert COMMIT in first_line(out)
    assert says(out)
    document = json.loads(run_cli(*SOLVERS[command], "--format", "json").out)
    (found,) = {(item["kernel"], item["fixed_by"]) for item in document["defects"]}
    assert found == ("6.18", COMMIT)
    assert all(item["cells"] > 0 for item in document["defects"])


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("words", [("6.18", "7.2"), ("7.2", "6.18")])
def test_a_difference_says_which_side_has_it(words: tuple[str, str], form: str) -> None:
    asked = ("diff", *words, "--matrix", "arm64-overview")
    assert "6.18 has and 7.2 has not a defect" in first_line(run_cli(*asked, "--format", form).out)
    (found,) = json.loads(run_cli(*asked, "--format", "json").out)["defects"]
    assert found["of"] == ["6.18"]


def test_kernels_without_it_are_not_blamed_in_a_study() -> None:
    assert COMMIT not in run_cli("diff", "7.2", "7.3", "--matrix", "arm64-overview").out
    asked = ("synthesize", "arm64-overview", "--kernel", "7.3")
    assert COMMIT not in run_cli(*asked).out
