"""What can be read off the declared fields of a CPU: raw registers, and the architecture's rules.

Both the loader, which refuses a CPU that contradicts itself, and `matrix.kernel`, which resolves
CPU SPECs, stand on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Expression, Scalar
from matrix.expr.trees import names
from matrix.schema.values import (
    CONFIDENCES,
    Architecture,
    ArchitectureRule,
    FieldValue,
    RegisterField,
)

# What a SPEC states is taken for certain; behind it the order of the declarations.
GIVEN = "given"
_ORDER = (GIVEN, *CONFIDENCES)


def rank(confidence: str) -> int:
    """Return how weak a confidence is: 0 for what a SPEC gives, then as `CONFIDENCES`."""
    return _ORDER.index(confidence)


def weakest(confidences: Iterable[str]) -> str:
    """Return the weakest of some confidences, `given` for none."""
    return max(confidences, key=rank, default=GIVEN)


def model_of(midr: int) -> tuple[int, int]:
    """Return (implementer, part) of a MIDR_EL1 value."""
    # MIDR_EL1: implementer in bits 31:24, part number in 15:4 (arch/arm64/include/asm/cputype.h).
    return midr >> 24 & 0xFF, midr >> 4 & 0xFFF


def decode_field(field: RegisterField, register: int) -> Scalar | None:
    """Return the value of a field in a raw register; None for an encoding without a meaning."""
    raw = register >> field.low_bit & ((1 << field.high_bit - field.low_bit + 1) - 1)
    return dict(field.words).get(raw) if field.words else raw


def is_derived(field: RegisterField, architecture: Architecture) -> bool:
    """Return whether a raw register says only half of a field: a rule derives it from a sibling.

    `idc_effective` stands on the bits of `idc`, but CLIDR_EL1 may set it where they are 0.
    """
    return not field.settable and any(
        other.settable
        and (other.register, other.high_bit, other.low_bit)
        == (field.register, field.high_bit, field.low_bit)
        for other in architecture.fields
    )


class BrokenRuleError(Exception):
    """Known fields contradict a rule of the architecture; `fields` are their names."""

    def __init__(self, rule: ArchitectureRule, fields: tuple[str, ...]) -> None:
        super().__init__(rule.id)
        self.rule = rule
        self.fields = fields


def propagate(known: Mapping[str, FieldValue], architecture: Architecture) -> dict[str, FieldValue]:
    """Return the known fields with those that the rules imply, each as firm as its premises.

    A value is implied where no other value of the field's domain satisfies a rule.

    Raises:
        BrokenRuleError: the known fields satisfy no rule at all, whatever the unknown ones are.
    """
    values = dict(known)
    changed = True
    # Ends: a round makes a field known that was not, and none is taken back.
    while changed:
        changed = False
        for rule in architecture.rules:
            for implied in _implied(rule, values, architecture):
                values[implied.name] = implied
                changed = True
    return values


def _implied(
    rule: ArchitectureRule, values: Mapping[str, FieldValue], architecture: Architecture
) -> list[FieldValue]:
    expression = rule.condition.expression
    read = _names(expression)
    given = tuple((name, values[name].value) for name in sorted(read) if name in values)
    domains = tuple((item.name, item.domain) for item in architecture.fields if item.name in read)
    deduced = _deduced(expression, given, domains)
    if deduced is None:
        raise BrokenRuleError(rule, tuple(name for name, _ in given))
    # Of what was known before: a field that this rule implies first is as firm as that anyway.
    confidence = weakest(values[name].confidence for name, _ in given)
    return [
        FieldValue(name=name, value=value, confidence=confidence, sources=(rule.id,))
        for name, value in deduced
    ]


# Thousands of CPUs have few combinations of what one rule reads.
@lru_cache(maxsize=4096)
def _deduced(
    expression: Expression,
    given: tuple[tuple[str, Scalar | None], ...],
    domains: tuple[tuple[str, tuple[Scalar, ...]], ...],
) -> tuple[tuple[str, Scalar], ...] | None:
    """Return what else a rule makes certain, in the order of `domains`; None where it is broken."""
    scalars = dict(given)
    if truth(evaluate(expression, scalars.get)) is False:
        return None
    found: list[tuple[str, Scalar]] = []
    for name, domain in domains:
        if scalars.get(name) is not None:
            continue
        allowed = [
            value
            for value in domain
            if truth(evaluate(expression, {**scalars, name: value}.get)) is not False
        ]
        if len(allowed) == 1 < len(domain):
            scalars[name] = allowed[0]
            found.append((name, allowed[0]))
    return tuple(found)


@lru_cache(maxsize=256)
def _names(expression: Expression) -> frozenset[str]:
    return names(expression)
