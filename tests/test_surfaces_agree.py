"""Every surface gives one cell one verdict and one cause: all CPUs × releases × command lines.

The cells are those of the overview's first table. Each surface is asked as a person asks it, in
bulk, and its output is read by the readers below, which know nothing of the program: pipe tables,
HTML tables, CSV, JSON. What is compared is the verdict with the sentence that says why.
"""

from __future__ import annotations

import csv
import html.parser
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli_runner import run_cli

STUDY = "arm64-overview"
TABLE = "CPU × kernel × command line"
LINES = {
    "default": ("", {}),
    "rodata=off": ("rodata=off", {"boot.rodata": "off"}),
    "rodata=off + KFENCE": (
        "rodata=off kfence.sample_interval=100",
        {"boot.rodata": "off", "boot.kfence_sample_interval": "100"},
    ),
    "rodata=on + KFENCE": (
        "rodata=on kfence.sample_interval=100",
        {"boot.rodata": "on", "boot.kfence_sample_interval": "100"},
    ),
    "pKVM": ("kvm-arm.mode=protected", {"boot.kvm_arm_mode": "protected"}),
}
BOOT = ("boot.rodata", "boot.kfence_sample_interval", "boot.kvm_arm_mode")
# The page size of a CPU without a granule of 4 kB, which the table says in a mark.
OTHER_PAGES = {"hisi-0xd22": "16k"}
CONFIG = """#
# Automatically generated file; DO NOT EDIT.
# Linux/arm64 {release}.0 Kernel Configuration
#
CONFIG_ARM64=y
CONFIG_ARM64_{page_size}_PAGES=y
CONFIG_ARM64_VHE=y
CONFIG_KVM=y
{guest_memfd}CONFIG_KFENCE=y
CONFIG_KFENCE_SAMPLE_INTERVAL=0
CONFIG_RODATA_FULL_DEFAULT_ENABLED=y
# CONFIG_DEBUG_PAGEALLOC is not set
# CONFIG_DEBUG_PAGEALLOC_ENABLE_DEFAULT is not set
# CONFIG_ARM64_MTE is not set
CONFIG_CMDLINE=""
"""


# virt/kvm/Kconfig of the others has no such symbol.
HAVE_GUEST_MEMFD = ("6.18", "7.2", "7.3")


class Place(NamedTuple):
    """A cell of the table."""

    cpu: str
    kernel: str
    line: str


Said = dict[Place, tuple[str, str]]


@pytest.fixture(scope="module")
def releases() -> list[str]:
    return ["5.10", "6.1", "6.6", "6.12", "6.18", "7.2", "7.3"]  # those that the study names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("surfaces")


@pytest.fixture(scope="module")
def configs(folder: Path, releases: list[str]) -> dict[tuple[str, str], Path]:
    """Return a `.config` for each release and page size, as the study's baseline has it."""
    found = {}
    for release, page_size in itertools.product(releases, ("4K", "16K")):
        path = folder / f"{release}-{page_size}.config"
        guest_memfd = "CONFIG_KVM_GUEST_MEMFD=y\n" if release in HAVE_GUEST_MEMFD else ""
        text = CONFIG.format(release=release, page_size=page_size, guest_memfd=guest_memfd)
        path.write_text(text)
        found[release, page_size.lower()] = path
    return found


# What pages and documents show.


def of_row(
    names: list[str], headings: list[tuple[str, str]], cells: list[tuple[str, str]]
) -> Iterator[tuple[Place, tuple[str, str]]]:
    """Yield the cells of one row: of every CPU, release and command line that it stands for."""
    for (kernels, lines), said in zip(headings, cells, strict=True):
        shown = list(LINES) if lines == "all" else lines.split(", ")
        listed = kernels.partition(" + ")[0].split(", ")
        for cpu, kernel, line in itertools.product(names, listed, shown):
            yield Place(cpu, kernel, line), said


