from __future__ import annotations

import pytest

from matrix.diagnostics import InputError, Location, format_diagnostic
from matrix.expr.nodes import (
    Binary,
    Call,
    Conditional,
    Constant,
    Expression,
    Name,
    Unary,
    spine,
)
from matrix.expr.parser import MAX_NESTING, parse
from tests.unit.expr.expr_cases import ErrorRow, ParseRow, rows


def s_expression(tree: Expression) -> str:
    """An own printer, so that the parser is not checked with the project's printer."""
    match tree:
        case Constant(bool(value)):
            return str(value).lower()
        case Constant(int(value)):
            return str(value)
        case Constant(value):
            text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{text}"'
        case Name(identifier):
            return identifier
        case Call(function, arguments):
            return f"({' '.join([function, *map(s_expression, arguments)])})"
        case Unary(operator, operand):
            return f"({operator} {s_expression(operand)})"
        case Binary(operator, left, right):
            return f"({operator} {s_expression(left)} {s_expression(right)})"
        case Conditional(condition, then, otherwise):
            return f"(? {' '.join(map(s_expression, (condition, then, otherwise)))})"


@pytest.mark.parametrize("row", rows(ParseRow, "parse"))
def test_text_parses_to_the_tree_of_the_table(row: ParseRow) -> None:
    assert s_expression(parse(row.text)) == row.tree


@pytest.mark.parametrize("row", rows(ErrorRow, "errors"))
def test_every_error_has_its_code_and_its_exact_place(row: ErrorRow) -> None:
    with pytest.raises(InputError) as caught:
        parse(row.text)
    found = []
    for diagnostic in caught.value.diagnostics:
        place = diagnostic.location
        assert place is not None
        found.append(f"{diagnostic.code} {place.line}:{place.column} {place.length}")
    assert found == row.errors
    first = caught.value.diagnostics[0]
    assert row.says in f"{first.message} {first.hint}"


def test_the_longest_chains_parse() -> None:
    first, steps = spine(parse(" && ".join(["a"] * 20_000)))
    assert first == Name("a")
    assert len(steps) == 19_999


@pytest.mark.parametrize(
    "text",
    ["(" * 20_000, "!" * 20_000, "f(" * 20_000, "a ? " * 20_000, "a || b && " * 20_000 + "(" * 200],
)
def test_deep_nesting_is_a_diagnostic(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    codes = {diagnostic.code for diagnostic in caught.value.diagnostics}
    assert codes == {"MX0107"}


def test_nesting_up_to_the_bound_parses() -> None:
    text = "(" * MAX_NESTING + "a" + ")" * MAX_NESTING
    assert parse(text) == Name("a")


def test_a_file_of_garbage_gives_a_bounded_number_of_diagnostics() -> None:
    with pytest.raises(InputError) as caught:
        parse("$" * 100_000)
    assert len(caught.value.diagnostics) == 20


def caret_of(text: str, location: Location) -> tuple[str, str]:
    """The place of the first diagnostic and the characters its caret stands under."""
    with pytest.raises(InputError) as caught:
        parse(text, location)
    place = caught.value.diagnostics[0].location
    assert place is not None
    assert place.text is not None
    assert format_diagnostic(caught.value.diagnostics[0]).count("\n") >= 2
    start = place.column - 1
    return f"{place.line}:{place.column}", place.text[start : start + place.length]


@pytest.mark.parametrize(
    ("line", "text", "place"),
    [
        ("  c: a $ b", "a $ b", "7:8"),
        ('  c: "a $ b"', "a $ b", "7:9"),
        ("  c: 'x == \"el2\" $ b'", 'x == "el2" $ b', "7:18"),
        ('  c: "x == \\"el2\\" $ b"', 'x == "el2" $ b', "7:20"),
        ("  c: 'a '' $'", "a ' $", "7:9"),
    ],
)
def test_the_caret_stands_in_the_line_of_the_file(line: str, text: str, place: str) -> None:
    found, marked = caret_of(text, Location(file="k.yaml", line=7, column=6, text=line))
    assert found == place
    assert marked[0] in "$'"


def test_the_caret_stands_in_a_later_line_of_a_block() -> None:
    start = Location(file="k.yaml", line=7, column=5, text="    a ||")
    assert caret_of("a ||\nb $ c", start) == ("8:7", "$")


def test_the_caret_stands_without_the_line_of_the_file() -> None:
    assert caret_of("a $", Location(file="k.yaml", line=7, column=5)) == ("7:7", "$")


def test_the_caret_stands_where_the_line_is_not_the_text() -> None:
    start = Location(file="k.yaml", line=7, column=5, text="    c: *alias")
    assert caret_of("a $", start) == ("7:7", "$")
