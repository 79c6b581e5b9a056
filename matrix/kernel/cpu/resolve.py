"""A CPU SPEC (`neoverse-n2,dic=0`, `cortex-x925+cortex-a725`) as a system of known CPUs.

Takes the text, the declared CPUs and the architecture's fields and rules, gives a `CpuSystem`; what
the kernel detects on it is `detection.py`'s. Three layers give a field its value, the
upper one winning: what the SPEC states and what the rules imply from that, what is declared of the
CPU, what the rules imply from both. So `dic=1` also sets IDC, and `neoverse-n1,idc=0` clears DIC.

`free` is a CPU of which nothing is known but what the SPEC states.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from matrix.diagnostics import (
    Diagnostic,
    InputError,
    Severity,
    did_you_mean,
    unknown_word_hint,
)
from matrix.expr.position import shown
from matrix.kernel.cpu.overrides import MIDR_NAMES, Overrides, read_overrides
from matrix.kernel.cpu.spec import CpuSpec, Word, at, parse_spec
from matrix.kernel.cpu.system import CpuSystem, Midr, SystemCpu
from matrix.schema.cpu_fields import (
    GIVEN,
    BrokenRuleError,
    decode_field,
    is_derived,
    model_of,
    propagate,
    rank,
)
from matrix.schema.values import (
    Architecture,
    Cpu,
    FieldValue,
    Knowledge,
    Machine,
    RegisterField,
)

FREE = "free"
QEMU_GROUP = "qemu"


def resolve_system(
    spec: str,
    knowledge: Knowledge,
    architecture: Architecture,
    named: Mapping[str, Cpu] | None = None,
) -> CpuSystem:
    """Return the system that a SPEC describes; its warnings are in `diagnostics`.

    `named` is what `cpus_by_name` says of the knowledge, for those who resolve many SPECs.

    Raises:
        InputError: MX0501 to MX0508, everything that is wrong in the SPEC.
    """
    known = cpus_by_name(knowledge) if named is None else named
    resolver = _Resolver(spec, knowledge, architecture, known)
    parts = [part for written in parse_spec(spec) for part in resolver.expanded(written)]
    cpus = tuple(map(resolver.resolve, parts))
    errors = [item for item in resolver.diagnostics if item.severity is Severity.ERROR]
    if errors:
        raise InputError(errors)
    return CpuSystem(cpus=cpus, diagnostics=tuple(resolver.diagnostics))


def cpus_by_name(knowledge: Knowledge) -> Mapping[str, Cpu]:
    """Return the declared CPUs by every name of theirs, as names are compared."""
    # Reversed: of CPUs that share a name the one that is declared first stays.
    return {name: cpu for cpu in reversed(knowledge.cpus) for name in _names(cpu)}


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
        parts = _without_machines(parse_spec(spec), knowledge)
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


def machine_named(name: str, knowledge: Knowledge, arch: str) -> Machine | None:
    """Return the machine that people call so: by its own name first, then with a size behind it."""
    key = machine_key(name)
    rows = [row for one in knowledge.machines if one.arch == arch for row in one.machines]
    exact = next((row for row in rows if key in row.names), None)
    return exact or next((row for row in rows if _means(row, key)), None)


def cpus_found(word: str, knowledge: Knowledge) -> frozenset[str]:
    """Return the ids of CPUs with a word in a name, an alias or their vendor, a MIDR, or a machine.

    Raises:
        InputError: MX0511, there is none.
    """
    key = machine_key(word)
    rows = [row for one in knowledge.machines for row in one.machines]
    by_machine = {
        part.partition(",")[0]
        for row in rows
        if _means(row, key) or any(key in name for name in row.names)
        for part in row.cpu.split("+")
    }
    found = frozenset(
        cpu.id
        for cpu in knowledge.cpus
        if by_machine.intersection(_names(cpu))
        or any(key in name for name in (*_names(cpu), machine_key(cpu.name), cpu.vendor.lower()))
        or any(key in f"{midr:#010x}" for midr in cpu.midrs)
        or _has_model(cpu, key)
    )
    if not found:
        names = [name for row in rows for name in row.names if "*" not in name]
        known = [*names, *(name for cpu in knowledge.cpus for name in _names(cpu))]
        raise InputError.of(
            code="MX0511",
            message=f"no CPU has `{shown(word)}` in its names",
            hint=did_you_mean(key, known) or "search a core, a product, a board or a MIDR",
        )
    return found


def _has_model(cpu: Cpu, key: str) -> bool:
    """Tell whether a word is a part number of the CPU, or a MIDR_EL1 whatever its revision."""
    try:
        midr = int(key, 16) if key.startswith("0x") else None
    except ValueError:
        return False
    # Three digits, as /proc/cpuinfo and manuals write a part (`0xd40`); `0x41` is an implementer.
    if midr is not None and midr <= _LARGEST_PART:
        return midr in cpu.parts and len(key) == len("0xd40")
    return (
        midr is not None and cpu.implementer == midr >> 24 & 0xFF and model_of(midr)[1] in cpu.parts
    )


_LARGEST_PART = 0xFFF  # twelve bits of MIDR_EL1


def machine_key(name: str) -> str:
    """Return a name of a machine as names are compared: small letters, `-` between words."""
    return re.sub(r"[_\s]+", "-", name.strip().lower())


def virtual_note(name: str, machine: Machine) -> Diagnostic | None:
    """Return that a name is that of a virtual machine (MX0512); None for a whole machine."""
    key = machine_key(name)
    sizes = re.split(r"[.-]", key)
    if not machine.virtual or machine.whole in sizes:
        return None
    family = key in machine.names and machine.whole is not None
    what = f"is a virtual machine unless it is a {machine.whole} size" if family else "is virtual"
    whole = f"; a {machine.whole} size has its own" if machine.whole else ""
    return Diagnostic(
        code="MX0512",
        severity=Severity.NOTE,
        message=f"`{shown(name)}` {what}: there the CPU's fields are what the hypervisor "
        "shows, and KVM needs nested virtualisation",
        hint=f"answered as the host's CPU; what the guest shows counts: --evidence{whole}",
    )


def machine_names(knowledge: Knowledge, arch: str) -> tuple[str, ...]:
    """Return every name of a machine that is written out."""
    rows = [row for one in knowledge.machines if one.arch == arch for row in one.machines]
    return tuple(name for row in rows for name in row.names if "*" not in name)


def _means(row: Machine, key: str) -> bool:
    for name in row.names:
        before, star, after = name.partition("*")
        # The star stands for one character or more.
        longer = len(key) > len(before) + len(after)
        if star and longer and key.startswith(before) and key.endswith(after):
            return True
        if row.sized and not star and key.startswith((f"{name}.", f"{name}-")):
            return True
    return False


def _near(key: str, known: Iterable[str], machines: tuple[str, ...]) -> str | None:
    """Return the names that an unknown one may stand for: those it is a word of, else the nearest.

    People leave out the maker (`v1`, `a76`): no measure of letters is near then.
    """
    names = (*known, *machines)
    words = sorted((name for name in names if f"-{key}-" in f"-{name}-"), key=lambda n: (len(n), n))
    if words:
        *others, last = [f"`{name}`" for name in words[:_MOST_NEAR]]
        return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
    return did_you_mean(key, names) or did_you_mean(_family(key), machines)


_MOST_NEAR = 3


def _family(key: str) -> str:
    """Return a name without the size that may stand behind it."""
    return re.split(r"[.-]", key, maxsplit=1)[0]


def _without_machines(parts: tuple[CpuSpec, ...], knowledge: Knowledge) -> tuple[CpuSpec, ...]:
    """Return the parts of a SPEC with a machine's CPU types in the place of its name alone."""
    names = {name for cpu in knowledge.cpus for name in _names(cpu)}
    found: list[CpuSpec] = []
    for part in parts:
        machine = None
        if part.name is not None and part.name.key not in names and not part.overrides:
            named = (
                machine_named(part.name.key, knowledge, one.arch) for one in knowledge.machines
            )
            machine = next(filter(None, named), None)
        found += (part,) if machine is None else parse_spec(machine.cpu)
    return tuple(found)