def pipe_table(text: str) -> Said:
    """Read the first pipe table below a text's start, and the numbered notes beneath it."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| CPU"))
    rows = list(itertools.takewhile(lambda line: line.startswith("|"), lines[first:]))
    notes = {}
    for line in itertools.takewhile(lambda line: not line.startswith("#"), lines[first:]):
        if note := re.match(r"(\d+)\. \**(\w+)\**: (.+)$", line):
            notes[note[1]] = note[3].replace("\\_", "_")
    head, _, *body = [[part.strip() for part in row.strip("|").split("|")] for row in rows]
    headings = []
    for heading in head[1:]:
        kernels, _, profiles = heading.partition(": ")
        headings.append((kernels, profiles))
    found: Said = {}
    for names, *shown in body:
        cells = []
        for cell in shown:
            verdict = re.match(r"\**(\w+)\** \((\d+)", cell)
            assert verdict, f"no cell of the overview is a dash: {cell}"
            cells.append((verdict[1], notes[verdict[2]]))
        found |= dict(of_row(names.split(", "), headings, cells))
    return found


class HtmlTable(html.parser.HTMLParser):
    """Reads the first table of a page: rows of cells with their spans, and the notes beneath."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, int]]] = []
        self.notes: dict[str, str] = {}
        self._inside: list[str] = []
        self._note = ""
        self._done = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "table" and not self._done and not self.rows:
            self._inside.append(tag)
        elif tag == "tr" and self._inside:
            self.rows.append([])
        elif tag in ("td", "th") and self._inside:
            self.rows[-1].append(("", int(known.get("colspan") or 1)))
            self._inside.append(tag)
        elif tag == "a" and len(self._inside) > 1:
            self.handle_data(" ")
        elif tag == "li" and (known.get("id") or "").startswith("note-1-"):
            self._note = (known.get("id") or "").removeprefix("note-1-")
            self.notes[self._note] = ""

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()
        if tag == "li":
            self._note = ""

    def handle_data(self, data: str) -> None:
        if len(self._inside) > 1:
            text, span = self.rows[-1][-1]
            self.rows[-1][-1] = (text + data, span)
        elif self._note:
            self.notes[self._note] += data


def html_table(text: str) -> Said:
    """Read the table of a page that stands below its heading."""
    reader = HtmlTable()
    reader.feed(text[text.index('id="table-1"') :])
    (_, *above), below, *body = reader.rows
    kernels = [name for name, span in above for _ in range(span)]
    headings = list(zip(kernels, (name for name, _ in below), strict=True))
    found: Said = {}
    for (names, _), *shown in body:
        cells = []
        for cell, _ in shown:
            verdict, note, *_ = cell.split()
            cells.append((verdict, reader.notes[note].split(" ", 1)[1].strip()))
        found |= dict(of_row(re.split(r",\s*", names.strip()), headings, cells))
    return found


@pytest.fixture(scope="module")
def pages(folder: Path) -> tuple[str, str]:
    """Return the report of the overview as Markdown and as HTML."""
    assert run_cli("report", STUDY, "-o", str(folder)).code == 0
    return (folder / f"{STUDY}.md").read_text(), (folder / f"{STUDY}.html").read_text()


@pytest.fixture(scope="module")
def report(pages: tuple[str, str]) -> Said:
    return pipe_table(pages[0].partition(f"\n### {TABLE}\n")[2])


@pytest.fixture(scope="module")
def cpus(report: Said) -> list[str]:
    return list(dict.fromkeys(place.cpu for place in report))


def test_the_report_shows_every_cpu_release_and_command_line(
    report: Said, releases: list[str], cpus: list[str]
) -> None:
    listed = json.loads(run_cli("cpus", "list", "--format", "json").out)["cpus"]
    assert set(cpus) == {cpu["id"] for cpu in listed if cpu["arch"] == "arm64"}
    assert set(report) == {Place(*it) for it in itertools.product(cpus, releases, LINES)}
    assert {verdict for verdict, _ in report.values()} >= {"unsound", "supported", "refused"}


