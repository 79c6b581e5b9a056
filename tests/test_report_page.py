"""A report as Chromium shows it: what stands where, and the views that its script draws.

Chromium writes the finished document out (`--dump-dom`); views are held to answers that are made
cell by cell, without the diagram that the page reads.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from matrix.flows.knowledge import Library
from matrix.flows.report import study_reports
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.render.report import report_files
from tests.cli_runner import run_cli

CHROMIUM = shutil.which("chromium")
STUDY = "arm64-overview"

pytestmark = [
    pytest.mark.skipif(not os.environ.get("CI"), reason="a browser is started in CI alone"),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium here"),
]

# Puts what is asked of the layout where the written document shows it.
MEASURE = """<script>addEventListener("load", () => {
const box = (name) => document.querySelector(name).getBoundingClientRect();
const small = [...document.querySelectorAll("#answer .tiles a, #map a, #map select, #map input")]
  .filter((item) => !item.matches(".skip, p a"))
  .map((item) => [item.outerHTML.slice(0, 80), item.getBoundingClientRect()])
  .filter(([, {width, height}]) => width && (width < 24 || height < 24)).map(([text]) => text);
document.body.dataset.measured = JSON.stringify({
  verdict: box("#answer .badge").top, fixTop: box("#fix pre").top,
  fixBottom: box("#fix pre").bottom, map: box("#map td").top,
  width: document.documentElement.scrollWidth, seen: innerWidth, small,
});
});</script>"""
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (report,) = study_reports((STUDY,))
    for name, text in report_files(report).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / f"{STUDY}.html"


def opened(page: Path, fragment: str = "", size: str = "1440,900", *flags: str) -> str:
    """Return the document of a page after its scripts have run; no message may be logged."""
    ran = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={page.parent / 'profile'}",
            f"--window-size={size}",
            *flags,
            "--dump-dom",
            f"{page.as_uri()}{fragment}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ":CONSOLE" not in ran.stderr
    return ran.stdout


def measured(page: Path, size: str, *flags: str) -> dict[str, Any]:
    text = POLICY.sub("", page.read_text(encoding="utf-8")).replace("</body>", f"{MEASURE}</body>")
    copy = page.with_name("measured.html")
    copy.write_text(text, encoding="utf-8")
    (found,) = re.findall(r'data-measured="([^"]*)"', opened(copy, "", size, *flags))
    result: dict[str, Any] = json.loads(unescape(found))
    return result


@pytest.mark.parametrize("flags", [(), ("--blink-settings=preferredColorScheme=0",)])
def test_verdict_and_fix_are_on_the_first_screen(page: Path, flags: tuple[str, ...]) -> None:
    found = measured(page, "1440,900", *flags)
    assert found["seen"] == 1440
    assert 0 < found["verdict"] <= 300
    assert 0 < found["fixTop"] < found["fixBottom"] <= 900
    assert found["map"] <= 900
    assert found["width"] <= found["seen"]
    assert found["small"] == []


def test_a_narrow_window_is_not_scrolled_sideways(page: Path) -> None:
    found = measured(page, "500,900")
    assert found["width"] <= found["seen"]
    assert found["verdict"] <= 400
    assert found["small"] == []


def cell_texts(row: str) -> list[tuple[str, int]]:
    """Return the cells of a row of HTML as text, each with the columns it reaches over."""
    found = re.findall(r"<t[hd]([^>]*)>(.*?)</t[hd]>", row, re.DOTALL)
    return [
        (
            unescape(re.sub(r"<[^>]+>", "", text)).strip(),
            int((re.findall(r'colspan="(\d+)"', attributes) or ["1"])[0]),
        )
        for attributes, text in found
    ]


def drawn(document: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield CPU, release, command line and verdict of each cell of the map, as it is drawn."""
    section = document.partition('<section id="map"')[2].partition("</section>")[0]
    head = re.findall(r"<tr>(.*?)</tr>", section.partition("</thead>")[0], re.DOTALL)
    outer, inner = (cell_texts(row) for row in head)
    above = [text for text, span in outer[1:] for _ in range(span)]
    columns = list(zip(above, (text for text, _ in inner), strict=True))
    for row in re.findall(r'<tr><th scope="row">.*?</tr>', section, re.DOTALL):
        (name, _), *cells = cell_texts(row)
        for (releases, lines), (verdict, _) in zip(columns, cells, strict=True):
            for release in releases.removesuffix(" + v12").split(", "):
                for line in lines.split(", "):
                    yield name, release, line, verdict


@pytest.fixture(scope="module")
def prepared() -> PreparedStudy:
    return prepare_study(Library(), STUDY)


@pytest.mark.parametrize(
    "changed",
    [
        {"page_size": "64k"},
        {"page_size": "16k", "kconfig.KFENCE": "n", "kconfig.RODATA_FULL_DEFAULT_ENABLED": "n"},
        {"kconfig.KVM": "n"},
    ],
    ids=",".join,
)
def test_a_view_shows_what_each_of_its_cells_is_answered(
    page: Path, prepared: PreparedStudy, changed: dict[str, str]
) -> None:
    fragment = "&".join(f"{axis}={quote(option)}" for axis, option in changed.items())
    document = opened(page, f"#{fragment}")
    study = prepared.study
    options = {axis.name: [option.name for option in axis.options] for axis in study.axes}
    lines = {profile.name: dict(profile.cell) for profile in study.profiles}
    shown: dict[tuple[str, str], dict[str, str]] = {}
    for cpu, release, line, verdict in drawn(document):
        releases = options["kernel"] if release == "all" else [release]
        for one, other in product(releases, lines if line == "all" else [line]):
            assert shown.setdefault((cpu, one), {}).setdefault(other, verdict) == verdict
    assert len(shown) == len(options["cpu"]) * len(options["kernel"])
    for cpu in options["cpu"][::9]:
        for release, (line, departs) in product(options["kernel"], lines.items()):
            answer = prepared.answer({"cpu": cpu, "kernel": release, **changed, **departs})
            expected = "– no such cell" if answer is None else answer.verdict
            assert shown[cpu, release][line] == expected, (cpu, release, line)


