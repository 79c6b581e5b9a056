"""The report: a page that stands alone, reads without colour and holds against hostile labels."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from msgspec.structs import replace

from matrix.analyze.cell.answer import TraceLine
from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.analyze.space.cause import Place
from matrix.analyze.space.result import (
    Diagram,
    StudyAdvisory,
    StudyResult,
    Table,
    TableCell,
)
from matrix.render.basis import CONFIDENCE_MEANINGS
from matrix.render.page import answer_sentence, remarks
from matrix.render.report import (
    PROOF_SECTIONS,
    SECTIONS,
    render_html,
    render_markdown,
)
from matrix.schema.values import CONFIDENCES, Pivot
from matrix.solve.layers import layers_of
from matrix.solve.space import FiniteVariable, Space
from tests.brute import Brute
from tests.golden_files import Golden
from tests.unit.render import builder, proof_builder
from tests.unit.render.test_markdown import LABELS

VOID = {"meta", "link", "input", "br", "hr", "img", "wbr", "col"}
REPORTS = Path(__file__).parents[3] / "reports"
STYLE = Path(__file__).parents[3] / "matrix" / "render" / "templates" / "report.css"


class Page(HTMLParser):
    """A page read as a browser would, failing where tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.verdicts: list[tuple[str, str]] = []
        self.title = ""
        self._verdict: str | None = None
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f"an attribute twice: {attrs}"
        self.tags[tag] += 1
        self.attributes.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        classes = (attributes.get("class") or "").split()
        if tag == "td" and "verdict" in classes:
            self.verdicts.append((classes[1], ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "title" in self.open:
            self.title += data
        if "td" in self.open and self.verdicts and not self.verdicts[-1][1]:
            self.verdicts[-1] = (self.verdicts[-1][0], data)

    def values(self, name: str) -> list[str]:
        return [value for _, attrs in self.attributes if (value := attrs.get(name))]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render_html(builder.result(), cpus=builder.CPUS, proofs=proof_builder.proofs()))


def large(*, distinct: bool) -> StudyResult:
    """82 CPUs, 7 releases and 5 command lines; with `distinct` no two cells are alike."""
    cpus = tuple(f"vendor-core-{n}" for n in range(82))
    releases = ("5.10", "6.1", "6.6", "6.12", "6.18", "7.2", "7.3")
    lines = ("default", "rodata=off", "rodata=off + KFENCE", "rodata=on + KFENCE", "pKVM")
    verdicts = list(meanings_of("simulation"))

    def cell(row: int, column: int) -> TableCell:
        number = row * 35 + column if distinct else row * 7 + column % 5
        verdict = verdicts[number % len(verdicts)]
        where = f" on {cpus[row]} at {column}" if distinct else ""
        return TableCell(verdict=verdict, reason=f"{'a reason of ordinary length ' * 4}{where}")

    table = Table(
        title="CPU × kernel × command line",
        row_title="CPU",
        column_levels=("kernel", "profiles"),
        columns=tuple((release, line) for release in releases for line in lines),
        row_groups=tuple((name,) for name in cpus),
        cells=tuple(tuple(cell(row, column) for column in range(35)) for row in range(82)),
    )
    groups = builder.result().groups * 20
    return replace(
        builder.result(), study=builder.study(releases, cpus), tables=(table,), groups=groups
    )


def test_every_id_is_unique(page: Page) -> None:
    twice = [name for name, number in Counter(page.values("id")).items() if number > 1]
    assert twice == []


def test_every_internal_link_leads_somewhere(page: Page) -> None:
    links = page.values("href")
    assert links
    assert all(link.startswith("#") for link in links)
    assert {link[1:] for link in links} <= set(page.values("id"))


def test_nothing_is_loaded(page: Page) -> None:
    assert page.values("src") == []
    assert page.tags["link"] == page.tags["img"] == page.tags["iframe"] == 0
    assert "url(" not in STYLE.read_text(encoding="utf-8")


def test_labels_of_regions_exist(page: Page) -> None:
    assert set(page.values("aria-labelledby")) <= set(page.values("id"))


def test_every_verdict_is_written_in_words(page: Page) -> None:
    assert len(page.verdicts) == 10
    assert all(name == text for name, text in page.verdicts)


def test_every_header_cell_says_what_it_heads(page: Page) -> None:
    scopes = [attrs.get("scope") for tag, attrs in page.attributes if tag == "th"]
    assert set(scopes) == {"col", "colgroup", "row", "rowgroup"}


def test_the_page_names_its_language_and_can_be_skipped(page: Page) -> None:
    assert page.attributes[0] == ("html", {"lang": "en"})
    first_link = next(attrs for tag, attrs in page.attributes if tag == "a")
    assert first_link == {"class": "skip", "href": "#map"}


def test_every_section_is_there_in_order(page: Page) -> None:
    sections = [attrs["id"] for tag, attrs in page.attributes if tag == "section"]
    assert sections == [item[0] for item in SECTIONS]
    without = Page(render_html(builder.result()))
    sections = [attrs["id"] for tag, attrs in without.attributes if tag == "section"]
    assert sections == [item[0] for item in SECTIONS if item not in PROOF_SECTIONS]
    assert {f"#{name}" for name in sections} <= set(without.values("href"))


@pytest.mark.parametrize("distinct", [False, True])
def test_a_large_study_stays_small(*, distinct: bool) -> None:
    assert len(render_html(large(distinct=distinct)).encode()) < 1_500_000


def test_no_committed_page_is_large() -> None:
    sizes = {page.name: page.stat().st_size for page in REPORTS.glob("*.html")}
    assert len(sizes) > 5
    assert max(sizes.values()) < 1_500_000


def test_one_result_gives_one_page() -> None:
    assert render_html(builder.result()) == render_html(builder.result())
    assert render_markdown(builder.result()) == render_markdown(builder.result())


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_every_release_says_what_is_ported_on_top(render: Callable[[StudyResult], str]) -> None:
    text = render(builder.result())
    assert "7.3 + v12" in text
    assert "6.12 + v12" in text
    assert "7.3 + " not in render(builder.result(patch=None))


@given(LABELS)
def test_labels_stay_text_in_html(label: str) -> None:
    result = hostile(label)
    cpus = (builder.cpu("aws-graviton3", dic=label),)
    page = Page(render_html(result, cpus=cpus, proofs=proof_builder.proofs(label)))
    assert page.title == label
    assert page.tags["script"] == 1
    assert page.tags["style"] == 1
    assert len(page.verdicts) == 12
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.values("href")} <= set(ids)


