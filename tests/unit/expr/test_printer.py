from __future__ import annotations

import pytest

from matrix.expr.nodes import Binary, Constant, Expression, Name
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from tests.unit.expr.expr_cases import ParseRow, rows


@pytest.mark.parametrize("row", rows(ParseRow, "parse"))
def test_the_tree_prints_as_the_table_says(row: ParseRow) -> None:
    assert to_c(parse(row.text)) == (row.text if row.printed is None else row.printed)


def test_control_characters_are_octal_escapes() -> None:
    assert to_c(Constant("a\x01\x7f\t")) == '"a\\001\\177\\t"'


def test_the_longest_chain_prints() -> None:
    tree: Expression = Name("a")
    for _ in range(5_000):
        tree = Binary("&&", Binary("||", tree, Name("b")), Name("c"))
    assert to_c(tree) == "(" * 5_000 + "a" + " || b) && c" * 5_000
