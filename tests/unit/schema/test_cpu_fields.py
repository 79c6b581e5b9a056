"""What the rules of an architecture imply of a CPU."""

from __future__ import annotations

from msgspec.structs import replace

from matrix.expr.parser import parse
from matrix.schema.cpu_fields import propagate
from matrix.schema.values import FieldValue
from tests.unit.schema.declarations import load


def test_one_rule_implies_two_fields() -> None:
    shipped = load().architectures[0]
    rule, field = shipped.rules[0], shipped.fields[0]
    architecture = replace(
        shipped,
        fields=tuple(replace(field, name=name, domain=(0, 1)) for name in ("one", "two", "three")),
        rules=(
            replace(
                rule,
                condition=replace(rule.condition, expression=parse("!one || (two && three)")),
            ),
        ),
    )
    one = FieldValue(name="one", value=1, confidence="inferred", sources=())
    found = propagate({"one": one}, architecture)
    assert {name: (field.value, field.confidence) for name, field in found.items()} == {
        "one": (1, "inferred"),
        "two": (1, "inferred"),
        "three": (1, "inferred"),
    }
