"""What the options of a cell say of Kconfig symbols, in whatever order they stand."""

from __future__ import annotations

import itertools

import pytest

from matrix.analyze.cell.assemble import option_atoms
from matrix.diagnostics import Location
from matrix.expr.nodes import Value
from matrix.flows.knowledge import Library
from matrix.schema.values import Option

LIBRARY = Library()
PROGRAM = LIBRARY.program(LIBRARY.kernel("7.3"))
AT = Location(file="f")
FRAGMENT = Option(location=AT, name="", title="", kconfig=(("KVM", "y"),), partial=True)
OFF = Option(location=AT, name="", title="", kconfig=(("SECRETMEM", "n"),))
ON = Option(location=AT, name="", title="", kconfig=(("SECRETMEM", "y"),))


@pytest.mark.parametrize(
    ("options", "value"),
    [((FRAGMENT,), None), ((FRAGMENT, OFF), False), ((FRAGMENT, ON), True), ((OFF,), False)],
)
def test_what_an_option_says_is_known_beside_a_fragment(
    options: tuple[Option, ...], value: Value
) -> None:
    for ordered in itertools.permutations(options):
        assert option_atoms(PROGRAM, ordered)["CONFIG_SECRETMEM"] is value
