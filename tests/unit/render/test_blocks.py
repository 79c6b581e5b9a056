"""Blocks in documents: found where CommonMark has no code, replaced with all else untouched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from matrix.diagnostics import InputError
from matrix.render.blocks import find_blocks, fitted, splice, stale_blocks
from matrix.render.markers import missed_blocks, scan

BEGIN, END = "<!-- matrix:begin small -->", "<!-- matrix:end -->"
BAD = Path(__file__).parents[2] / "cases" / "bad"

# Lines that a document may hold around a block; none of them opens anything it does not close.
PIECES = (
    *("# Heading", "", "text", "    indented", f"        {BEGIN}", f"`{END}`", "- item", "\tx"),
    *("| a | b |", "\f", "\u2028x", "> quote", "<!-- a comment -->", f"> ```\n> {END}\n> ```"),
    *(f"```\n{END}\n```", f"~~~ c\n{BEGIN}\n```\n~~~", f"- ```\n  {BEGIN}\n  ```"),
    "1. ```\n   x\n   ```",
)
LOOSE = (
    *(BEGIN, END, "```", "~~~~", "- ~~~", "   ```", "> ~~~", "- - x", "10. y", "- - -", "***"),
    *(f"    {BEGIN}", f"   {END}", f"      {BEGIN}", "  back", "    ```", "-", f"-     {END}"),
)
CONTENT = st.lists(
    st.sampled_from(("", "new", "| a |", "    code", "```\nx\n```", "\u2028")), max_size=4
)
NEWLINES = st.sampled_from(("\n", "\r\n", "\r"))


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, int]:
    """A document and the number of its blocks, with any line ends, mark and final newline."""
    lines: list[str] = []
    number = draw(st.integers(0, 3))
    for _ in range(number):
        lines += draw(st.lists(st.sampled_from(PIECES), max_size=4))
        # A list or quotation before it would take in the marker's line: it must end first.
        indent = draw(st.sampled_from(("", " ", "   ")))
        content = draw(st.lists(st.sampled_from(PIECES), max_size=3))
        lines += ["", f"{indent}{BEGIN}", *content, f"{indent}{END}  "]
    lines += draw(st.lists(st.sampled_from(PIECES), max_size=4))
    newline = draw(NEWLINES)
    text = newline.join(lines).replace("\n", newline) if newline != "\r\n" else "\r\n".join(lines)
    mark = draw(st.sampled_from(("", "\ufeff")))
    return mark + text + draw(st.sampled_from(("", newline))), number


def outside(text: str) -> list[str]:
    """What stands outside of the blocks, by the blocks' own offsets."""
    parts, position = [], 0
    for block in find_blocks(text, "d.md"):
        parts.append(text[position : block.start])
        position = block.end
    return [*parts, text[position:]]


@given(documents(), st.lists(CONTENT, min_size=3, max_size=3))
def test_splicing_changes_nothing_outside(made: tuple[str, int], contents: list[list[str]]) -> None:
    text, number = made
    blocks = find_blocks(text, "d.md")
    assert len(blocks) == number
    fresh = ["".join(f"{line}\n" for line in content) for content in contents]
    new = splice(text, list(zip(blocks, fresh, strict=False)))
    assert outside(new) == outside(text)
    again = find_blocks(new, "d.md")
    assert [block.content for block in again] == [
        fitted(block, text) for block, text in zip(blocks, fresh, strict=False)
    ]
    assert splice(new, list(zip(again, fresh, strict=False))) == new
    assert stale_blocks(list(zip(again, fresh, strict=False))) == ()


@given(documents())
def test_splicing_what_is_there_changes_nothing_at_all(made: tuple[str, int]) -> None:
    text, _ = made
    assert splice(text, []) == text


@given(st.lists(st.sampled_from((*PIECES, *LOOSE))))
@example(["- ```\n  <!-- matrix:begin small -->\n  ```", "\x0c", "    <!-- matrix:begin small -->"])
def test_markers_are_the_comments_of_the_document(pieces: list[str]) -> None:
    text = "\n\n".join(pieces)
    seen = sum(
        token.type == "html_block" and token.content.strip() in (BEGIN, END)
        for token in MarkdownIt().parse(text)
    )
    assert len(scan(text, "d.md").markers) == seen


