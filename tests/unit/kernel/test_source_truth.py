"""The parts of `kernels verify`: equal conditions, moved citations, words that count."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.expr.parser import parse
from matrix.kernel.source.c.source import parse_c
from matrix.kernel.source.truth.anchors import Pieces, pieces
from matrix.kernel.source.truth.edits import move_citations
from matrix.kernel.source.truth.equivalence import equivalent
from matrix.kernel.source.truth.kconfig_pieces import outlines

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


def test_only_whole_citations_move_and_no_sentence_of_kconfig() -> None:
    text = (
        "# a/b.c:1 is cited below\n"
        'kconfig:\n  because: "of another release (a/b.c:1 of 6.12)"\n'
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
    before = pieces(parse_c(FUNCTION, "f.c")).get("function f")
    after = pieces(parse_c(FUNCTION.replace(old, new), "f.c")).get("function f")
    assert before is not None
    assert after is not None
    assert (before.digest == after.digest) is same


TEXTS = """\
static const struct arm64_cpu_capabilities features[] = {
	{
		.desc = "Stage-2 Force Write-Back",
		.capability = ARM64_HAS_STAGE2_FWB,
		.sysname = "fwb",
	},
};
static int f(const char *arg)
{
	WARN_ONCE(!strcmp(arg, "on"), "said %s", arg);
	BUILD_BUG_ON_MSG(sizeof("x") != 2, "wrong size");
	dev_warn(dev, "be warned");
	panic("out of " "memory");
	return strcmp(arg, "off");
}
MODULE_DESCRIPTION("A module");
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Stage-2 Force Write-Back", "S2FWB", True),
        ('"Stage-2 Force Write-Back"', '"Stage-2 " "FWB"', False),  # words, not their sum
        ('.sysname = "fwb"', '.sysname = "s2fwb"', False),
        ('"on"', '"yes"', False),
        ("said %s", "told %s", True),
        ('sizeof("x")', 'sizeof("xy")', False),
        ("wrong size", "too large", True),
        ("be warned", "look out", True),
        ("out of ", "no more ", True),
        ('"off"', '"no"', False),
        ("A module", "The module", True),
    ],
)
def test_texts_for_people_are_no_part_of_what_a_piece_says(old: str, new: str, same: bool) -> None:
    assert TEXTS.count(old) == 1
    digests = []
    for text in (TEXTS, TEXTS.replace(old, new)):
        found = pieces(parse_c(text, "f.c")).at(1, text.count("\n"))
        digests.append([piece.digest for piece in found])
    assert (digests[0] == digests[1]) is same