@given(LABELS)
def test_labels_stay_in_their_cells_in_markdown(label: str) -> None:
    text = render_markdown(
        hostile(label),
        cpus=(builder.cpu("aws-graviton3", dic=label),),
        proofs=proof_builder.proofs(label),
    )
    for block in tables_of(text):
        assert len({columns_of(line) for line in block}) == 1


@given(LABELS)
def test_labels_make_no_line_of_their_own(label: str) -> None:
    two = f"x{label}\n{label}x"
    plain, text = (
        render_markdown(
            hostile(shown),
            cpus=(builder.cpu("aws-graviton3", dic=shown),),
            proofs=proof_builder.proofs(shown, statement="rodata_full"),
        )
        for shown in ("x", two)
    )
    assert len(text.splitlines()) == len(plain.splitlines())


def hostile(label: str) -> StudyResult:
    """A result that shows the label wherever a declaration may put one."""
    result = builder.result(title=label)
    reason = TableCell(verdict=Verdict.UNSOUND, reason=label, instead=((label, label),))
    table = result.tables[0]
    line = TraceLine(event=label, operation=label, detail=label, source=label)
    finding = replace(builder.FAULT, invariant=label, message=label, certainty=label, trace=(line,))
    cause = replace(
        builder.cause(),
        statement=label,
        operation=label,
        source=label,
        broken=((label, label),),
        conditions=((label, label),),
        places=(Place(change=((label, (label,)),), cpus=(label,)),),
        example=(("cpu", label),),
        findings=(finding, builder.STALE),
    )
    return replace(
        result,
        study=replace(result.study, description=label),
        tables=(
            replace(
                table,
                title=label,
                columns=((label, label), (label, "b"), ("c", label), ("c", "d")),
                row_groups=((label, "r1"), (f"{label}2",), ("r3",)),
                cells=((reason, *table.cells[0][1:]), *table.cells[1:]),
                fixed=((label, label), ("page_size", "4k")),
            ),
        ),
        groups=(
            replace(
                result.groups[1],
                conditions=((label, label),),
                example=(("cpu", label),),
                findings=(finding,),
            ),
        ),
        advisories=(StudyAdvisory(finding=finding, cells=1, kernels=(label,)),),
        absent_reasons=((label, 1),),
        digest=label,
        causes=(cause,),
    )