def test_an_address_names_a_view_and_a_filter_and_what_is_unknown_is_said(page: Path) -> None:
    document = opened(page, "#page_size=64k&q=blizzard&nonsense=%3Cb%3Ex&page_size=8k")
    assert "ignored: nonsense=&lt;b&gt;x, page_size=8k" in document
    assert "With <code>page_size=64k</code>" in document
    section = document.partition('<section id="map"')[2].partition("</section>")[0]
    seen = re.findall(r'<tr><th scope="row"><span class="name hit"[^>]*>([^<]+)', section)
    assert seen == ["apple-m2"]


def test_without_a_fragment_the_page_is_as_it_was_written(page: Path) -> None:
    written = list(drawn(page.read_text(encoding="utf-8")))
    assert written
    assert list(drawn(opened(page))) == written
    assert list(drawn(opened(page, "#page_size=4k"))) == written


# Presses a button when the page has drawn its view, and puts the text where the document shows it.
PRESS = """<script>addEventListener("load", () => {
document.querySelectorAll(".copy button")[NUMBER].click();
document.body.dataset.copied = document.querySelector(".copied").value;
});</script>"""


def copied(page: Path, number: int, fragment: str) -> str:
    text = POLICY.sub("", page.read_text(encoding="utf-8"))
    copy = page.with_name("copied.html")
    press = PRESS.replace("NUMBER", str(number))
    copy.write_text(text.replace("</body>", f"{press}</body>"), encoding="utf-8")
    (found,) = re.findall(r'data-copied="([^"]*)"', opened(copy, fragment))
    return unescape(found)


@pytest.mark.parametrize(("number", "form"), [(0, "mail"), (1, "markdown")])
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"page_size": "64k", "kconfig.KFENCE": "n"},
        {"page_size": "16k", "kconfig.RODATA_FULL_DEFAULT_ENABLED": "n"},
    ],
)
def test_what_is_copied_is_what_the_command_writes(
    page: Path, prepared: PreparedStudy, changed: dict[str, str], number: int, form: str
) -> None:
    pivot = prepared.study.pivots[0]
    usual = {**dict(prepared.study.baseline), **dict(pivot.fixed)}
    chips = re.findall(r'<li data-axis="([^"]*)"', page.read_text(encoding="utf-8"))
    said = [f"--set={axis}={changed.get(axis, usual[axis])}" for axis in chips]
    asked = [*said, "--show=worst"] if changed else []
    written = run_cli("view", STUDY, *asked, f"--format={form}").out
    assert copied(page, number, fragment_of(changed)) == written


def fragment_of(changed: dict[str, str]) -> str:
    return f"#{'&'.join(f'{axis}={option}' for axis, option in changed.items())}" if changed else ""


# What `tests/page_tools.sh` fetched, for the checks that other people wrote.
TOOLS = Path(os.environ.get("MATRIX_PAGE_TOOLS", "")) / "node_modules"
with_tools = pytest.mark.skipif(
    not (TOOLS / "axe-core").exists(), reason="no MATRIX_PAGE_TOOLS: see tests/page_tools.sh"
)
AXE = """<script>addEventListener("load", async () => {
for (const item of document.querySelectorAll("details")) item.open = true;
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const found = await axe.run(document, {runOnly: {type: "tag", values: tags}});
const told = found.violations.map(({id, nodes}) => [id, nodes.length, nodes[0].html.slice(0, 200)]);
document.body.dataset.axe = JSON.stringify({violations: told, passes: found.passes.length});
});</script>"""


@with_tools
@pytest.mark.parametrize(
    ("size", "flags"),
    [
        ("1440,900", ()),
        ("1440,900", ("--blink-settings=preferredColorScheme=0",)),
        ("500,900", ()),
    ],
)
def test_axe_finds_nothing(page: Path, size: str, flags: tuple[str, ...]) -> None:
    text = POLICY.sub("", page.read_text(encoding="utf-8"))
    axe = (TOOLS / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    copy = page.with_name("axe.html")
    copy.write_text(text.replace("</body>", f"<script>{axe}</script>{AXE}</body>"), "utf-8")
    document = opened(copy, "", size, *flags, "--virtual-time-budget=60000")
    (found,) = re.findall(r'data-axe="([^"]*)"', document)
    result = json.loads(unescape(found))
    assert result["violations"] == []
    assert result["passes"] > 20


@with_tools
@pytest.mark.skipif(not shutil.which("node"), reason="no node here")
def test_html_validate_is_content(page: Path) -> None:
    rules = page.with_name("rules.json")
    rules.write_text('{"root": true, "extends": ["html-validate:recommended"]}')
    tool = TOOLS / "html-validate" / "bin" / "html-validate.mjs"
    for name, code in (("good", 0), ("bad", 1)):
        text = page.read_text(encoding="utf-8")
        copy = page.with_name(f"{name}.html")
        copy.write_text(text if name == "good" else text.replace("</main>", "<p id='a.b'>"))
        command = ["node", str(tool), "--config", str(rules), str(copy)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == code, ran.stdout[:2000]


@with_tools
@pytest.mark.skipif(not shutil.which("java"), reason="no java here")
def test_the_nu_checker_is_content(page: Path) -> None:
    jar = TOOLS / "vnu-jar" / "build" / "dist" / "vnu.jar"
    command = ["java", "-jar", str(jar), "--format", "json", str(page)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert json.loads(ran.stderr)["messages"] == []
