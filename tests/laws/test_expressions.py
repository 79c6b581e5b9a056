"""Laws of the expression language: round trip, Boolean algebra, information, folding."""

from __future__ import annotations

import contextlib
import pickle

from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError, format_diagnostic
from matrix.expr.evaluation import apply_binary, apply_conditional, apply_unary, evaluate, truth
from matrix.expr.nodes import Binary, Conditional, Constant, Expression, Name, Unary, Value
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.expr.trees import calls, children, fold, names, rewrite, substitute
from tests.strategies import NAMES, conditions, expressions, mutated_texts, valuations, values

_INFORMATION = st.dictionaries(st.sampled_from(NAMES), values())


@given(expressions())
def test_parse_inverts_print(tree: Expression) -> None:
    assert parse(to_c(tree)) == tree


@given(expressions())
def test_printing_twice_changes_nothing(tree: Expression) -> None:
    assert to_c(parse(to_c(tree))) == to_c(tree)


@given(expressions())
def test_no_pair_of_printed_parentheses_is_needless(tree: Expression) -> None:
    text = to_c(tree)
    opened: list[int] = []
    pairs: list[tuple[int, int]] = []
    quoted = False
    for index, character in enumerate(text):
        quoted ^= character == '"' and not _is_escaped(text, index)
        if not quoted and character == "(":
            opened.append(index)
        elif not quoted and character == ")":
            pairs.append((opened.pop(), index))
    for start, end in pairs:
        without = f"{text[:start]} {text[start + 1 : end]} {text[end + 1 :]}"
        with contextlib.suppress(InputError):
            assert parse(without) != tree or text[start - 1 : start] == "-"


def _is_escaped(text: str, index: int) -> bool:
    before = text[:index]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


@given(st.one_of(st.text(), mutated_texts(expressions().map(to_c))))
def test_any_text_gives_a_tree_or_diagnostics_with_a_place(text: str) -> None:
    try:
        parse(text)
    except InputError as error:
        for diagnostic in error.diagnostics:
            assert diagnostic.code.startswith("MX01")
            assert diagnostic.location is not None
            place = diagnostic.location
            assert place.text == text.split("\n")[place.line - 1].rstrip("\r")
            assert 1 <= place.column <= len(place.text) + 1
            assert format_diagnostic(diagnostic)


@given(expressions())
def test_pickled_trees_are_equal(tree: Expression) -> None:
    copied = pickle.loads(pickle.dumps(tree))
    assert copied == tree
    assert hash(copied) == hash(tree)


@given(values(), values())
def test_de_morgan(left: Value, right: Value) -> None:
    negated = [apply_unary("!", value) for value in (left, right)]
    for operator, dual in (("&&", "||"), ("||", "&&")):
        whole = apply_unary("!", apply_binary(operator, left, right))
        assert whole is apply_binary(dual, *negated)


@given(values())
def test_double_negation_is_truth(value: Value) -> None:
    assert apply_unary("!", apply_unary("!", value)) is truth(value)


@given(values(), values())
def test_absorption(left: Value, right: Value) -> None:
    assert apply_binary("&&", left, apply_binary("||", left, right)) is truth(left)
    assert apply_binary("||", left, apply_binary("&&", left, right)) is truth(left)


@given(values(), values(), values())
def test_connectives_commute_associate_and_distribute(a: Value, b: Value, c: Value) -> None:
    for operator, dual in (("&&", "||"), ("||", "&&")):
        assert apply_binary(operator, a, b) is apply_binary(operator, b, a)
        assert apply_binary(operator, apply_binary(operator, a, b), c) is apply_binary(
            operator, a, apply_binary(operator, b, c)
        )
        assert apply_binary(operator, a, apply_binary(dual, b, c)) is apply_binary(
            dual, apply_binary(operator, a, b), apply_binary(operator, a, c)
        )


@given(values(), values())
def test_division_and_remainder_make_the_dividend(a: Value, b: Value) -> None:
    quotient, remainder = apply_binary("/", a, b), apply_binary("%", a, b)
    if quotient is not None and remainder is not None:
        product = apply_binary("*", quotient, b)
        assert product is None or apply_binary("+", product, remainder) == a


@given(conditions(), valuations(), _INFORMATION)
def test_more_information_never_changes_a_known_answer(
    tree: Expression, valuation: dict[str, Value], information: dict[str, Value]
) -> None:
    before = evaluate(tree, valuation.get)
    informed = {
        name: information.get(name) if value is None else value for name, value in valuation.items()
    }
    after = evaluate(tree, informed.get)
    assert before is None or (before == after and type(before) is type(after))


@given(expressions(), valuations())
def test_fold_preserves_the_value(tree: Expression, valuation: dict[str, Value]) -> None:
    before = evaluate(tree, valuation.get, lambda call: valuation[NAMES[len(call.function) % 5]])
    after = evaluate(
        fold(tree), valuation.get, lambda call: valuation[NAMES[len(call.function) % 5]]
    )
    assert before == after


@given(expressions())
def test_fold_is_idempotent_and_adds_no_name(tree: Expression) -> None:
    folded = fold(tree)
    assert fold(folded) == folded
    assert names(folded) <= names(tree)
    assert set(calls(folded)) <= set(calls(tree))


@given(conditions(), valuations())
def test_evaluation_agrees_with_the_operators(
    tree: Expression, valuation: dict[str, Value]
) -> None:
    assert evaluate(tree, valuation.get) == _strict(tree, valuation)


def _strict(tree: Expression, valuation: dict[str, Value]) -> Value:
    """Evaluate everything, with no short cut."""
    inner = [_strict(child, valuation) for child in children(tree)]
    match tree:
        case Constant(value):
            return value
        case Name(identifier):
            return valuation[identifier]
        case Unary(operator, _):
            return apply_unary(operator, inner[0])
        case Binary(operator, _, _):
            return apply_binary(operator, inner[0], inner[1])
        case Conditional():
            return apply_conditional(inner[0], inner[1], inner[2])
    raise AssertionError(tree)


@given(conditions(), valuations(), conditions())
def test_substitution_is_evaluation_of_the_substitute(
    tree: Expression, valuation: dict[str, Value], replacement: Expression
) -> None:
    substituted = substitute(tree, {"a": replacement})
    valued = valuation | {"a": evaluate(replacement, valuation.get)}
    assert evaluate(substituted, valuation.get) == evaluate(tree, valued.get)


@given(expressions())
def test_rewriting_with_the_identity_is_the_identity(tree: Expression) -> None:
    assert rewrite(tree, lambda node: node) is tree