def tables_of(markdown: str) -> list[list[str]]:
    """The tables of a text: runs of lines that begin with a pipe, outside of code blocks."""
    found: list[list[str]] = [[]]
    for line in re.sub(r"(?ms)^```c$.*?^```$", "", markdown).splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def columns_of(line: str) -> int:
    """The number of cells by GFM 4.10: pipes divide unless a backslash stands before them."""
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def test_markdown_golden(golden: Callable[[str], Golden]) -> None:
    text = render_markdown(builder.result(), cpus=builder.CPUS, proofs=proof_builder.proofs())
    golden("render/report.md").check(text)


def test_sound_study_golden(golden: Callable[[str], Golden]) -> None:
    text = render_markdown(builder.result(unsound=0))
    answer = text[
        text.index("**Sound, but too strict.** `v12` is sound") : text.index("## What was asked")
    ]
    golden("render/sound-answer.md").check(answer)


def test_every_confidence_is_explained() -> None:
    assert tuple(CONFIDENCE_MEANINGS) == CONFIDENCES


SCHEMES = re.findall(r":root \{(.*?)\n *\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
PAIRS = [("text", "page"), ("muted", "page"), ("link", "page"), ("text", "surface")]
PAIRS += [("muted", "surface"), *((f"on-{verdict}", str(verdict)) for verdict in Verdict)]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("ink", "ground"), PAIRS)
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_is_at_least_4_5(scheme: int, ink: str, ground: str) -> None:
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", SCHEMES[scheme]))
    light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("cells", [0, 5])
def test_a_study_that_found_nothing_is_a_page_too(cells: int) -> None:
    result = replace(
        builder.result(),
        cells=cells,
        counts=builder.counts(absent=cells),
        counts_by_kernel=(),
        tables=(),
        groups=(),
        absent_reasons=(),
        influences=(),
        causes=(),
    )
    Page(render_html(result))
    text = render_markdown(result)
    assert ("No cell satisfies every constraint" in text) == (cells == 0)
    assert "## Causes" not in text


def test_proofs_that_cannot_be_had_are_said() -> None:
    proofs = proof_builder.nothing("too many features", "the capability is absent")
    for text in (
        render_html(builder.result(), proofs=proofs),
        render_markdown(builder.result(), proofs=proofs),
    ):
        assert "No rules: too many features." in text
        assert "No check was synthesised: the capability is absent." in text
        assert "The study declares no claim." in text


def test_releases_that_answer_alike_share_a_row() -> None:
    text = render_markdown(builder.result(), proofs=proof_builder.proofs())
    assert "- **refuted** on 6.12, 7.3: 10 cells each, as expected\n" in text
    assert text.count("- nearest: ") == 1
    assert "- **proved** on 6.12: vacuously: no cell has its premise (expected: refuted)" in text


def test_each_answer_to_a_claim_says_whether_it_is_expected() -> None:
    html = render_html(builder.result(), proofs=proof_builder.proofs())
    answers = re.findall(r'<li><span class="badge (?:proved|refuted-claim)">.*', html)
    refuted, proved = sorted(answers, key=lambda line: ">proved<" in line)
    assert "6.12, 7.3: 10 cells each, as expected<" in refuted
    assert ", as expected" not in proved
    assert "(expected: refuted)" in proved


def test_the_first_sentence_names_the_cpus_of_the_ordinary_cell_and_the_next_ones_the_others() -> (
    None
):
    """A list of CPUs belongs to one cause and one condition (Graviton3 needs `host`)."""
    result = replace(builder.result(), causes=(builder.cause(),))
    said = [answer_sentence(result), *remarks(result)]
    assert said[0] == (
        "`v12` is unsound in the ordinary cell (the study's baseline) on 9 CPUs (a, b, c, d, e, f, "
        "g, h and 1 more CPU): `IC IVAU` translates A while A is invalid (`alias-access`)."
    )
    assert said[1] == (
        "`IC IVAU` translates A while A is invalid (`alias-access`), also with `host=l1` on x and "
        "y; with `page_size=16k` or `64k` and `vm=mte` on z."
    )
    # 12 + 3 + 1234567 + 40: without the 2000 absent ones.
    counted = said[2].replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "unsound in 12 of the 1 234 622 cells that have the capability" in counted


