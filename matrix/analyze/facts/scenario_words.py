"""The words of declarations that only a scenario knows, held to it.

`schema` knows no scenario, so what they take is checked here: the scenario of a capability, when it
is asked about; the inputs that an architecture's rows make, when a profile is lowered (a misspelt
value would be simulated as another kernel); the names of micro-operations, advisories and
invariants, by `matrix check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from matrix.analyze.facts.lowering import Lowering
from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.explore.scenario import Advisory, AnyScenario, Invariant, Operation, domains_of
from matrix.expr.nodes import Call, Conditional, Constant, Expression, Name, Scalar, plain
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, names, substitute
from matrix.scenarios import every_scenario, known_scenario
from matrix.schema.retired import gone_or_unknown
from matrix.schema.values import Architecture, Capability, FactDeclaration, KernelProfile

# What a row may be worth: bool, int, or one of some words.
_Domain = type | tuple[str, ...]


def scenario_of(capability: Capability) -> AnyScenario | None:
    """Return the scenario that decides the verdicts of a capability; None: it has none.

    Raises:
        InputError: MX0701 there is no such scenario, MX0241 it simulates what follows another gate,
            MX0702 or MX0703 a version of the series has an option that it does not know.
    """
    if capability.scenario is None:
        return None
    scenario = known_scenario(capability.scenario, capability.scenario_location)
    if capability.gates != scenario.gates:
        told = "not said" if capability.gates is None else f"`{capability.gates}`"
        raise InputError.of(
            code="MX0241",
            location=capability.gates_location or capability.scenario_location,
            message=f"scenario `{scenario.id}` simulates what follows `{scenario.gates}`, and "
            f"what this predicate allows is {told}",
            hint=f'write `gates: "{scenario.gates}"` if the predicate allows just that; '
            "otherwise leave `scenario` out: declare `truth:` if you know what must hold where "
            "the kernel says yes, or neither for answers that are granted and not-granted",
        )
    for version in capability.series:
        scenario.chosen(version.options, version.location)
    return scenario


def impossible_inputs(
    profile: KernelProfile, architecture: Architecture, lowering: Lowering
) -> Iterator[Diagnostic]:
    """Yield each value that a row can have in a release and that the simulation's input cannot.

    The place is that of the mechanism, literal or axis that has the value (MX0685).
    """
    known: dict[str, _Domain] = {}
    for scenario in every_scenario() if architecture.simulation else ():
        if scenario.arch == architecture.id:
            known |= domains_of(scenario)
    for row in architecture.simulation:
        domain = known.get(row.name)
        if domain is None:
            yield from _unknown("input", row.name, list(known), row.location)
            continue
        for value, place in _values(row, profile, architecture, lowering):
            if not _may_be(domain, value):
                word = plain(value)
                hint = (
                    unknown_word_hint(word, domain, f"values of {row.name}")
                    if isinstance(domain, tuple)
                    else f"`{row.name}` is {'true or false' if domain is bool else 'a number'}"
                )
                yield Diagnostic(
                    code="MX0685",
                    location=place,
                    message=f"`{word}` is no value of the simulation's input `{row.name}`",
                    hint=hint,
                )


def unknown_names(
    profiles: Iterable[KernelProfile], architectures: Iterable[Architecture]
) -> Iterator[Diagnostic]:
    """Yield each micro-operation, invariant and advisory that the simulation does not have."""
    worlds = every_scenario()
    operations = _names(
        item for one in worlds for item in one.operations if item.where in ("kernel", "series")
    )
    invariants = _names(item for one in worlds for item in one.invariants)
    advisories = _names(item for one in worlds for item in one.advisories)
    for profile in profiles:
        for row in profile.operations:
            yield from _unknown("micro-operation", row.operation, operations, row.location)
        for defect in profile.defects:
            yield from _unknown("invariant", defect.invariant, invariants, defect.location)
    for architecture in architectures:
        for item in architecture.advisories:
            yield from _unknown("advisory", item.name, advisories, item.location)


def _names(rows: Iterable[Operation | Advisory | Invariant[Any, Any]]) -> list[str]:
    """Return the names of rows of several scenarios, each once."""
    return list(dict.fromkeys(row.name for row in rows))


def _unknown(kind: str, name: str, known: list[str], at: Location) -> Iterator[Diagnostic]:
    if name not in known:
        yield Diagnostic(
            code="MX0686",
            location=at,
            message=f"the simulation has no {kind} `{name}`",
            hint=gone_or_unknown(name, known, "names"),
        )


def _values(
    row: FactDeclaration, profile: KernelProfile, architecture: Architecture, lowering: Lowering
) -> Iterator[tuple[Scalar, Location]]:
    """Yield the values of a row and where each comes from, as far as declarations alone tell."""
    condition = row.condition
    if lowering.missing(condition.expression):
        if row.otherwise is not None:
            yield row.otherwise, row.location
        return
    places: dict[str, tuple[tuple[Scalar, Location], ...]] = {
        f"mechanism.{item.name}": (
            (item.value, item.location),
            *(((item.since.before, item.location),) if item.since else ()),
        )
        for item in profile.mechanisms
    }
    read = names(condition.expression)
    yield from _leaves(condition.expression, condition.location, places, lowering)
    for axis in architecture.environment:
        for option, _ in axis.options if axis.name in read else ():
            chosen = fold(substitute(condition.expression, {axis.name: Constant(option)}))
            if isinstance(chosen, Constant):
                yield chosen.value, axis.location


def _leaves(
    expression: Expression,
    at: Location,
    places: dict[str, tuple[tuple[Scalar, Location], ...]],
    lowering: Lowering,
) -> Iterator[tuple[Scalar, Location]]:
    match expression:
        case Constant(value):
            yield value, at
        case Name(name) if name in places:
            yield from places[name]
        case Conditional(_, then, otherwise):
            yield from _leaves(then, at, places, lowering)
            yield from _leaves(otherwise, at, places, lowering)
        case Call() | Name() if (function := lowering.functions.get(to_c(expression))) is not None:
            body = function.body
            # A function that needs itself is refused elsewhere (MX0291).
            yield from _leaves(body.expression, body.location, places, lowering)
        case _:
            return


def _may_be(domain: _Domain, value: Scalar) -> bool:
    if isinstance(domain, tuple):
        return value in domain
    if domain is int:
        # Exactly: `True` is an int to Python, and would pass as the number 1.
        return type(value) is int
    return isinstance(value, int) and value in (0, 1)
