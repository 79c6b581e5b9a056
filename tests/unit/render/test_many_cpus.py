"""A study of many CPUs: what of its report does not grow with them."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import StudyResult, Table, TableCell
from matrix.flows.knowledge import Library
from matrix.render.basis import cpu_table
from matrix.render.report import render_html, render_markdown
from tests.unit.render import builder

NAMES = re.compile(r'<span class="name"[^>]*>([^<]+)</span>')
ROW = re.compile(r'<tr><th scope="row">.*?</tr>', re.DOTALL)


def test_fields_of_some_cpus_are_listed_and_the_rest_counted() -> None:
    library = Library()
    study = library.study("arm64-overview")
    known = [cpu for cpu in library.knowledge.cpus if cpu.id == "cortex-a710"]
    axes = tuple(
        replace(
            axis,
            options=tuple(
                replace(axis.options[0], name=f"many-{n}", cpu=f"many-{n}") for n in range(7_000)
            ),
        )
        for axis in study.axes
        if axis.kind == "cpu"
    )
    cpus = [replace(known[0], id=f"many-{n}", aliases=()) for n in range(7_000)]
    table = cpu_table(replace(study, axes=axes), cpus, library.architecture("arm64"))
    assert [row.cpu.id for row in table.rows] == [f"many-{n}" for n in range(len(table.rows))]
    assert len(table.rows) + table.left_out == 7_000
    assert len(table.rows) == 300


def study_of(number: int) -> StudyResult:
    """A study of CPUs of two kinds: every third is unsound, the others are supported."""
    names = tuple(f"many-{n}" for n in range(number))
    kinds = (names[::3], tuple(name for n, name in enumerate(names) if n % 3))
    unsound, supported = (
        TableCell(verdict=verdict, reason="a reason")
        for verdict in (Verdict.UNSOUND, Verdict.SUPPORTED)
    )
    table = Table(
        title="CPU × kernel",
        row_title="CPU",
        column_levels=("kernel",),
        columns=(("7.2",), ("7.3",)),
        row_groups=kinds,
        cells=((supported, unsound), (supported, supported)),
        usual=1,
    )
    return replace(builder.result(), study=builder.study(("7.2", "7.3"), names), tables=(table,))


def heat_map(html: str) -> str:
    return html[html.index('<section id="map"') : html.index('<nav id="sections"')]


@pytest.mark.parametrize("number", [151, 400, 3_000])
def test_equal_rows_of_a_long_heat_map_are_one_with_every_name(number: int) -> None:
    shown = heat_map(render_html(study_of(number)))
    rows = ROW.findall(shown)
    unsound = len(range(0, number, 3))
    assert [len(NAMES.findall(row)) for row in rows] == [unsound, number - unsound]
    assert NAMES.findall(rows[0]) == [f"many-{n}" for n in range(0, number, 3)]
    assert f"<summary>and {unsound - 1} alike</summary>" in rows[0]


def test_a_short_heat_map_has_a_row_for_each_cpu() -> None:
    html = render_html(study_of(150))
    assert [len(NAMES.findall(row)) for row in ROW.findall(heat_map(html))] == [1] * 150
    assert "<details>" not in heat_map(html)
    assert "alike.get" not in html


def test_rows_of_a_long_table_list_the_first_names() -> None:
    html = render_html(study_of(3_000))
    table = html[html.index('id="table-1"') :]
    rows = ROW.findall(table[: table.index("</table>")])
    assert [len(NAMES.findall(row)) for row in rows] == [20, 20]
    assert "and 980 more</th>" in rows[0]
    assert "many-57 and 980 more |" in render_markdown(study_of(3_000))


def test_a_page_of_seven_thousand_cpus_can_be_mailed() -> None:
    assert len(render_html(study_of(7_000)).encode()) <= 1_500_000