ENTRIES = """\
menu "Memory"
	depends on MMU

if EXPERT
config KFENCE
	bool "KFENCE: sampling detector" if DEBUG
	depends on HAVE_KFENCE && (SLAB || SLUB)
	depends on !XIP
	select STACKTRACE
	select IRQ_WORK if SMP
	default y if A
	default n
	help
		Some words.

		select NOTHING

endif # EXPERT
endmenu

choice
	prompt "Page size"
	default P4K

config P4K
	bool "4k"

config P16K
	bool "16k"
	depends on BIG # no comment
endchoice

config RWX
	def_bool y if A
"""


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        # A change of meaning, and whose.
        ("depends on MMU", "depends on NOMMU", {"KFENCE"}),
        ("if EXPERT\n", "if !EXPERT\n", {"KFENCE"}),
        ("\tdepends on !XIP\n", "", {"KFENCE"}),
        ("HAVE_KFENCE && (", "HAVE_KFENCE || (", {"KFENCE"}),
        ("\tselect STACKTRACE\n", "", {"KFENCE"}),
        ("IRQ_WORK if SMP", "IRQ_WORK", {"KFENCE"}),
        ("default y if A\n\tdefault n", "default n\n\tdefault y if A", {"KFENCE"}),
        ('detector" if DEBUG', 'detector"', {"KFENCE"}),
        ('bool "KFENCE: sampling detector" if DEBUG', "bool", {"KFENCE"}),
        ('\tbool "KFENCE', '\ttristate "KFENCE', {"KFENCE"}),
        ("default P4K", "default P16K", {"choice"}),
        ("\tdepends on BIG", "\tdepends on SMALL", {"P16K"}),
        ("def_bool y if A", "def_bool y if B", {"RWX"}),
        ("def_bool y", "def_bool n", {"RWX"}),
        # None.
        ("sampling detector", "a detector", set()),
        ('menu "Memory"', 'menu "Memories"', set()),
        ("Page size", "Size of a page", set()),
        ("# no comment", "# a comment", set()),
        ("Some words.", "Other words.\n\t\tdepends on NOTHING", set()),
        ("select NOTHING", "select SOMETHING", set()),
        ("\tselect STACKTRACE\n\tselect IRQ_WORK if SMP\n",
         "\tselect IRQ_WORK if SMP\n\n\tselect  STACKTRACE\n", set()),
        ("depends on HAVE_KFENCE && (SLAB", "depends on HAVE_KFENCE && \\\n\t\t(SLAB", set()),
        ("\tdef_bool y if A", "\tbool\n\tdefault y if A", set()),
        ("config RWX", "config NEW\n\tbool\n\nconfig RWX", set()),
    ],
)  # fmt: skip
def test_what_counts_of_a_kconfig_entry(old: str, new: str, changed: set[str]) -> None:
    assert ENTRIES.count(old) == 1
    names = ("config KFENCE", "choice of P4K", "config P4K", "config P16K", "config RWX")
    digests = []
    for text in (ENTRIES, ENTRIES.replace(old, new)):
        known = Pieces(outlines(text))
        found = {name: known.get(name) for name in names}
        digests.append({name: piece and piece.digest for name, piece in found.items()})
    assert None not in digests[0].values()
    different = {name for name in names if digests[0][name] != digests[1][name]}
    assert {"choice" if name[:6] == "choice" else name[7:] for name in different} == changed


def test_a_line_of_a_kconfig_entry_is_a_statement_its_first_line_the_entry() -> None:
    known = Pieces(outlines(ENTRIES))
    lines = ENTRIES.split("\n")
    head, select = lines.index("config KFENCE") + 1, lines.index("\tselect STACKTRACE") + 1
    assert [piece.name for piece in known.at(head, head)] == ["config KFENCE"]
    assert [piece.name for piece in known.at(select, select)] == [
        "`select STACKTRACE` of config KFENCE"
    ]
    (piece,) = known.at(select, select)
    assert (piece.line, piece.says(0, 9)) == (select, "select STACKTRACE")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("int a;" * 100_000, id="one name"),
        pytest.param("\n" * 100_000 + "int a;", id="blank lines"),
        pytest.param(".macro a\n" * 50_000, id="macros that do not end"),
        pytest.param("SYM_START" * 10_000 + "\n", id="a long word"),
    ],
)
def test_a_hostile_source_is_outlined_in_seconds(text: str) -> None:
    """Each took minutes, or would have: time grew with the square of the length."""
    begun = time.process_time()
    assert pieces(parse_c(text, "a.S")).get("function f") is None
    assert time.process_time() - begun < 10


def test_blocks_of_assembly_end_where_they_say() -> None:
    text = (
        ".macro open\n"
        "SYM_FUNC_START(f)\n"
        "\t.macro m, x\n\tnop\n\t.endm\n"
        "\tret\n"
        "SYM_FUNC_END(f)\n"
        "SYM_FUNC_START(g)\n\tret\nSYM_FUNC_END(h)\n"
        "ENTRY(k)\n\tret\nENDPROC(k)\n"
    )
    found = pieces(parse_c(text, "a.S"))
    # `open` lasts to the first .endm; `g` never ends; what a block holds is none by itself.
    assert found.get("assembly g") is None
    first = found.get("assembly open")
    assert first is not None
    assert (first.line, first.last_line) == (1, 5)
    last = found.get("assembly k")
    assert last is not None
    assert (last.line, last.last_line) == (11, 13)
