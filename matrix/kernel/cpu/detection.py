"""Which cpucaps the kernel detects on a system: yes, no or unknown, and what that rests on.

Takes a `CpuSystem` and the cpucaps of a profile, gives a `Detection` per cap. A cap's `kconfig` and
`unless` conditions are not looked at: they are about the `.config` and the environment.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from matrix.kernel.cpu.system import MIDR, CpuSystem, SystemCpu
from matrix.schema.cpu_fields import rank, weakest
from matrix.schema.values import CpuCap, FieldValue

_Item = TypeVar("_Item", bound=Hashable)


class Detection(Struct, frozen=True, kw_only=True):
    """The answer about one cpucap.

    `fields` are the CPU fields the answer rests on (`midr` for MIDR_EL1), `confidence` the weakest
    among them. Where `value` is None, `undecided` lists the (CPU, field) pairs that would decide
    it, `reason` says why they are unknown, and `settled_by` names SPECs that know them.
    """

    value: bool | None
    fields: tuple[str, ...]
    confidence: str
    reason: str | None = None
    undecided: tuple[tuple[str, str], ...] = ()
    settled_by: tuple[str, ...] = ()

    @property
    def open_fields(self) -> tuple[str, ...]:
        """The fields of `undecided`, each once, whichever CPUs they are of."""
        return _unique(field for _, field in self.undecided)


def detect(system: CpuSystem, caps: Sequence[CpuCap]) -> Mapping[str, Detection]:
    """Return what the kernel detects, each cap by its own scope.

    `every_cpu`: all CPU types have it (the sanitised minimum); `any_cpu`: one is enough;
    `boot_cpu`: the first one decides.
    """
    return {cap.name: _detect(system, cap) for cap in caps}


def detect_boot(system: CpuSystem, caps: Sequence[CpuCap]) -> Mapping[str, Detection]:
    """Return what the boot CPU, the first of the system, has by itself, whatever a cap's scope."""
    return {cap.name: _combine((_on_cpu(system.cpus[0], cap),), decides=False) for cap in caps}


def _detect(system: CpuSystem, cap: CpuCap) -> Detection:
    cpus = system.cpus[:1] if cap.scope == "boot_cpu" else system.cpus
    answers = tuple(_on_cpu(cpu, cap) for cpu in cpus)
    return _combine(answers, decides=cap.scope == "any_cpu")


def _combine(answers: tuple[Detection, ...], *, decides: bool) -> Detection:
    """Return the conjunction of some answers (`decides` False) or their disjunction."""
    if len(answers) == 1:
        return answers[0]
    # One that decides makes the others irrelevant, the unknown ones too: so of several the firmest
    # counts.
    deciding = [answer for answer in answers if answer.value is decides]
    if deciding:
        return min(deciding, key=lambda answer: rank(answer.confidence))
    open_answers = [answer for answer in answers if answer.value is None]
    rest = open_answers or list(answers)
    return Detection(
        value=None if open_answers else not decides,
        fields=_unique(name for answer in rest for name in answer.fields),
        confidence=weakest(answer.confidence for answer in rest),
        reason="; ".join(answer.reason for answer in rest if answer.reason) or None,
        undecided=_unique(pair for answer in rest for pair in answer.undecided),
        settled_by=_unique(spec for answer in rest for spec in answer.settled_by),
    )


def _on_cpu(cpu: SystemCpu, cap: CpuCap) -> Detection:
    """Return whether one CPU has a cap: by its field, or by its MIDR."""
    parts: list[Detection] = []
    if cap.field is not None:
        parts.append(_by_field(cpu, cap, cap.field))
    # By either: kpti, for one, asks for CSV3 and for a list of models that are safe without it.
    if cap.midrs:
        parts.append(_by_midr(cpu, cap))
    return _combine(tuple(parts), decides=True)


def _by_field(cpu: SystemCpu, cap: CpuCap, name: str) -> Detection:
    found = cpu.field(name)
    if found is None or found.value is None:
        return Detection(
            value=None,
            fields=(name,),
            confidence="unknown",
            reason=_why_unknown(cpu, name, found),
            undecided=((cpu.name, name),),
            settled_by=tuple(spec for field, spec in cpu.settled_by if field == name),
        )
    if isinstance(found.value, int) and cap.minimum is not None:
        value = found.value >= cap.minimum
    else:
        value = found.value in cap.values
    return Detection(value=value, fields=(name,), confidence=found.confidence)


def _why_unknown(cpu: SystemCpu, name: str, found: FieldValue | None) -> str:
    why = found.why_unknown if found else None
    sentence = _WHY.get(why or "", "is not recorded")
    note = f" ({found.note})" if found and found.note else ""
    return f"`{name}` of {cpu.name} {sentence}{note}"


_WHY = {
    "build-option": "is a build option",
    "unrecorded": "is not recorded",
    "not-given": "is not given",
    "differs": "differs between the CPUs with this MIDR",
    "reserved": "has a reserved encoding",
}


def _by_midr(cpu: SystemCpu, cap: CpuCap) -> Detection:
    value = cpu.midr.in_ranges(cap.midrs)
    if value is not None:
        return Detection(value=value, fields=(MIDR,), confidence=cpu.midr.confidence)
    if cpu.midr.exact:
        seen = ", ".join(f"{midr:#010x}" for midr in cpu.midr.exact)
        reason = f"the revision of {cpu.name} decides, and several are known ({seen})"
    elif cpu.midr.models:
        reason = f"the revision of {cpu.name} decides, and it is not recorded"
    else:
        reason = f"MIDR_EL1 of {cpu.name} is not {'recorded' if cpu.declared else 'given'}"
    return Detection(
        value=None,
        fields=(MIDR,),
        confidence="unknown",
        reason=reason,
        undecided=((cpu.name, MIDR),),
        settled_by=tuple(f"{cpu.name},midr={midr:#010x}" for midr in cpu.midr.exact)
        or (f"{cpu.name},midr=0x…",),
    )


def _unique(items: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(items))
