"""A CPU file: its names, and whether what it says contradicts itself.

A field is believed by every verdict, so it must agree with the register that was recorded beside
it and with the rules of the architecture; a MIDR that was seen must be of the parts named.
"""

from __future__ import annotations

from collections.abc import Mapping

from matrix.diagnostics import Location
from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Scalar
from matrix.expr.trees import names
from matrix.schema.checking.catalogue import Catalogue
from matrix.schema.checking.spec import SpecChecker
from matrix.schema.cpu_fields import (
    BrokenRuleError,
    decode_field,
    is_derived,
    model_of,
    propagate,
)
from matrix.schema.documents.cpu import CpuDocument
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import Architecture, FieldValue, RegisterField


class CpuChecker:
    """Checks the CPUs of one load."""

    def __init__(self, catalogue: Catalogue, problems: Problems) -> None:
        self._catalogue = catalogue
        self._problems = problems
        self._specs: dict[str, SpecChecker] = {}

    def check(self, document: CpuDocument, at: Node) -> None:
        """Check fields and their values, sources, SPECs that settle a field, MIDR and registers."""
        arch = self._catalogue.cpus[document.id].arch
        catalogue = self._catalogue.of(arch)
        if arch not in self._specs:
            self._specs[arch] = SpecChecker(catalogue, self._problems)
        specs = self._specs[arch]
        fields = catalogue.fields()
        field_names = catalogue.known(Kind.ARCHITECTURE, fields, "CPU field")
        sources = catalogue.known(Kind.SOURCES, catalogue.sources, "source")
        right = True
        for (name, field), node in zip(document.fields.items(), at.rows("fields"), strict=True):
            if not field_names.check(name, node.place, self._problems):
                right = False
            elif field.known is not None:
                place = node["value"].location
                right &= specs.check_value(fields[name], field.known, place, domain=False)
            for source in node.rows("sources"):
                sources.check(str(source.data), source.location, self._problems)
        for node in at.rows("settled_by"):
            field_names.check(node.name, node.place, self._problems)
            for spec in node.children.values():
                specs.canonical(spec, str(spec.data))
        self._midr(document, at)
        architecture = catalogue.architectures.get(arch)
        if architecture is not None and right:
            self._fields(document, at, architecture)

    def _midr(self, document: CpuDocument, at: Node) -> None:
        """Check that each MIDR seen has the implementer and one of the parts."""
        midr = document.midr
        for value, node in zip(
            midr.seen, at["midr"].rows("seen") if midr.seen else (), strict=True
        ):
            implementer, part = model_of(value)
            wrong = []
            if midr.implementer not in (None, implementer):
                wrong.append(("implementer", f"implementer {implementer:#04x}"))
            if midr.parts and part not in midr.parts:
                wrong.append(("parts", f"part {part:#05x}"))
            for key, found in wrong:
                message = (
                    f"MIDR_EL1 `{node.raw}` has {found}, and `{key}` is `{at['midr'][key].raw}`"
                )
                hint = f"`{key}` stands at {at['midr'][key].location}; correct one of the two"
                self._problems.add("MX0230", message, node.location, hint)

    def _fields(self, document: CpuDocument, at: Node, architecture: Architecture) -> None:
        """Check the known fields against the registers, and all that is known against the rules."""
        registers = dict(document.registers)
        places: dict[str, Location] = {}
        known: dict[str, FieldValue] = {}
        agreeing = True
        for field in architecture.fields:
            declared = document.fields.get(field.name)
            # What is declared goes before what the registers show, and must agree with it; a field
            # that only they show counts for the rules as well.
            shown, read = _shown(field, registers, architecture)
            value = shown if declared is None else declared.known
            if value is None:
                continue
            places[field.name] = (
                at["registers"][read[0]].location
                if declared is None
                else at["fields"][field.name]["value"].location
            )
            known[field.name] = FieldValue(
                name=field.name, value=value, confidence="inferred", sources=()
            )
            if shown is not None and value != shown:
                nodes = [at["registers"][name] for name in read]
                raw = ", ".join(f"{node.name}: {node.raw}" for node in nodes)
                message = f"`{field.name}` is `{value}`, and `{raw}` shows {shown}"
                stand = " and ".join(f"`{node.name}` at {node.location}" for node in nodes)
                hint = (
                    f"it is shown by {stand}; correct one, or write "
                    "`{unknown: build-option}` where builds of the CPU differ"
                )
                self._problems.add("MX0229", message, places[field.name], hint)
                agreeing = False
        # A broken rule would only say the same again, at another place.
        if not agreeing:
            return
        try:
            propagate(known, architecture)
        except BrokenRuleError as broken:
            named = _premises(broken, known, architecture)
            listed = ", ".join(f"{name}={known[name].value}" for name in named)
            condition = broken.rule.condition
            message = f"no CPU has `{listed}`: the architecture demands `{condition.text}`"
            hint = f"{condition.because} ({condition.source}); the rule is at {condition.location}"
            others = " and ".join(f"`{name}` at {places[name]}" for name in named[1:])
            hint = f"{hint}; {others}" if others else hint
            self._problems.add("MX0231", message, places[named[0]], hint)


def _shown(
    field: RegisterField, registers: Mapping[str, int], architecture: Architecture
) -> tuple[Scalar | None, tuple[str, ...]]:
    """Return what the recorded registers show of a field, None where they do not, and which."""
    if field.shown is not None:
        expression = field.shown.expression
        holds = truth(evaluate(expression, registers.get))
        read = tuple(name for name in registers if name in names(expression))
        return (None if holds is None else int(holds)), read
    name = field.register.lower()
    if name not in registers or is_derived(field, architecture):
        return None, ()
    return decode_field(field, registers[name]), (name,)


def _premises(
    broken: BrokenRuleError, known: Mapping[str, FieldValue], architecture: Architecture
) -> list[str]:
    """Return the known fields that a broken rule rests on, also by way of what rules imply."""
    read = set(broken.fields)
    before = -1
    # A field that a rule has implied rests on the fields of that rule: back to what was declared.
    while before != len(read):
        before = len(read)
        for rule in architecture.rules:
            fields = names(rule.condition.expression)
            if (read & fields) - known.keys():
                read |= fields
    return [name for name in known if name in read]
