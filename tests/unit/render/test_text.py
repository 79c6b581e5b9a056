"""Answers on the terminal: read without colour, no wider than it, no foreign control codes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Unsettled
from matrix.analyze.cell.verdict import meanings_of
from matrix.render.text import Detail, render_answer, render_grouped
from matrix.schema.values import Basis
from tests.golden_files import Golden
from tests.unit.render import builder

TITLE = "7.3 + v12 on cortex-a710, trixie.config"
SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("verdict", ["unsound", "unknown", "refused", "absent"])
@pytest.mark.parametrize("detail", Detail, ids=lambda detail: detail.name.lower())
def test_answer_golden(verdict: str, detail: Detail, golden: Callable[[str], Golden]) -> None:
    text = render_answer(TITLE, builder.answer(verdict), colour=False, detail=detail)
    golden(f"render/answer-{verdict}-{detail.name.lower()}.txt").check(text)


def test_what_a_brief_answer_leaves_out_is_named() -> None:
    fact = Unsettled(names=("dic",), why="open", settled_by="")
    answer = replace(
        builder.answer(),
        reasons=("a", "b", "c"),
        unsettled=(fact, fact),
        violations=(replace(builder.FAULT, trace=()),) * 2,
        advisories=(),
        fixes=(),
    )
    brief = render_answer(TITLE, answer, colour=False, detail=Detail.BRIEF)
    left_out = "-v shows 2 more reasons, 1 more open fact and 2 more violations"
    assert left_out in " ".join(brief.split())
    all_said = replace(answer, reasons=("a",), unsettled=(), violations=())
    assert "-v" not in render_answer(TITLE, all_said, colour=False, detail=Detail.BRIEF)
    advised = replace(all_said, advisories=(builder.FAULT,))
    brief = render_answer(TITLE, advised, colour=False, detail=Detail.BRIEF)
    assert f"advisories: `{builder.FAULT.invariant}`" in brief
    assert "\n  -v shows what the advisories say\n" in brief


def test_grouped_golden(golden: Callable[[str], Golden]) -> None:
    answers = [
        *((f"cortex-x{n}", builder.answer("unsound")) for n in range(12)),
        ("cortex-a53", builder.answer("absent")),
        ("neoverse-v1", builder.answer("unknown")),
    ]
    golden("render/grouped.txt").check(render_grouped(TITLE, answers, colour=False))


@pytest.mark.parametrize("basis", get_args(Basis))
def test_the_verdict_comes_first_and_is_explained(basis: Basis) -> None:
    for verdict, meaning in meanings_of(basis).items():
        answer = replace(builder.answer(), verdict=verdict, basis=basis)
        text = render_answer(TITLE, answer, colour=False, detail=Detail.BRIEF)
        assert text.startswith(f"{verdict}: {TITLE}\n")
        assert meaning in " ".join(text.split())


def test_facts_come_on_request() -> None:
    short, long = (
        render_answer(TITLE, builder.answer(), colour=False, detail=detail)
        for detail in (Detail.TRACED, Detail.WHOLE)
    )
    assert "page_size" not in short
    assert "has_cache_dic      = unknown" in long


def test_a_group_names_every_cpu_once() -> None:
    answers = [(f"cpu-{n}", builder.answer(("unsound", "absent")[n % 2])) for n in range(9)]
    text = render_grouped(TITLE, answers, colour=False)
    assert sorted(re.findall(r"cpu-\d", text)) == [f"cpu-{n}" for n in range(9)]
    assert "unsound (5)" in text
    assert "absent (4)" in text


def test_reasons_that_differ_in_the_name_are_said_once() -> None:
    def unknown(name: str, settled_by: str) -> tuple[str, Answer]:
        fact = Unsettled(names=("dic",), why=f"`dic` of {name} is open", settled_by=settled_by)
        plain = replace(builder.answer("unknown"), unsettled=(fact,), violations=())
        said = f"dic: `dic` of {name} is open; settled by {settled_by}"
        return name, replace(plain, reasons=(f"see {name}-plus", said))

    alike = [unknown(name, f"{name},dic=1") for name in ("c1", "c1-pro")]
    text = render_grouped(TITLE, [*alike, unknown("v1", "graviton3")], colour=False)
    assert text.splitlines()[3:] == [
        "  recorded",
        "  c1",
        "    - see c1-plus",
        "    - dic: `dic` of c1 is open; settled by c1,dic=1",
        "  c1-pro",
        "    - see c1-pro-plus",
        "    - dic: `dic` of c1-pro is open; settled by c1-pro,dic=1",
        "  v1",
        "    - see v1-plus",
        "    - dic: `dic` of v1 is open; settled by graviton3",
    ]
    plain = [(name, replace(answer, reasons=())) for name, answer in alike]
    assert render_grouped(TITLE, plain, colour=False).splitlines()[4:] == [
        "  c1, c1-pro",
        "    - dic: `dic` of NAME is open; settled by NAME,dic=1",
    ]


@pytest.mark.parametrize("detail", Detail)
def test_colour_adds_nothing_but_colour(detail: Detail) -> None:
    for verdict in ("unsound", "unknown", "absent"):
        answer = builder.answer(verdict)
        plain, coloured = (
            render_answer(TITLE, answer, colour=colour, detail=detail) for colour in (False, True)
        )
        assert "\x1b" not in plain
        assert SGR.sub("", coloured) == plain != coloured
    grouped = [render_grouped(TITLE, [("a", builder.answer())], colour=c) for c in (False, True)]
    assert SGR.sub("", grouped[1]) == grouped[0] != grouped[1]


@pytest.mark.parametrize("columns", [1, 40, 60, 80, 100, 500])
def test_lines_fit_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = render_answer(TITLE, builder.answer("unknown"), colour=False, detail=Detail.WHOLE)
    width = min(max(columns, 40), 100)
    too_long = [line for line in text.splitlines() if len(line) > width]
    # A word that is longer than the line stays whole: a path is to be copied.
    assert all(len(line.strip().split()) == 1 for line in too_long)


@given(st.text())
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    finding = replace(builder.FAULT, message=text, invariant=text)
    answer = replace(
        builder.answer(),
        reasons=(text,),
        violations=(finding,),
        facts=((text, text),),
        confidence=text,
    )
    shown = render_answer(text, answer, colour=False, detail=Detail.WHOLE)
    shown += render_grouped(text, [(text, answer)], colour=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", shown)


def test_a_table_of_cpus_says_what_is_the_same_for_all() -> None:
    """Neither the VM nor the surroundings stood anywhere in the text of many CPUs."""
    text = render_grouped(TITLE, [("a", builder.answer())], colour=False, fixed="all with vm=mte")
    assert text.splitlines()[1] == "  all with vm=mte"
