"""C text to items, tables and expressions, against cases worked out by hand."""

from __future__ import annotations

import pytest
from msgspec import Struct, field

from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.kernel.source.c.conversion import NotAnExpression
from matrix.kernel.source.c.derivation import Derived, derive
from matrix.kernel.source.c.source import CSource, parse_c
from tests.unit.kernel.kernel_cases import rows


class FunctionRow(Struct, frozen=True):
    id: str
    c: str
    says: str | None = None
    reads: list[str] = field(default_factory=list)
    guard: list[str] = field(default_factory=list)
    absent: bool = False
    why_not: str | None = None
    line: int = 0


def function_row(**row: object) -> FunctionRow:
    """Rename the keys that are words of Python."""
    renamed = {{"is": "says", "not": "why_not"}.get(key, key): value for key, value in row.items()}
    return FunctionRow(**renamed)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", rows(function_row, "c_source/functions.yaml"))  # type: ignore[arg-type]
def test_a_function_as_an_expression(row: FunctionRow) -> None:
    found = derive(parse_c(row.c, "case.c"), "f")
    if row.absent:
        assert found is None
    elif row.why_not:
        assert isinstance(found, NotAnExpression), found
        assert (found.reason, found.line) == (row.why_not, row.line)
    else:
        assert isinstance(found, Derived), found
        assert to_c(found.expression) == row.says
        assert parse(to_c(found.expression)) == found.expression
        assert list(found.reads) == row.reads
        assert [to_c(guard) for guard in found.guard] == row.guard


TEXT = """\
// SPDX-License-Identifier: GPL-2.0
#include <linux/x.h>

static DEFINE_MUTEX(lock);
bool full __ro_after_init = true;
EXPORT_SYMBOL(full)

static const struct midr_range list[] = {
	MIDR_ALL_VERSIONS(MIDR_A),
	/* a comment, with a comma */
#ifdef CONFIG_ERRATUM
	MIDR_RANGE(MIDR_B, 1, 1, 0xf, 0xf),
#endif
	{}
};

enum mode {
	MODE_A,
	MODE_B = 3,
};

static const struct feature features[] = {
	{
		.desc = "one, with a comma",
		.capability = ONE,
		.matches = has_one,
		FIELDS(ID_X, FWB, IMP)
	},
};

static int __init parse(char *arg, int (*fn)(void))
{
	return 0;
}
early_param("one.two", parse);
"""


@pytest.fixture
def source() -> CSource:
    return parse_c(TEXT, "x.c")


def test_items_are_found_by_kind_and_name(source: CSource) -> None:
    assert [(item.kind, item.name, item.line, item.last_line) for item in source.items] == [
        ("declaration", "DEFINE_MUTEX", 4, 4),
        ("variable", "full", 5, 5),
        ("call", "EXPORT_SYMBOL", 6, 6),
        ("variable", "list", 8, 15),
        ("type", "mode", 17, 20),
        ("variable", "features", 22, 29),
        ("function", "parse", 31, 34),
        ("call", "early_param", 35, 35),
    ]


def test_a_table_keeps_fields_values_and_guards(source: CSource) -> None:
    (table,) = source.variables("list")
    assert [(entry.values, entry.line, len(entry.guard)) for entry in source.table(table)] == [
        (("MIDR_ALL_VERSIONS(MIDR_A)",), 9, 0),
        (("MIDR_RANGE(MIDR_B, 1, 1, 0xf, 0xf)",), 12, 1),
        ((), 14, 0),
    ]
    (entry,) = source.table(source.variables("features")[0])
    assert entry.field("desc") == '"one, with a comma"'
    assert entry.field("matches") == "has_one"
    assert entry.values == ("FIELDS(ID_X, FWB, IMP)",)


def test_enumerators_and_arguments(source: CSource) -> None:
    assert source.enumerators(source.types("mode")[0]) == {"MODE_A": 0, "MODE_B": 3}
    (call,) = source.calls("early_param")
    assert [[token.text for token in part] for part in call.arguments] == [
        ['"one.two"'],
        ["parse"],
    ]


@pytest.mark.parametrize(
    "text", ["", "}", "{", "(", '"', "/*", "#if", "#else\n#endif", "= ;", "\0"]
)
def test_nonsense_gives_no_items_and_no_error(text: str) -> None:
    source = parse_c(text, "x.c")
    assert derive(source, "f") is None


@pytest.mark.parametrize(
    "body",
    [
        "return " + "(" * 5000 + "a" + ")" * 5000 + ";",
        "return " + "!" * 5000 + "a;",
        "".join(f"if (a == {number}) return b; " for number in range(3000)) + "return c;",
        "{" * 3000 + "return a;" + "}" * 3000,
        "switch (a) {" + "".join(f"case {number}: return b;" for number in range(3000)) + "}",
    ],
    ids=["parentheses", "negations", "statements", "blocks", "cases"],
)
def test_what_is_too_long_is_no_expression(body: str) -> None:
    found = derive(parse_c("bool f(void) {" + body + "}", "x.c"), "f")
    assert isinstance(found, NotAnExpression), found
    assert found.reason
