"""The words of declarations that only the simulation knows, held to it.

`schema` stands below `simulate`, so what its scenarios take is checked here: the inputs that an
architecture's rows make, when a profile is lowered (a misspelt value would be simulated as another
kernel); the names of micro-operations, advisories and invariants, by `matrix check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from matrix.analyze.facts.lowering import Lowering
from matrix.diagnostics import Diagnostic, Location, unknown_word_hint
from matrix.expr.nodes import Call, Conditional, Constant, Expression, Name, Scalar, plain
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, names, substitute
from matrix.schema.values import Architecture, FactDeclaration, KernelProfile
from matrix.simulate.inputs import DOMAINS, SimulationInputs
from matrix.simulate.invariants import ADVISORIES, INVARIANTS
from matrix.simulate.operations import OPERATIONS

# What the capability gives, not a row.
_OF_THE_CAPABILITY = frozenset({"scenario", "variant"})


def impossible_inputs(
    profile: KernelProfile, architecture: Architecture, lowering: Lowering
) -> Iterator[Diagnostic]:
    """Yield each value that a row can have in a release and that the simulation's input cannot.

    The place is that of the mechanism, literal or axis that has the value (MX0685).
    """
    known = [name for name in SimulationInputs.__struct_fields__ if name not in _OF_THE_CAPABILITY]
    for row in architecture.simulation:
        if row.name not in known:
            yield from _unknown("input", row.name, known, row.location)
            continue
        for value, place in _values(row, profile, architecture, lowering):
            if not _may_be(row.name, value):
                word = plain(value)
                possible = DOMAINS.get(row.name)
                hint = (
                    unknown_word_hint(word, possible, f"values of {row.name}")
                    if possible
                    else f"`{row.name}` is {_kind(row.name)}"
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
    operations = [item.name for item in OPERATIONS if item.where in ("kernel", "series")]
    invariants = [item.name for item in INVARIANTS]
    advisories = [item.name for item in ADVISORIES]
    for profile in profiles:
        for row in profile.operations:
            yield from _unknown("micro-operation", row.operation, operations, row.location)
        for defect in profile.defects:
            yield from _unknown("invariant", defect.invariant, invariants, defect.location)
    for architecture in architectures:
        for item in architecture.advisories:
            yield from _unknown("advisory", item.name, advisories, item.location)


def _unknown(kind: str, name: str, known: list[str], at: Location) -> Iterator[Diagnostic]:
    if name not in known:
        yield Diagnostic(
            code="MX0686",
            location=at,
            message=f"the simulation has no {kind} `{name}`",
            hint=unknown_word_hint(name, known, "names"),
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


def _kind(name: str) -> str:
    return {"bool": "true or false", "int": "a number"}.get(_type(name), "one of a few words")


def _type(name: str) -> str:
    return str(SimulationInputs.__annotations__[name])


def _may_be(name: str, value: Scalar) -> bool:
    if name in DOMAINS:
        return value in DOMAINS[name]
    if _type(name) == "int":
        return type(value) is int
    return isinstance(value, int) and value in (0, 1)
