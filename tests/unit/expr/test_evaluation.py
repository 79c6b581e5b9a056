from __future__ import annotations

import pytest

from matrix.expr.evaluation import apply_conditional, evaluate, truth
from matrix.expr.nodes import Call, Value
from matrix.expr.parser import parse
from tests.unit.expr.expr_cases import EvaluateRow, rows


@pytest.mark.parametrize("row", rows(EvaluateRow, "evaluate"))
def test_value(row: EvaluateRow) -> None:
    value = evaluate(parse(row.text), row.names.get)
    assert (type(value), value) == (type(row.value), row.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), ("m", None), ("", None), (0, False), (7, True), (False, False), (True, True)],
)
def test_truth(value: Value, expected: bool | None) -> None:
    assert truth(value) is expected


def test_calls_are_evaluated_by_the_callers_function() -> None:
    def call(node: Call) -> Value:
        return node.function == "yes"

    assert evaluate(parse("yes() && !no(a)"), lambda _: None, call) is True


def test_what_is_decided_is_not_evaluated() -> None:
    def lookup(name: str) -> Value:
        raise AssertionError(name)

    assert evaluate(parse("false && a"), lookup) is False
    assert evaluate(parse("true || a"), lookup) is True
    assert evaluate(parse("true ? 1 : a"), lookup) == 1


def test_the_longest_chain_evaluates() -> None:
    assert evaluate(parse(" + ".join(["1"] * 20_000)), lambda _: None) == 20_000


def test_conditional_of_an_unknown_condition_is_what_both_arms_agree_on() -> None:
    assert apply_conditional(None, 1, 1) == 1
    assert apply_conditional(None, 1, 2) is None
    assert apply_conditional("el2", "a", "a") == "a"
