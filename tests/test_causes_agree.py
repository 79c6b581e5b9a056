"""README, overview, largest report and the mail of a review agree on which CPUs are unsound where.

Each is read as a reader sees it: tables and sentences, not the values they were made of.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from matrix.analyze.space.cause import causes
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from tests.cli_runner import run_cli

ROOT = Path(__file__).parent.parent
ORDINARY = "the ordinary cell"
PATCH = """--- a/arch/arm64/include/asm/kvm_host.h
+++ b/arch/arm64/include/asm/kvm_host.h
@@ -1,1 +1,6 @@
 /* context */
+static inline bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)
+{
+	return can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB);
+}
"""

# Statement of a cause -> condition, in the words of the page -> CPUs.
Causes = dict[str, dict[str, list[str]]]


@cache
def of_report(study: str) -> Causes:
    """Return what the section of causes of a committed report says."""
    text = (ROOT / "reports" / f"{study}.md").read_text().replace("\\_", "_")
    section = text.partition("\n## Causes\n")[2].partition("\n## ")[0]
    statements = dict(re.findall(r"^(\d+)\. \*\*(.+?)\*\*", section, re.MULTILINE))
    found: Causes = {statement: {} for statement in statements.values()}
    for number, where, cpus in re.findall(
        r"^\| (\d+) \| (.+?) \| (.+?) \|$", section, re.MULTILINE
    ):
        found[statements[number]][where] = cpus.split(", ")
    return found


def test_the_first_sentence_names_the_cpus_of_the_ordinary_cell_and_no_other() -> None:
    """It named Graviton3 and Apple M1, which are unsound with other options only."""
    for study in ("arm64-overview", "arm64-gmem-no-direct-map"):
        text = (ROOT / "reports" / f"{study}.md").read_text()
        first = next(line for line in text.splitlines() if line.startswith("**No.** `v12`"))
        ((count, listed),) = re.findall(r" on (\d+) CPUs \(([^)]+)\): ", first)
        named = re.findall(r"[a-z0-9-]+", listed)
        (cpus,) = [places[ORDINARY] for places in of_report(study).values() if ORDINARY in places]
        assert [word for word in named if word != "and"] == cpus
        assert int(count) == len(cpus)
        assert not {"aws-graviton3", "apple-m1", "nvidia-grace"} & set(cpus)


def test_the_overview_says_of_its_axes_what_the_largest_study_says() -> None:
    overview, largest = of_report("arm64-overview"), of_report("arm64-gmem-no-direct-map")
    assert overview
    text = (ROOT / "reports" / "arm64-overview.md").read_text()
    axes = set(re.findall(r"^\| [^|]+ \| `([\w.]+)` \|", text, re.MULTILINE))
    assert {"cpu", "page_size"} <= axes
    for statement, places in largest.items():
        shared = {
            where: cpus
            for where, cpus in places.items()
            if set(re.findall(r"`([\w.]+)=", where)) <= axes
        }
        assert overview.get(statement, {}) == shared


def readme_rows() -> list[tuple[list[str], str, str]]:
    """Return CPUs, condition and verdict of each row of the README's table."""
    text = (ROOT / "README.md").read_text()
    table = text.partition("<!-- readme:answer -->\n\n")[2].partition("\n\n<!--")[0]
    rows = []
    for line in table.splitlines()[2:]:
        cpus, verdict, _ = (part.strip() for part in line.strip("|").split(" | "))
        words = [word for word in re.split(r", |,$", cpus) if word]
        named = [word for word in words if "`" not in word]
        ids = [word.lower().replace("'s", "").replace(" ", "-") for word in named]
        rows.append((ids, ", ".join(word for word in words if "`" in word), verdict.strip("*")))
    return rows


def test_the_readme_says_what_the_largest_report_says() -> None:
    places: dict[str, set[str]] = {}
    for cause in of_report("arm64-gmem-no-direct-map").values():
        for where, cpus in cause.items():
            places.setdefault(where, set()).update(cpus)
    rows = readme_rows()
    unsound = [(cpus, where or ORDINARY) for cpus, where, word in rows if word == "unsound"]
    assert {cpu for cpus, where in unsound if where == ORDINARY for cpu in cpus} == places[ORDINARY]
    for cpus, where in unsound:
        assert set(cpus) <= places[where], where
    for cpus, where, word in rows:
        if word != "unsound":
            assert not set(cpus) & places.get(where or ORDINARY, set())


def test_each_row_of_the_readme_is_what_explain_says() -> None:
    rows = readme_rows()
    assert len(rows) > 6
    for cpus, where, verdict in rows:
        departs = ",".join(re.findall(r"`([\w.]+=[\w-]+)`", where))
        for cpu in {cpus[0], cpus[-1]}:
            ran = run_cli("explain", f"cpu={cpu}" + (f",{departs}" if departs else ""))
            assert ran.out.startswith(f"{verdict}: "), (cpu, departs, ran.out)


def test_the_readme_says_every_option_that_its_table_fixes() -> None:
    text = (ROOT / "README.md").read_text().partition("<!-- readme:answer -->")[0]
    report = (ROOT / "reports" / "arm64-gmem-no-direct-map.md").read_text()
    section = report.partition("### Axes and the baseline cell")[2].partition("\n### ")[0]
    baseline = re.findall(r"\| `([\w.]+)` \| .+ \| `([^`]+)` \|$", section, re.MULTILINE)
    assert len(baseline) > 10
    for axis, option in baseline:
        if axis not in ("cpu", "kernel") and not axis.startswith("boot."):
            assert f"`{axis}={option}`" in text, axis
        if axis.startswith("boot."):
            assert option == "absent"


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> str:
    patch = tmp_path_factory.mktemp("review") / "v12.patch"
    patch.write_text(PATCH)
    return run_cli("review", str(patch)).out


def test_the_mail_of_a_review_says_what_the_largest_report_says(mail: str) -> None:
    """A few CPUs by name, many by number with those that need another condition besides."""
    bullets = [
        " ".join(item.split()) for item in re.findall(r"^- .*(?:\n  .*)*", mail, re.MULTILINE)
    ]
    report = of_report("arm64-gmem-no-direct-map")
    assert len(bullets) == len(report)
    for text, (statement, places) in zip(bullets, report.items(), strict=True):
        assert text.startswith(f"- {statement} (")
        axes = {where: set(re.findall(r"`([\w.]+)=", where)) for where in places}
        for where, cpus in places.items():
            if where == ORDINARY:
                assert f"By default: {', '.join(cpus[:-1])} and {cpus[-1]}; " in text
            elif len(cpus) > 3:
                more = [one for one in places if axes[one] >= axes[where]]
                number = len({cpu for one in more for cpu in places[one]})
                last = re.findall(r"`([\w.]+=)?([\w-]+)`", where)[-1][1]
                assert re.search(rf"{last}(?: \([^)]*\))?: {number} CPUs", text), where
            elif not any(len(places[one]) > 3 and axes[one] < axes[where] for one in places):
                assert f": {', '.join(cpus)}" in text, where


def test_a_cause_names_what_is_done_wrong_not_what_the_oops_leaves() -> None:
    """It was "by `oops_fault_lock_held`", the last line of the trace."""
    prepared = prepare_study(Library(()), "arm64-overview")
    found = causes(prepared.solve())
    assert [cause.operation for cause, _ in found] == ["icache_inval_pou"]
    assert found[0][0].source is not None
    assert "arch/arm64/mm/cache.S" in found[0][0].source