def test_the_page_says_what_the_markdown_says(pages: tuple[str, str], report: Said) -> None:
    assert html_table(pages[1]) == report


def test_an_embedded_table_says_what_the_report_says(folder: Path, report: Said) -> None:
    page = folder / "page.md"
    page.write_text(f'<!-- matrix:begin {STUDY} table="{TABLE}" -->\n<!-- matrix:end -->\n')
    assert run_cli("embed", str(page)).code == 0
    assert pipe_table(page.read_text()) == report


def first_reason(reasons: list[str]) -> str:
    """Return why the verdict is so; a defect of the kernel by itself is said before it."""
    return next(text for text in reasons if not text.startswith("with a defect of Linux "))


def differences(report: Said, found: Said) -> list[object]:
    """Return the places with another answer than the report's, with both."""
    return [(place, report[place], said) for place, said in found.items() if report[place] != said]


def test_validate_says_what_the_report_says(
    configs: dict[tuple[str, str], Path], report: Said
) -> None:
    """All CPUs that are no models of QEMU's without `--cpu`, those by their group."""
    others = tuple(word for cpu in OTHER_PAGES for word in ("--cpu", cpu))
    found: Said = {}
    for line, (text, _) in LINES.items():
        for group, page_size in ((), "4k"), (("--cpu", "@qemu"), "4k"), (others, "16k"):
            files = [str(path) for (_, pages), path in configs.items() if pages == page_size]
            ran = run_cli("validate", *files, *group, "--cmdline", text, "--format", "json")
            for result in json.loads(ran.out)["results"]:
                (cpu,) = result["cpu"]
                if OTHER_PAGES.get(cpu, "4k") == page_size:
                    place = Place(cpu, result["kernel"], line)
                    found[place] = (result["verdict"], first_reason(result["reasons"]))
    assert set(found) == set(report)
    assert not differences(report, found)


def test_fleet_says_what_the_report_says(
    folder: Path, configs: dict[tuple[str, str], Path], report: Said
) -> None:
    hosts, answers = folder / "hosts.csv", folder / "answers.csv"
    places = list(report)
    with hosts.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("host", "kernel", "config", "cpu", "cmdline"))
        for number, place in enumerate(places):
            config = configs[place.kernel, OTHER_PAGES.get(place.cpu, "4k")]
            rows.writerow((number, place.kernel, config.name, place.cpu, LINES[place.line][0]))
    ran = run_cli("fleet", str(hosts), "--table", str(answers), "--max-groups", "0")
    assert ran.code == 1, ran.err
    with answers.open(newline="") as file:
        found = {places[int(row["host"])]: row for row in csv.DictReader(file)}
    assert set(found) == set(report)
    for place, row in found.items():
        verdict, reason = report[place]
        # The column has all reasons of a host, with semicolons between them.
        assert row["verdict"] == verdict, place
        assert f"{row['reason']}; ".startswith(f"{reason}; "), place


@pytest.fixture(scope="module")
def cells(report: Said) -> dict[Place, dict[str, str | None]]:
    """Return the rows of `matrix cells` for the cells of the table."""
    where = (
        'kconfig.KVM == "y" && kconfig.KFENCE == "0" && kconfig.RODATA_FULL_DEFAULT_ENABLED == "y"'
        ' && page_size != "64k"'
    )
    ran = run_cli("cells", STUDY, "--where", where, "--format", "json-lines")
    assert ran.code == 0, ran.err
    lines = {
        tuple({**dict.fromkeys(BOOT, "absent"), **set_}.values()): name
        for name, (_, set_) in LINES.items()
    }
    found = {}
    for text in ran.out.splitlines():
        row = json.loads(text)
        line = lines.get(tuple(row[axis] for axis in BOOT))
        if line and row["page_size"] == OTHER_PAGES.get(row["cpu"], "4k"):
            found[Place(row["cpu"], row["kernel"], line)] = row
    assert set(found) == set(report)
    return found


