from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from matrix.diagnostics import Location
from matrix.expr.nodes import Scalar
from matrix.kernel.line.cmdline import read_command_line
from matrix.kernel.line.parameters import GRAMMARS, occurrences, parse_value
from matrix.schema.values import BootParameter, Effect, ParameterParser
from tests.unit.kernel.kernel_cases import load_rows, rows

HERE = Location(file="test")


class Grammar(Struct, frozen=True, kw_only=True):
    grammar: str
    rows: list[list[Scalar | None]]
    stream: str = "early"
    words: list[str] = field(default_factory=list)
    prefixes: Mapping[str, bool] = field(default_factory=dict)
    bare: Scalar | None = None


class OccurrenceRow(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    line: str
    found: list[list[Scalar | None]]


def parser(
    grammar: str,
    *,
    stream: str = "early",
    words: tuple[str, ...] = (),
    prefixes: Mapping[str, bool] | None = None,
    bare: Scalar | None = None,
) -> ParameterParser:
    matches: tuple[str | None, ...] = words or (None,)
    return ParameterParser(
        stream=stream,
        grammar=grammar,
        prefixes=tuple((prefixes or {}).items()),
        bare=bare,
        exists_if=None,
        effects=tuple(Effect(match=match, when=None, assign=()) for match in matches),
        source="test",
        location=HERE,
    )


def _grammars() -> list[Grammar]:
    return [Grammar(**row) for row in load_rows("cmdline/values.yaml")]  # type: ignore[arg-type]


def _values() -> list[object]:
    found: list[object] = []
    for number, table in enumerate(_grammars()):
        made = parser(
            table.grammar,
            stream=table.stream,
            words=tuple(table.words),
            prefixes=table.prefixes,
            bare=table.bare,
        )
        found += [
            pytest.param(made, text, value, id=f"{table.grammar}-{number}::{text!r}")
            for text, value in table.rows
        ]
    return found


@pytest.mark.parametrize(("made", "text", "value"), _values())
def test_a_grammar_gives_the_value_of_the_kernel_function(
    made: ParameterParser, text: str | None, value: Scalar | None
) -> None:
    parsed = parse_value(made, text)
    assert parsed == value
    assert type(parsed) is type(value)  # True == 1 in Python, and not in a profile


def test_every_grammar_has_rows() -> None:
    assert {table.grammar for table in _grammars()} == {*GRAMMARS, "presence"}


PARAMETERS = {
    "kfence.sample_interval": (parser("get_option"), parser("kstrtoul", stream="module")),
    "kvm-arm.mode": (
        parser("words", words=("none", "nvhe")),
        parser("words", stream="idreg", words=("nvhe",)),
    ),
}


@pytest.mark.parametrize("row", rows(OccurrenceRow, "cmdline/occurrences.yaml"))
def test_occurrences_come_in_boot_order_and_in_the_order_of_the_line(row: OccurrenceRow) -> None:
    parameter = BootParameter(name=row.name, parsers=PARAMETERS[row.name], location=HERE)
    line = read_command_line(row.line)
    found = occurrences(parameter, line)
    assert [[made.stream, value] for made, value, _ in found] == row.found
    for made, _, parameter_seen in found:
        assert parameter_seen in line.stream(made.stream)


@given(st.integers(-(1 << 70), 1 << 70), st.sampled_from(("", "ms", ",1", "-2", " x")))
def test_get_option_wraps_like_a_32_bit_int(number: int, rest: str) -> None:
    parsed = parse_value(parser("get_option"), f"{number}{rest}")
    assert isinstance(parsed, int)
    assert -(1 << 31) <= parsed < 1 << 31
    assert (parsed - number) % (1 << 32) == 0


@given(st.integers(0, (1 << 64) - 1), st.sampled_from(("{}", "{:#x}", "{:#X}", "+{}", "0{:o}")))
def test_kstrtoul_reads_every_way_of_writing_a_number(number: int, form: str) -> None:
    assert parse_value(parser("kstrtoul"), form.format(number)) == number


@given(st.text(max_size=30), st.sampled_from(sorted(GRAMMARS)))
def test_any_text_is_a_value_or_nothing(text: str, grammar: str) -> None:
    made = parser(grammar, prefixes={"y": True, "on": True} if grammar == "kstrtobool" else None)
    assert isinstance(parse_value(made, text), bool | int | str | None)


def test_thousands_of_digits_are_no_trouble() -> None:
    assert parse_value(parser("get_option"), "1" * 9000) is not None
    assert parse_value(parser("kstrtoul"), "1" * 9000) is None
