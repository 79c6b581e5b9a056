"""Other architectures as shown: merged rows, marked contradictions, nothing taken for markup."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from msgspec.structs import replace

from matrix.diagnostics import Location
from matrix.render.blocks import find_blocks, render_architectures
from matrix.render.direct_maps import (
    CONTRADICTION,
    SHOWN,
    architecture_table,
    direct_map_rows,
    direct_map_text,
)
from matrix.render.report import ARCHITECTURE_SECTION, render_html, render_markdown
from matrix.schema.direct_maps import (
    QUESTIONS,
    UNKNOWN,
    DirectMap,
    DirectMapCell,
    DirectMapRelease,
    Evidence,
)
from tests.unit.render import builder
from tests.unit.render.test_markdown import LABELS
from tests.unit.render.test_report import Page, tables_of

HERE = Location(file="configs/direct-maps/tiny.yaml", line=1, column=1)
ANSWERS = {
    "set_direct_map": "selected",
    "predicate": "always-true",
    "effect": "unmaps",
    "splits": "yes",
    "flushes": "no",
    "fails": UNKNOWN,
    "sleeps": "yes",
    "secretmem": "default-on",
    "syscall": UNKNOWN,
    "guest_memfd": "not-selected",
}


def evidence(path: str, line: int | None = None, *, lacks: str | None = None) -> Evidence:
    return Evidence(
        path=path,
        lines=(line, line) if line else None,
        within=None,
        text="return 0;" if line else None,
        lacks=lacks,
        missing=False,
        read=None,
        location=HERE,
    )


def release(
    name: str,
    changed: Mapping[str, str] | None = None,
    *,
    line: int = 7,
    note: str = "nobody read it",
) -> DirectMapRelease:
    return DirectMapRelease(
        release=name,
        version=f"{name}.1",
        grounded="tree",
        absent=(),
        cells=tuple(
            DirectMapCell(
                question=question,
                answer=answer,
                condition=None,
                note=note if answer == UNKNOWN else None,
                sources=()
                if answer == UNKNOWN
                else (evidence("mm/a.c", line), evidence("mm/a.c", 9)),
            )
            for question, answer in (ANSWERS | dict(changed or {})).items()
        ),
        location=HERE,
    )


def direct_map(*releases: DirectMapRelease, title: str = "TinyArch") -> DirectMap:
    return DirectMap(id="tiny", title=title, releases=releases, location=HERE)


def test_equal_releases_are_one_row_with_the_lines_of_the_last() -> None:
    of_three = direct_map(
        release("6.12", line=5), release("7.2", {"effect": "nothing"}), release("7.3", line=8)
    )
    rows = direct_map_rows([of_three])
    assert [row.label for row in rows] == ["6.12, 7.3", "7.2"]
    assert rows[0].cells[0].sources == ("mm/a.c:8,:9",)
    assert direct_map_rows([of_three], "7.2") == (rows[1],)


def test_what_a_row_says() -> None:
    (row,) = direct_map_rows([direct_map(release("7.3"))])
    assert row.plain == (
        "TinyArch",
        "7.3",
        "always selected",
        "true, by default",
        (
            "unmaps the page; splits large entries; "
            "whether it can fail: unknown (nobody read it); may sleep"
        ),
        "on by default; syscall table: unknown (nobody read it)",
        "not selected",
    )
    (short,) = direct_map_rows([direct_map(release("7.3"))], short=True)
    assert short.plain[4] == "unmaps, splits, whether it can fail: unknown, sleeps"
    assert len(row.plain) == len(SHOWN)


def test_yes_and_nothing_is_a_contradiction_only_together() -> None:
    def said(**changed: str) -> bool:
        (row,) = direct_map_rows([direct_map(release("7.3", changed))])
        return row.plain[4].startswith(CONTRADICTION)

    assert said(effect="nothing")
    assert said(effect="stub")
    assert not said()
    assert not said(effect="nothing", predicate="not-defined")
    assert not said(effect=UNKNOWN)


def test_an_absent_architecture_has_its_source_and_no_answers() -> None:
    absent = replace(
        release("5.10"), cells=(), absent=(replace(evidence("arch/tiny/Kconfig"), missing=True),)
    )
    (row,) = direct_map_rows([direct_map(absent)])
    assert row.plain[2] == "no such architecture"
    assert row.cells[0].sources == ("arch/tiny/Kconfig (no such file)",)
    assert set(row.plain[3:]) == {"–"}
    assert "no such architecture" in direct_map_text(direct_map(absent))


def test_every_question_and_source_is_in_the_text() -> None:
    text = direct_map_text(direct_map(release("7.3")))
    for title, _ in QUESTIONS.values():
        assert f"  {title}: " in text
    assert text.count("mm/a.c:7: return 0;") == sum(word != UNKNOWN for word in ANSWERS.values())


def test_a_report_has_the_table_only_where_the_study_asks() -> None:
    shown = [direct_map(release("7.3", {"effect": "nothing"}))]
    result = builder.result()
    asks = replace(result, study=replace(result.study, other_architectures=True))
    for render in (render_html, render_markdown):
        assert ARCHITECTURE_SECTION[1] not in render(result, direct_maps=shown)
        assert ARCHITECTURE_SECTION[1] not in render(asks)
    html = render_html(asks, direct_maps=shown)
    page = Page(html)
    assert f"#{ARCHITECTURE_SECTION[0]}" in page.values("href")
    assert f"<strong>{CONTRADICTION}</strong>" in html
    assert f"**{CONTRADICTION}**" in render_markdown(asks, direct_maps=shown)


@given(LABELS)
def test_labels_of_strangers_break_no_table(label: str) -> None:
    strange = direct_map(release("7.3", note=label or "x"), title=label)
    (rows,) = tables_of(architecture_table(direct_map_rows([strange])))
    assert len(rows) == 3
    result = builder.result()
    asks = replace(result, study=replace(result.study, other_architectures=True))
    Page(render_html(asks, direct_maps=[strange]))


def test_a_block_shows_the_table() -> None:
    text = "<!-- matrix:begin small show=architectures -->\n<!-- matrix:end -->\n"
    (block,) = find_blocks(text, "docs/page.md")
    content = render_architectures(block, [direct_map(release("7.3"))])
    assert "matrix embed page.md" in content
    assert "| TinyArch | 7.3 | always selected" in content
