"""What blocks show: counts, tables and parts of them, unsound groups."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from msgspec.structs import replace

from matrix.analyze.space.result import StudyResult
from matrix.diagnostics import InputError
from matrix.render.block_content import study_content, written
from matrix.render.blocks import Block, find_blocks, splice
from tests.golden_files import Golden
from tests.unit.render import builder
from tests.unit.render.test_markdown import LABELS
from tests.unit.render.test_report import columns_of, hostile, tables_of

END = "<!-- matrix:end -->"


def document(arguments: str) -> str:
    return f"# Page\n\n<!-- matrix:begin small {arguments} -->\n{END}\n"


def render_block(block: Block, result: StudyResult) -> str:
    return written(block, study_content(block, result, lambda _, __: ()))


def shown(arguments: str) -> str:
    (block,) = find_blocks(document(arguments), "docs/page.md")
    return render_block(block, builder.result())


def table_rows(arguments: str) -> list[list[str]]:
    (table,) = tables_of(shown(arguments))
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]
    return [cells[0], *cells[2:]]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("counts", "show=counts"),
        ("table", "table=1"),
        ("unsound", "show=unsound"),
    ],
)
def test_block_golden(name: str, arguments: str, golden: Callable[[str], Golden]) -> None:
    text = document(arguments)
    (block,) = find_blocks(text, "docs/page.md")
    new = splice(text, [(block, render_block(block, builder.result()))])
    golden(f"render/block-{name}.md").check(new)


def test_a_table_goes_by_title_or_number_and_the_first_needs_neither() -> None:
    by_title = shown('table="CPU × kernel × command line"')
    assert by_title == shown("table=1") == shown("show=table")


def test_rows_and_columns_are_chosen() -> None:
    assert table_rows('rows="cortex-a710,apple-*" columns="7.3"') == [
        ["CPU", "7.3 + v12: default", "7.3 + v12: rodata=off"],
        ["cortex-a710", "**unsound** (1)", "refused (3, a, b, c)"],
        ["apple-m1", "supported (2)", "–"],
    ]
    assert table_rows('columns="7.3,default"')[0] == ["CPU", "7.3 + v12: default"]
    assert table_rows("columns=default")[0] == ["CPU", "6.12 + v12: default", "7.3 + v12: default"]


def test_rows_that_become_equal_are_one() -> None:
    assert table_rows("columns=6.12") == [
        ["CPU", "6.12 + v12: all"],
        ["aws-graviton3, nvidia-grace, cortex-a710, apple-m1", "absent (1)"],
    ]


def test_a_table_as_a_sentence_says_each_column_what_needs_action_first() -> None:
    assert table_rows('columns="7.3,default"')[1:] == [
        ["aws-graviton3, nvidia-grace, apple-m1", "supported (2)"],
        ["cortex-a710", "**unsound** (1)"],
    ]
    assert (
        "7.3 + v12: default: **unsound** for cortex-a710; "
        "supported for aws-graviton3, nvidia-grace, apple-m1. Every release"
    ) in shown('columns="7.3,default" as=sentence')


def test_a_badge_of_a_table_counts_every_cpu_of_a_row() -> None:
    assert 'alt="small: unsound 1 of 4"' in shown('columns="7.3,default" as=badge')
    # All alike need no share.
    assert 'alt="small: absent"' in shown("columns=6.12 as=badge")


def test_a_label_may_hold_commas() -> None:
    text = document('rows="cortex-a710,dic=0,apple-m1"')
    (block,) = find_blocks(text, "docs/page.md")
    result = builder.result()
    table = result.tables[0]
    groups = (("aws-graviton3",), ("cortex-a710,dic=0",), ("apple-m1",))
    new = replace(result, tables=(replace(table, row_groups=groups),))
    assert "| cortex-a710,dic=0 |" in render_block(block, new)


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        ("table=2", "the study has no table `2`", "known tables: CPU × kernel × command line"),
        ('table="CPU × kernl × command line"', "has no table", "did you mean `CPU × kernel"),
        ("rows=cortex-a71", "no `cortex-a71` among its rows", "did you mean `cortex-a710`?"),
        ("columns=7.4", "no `7.4` among its columns", "did you mean `7.3`?"),
        ('rows=""', "no `` among its rows", "known rows"),
    ],
)
def test_what_the_study_does_not_have(arguments: str, said: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        shown(arguments)
    (told,) = caught.value.diagnostics
    assert told.code == "MX0810"
    assert said in told.message
    assert told.hint is not None
    assert hint in told.hint
    assert told.location is not None
    assert (told.location.line, told.location.column) == (3, 25)


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("docs/page.md", "matrix embed page.md"),
        ("my page.md", "matrix embed 'my page.md'"),
        ("a-->b.md", "matrix embed FILE"),
        ("a\nb.md", "matrix embed FILE"),
    ],
)
def test_a_block_says_how_it_is_written_anew(file: str, command: str) -> None:
    text = document("show=counts")
    (block,) = find_blocks(text, file)
    content = render_block(block, builder.result())
    assert f"<!-- Written by `{command}`; edits are lost. -->" in content.splitlines()
    assert len(find_blocks(splice(text, [(block, content)]), file)) == 1


@given(LABELS)
def test_no_label_leaves_its_block(label: str) -> None:
    text = "\n".join(document(f"show={show}") for show in ("counts", "table", "unsound"))
    blocks = find_blocks(text, "page.md")
    result = hostile(label)
    new = splice(text, [(block, render_block(block, result)) for block in blocks])
    assert len(find_blocks(new, "page.md")) == 3
    for table in tables_of(new):
        assert len({columns_of(line) for line in table}) == 1