def statement(verdict: str, reason: str) -> str | None:
    """Return what a reason says is violated, or would be; None where it says nothing of it."""
    if verdict == "unsound":
        return reason
    return reason.partition("were it forced to yes: ")[2] or None


def test_cells_say_what_the_report_says(
    cells: dict[Place, dict[str, str | None]], report: Said
) -> None:
    for place, row in cells.items():
        verdict, reason = report[place]
        assert row["verdict"] == verdict, place
        assert row["cause"] == statement(verdict, reason), place


def test_explain_says_what_the_report_says(report: Said) -> None:
    """A cell of each verdict and reason, and of each release where it is unsound or unknown."""
    chosen: dict[object, Place] = {}
    for place, said in report.items():
        kernel = place.kernel if said[0] in ("unsound", "unknown") else ""
        chosen.setdefault((said, kernel), place)
    assert len(chosen) > 10
    for place in chosen.values():
        _, options = LINES[place.line]
        pages = OTHER_PAGES.get(place.cpu, "4k")
        cell = {"kernel": place.kernel, "cpu": place.cpu, "page_size": pages, **options}
        text = ",".join(f"{axis}={option}" for axis, option in cell.items())
        ran = run_cli("explain", text, "--matrix", STUDY, "--format", "json")
        document = json.loads(ran.out)
        found = (document["verdict"], first_reason(document["reasons"]))
        assert found == report[place], place


def test_a_review_says_what_the_report_says(folder: Path, report: Said) -> None:
    patch = folder / "v12.patch"
    patch.write_text(
        "--- a/arch/arm64/include/asm/kvm_host.h\n+++ b/arch/arm64/include/asm/kvm_host.h\n"
        "@@ -1,1 +1,5 @@\n /* context */\n"
        "+static inline bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)\n+{\n"
        "+\treturn can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB);\n+}\n"
    )
    ran = run_cli("review", str(patch), "--matrix", STUDY, "--format", "json")
    document = json.loads(ran.out)
    found: dict[tuple[str, str], set[str]] = {}
    for cause in document["causes"]:
        for place in cause["where"]:
            for kernel in cause["kernels"] if set(place["with"]) <= {"page_size"} else ():
                found.setdefault((cause["statement"], kernel), set()).update(
                    cpu
                    for cpu in place["cpus"]
                    if OTHER_PAGES.get(cpu, "4k") in place["with"].get("page_size", ["4k"])
                )
    expected: dict[tuple[str, str], set[str]] = {}
    for at, (verdict, reason) in report.items():
        if verdict == "unsound" and at.line == "default":
            expected.setdefault((reason, at.kernel), set()).add(at.cpu)
    assert found == expected
    counted = json.loads(run_cli("count", STUDY, "--format", "json").out)["verdicts"]
    assert {word: n for word, n in document["verdicts"].items() if word != "absent"} == {
        word: n for word, n in counted.items() if word != "absent"
    }


def test_the_text_of_many_cpus_or_hosts_says_what_is_the_same_for_all(
    folder: Path, configs: dict[tuple[str, str], Path]
) -> None:
    config = configs["7.3", "4k"]
    ran = run_cli("validate", str(config), "--set", "gic=v2", "--cmdline", "rodata=off")
    head = " ".join(ran.out.partition("\n\n")[0].split())
    for told in ("`rodata=off`", "entry=el2", "gic=v2", "realm=no", "host=bare-metal"):
        assert told in head
    assert "vm=default" in head
    hosts = folder / "one.csv"
    hosts.write_text(f"host,kernel,config,cpu\nh,7.3,{config.name},graviton3\n")
    ran = run_cli("fleet", str(hosts), "--set", "entry=el1")
    assert "all with entry=el1, gic=v3, realm=no, host=bare-metal, vm=default" in " ".join(
        ran.out.split()
    )
