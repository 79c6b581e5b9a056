"""Markdown that shows exactly what it was given, read by another Markdown parser."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from matrix.render.markdown import Md, code, escape, fenced, plain, prose, table

# ASCII, and the pieces that Markdown and HTML give a meaning to.
HOSTILE = (
    *("|", "\\|", "`", "``", "```", "\\", "===", "---", "$x$", "&amp;", "&#60;", "~~s~~"),
    *("<script>alert(1)</script>", "<!-- matrix:end -->", "-->", "http://a.b", "<a@b.c>"),
    *("**b**", "_e_", "a_b", "[l](u)", "![i](u)", "# h", "- i", "1. n", "+ p", "> q"),
    *("1\N{NARROW NO-BREAK SPACE}2", "\N{MULTIPLICATION SIGN}"),
)
LABELS = st.lists(
    st.one_of(
        st.sampled_from(HOSTILE), st.text(st.characters(min_codepoint=32, max_codepoint=126))
    ),
    min_size=1,
    max_size=6,
).map("".join)
PARSER = MarkdownIt("gfm-like", {"linkify": False})


class Reader(HTMLParser):
    """Collects the elements of rendered HTML, and the text of each table cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1] and data.strip("\n"):
            self.rows[-1][-1] += data


def on_one_line(text: str) -> str:
    return " ".join(word for word in text.split(" ") if word)


@given(LABELS)
def test_a_text_reads_as_itself(label: str) -> None:
    read = Reader(PARSER.render(escape(label)))
    assert set(read.tags) <= {"p"}
    assert read.text.strip("\n") == on_one_line(label)


@given(LABELS)
def test_a_code_span_reads_as_its_text(label: str) -> None:
    read = Reader(PARSER.render(code(label)))
    assert set(read.tags) <= {"p", "code"}
    assert read.text.strip("\n") == on_one_line(label)


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=4))
def test_a_table_has_its_cells_whatever_stands_in_them(rows: list[tuple[str, str]]) -> None:
    text = table(["a|b", "c"], [[label, code(other)] for label, other in rows])
    assert len(text.splitlines()) == 2 + len(rows)
    read = Reader(PARSER.render(text))
    assert {len(row) for row in read.rows} == {2}
    assert read.rows[0] == ["a|b", "c"]
    assert read.rows[1:] == [[on_one_line(a), on_one_line(b)] for a, b in rows]


@given(LABELS)
def test_prose_reads_as_its_text(label: str) -> None:
    read = Reader(PARSER.render(prose(label)))
    assert set(read.tags) <= {"p", "code"}
    assert read.text.replace("`", "").split() == label.replace("`", "").split()


@given(st.text(st.sampled_from("`~ab \n"), max_size=30))
def test_a_fence_holds_any_text(text: str) -> None:
    tokens = PARSER.parse(f"{fenced(text, 'c')}\n\nafter")
    assert [token.type for token in tokens[:2]] == ["fence", "paragraph_open"]
    assert tokens[0].content == f"{text}\n"


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("can_set_direct_map() && x", "can_set_direct_map() && x"),
        ("< 0.1 %", "< 0.1 %"),
        ("7.3 + v12", "7.3 + v12"),
        ("a | b", "a | b"),
        ("1. one", "1\\. one"),
        ("> q", "&gt; q"),
        ("<b>", "&lt;b>"),
        ("two\nlines\t", "two lines"),
    ],
)
def test_only_what_must_be_is_escaped(text: str, markdown: str) -> None:
    assert escape(text) == markdown


def test_markdown_is_not_escaped_twice() -> None:
    assert escape(Md("**a**")) == "**a**"
    assert prose("see `a_b` and *c*") == "see `a_b` and \\*c\\*"


def test_control_characters_are_made_visible() -> None:
    assert plain("a\x1b[31mb\u202ec\ud800\x00") == "a\ufffd[31mb\ufffdc\ufffd\ufffd"


def test_a_row_of_another_length_is_a_bug() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells in a table of 2 columns"):
        table(["a", "b"], [["c"]])
