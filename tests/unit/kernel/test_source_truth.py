"""The parts of `kernels verify`: equal conditions, moved citations, words that count."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.expr.parser import parse
from matrix.kernel.c_source.source import parse_c
from matrix.kernel.source_truth.anchors import Pieces
from matrix.kernel.source_truth.edits import move_citations
from matrix.kernel.source_truth.equivalence import equivalent

NAMES = ("a", "b", "c")


def conditions() -> st.SearchStrategy[tuple[str, str]]:
    """A condition as C, and the same as Python, made side by side."""
    leaves = st.sampled_from(
        [*((name, name) for name in NAMES), ("true", "True"), ("false", "False")]
    )

    def grow(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
        forms = (
            ("!({0})", "(not {0})"),
            ("({0}) != 0", "bool({0})"),
            ("({0}) == 0", "(not {0})"),
            ("({0} && {1})", "({0} and {1})"),
            ("({0} || {1})", "({0} or {1})"),
            ("({0} ? {1} : {2})", "({1} if {0} else {2})"),
        )
        return st.builds(
            lambda form, parts: (
                form[0].format(*(part[0] for part in parts)),
                form[1].format(*(part[1] for part in parts)),
            ),
            st.sampled_from(forms),
            st.tuples(inner, inner, inner),
        )

    return st.recursive(leaves, grow, max_leaves=6)


def table(python: str) -> list[bool]:
    code = compile(python, "condition", "eval")
    rows = itertools.product((False, True), repeat=len(NAMES))
    return [bool(eval(code, {}, dict(zip(NAMES, row, strict=True)))) for row in rows]  # noqa: S307


@given(conditions(), conditions())
def test_conditions_are_equal_where_their_truth_tables_are(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    expected = table(one[1]) == table(other[1])
    assert equivalent(parse(one[0]), parse(other[0])) is expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x == Y", "Y == x", True),
        ("x != Y", "!(x == Y)", True),
        ("x == 1", "x == 2", False),
        ("f(a)", "f(b)", False),
        ("a ? X : Y", "a ? Y : X", False),
        ("-EINVAL", "-ENODEV", False),
        ("CONFIG_X != 0", "!!CONFIG_X", True),
        ("true", "1", True),
    ],
)
def test_conditions_of_more_than_truth(one: str, other: str, same: bool) -> None:
    assert equivalent(parse(one), parse(other)) is same


def test_only_whole_citations_outside_of_comments_and_kconfig_move() -> None:
    text = (
        "# a/b.c:1 is cited below\n"
        'kconfig:\n  symbols: {source: "a/b.c:1"}\n'
        "operations:\n"
        '  one: "a/b.c:1; a/b.c:12; a/b.c:1-2; x/a/b.c:1"  # a/b.c:1 too\n'
        "  two: 'a/b.c:12'\n"
    )
    moved = move_citations(text, {"a/b.c:1": "a/b.c:12", "a/b.c:12": "a/b.c:1"})
    assert moved == text.replace(
        '"a/b.c:1; a/b.c:12; a/b.c:1-2; x/a/b.c:1"', '"a/b.c:12; a/b.c:1; a/b.c:1-2; x/a/b.c:1"'
    ).replace("'a/b.c:12'", "'a/b.c:1'")


FUNCTION = """\
static int f(int count, char *name)
{
	int status = 0;

	if (count > 1)
		status = g(name, count);
	pr_info("said %d\\n", status);
	return status;
}
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("status", "result", True),
        ("static int f", "int __init f", True),
        ("\treturn status;", "\t/* done */\n\n\treturn status;", True),
        ("said %d", "told %d", True),
        ("count > 1", "count >= 1", False),
        ("g(name, count)", "g(count, name)", False),
        ("\tpr_info", "\tflush();\n\tpr_info", False),
        ("int status = 0", "static int status = 0", False),
        ("int status = 0", "long status = 0", False),
        ("g(name", "h(name", False),
        ("static int f(", "#ifdef CONFIG_X\nstatic int f(", False),
        ("\tif (count", "#ifdef CONFIG_X\n\tif (count", False),
    ],
)
def test_which_words_of_a_function_count(old: str, new: str, same: bool) -> None:
    before = Pieces(parse_c(FUNCTION, "f.c")).get("function f")
    after = Pieces(parse_c(FUNCTION.replace(old, new), "f.c")).get("function f")
    assert before is not None
    assert after is not None
    assert (before.digest == after.digest) is same
