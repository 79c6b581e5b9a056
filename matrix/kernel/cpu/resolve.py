"""A CPU SPEC (`neoverse-n2,dic=0`, `cortex-x925+cortex-a725`) as a system of known CPUs.

Takes the text, the declared CPUs and the architecture's fields and rules, gives a `CpuSystem`; what
the kernel detects on it is `detection.py`'s. Three layers give a field its value, the
upper one winning: what the SPEC states and what the rules imply from that, what is declared of the
CPU, what the rules imply from both. So `dic=1` also sets IDC, and `neoverse-n1,idc=0` clears DIC.

`free` is a CPU of which nothing is known but what the SPEC states.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Severity, unknown_word_hint
from matrix.expr.position import shown
from matrix.kernel.cpu.detection import Detection, detect, detect_boot
from matrix.kernel.cpu.overrides import MIDR_NAMES, Overrides, read_overrides
from matrix.kernel.cpu.spec import CpuSpec, Word, at, parse_spec
from matrix.kernel.cpu.system import CpuSystem, Midr, SystemCpu, assume
from matrix.schema.cpu_fields import (
    GIVEN,
    BrokenRuleError,
    decode_field,
    is_derived,
    model_of,
    propagate,
    rank,
    weakest,
)
from matrix.schema.values import Architecture, Cpu, FieldValue, Knowledge, RegisterField

__all__ = [
    "CpuSystem",
    "Detection",
    "assume",
    "default_cpus",
    "detect",
    "detect_boot",
    "expand_group",
    "groups",
    "resolve_system",
    "weakest",
]

FREE = "free"
QEMU_GROUP = "qemu"


def resolve_system(spec: str, knowledge: Knowledge, architecture: Architecture) -> CpuSystem:
    """Return the system that a SPEC describes; its warnings are in `diagnostics`.

    Raises:
        InputError: MX0501 to MX0508, everything that is wrong in the SPEC.
    """
    resolver = _Resolver(spec, knowledge, architecture)
    cpus = tuple(map(resolver.resolve, parse_spec(spec)))
    errors = [item for item in resolver.diagnostics if item.severity is Severity.ERROR]
    if errors:
        raise InputError(errors)
    return CpuSystem(cpus=cpus, diagnostics=tuple(resolver.diagnostics))


def groups(knowledge: Knowledge) -> Mapping[str, tuple[str, ...]]:
    """Return the declared groups and the ids of their CPUs, in order of name."""
    found: dict[str, list[str]] = {}
    for cpu in knowledge.cpus:
        for group in cpu.groups:
            found.setdefault(group, []).append(cpu.id)
    return {group: tuple(found[group]) for group in sorted(found)}


def expand_group(spec: str, knowledge: Knowledge) -> tuple[str, ...]:
    """Return the SPECs that `@group` stands for; any other SPEC stands for itself.

    Raises:
        InputError: MX0507 for a group that no CPU is in.
    """
    word = Word(text=spec.strip(), offset=len(spec) - len(spec.lstrip()))
    if not word.text.startswith("@"):
        return (spec,)
    known = groups(knowledge)
    members = known.get(word.key.removeprefix("@"))
    if members is None:
        hint = unknown_word_hint(word.key, [f"@{name}" for name in known], "groups")
        raise InputError(at(spec, word, "MX0507", f"unknown group `{shown(word.text)}`", hint))
    return members


def canonical_system(spec: str, knowledge: Knowledge) -> tuple[str, ...]:
    """Return the CPU types of a SPEC by their declared names, in order of name.

    Two SPECs of one system give the same. Nothing is checked: a word that nobody declared, or
    that breaks the grammar, stands for itself.
    """
    try:
        parts = parse_spec(spec)
    except InputError:
        return (spec,)
    declared = {name: cpu.id for cpu in knowledge.cpus for name in _names(cpu)}
    return tuple(
        sorted(
            ",".join(
                (
                    *((declared.get(part.name.key, part.name.key),) if part.name else ()),
                    *sorted(f"{item.field.key}={item.value.key}" for item in part.overrides),
                )
            )
            for part in parts
        )
    )


def default_cpus(knowledge: Knowledge) -> tuple[str, ...]:
    """Return the SPECs that are meant where none is given: every declared CPU but QEMU's models."""
    return tuple(cpu.id for cpu in knowledge.cpus if QEMU_GROUP not in cpu.groups)