@pytest.mark.parametrize(
    ("before", "number"),
    [
        ("<div>\n```\n</div>\n\n", 1),  # no fence: HTML goes on to the blank line
        ("<!-- a comment\n\n```\n-->\n", 1),
        ("- item\n  ```\n", 1),  # the list ends, and with it the fence
        ("> ```\n", 1),
        ("`` ` ``\n", 1),
        ("``` a`b\n", 1),  # no fence: a backtick in its words
        ("~~~ a`b\n", 0),
        ("```\n~~~\n", 0),
        ("<pre>\n\n", 1),  # HTML that ends only at `</pre>`: a comment is one there too
        ("> " * 300 + "deep\n\n", 1),
    ],
)
def test_what_stands_before_a_marker_decides(before: str, number: int) -> None:
    assert len(scan(f"{before}{BEGIN}\n", "d.md").markers) == number


@pytest.mark.parametrize(
    ("marker", "study", "options", "shows"),
    [
        ("matrix:begin", None, {}, "counts"),
        ("matrix:begin small", "small", {}, "counts"),
        ("matrix:begin show=unsound", None, {"show": "unsound"}, "unsound"),
        ('matrix:begin s table="CPU × kernel"', "s", {"table": "CPU × kernel"}, "table"),
        ("matrix:begin s rows='a,b' columns=7.3", "s", {"rows": "a,b", "columns": "7.3"}, "table"),
    ],
)
@pytest.mark.parametrize("frame", ["<!-- {} -->", "<!--{}-->", "   <!--\t{}   -->  "])
def test_what_a_marker_asks_for(
    marker: str, study: str | None, options: dict[str, str], shows: str, frame: str
) -> None:
    (block,) = find_blocks(f"{frame.format(marker)}\n{END}\n", "d.md")
    assert block.study == study
    assert {option.key: option.value for option in block.options} == options
    assert block.shows == shows


def test_places_are_exact() -> None:
    (block,) = find_blocks(f"\ufeffa\n  {BEGIN}\nold\n{END}", "d.md")
    assert (block.location.line, block.location.column, block.location.length) == (2, 3, len(BEGIN))
    assert block.content == "old\n"
    (told,) = problems(f"a\n{BEGIN[:-4]} tables=1 -->\n{END}\n")
    assert told == (2, 25, 8, "MX0808")


def test_a_block_in_a_list_keeps_its_indent() -> None:
    text = f"1. one\n\n   - two\n\n     {BEGIN}\n     {END}\n\n     after\n"
    (block,) = find_blocks(text, "d.md")
    new = splice(text, [(block, "| a |\n\n| b |\n")])
    assert new == (
        f"1. one\n\n   - two\n\n     {BEGIN}\n     | a |\n\n     | b |\n     {END}\n\n     after\n"
    )


def problems(text: str) -> list[tuple[int, int, int, str]]:
    with pytest.raises(InputError) as caught:
        find_blocks(text, "d.md")
    return [
        (d.location.line, d.location.column, d.location.length, d.code)
        for d in caught.value.diagnostics
        if d.location
    ]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (END, ["MX0804"]),
        (f"{BEGIN}\n{BEGIN}\n{END}", ["MX0805"]),
        (BEGIN, ["MX0806"]),
        (f"{BEGIN}\n```\n{END}", ["MX0806"]),
        (f"text {BEGIN}", ["MX0807"]),
        (f"- {BEGIN}\n  {END}", ["MX0807", "MX0804"]),
        ("<!-- matrix:begin small", ["MX0807"]),
        ("<!-- matrix:bgin small -->", ["MX0807"]),
        ("<!-- matrix:begin-here -->", ["MX0807"]),
        (f"<!-- matrix:begin s tables=1 -->\n{END}", ["MX0808"]),
        (f"<!-- matrix:begin s table= -->\n{END}", ["MX0809"]),
        (f'<!-- matrix:begin s table="a -->\n{END}', ["MX0809"]),
        (f"<!-- matrix:begin s two -->\n{END}", ["MX0809"]),
        (f"<!-- matrix:begin s table=1 table=2 -->\n{END}", ["MX0809"]),
        (f"<!-- matrix:begin s show=counts rows=a -->\n{END}", ["MX0809"]),
        (f"{BEGIN}\n<!-- matrix:end s -->\n{END}", ["MX0809"]),
        (f"<!-- matrix:begin s show=cuonts -->\n{END}", ["MX0810"]),
        (f"{END}\n<!-- matrix:begin x=1 -->", ["MX0804", "MX0806", "MX0808"]),
    ],
)
def test_all_that_is_wrong_is_said(text: str, codes: list[str]) -> None:
    found = problems(text)
    assert [code for *_, code in found] == codes
    assert found == sorted(found, key=lambda item: item[:2])