def default_cpus(knowledge: Knowledge) -> tuple[str, ...]:
    """Return the SPECs that are meant where none is given: every declared CPU but QEMU's models."""
    return tuple(cpu.id for cpu in knowledge.cpus if QEMU_GROUP not in cpu.groups)


class _Resolver:
    """Resolves the CPUs of one SPEC; what is wrong with them is collected in `diagnostics`."""

    def __init__(
        self,
        spec: str,
        knowledge: Knowledge,
        architecture: Architecture,
        named: Mapping[str, Cpu],
    ) -> None:
        self.spec = spec
        self.knowledge = knowledge
        self.architecture = architecture
        self.named = named
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

    def expanded(self, part: CpuSpec) -> tuple[CpuSpec, ...]:
        """Return what a machine's name stands for: the CPU types of its system, one with fields."""
        if part.name is None or self._is_cpu(part.name.key):
            return (part,)
        machine = machine_named(part.name.key, self.knowledge, self.architecture.id)
        if machine is None:
            return (part,)
        if (note := virtual_note(part.name.text, machine)) is not None:
            place = at(self.spec, part.name, note.code, note.message).location
            self.diagnostics.append(replace(note, location=place))
        meant = parse_spec(machine.cpu)
        if len(meant) > 1 and part.overrides:
            names = " and ".join(one.name.text for one in meant if one.name is not None)
            message = f"`{shown(part.name.text)}` has several CPU types ({names})"
            hint = f"say of which: `{machine.cpu}` with the field behind its CPU"
            self._error(part.overrides[0].field, "MX0510", message, hint)
        offset = part.name.offset
        return tuple(
            CpuSpec(
                name=None if one.name is None else Word(text=one.name.text, offset=offset),
                overrides=(*one.overrides, *part.overrides),
                offset=part.offset,
            )
            for one in meant
        )

    def _is_cpu(self, key: str) -> bool:
        return key == FREE or key in self.named

    def _candidates(self, spec: CpuSpec, midr: int | None) -> tuple[Cpu, ...]:
        """Return the declared CPUs a part stands for: by name, or all that share its MIDR."""
        if spec.name is None:
            return self._candidates_by_midr(spec, midr)
        key = spec.name.key
        if key == FREE:
            return ()
        if key in self.named:
            return (self.named[key],)
        if key.startswith("@"):
            message = f"`{shown(spec.name.text)}` is a group, which stands for several systems"
            self._error(spec.name, "MX0502", message, "give it alone, not as part of a system")
            return ()
        known = [FREE, *(name for cpu in self.knowledge.cpus for name in _names(cpu))]
        machines = machine_names(self.knowledge, self.architecture.id)
        near = _near(key, known, machines)
        found = f" and {len(machines)} names of machines" if machines else ""
        search = f"`matrix cpus list --search WORD` finds CPUs{found};"
        hint = " ".join(filter(None, (near, search, unknown_word_hint("", known, "CPUs"))))
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
        # Told where the first step below breaks a rule already.
        stated = given
        try:
            stated = propagate(given, self.architecture)
            for name, item in stated.items():
                # What is written out in the SPEC is meant to differ from the record; only what
                # follows from it may surprise.
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
        values = [recorded_field(cpu, field, architecture) for cpu in candidates]
        found[field.name] = _agreed(field.name, values)
    return found


def recorded_field(cpu: Cpu, field: RegisterField, architecture: Architecture) -> FieldValue:
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
    # The weakest record of them: what several CPUs agree on is no firmer than that.
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