class _Resolver:
    """Resolves the CPUs of one SPEC; what is wrong with them is collected in `diagnostics`."""

    def __init__(self, spec: str, knowledge: Knowledge, architecture: Architecture) -> None:
        self.spec = spec
        self.knowledge = knowledge
        self.architecture = architecture
        self.diagnostics: list[Diagnostic] = []

    def resolve(self, spec: CpuSpec) -> SystemCpu:
        """Return one CPU type; after an error its value is never used."""
        overrides = read_overrides(self.spec, spec, self.architecture, self.diagnostics)
        candidates = self._candidates(spec, overrides.midr)
        base = FREE if spec.name is not None else ""
        if spec.name is not None and candidates:
            base = candidates[0].id
        name = ",".join(filter(None, (base, *overrides.canonical)))
        fields = self._combine(_recorded(candidates, self.architecture), overrides)
        return SystemCpu(
            name=name,
            declared=tuple(cpu.id for cpu in candidates),
            fields=fields,
            midr=_midr(candidates, overrides.midr),
            settled_by=self._settled_by(name, fields, candidates),
        )

    def _candidates(self, spec: CpuSpec, midr: int | None) -> tuple[Cpu, ...]:
        """Return the declared CPUs a part stands for: by name, or all that share its MIDR."""
        if spec.name is None:
            return self._candidates_by_midr(spec, midr)
        key = spec.name.key
        if key == FREE:
            return ()
        for cpu in self.knowledge.cpus:
            if key in _names(cpu):
                return (cpu,)
        if key.startswith("@"):
            message = f"`{shown(spec.name.text)}` is a group, which stands for several systems"
            self._error(spec.name, "MX0502", message, "give it alone, not as part of a system")
            return ()
        known = [FREE, *(name for cpu in self.knowledge.cpus for name in _names(cpu))]
        hint = unknown_word_hint(key, known, "CPUs")
        self._error(spec.name, "MX0502", f"unknown CPU `{shown(spec.name.text)}`", hint)
        return ()

    def _candidates_by_midr(self, spec: CpuSpec, midr: int | None) -> tuple[Cpu, ...]:
        """Return what has the MIDR's model; QEMU's models only where nothing else has it."""
        word = spec.overrides[0].field
        if midr is None:
            if not any(item.field.key in MIDR_NAMES for item in spec.overrides):
                hint = f"put a name before it, or `{FREE},` for a CPU of which nothing is known"
                self._error(word, "MX0501", f"`{shown(word.text)}=…` belongs to no CPU", hint)
            return ()
        implementer, part = model_of(midr)
        found = [
            cpu
            for cpu in self.knowledge.cpus
            if cpu.implementer == implementer and part in cpu.parts
        ]
        if not found:
            message = f"no known CPU has implementer {implementer:#04x} and part {part:#05x}"
            hint = f"say what is known of it: `{FREE},midr={midr:#010x},fwb=…,dic=…`"
            self._error(word, "MX0508", message, hint)
        silicon = [cpu for cpu in found if QEMU_GROUP not in cpu.groups]
        return tuple(silicon or found)

    def _combine(
        self, recorded: dict[str, FieldValue], overrides: Overrides
    ) -> tuple[FieldValue, ...]:
        """Return every field: given or implied by what is given, else recorded, else implied."""
        given = {
            name: FieldValue(name=name, value=item.value, confidence=GIVEN, sources=())
            for name, item in overrides.given.items()
        }
        known = {name: item for name, item in recorded.items() if item.value is not None}
        stated = given
        try:
            stated = propagate(given, self.architecture)
            for name, item in stated.items():
                if name not in given and name in known and known[name].value != item.value:
                    self._warn_implied(overrides, item, known[name])
            known.update(stated)
            known = propagate(known, self.architecture)
        except BrokenRuleError as broken:
            self._report_broken(broken, stated, overrides)
        return tuple(known.get(name, item) for name, item in recorded.items())

    def _report_broken(
        self, broken: BrokenRuleError, stated: Mapping[str, FieldValue], overrides: Overrides
    ) -> None:
        """Complain about what the SPEC states; declarations that break a rule are not its fault."""
        guilty = [name for name in broken.fields if name in stated]
        if guilty:
            word = next(
                (
                    overrides.given[name].word
                    for name in reversed(guilty)
                    if name in overrides.given
                ),
                next(iter(overrides.given.values())).word,
            )
            values = ", ".join(f"{name}={stated[name].value}" for name in guilty)
            condition = broken.rule.condition
            message = f"no CPU has `{values}`: the architecture demands `{condition.text}`"
            self._error(word, "MX0506", message, condition.because or condition.source or "")

    def _warn_implied(
        self, overrides: Overrides, implied: FieldValue, recorded: FieldValue
    ) -> None:
        word = next(iter(overrides.given.values())).word
        message = (
            f"what is given implies `{implied.name}={implied.value}` "
            f"({', '.join(implied.sources)}), which replaces the recorded `{recorded.value}`"
        )
        diagnostic = at(self.spec, word, "MX0509", message, "such a CPU is not known to exist")
        self.diagnostics.append(replace(diagnostic, severity=Severity.WARNING))

    def _settled_by(
        self, name: str, fields: tuple[FieldValue, ...], candidates: tuple[Cpu, ...]
    ) -> tuple[tuple[str, str], ...]:
        """Return SPECs that know each unknown field: the declared ones, else every value given."""
        declared = candidates[0].settled_by if len(candidates) == 1 else ()
        settable = {field.name: field for field in self.architecture.fields if field.settable}
        found: list[tuple[str, str]] = []
        for item in fields:
            if item.value is not None:
                continue
            pairs = [pair for pair in declared if pair[0] == item.name]
            if not pairs and item.name in settable:
                domain = settable[item.name].domain
                pairs = [(item.name, f"{name},{item.name}={value}") for value in domain]
            found.extend(pairs)
        return tuple(found)

    def _error(self, word: Word, code: str, message: str, hint: str) -> None:
        self.diagnostics.append(at(self.spec, word, code, message, hint))


