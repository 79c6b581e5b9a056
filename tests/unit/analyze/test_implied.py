"""What Kconfig says of a condition, compared with every assignment of the symbols in turn."""

from __future__ import annotations

import itertools

import pytest

from matrix.analyze.facts.implied import Implied, implied, kconfig_parts
from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call, Expression, Name, Value
from matrix.expr.parser import parse
from matrix.expr.trees import names
from tests.unit.analyze.shipped_kernels import RELEASES, profile_of, program_of

KVM = "IS_ENABLED(CONFIG_KVM)"
CONDITIONS = (
    "IS_ENABLED(CONFIG_KVM_GUEST_MEMFD)",
    "!IS_ENABLED(CONFIG_KVM_GUEST_MEMFD)",
    "IS_ENABLED(CONFIG_KFENCE)",
    "IS_ENABLED(CONFIG_KFENCE) || CONFIG_KFENCE_SAMPLE_INTERVAL == 0",
    "IS_ENABLED(CONFIG_DEBUG_PAGEALLOC) || !IS_ENABLED(CONFIG_DEBUG_PAGEALLOC_ENABLE_DEFAULT)",
    "IS_ENABLED(CONFIG_ARM64_4K_PAGES) && IS_ENABLED(CONFIG_ARM64_64K_PAGES)",
    "IS_ENABLED(CONFIG_STRICT_KERNEL_RWX)",
)


def call_value(values: dict[str, Value], call: Call) -> Value:
    (argument,) = call.arguments
    assert isinstance(argument, Name)
    return values[argument.identifier] is not False


def enumerated(release: str, premises: list[Expression], asked: Expression) -> set[bool]:
    """Return the truths that a condition has over all assignments the constraints allow.

    Only constraints over the symbols that hang together with the question are looked at.
    """
    constraints = [item.condition.expression for item in profile_of(release).constraints]
    symbols = set().union(*(names(item) for item in (*premises, asked)))
    while True:
        wider = symbols.union(*(names(item) for item in constraints if names(item) & symbols))
        if wider == symbols:
            break
        symbols = wider
    kinds = program_of(release).symbols
    domains = {
        symbol: (0, 7) if kinds.get(symbol.removeprefix("CONFIG_")) == "int" else (False, True)
        for symbol in sorted(symbols)
    }
    relevant = [item for item in constraints if names(item) & symbols]
    found = set()
    for chosen in itertools.product(*domains.values()):
        values: dict[str, Value] = dict(zip(domains, chosen, strict=True))

        def holds(item: Expression, given: dict[str, Value] = values) -> bool:
            value = evaluate(item, lambda name: given[name], lambda call: call_value(given, call))
            return truth(value) is True

        if all(holds(item) for item in (*relevant, *premises)):
            found.add(holds(asked))
    return found


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("text", CONDITIONS)
@pytest.mark.parametrize("premise", [KVM, None])
def test_it_is_what_every_assignment_says(release: str, text: str, premise: str | None) -> None:
    premises = [parse(premise)] if premise else []
    asked = parse(text)
    program = program_of(release)
    found = implied(program, profile_of(release).constraints, premises, asked)
    if program.lowering.undeclared_symbols(asked):
        assert found.status is Implied.NO_SUCH_SYMBOL
        return
    truths = enumerated(release, premises, asked)
    expected = {
        frozenset({True}): Implied.ALWAYS,
        frozenset({False}): Implied.NEVER,
        frozenset({True, False}): Implied.DECIDES,
    }
    assert found.status is expected[frozenset(truths)]


def test_the_proof_names_the_select() -> None:
    program = program_of("7.3")
    found = implied(program, profile_of("7.3").constraints, [parse(KVM)], parse(CONDITIONS[0]))
    assert found.status is Implied.ALWAYS
    (constraint,) = found.because
    assert constraint.condition.because == "KVM selects KVM_GUEST_MEMFD"
    assert constraint.condition.source == "arch/arm64/kvm/Kconfig:39"


def test_without_kvm_the_select_proves_nothing() -> None:
    program = program_of("7.3")
    found = implied(program, profile_of("7.3").constraints, [], parse(CONDITIONS[0]))
    assert found.status is Implied.DECIDES


def test_the_parts_about_kconfig_are_the_largest_ones() -> None:
    check = parse(
        "f() && (IS_ENABLED(CONFIG_A) || !IS_ENABLED(CONFIG_B)) && !g(IS_ENABLED(CONFIG_C))"
    )
    found = kconfig_parts(check)
    assert found[0] == parse("IS_ENABLED(CONFIG_A) || !IS_ENABLED(CONFIG_B)")
    assert found[1] == parse("IS_ENABLED(CONFIG_C)")