def test_where_no_ordinary_cell_is_unsound_the_first_sentence_says_so() -> None:
    cause = builder.cause()
    elsewhere = replace(cause, places=cause.places[1:2])
    result = replace(builder.result(), causes=(elsewhere,))
    assert answer_sentence(result) == (
        "`v12` is unsound where options depart from the study's baseline; in the ordinary cell it "
        "is sound on every CPU."
    )
    assert remarks(result)[0] == (
        "With `host=l1` on x and y: `IC IVAU` translates A while A is invalid (`alias-access`)."
    )


def test_where_the_capability_is_nowhere_nothing_is_judged() -> None:
    """An option that is left out of a study (a symbol that no axis sets is off) may do that."""
    made = builder.result()
    absent = replace(made, counts=((Verdict.ABSENT, made.cells),), causes=())
    assert answer_sentence(absent).startswith("Nothing is judged: the capability is absent in all")
    html = render_html(absent)
    assert "<strong>Yes." not in html
    assert "<strong>No" not in html


def map_of(html: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return each row of the heat map: its group, its name, and link and word of each cell."""
    section = html.partition('<section id="map"')[2].partition("</section>")[0]
    rows = []
    for group, body in re.findall(r'<tbody id="map-([\w-]+)">(.*?)</tbody>', section, re.DOTALL):
        for row in re.findall(r'<tr><th scope="row">.*?</tr>', body, re.DOTALL):
            (name,) = re.findall(r'<span class="name" [^>]*>([^<]*)<', row)
            cells = re.findall(r'<a href="#([^"]+)"><span>([\w-]+)</span>', row)
            rows.append((group, name, cells))
    return rows


def test_the_heat_map_has_every_row_by_itself_the_most_dangerous_first() -> None:
    rows = map_of(render_html(builder.result()))
    assert [(group, name) for group, name, _ in rows] == [
        ("unsound", "cortex-a710"),
        ("supported", "aws-graviton3"),
        ("supported", "nvidia-grace"),
        ("supported", "apple-m1"),
    ]
    assert [word for _, word in rows[0][2]] == ["absent", "unsound", "refused"]


def test_each_cell_of_the_heat_map_leads_to_its_cause_or_its_reason() -> None:
    rows = {name: cells for _, name, cells in map_of(render_html(builder.result()))}
    assert rows["cortex-a710"][1] == ("cause-1", "unsound")
    assert [link for link, word in rows["aws-graviton3"] if word == "supported"] == ["note-1-2"]


def test_the_top_says_how_many_what_to_write_instead_and_what_is_fixed() -> None:
    html = render_html(builder.result(), proofs=proof_builder.proofs())
    top, _, below = html.partition('<section id="map"')
    assert "<strong>No.</strong> <code>v12</code> is unsound" in top
    assert re.findall(r"<b>(\d+)</b> ([\w-]+)", top) == [
        ("1", "unsound"),
        ("0", "unknown"),
        ("0", "overstrict"),
        ("3", "supported"),
        ("0", "refused"),
        ("0", "absent"),
    ]
    assert "<del>-\treturn true;\n</del>" in top
    assert "<ins>+\treturn can_set_direct_map() &amp;&amp; !is_realm_world();\n</ins>" in top
    chips = re.findall(r'<li data-axis="[\w.]+">([\w.]+) <b>(\w+)</b></li>', below)
    assert chips == [
        ("page_size", "4k"),
        ("boot.mode", "absent"),
        ("host", "no"),
        ("vm", "default"),
    ]


def test_a_check_that_lets_nothing_work_is_not_proposed() -> None:
    proofs = proof_builder.proofs()
    lost = replace(
        proofs.compared[-1], verdicts={**proofs.compared[-1].verdicts, Verdict.SUPPORTED: 0}
    )
    proofs = replace(proofs, compared=(*proofs.compared[:-1], lost))
    for text in (
        render_html(builder.result(), proofs=proofs),
        render_markdown(builder.result(), proofs=proofs),
    ):
        assert "says no wherever the capability works." in text
        assert "<del>" not in text
        assert "```diff" not in text


def test_what_is_no_cpu_as_it_is_stands_beside_the_count() -> None:
    """A system of two types, and a CPU that has no cell with the options of the view."""
    table = builder.cpu_table()
    elsewhere = replace(builder.BREAKS, instead=(("page_size", "16k"),))
    table = replace(
        table,
        row_groups=(*table.row_groups, ("hisi-0xd22",), ("cortex-a710+cortex-a510",)),
        cells=(
            *table.cells,
            (*table.cells[1][:2], elsewhere, elsewhere),
            (*table.cells[1][:3], builder.BREAKS),
        ),
    )
    html = render_html(replace(builder.result(), tables=(table,)))
    assert "<b>1</b> unsound</span> <small>+ 2</small>" in html
    assert 'id="m-hisi-0xd22">hisi-0xd22</span> <small>with page_size=16k</small>' in html


def test_where_columns_are_cpus_a_row_counts_by_its_worst_cell() -> None:
    table = replace(
        builder.cpu_table(),
        row_title="distribution",
        column_levels=("CPU",),
        columns=(("a",), ("b",), ("c",), ("d",)),
        usual=2,
        cells=(
            (builder.NO_GMEM, builder.NO_GMEM, builder.WORKS, builder.BREAKS),
            (builder.NO_GMEM, builder.NO_GMEM, builder.WORKS, builder.OFF),
            (builder.NO_GMEM, builder.NO_GMEM, builder.NO_GMEM, None),
        ),
    )
    html = render_html(replace(builder.result(), tables=(table,)))
    assert re.findall(r"<b>(\d+)</b> (unsound|supported|absent)", html) == [
        ("2", "unsound"),
        ("1", "supported"),
        ("1", "absent"),
    ]
    assert "Counted each distribution by the verdict in its row that needs action first." in html


def test_a_page_has_an_article_for_each_cause_and_no_trace_twice() -> None:
    html = render_html(builder.result(), proofs=proof_builder.proofs())
    traces = re.findall(r'<ol class="trace">.*?</ol>', html, re.DOTALL)
    assert len(traces) == len(set(traces)) == 2
    assert html.count('<article class="group unsound"') == len(builder.result().causes)


@given(LABELS)
def test_labels_stay_text_in_the_answers_of_a_page(label: str) -> None:
    cpus, axes = (f"{label}1", f"{label}2"), ("kernel", "cpu", "boot.rodata")
    table = replace(
        builder.cpu_table(),
        row_groups=((cpus[0],), (cpus[1],)),
        cells=builder.cpu_table().cells[:2],
    )
    study = builder.study(("6.12", "7.3"), cpus, label)
    pivot = Pivot(
        title=label,
        rows="cpu",
        columns=("kernel", "boot.rodata"),
        fixed=(),
        location=builder.PLACE,
    )
    table = replace(
        table,
        columns=tuple((one, two) for one in ("6.12", "7.3") for two in ("absent", "off")),
        named=(),
    )
    options = (("6.12", "7.3"), cpus, ("absent", "off"))
    space = Space(
        variables=tuple(
            FiniteVariable(name=name, options=words)
            for name, words in zip(axes, options, strict=True)
        )
    )
    labels = ((Verdict.UNSOUND, (1,)),)
    diagram = Diagram(layers=layers_of(space, [Brute(space).everything()], min), labels=labels)
    result = replace(
        builder.result(title=label),
        study=replace(study, pivots=(pivot,)),
        tables=(table,),
        causes=(replace(builder.cause(), statement=label),),
        diagram=diagram,
    )
    html = render_html(result)
    assert Page(html).tags["script"] == 2
    (text,) = re.findall(r'<script type="application/json" id="answers">(.*?)</script>', html)
    answers = json.loads(text)
    assert [name for name, _ in answers["rows"]] == list(cpus)
    assert answers["causes"] == [label.replace("`", "")]
    assert answers["leaves"] == [["unsound", [1]]]


@pytest.mark.parametrize("element", ["script", "style"])
def test_script_and_style_are_those_that_the_policy_names(element: str) -> None:
    html = render_html(builder.result())
    (text,) = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert f"{element}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in html