@pytest.mark.parametrize("path", sorted(BAD.glob("MX08*.md")), ids=lambda path: str(path.stem))
def test_each_bad_document_gives_its_code(path: Path) -> None:
    expected = path.name[:6]
    text = path.read_text(encoding="utf-8")
    if expected == "MX0811":
        (block,) = find_blocks(text, path.name)
        assert [told.code for told in stale_blocks([(block, "new\n")])] == [expected]
    elif expected == "MX0812":
        assert find_blocks(text, path.name) == ()
        assert {told.code for told in missed_blocks(text, path.name, expected=True)} == {expected}
    else:
        assert {code for *_, code in problems(text)} == {expected}


@pytest.mark.parametrize(
    ("line", "is_text"),
    [
        (f"`{END}`", True),
        (f"a ``{END}`` b", True),
        (f"`a` {END} `b`", False),
        (f"\\` `{END}`", True),
        (f"\\``{END}`", True),
        (f"``` `{END}`", True),
        (f"`` {END}`", False),
    ],
)
def test_a_marker_in_a_code_span_is_text(line: str, *, is_text: bool) -> None:
    if is_text:
        assert find_blocks(line, "d.md") == ()
    else:
        assert [code for *_, code in problems(line)] == ["MX0807"]


def test_a_missing_end_in_an_open_fence_is_pointed_out() -> None:
    with pytest.raises(InputError) as caught:
        find_blocks(f"{BEGIN}\n```\n{END}\n", "d.md")
    assert "line 3 is inside of the code fence that opens in line 2" in str(
        caught.value.diagnostics[0].hint
    )


@pytest.mark.parametrize("new", [END, BEGIN, "```\nopen", "x <!-- matrix:end -->"])
def test_a_content_that_would_leave_its_block_is_a_bug(new: str) -> None:
    text = f"{BEGIN}\n{END}\n"
    (block,) = find_blocks(text, "d.md")
    with pytest.raises(ValueError, match="would end its block or run past it"):
        splice(text, [(block, new)])


def test_a_block_of_another_text_is_a_bug() -> None:
    (block,) = find_blocks(f"{BEGIN}\nold\n{END}\n", "d.md")
    with pytest.raises(ValueError, match="not of this text"):
        splice(f"x{BEGIN}\nold\n{END}\n", [(block, "new")])
    with pytest.raises(ValueError, match="two replacements"):
        splice(f"{BEGIN}\nold\n{END}\n", [(block, "a"), (block, "b")])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "new\n", "it is empty"),
        ("a\nb\n", "a\nc\n", "line 3 is not as it would be written now"),
        ("a\nb\n", "a\n", "line 3 is not as it would be written now"),
        ("a\r\n", "a\n", "its line ends differ"),
    ],
)
def test_what_is_stale_is_said(old: str, new: str, said: str) -> None:
    (block,) = find_blocks(f"{BEGIN}\n{old}{END}\n", "docs/d.md")
    (told,) = stale_blocks([(block, new)])
    assert told.code == "MX0811"
    assert said in told.message
    assert told.hint == "run `matrix embed docs/d.md`"