def _names(cpu: Cpu) -> tuple[str, ...]:
    return tuple(name.lower().replace("_", "-") for name in (cpu.id, *cpu.aliases))


def _recorded(candidates: tuple[Cpu, ...], architecture: Architecture) -> dict[str, FieldValue]:
    """Return every field as declared; where several CPUs are meant, what they agree on."""
    found: dict[str, FieldValue] = {}
    for field in architecture.fields:
        values = [_recorded_field(cpu, field, architecture) for cpu in candidates]
        found[field.name] = _agreed(field.name, values)
    return found


def _recorded_field(cpu: Cpu, field: RegisterField, architecture: Architecture) -> FieldValue:
    """Return a declared field, else what the CPU's own registers say."""
    for item in cpu.fields:
        if item.name == field.name:
            return item
    for name, register in cpu.registers:
        if name.lower() == field.register.lower() and not is_derived(field, architecture):
            value = decode_field(field, register)
            return FieldValue(
                name=field.name,
                value=value,
                confidence="unknown" if value is None else "register",
                sources=(),
                why_unknown="reserved" if value is None else None,
            )
    return _unknown(field.name, "unrecorded")


def _agreed(name: str, values: list[FieldValue]) -> FieldValue:
    if not values:
        return _unknown(name, "not-given")
    if len({item.value for item in values}) > 1:
        return _unknown(name, "differs")
    return max(values, key=lambda item: rank(item.confidence))


def _unknown(name: str, why: str) -> FieldValue:
    return FieldValue(name=name, value=None, confidence="unknown", sources=(), why_unknown=why)


def _midr(candidates: tuple[Cpu, ...], given: int | None) -> Midr:
    if given is not None:
        return Midr(exact=(given,), models=(model_of(given),), confidence=GIVEN)
    if not candidates:
        return Midr()
    cpu = candidates[0]
    implementer = cpu.implementer
    models = () if implementer is None else tuple((implementer, part) for part in cpu.parts)
    # A value seen was read from MIDR_EL1; a part number alone stands in the core's manual.
    confidence = "register" if cpu.midrs else "trm" if models else "unknown"
    return Midr(exact=cpu.midrs, models=models, confidence=confidence)
