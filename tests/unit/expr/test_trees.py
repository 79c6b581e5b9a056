from __future__ import annotations

import copy
import pickle

import pytest

from matrix.expr.nodes import Binary, Call, Constant, Expression, Name, spine
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.expr.trees import calls, fold, names, rewrite, substitute, walk, without_repeats
from tests.unit.expr.expr_cases import FoldRow, rows


def test_names_are_those_of_arguments_too() -> None:
    assert names(parse("a && f(b, g(c)) ? d.e : !a")) == {"a", "b", "c", "d.e"}


def test_calls_in_reading_order_each_once() -> None:
    found = calls(parse("g() || f(h(x)) || g()"))
    assert [to_c(call) for call in found] == ["g()", "f(h(x))", "h(x)"]


def test_walk_yields_a_node_before_its_operands() -> None:
    assert [to_c(node) for node in walk(parse("a + b * c"))] == [
        "a + b * c",
        "a",
        "b * c",
        "b",
        "c",
    ]


def test_substitution_is_parallel() -> None:
    tree = substitute(parse("a + f(b)"), {"a": Name("b"), "b": parse("1 + a")})
    assert to_c(tree) == "b + f(1 + a)"


def test_rewrite_replaces_operands_before_operators() -> None:
    def lower(node: Expression) -> Expression:
        return Name(to_c(node)) if isinstance(node, Call) else node

    tree = rewrite(parse("f(g()) || a"), lower)
    assert tree == Binary("||", Name("f(g())"), Name("a"))


@pytest.mark.parametrize("row", rows(FoldRow, "fold"))
def test_fold(row: FoldRow) -> None:
    assert to_c(fold(parse(row.text))) == row.folded


def test_true_and_one_are_different_trees() -> None:
    assert Constant(True) != Constant(1)
    assert len({Constant(True), Constant(1), Constant(1)}) == 2
    assert parse("a == 1") != parse("a == true")


def test_the_longest_chain_is_compared_hashed_copied_and_folded() -> None:
    text = " && ".join(f"x{number}" for number in range(10_000))
    tree = parse(text)
    again = parse(text)
    assert tree == again
    assert hash(tree) == hash(again)
    assert tree != parse(f"{text} && y")
    assert tree != Name("x0")
    assert pickle.loads(pickle.dumps(tree)) == tree
    assert copy.copy(tree) == tree
    assert fold(tree) == tree
    assert substitute(tree, {"x0": Constant(True)}) != tree
    assert spine(fold(substitute(tree, {"x1": Constant(True)})))[0] == Name("x0")


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("a || b || a || b", "a || b"),
        ("a && b && a", "a && b"),
        ("a || a || a", "a || a"),
        ("a || b && a", "a || b && a"),
        ("(a || b) && c && (a || b)", "(a || b) && c"),
        ("a + a", "a + a"),
        ("a", "a"),
    ],
)
def test_an_operand_is_asked_once(text: str, once: str) -> None:
    assert to_c(without_repeats(parse(text))) == once
