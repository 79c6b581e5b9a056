"""The model's facts beside what a machine shows of them, line by line.

Takes the answers for one machine and the evidence that was read on it; a line agrees, disagrees,
or says why it cannot be told.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.verdict import Verdict
from matrix.expr.nodes import Value
from matrix.kernel.host.evidence import (
    NO_INTERFACE,
    Evidence,
    evidence,
    extension,
    memfd_secret_result,
    no_direct_map_flag,
)
from matrix.kernel.host.readings import HostReadings
from matrix.schema.values import Architecture

# What means the same on every architecture.
_EVERYWHERE = frozenset(
    {
        "page_size",
        "secretmem_enable",
        "memfd_secret",
        "guest_memfd",
        "KVM_CAP_GUEST_MEMFD_FLAGS",
    }
)


class Agreement(enum.StrEnum):
    """What a comparison of model and observation gives."""

    AGREE = "agree"
    DISAGREE = "disagree"
    NOT_OBSERVABLE = "not-observable"
    MODEL_UNKNOWN = "model-unknown"


class Line(Struct, frozen=True, kw_only=True):
    """A fact, what the model and what one source on the machine say of it.

    `because` says why there is no observation, or what a reader must know of the comparison.
    """

    fact: str
    model: Value
    observed: Value
    source: str | None
    agreement: Agreement
    because: str | None = None


class ModelAnswers(Struct, frozen=True, kw_only=True):
    """What the model says of one machine.

    `memfd_secret` and `guest_memfd` are the answers of the capabilities that these show, whichever
    was asked about; None where the architecture has none. `borrowed` are facts that rest on a CPU
    field nobody recorded, taken from the machine; `offers_pfnmap` whether the release has
    kvm_supports_cacheable_pfnmap().
    """

    facts: tuple[tuple[str, Value], ...]
    memfd_secret: Answer | None
    guest_memfd: Answer | None
    borrowed: AbstractSet[str]
    offers_pfnmap: bool


def compare(model: ModelAnswers, host: HostReadings) -> tuple[Line, ...]:
    """Return a line for each fact and each source that may show it."""
    shown = (*evidence(host), _can_set_direct_map(model, host))
    lines = [line for name, value in model.facts for line in _lines(name, value, shown, model)]
    facts = dict(model.facts)
    lines.append(_line("memfd_secret", _grants(model.memfd_secret), memfd_secret_result(host)))
    lines.append(_line("guest_memfd", _is_present(model.guest_memfd), _guest_memfd(host)))
    if model.offers_pfnmap:
        both = _conjunction((facts.get("has_stage2_fwb"), facts.get("has_cache_dic")))
        found = extension(host, "KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED")
        lines.append(_line("cacheable_pfnmap", both, _flag(found)))
    lines.append(_offered(model, no_direct_map_flag(host)))
    return tuple(lines)


def observed_alone(host: HostReadings, architecture: Architecture | None) -> tuple[Line, ...]:
    """Return what was observed of a machine that is not answered; of its architecture's facts."""
    shown: list[Evidence] = [
        *evidence(host),
        memfd_secret_result(host),
        _guest_memfd(host),
        no_direct_map_flag(host),
    ]
    wanted = _EVERYWHERE.union(item.name for item in (architecture.facts if architecture else ()))
    return tuple(_line(item.fact, None, item) for item in shown if item.fact in wanted)


def _lines(name: str, value: Value, shown: Sequence[Evidence], model: ModelAnswers) -> list[Line]:
    found = [item for item in shown if item.fact == name]
    if not found:
        return [
            Line(
                fact=name,
                model=value,
                observed=None,
                source=None,
                agreement=Agreement.NOT_OBSERVABLE,
                because=NO_INTERFACE,
            )
        ]
    return [_line(name, value, item, borrowed=name in model.borrowed) for item in found]


def _line(fact: str, model: Value, found: Evidence, *, borrowed: bool = False) -> Line:
    because = found.note
    if found.value is None:
        agreement, because = Agreement.NOT_OBSERVABLE, found.why_not
    elif model is None:
        agreement = Agreement.MODEL_UNKNOWN
    elif model == found.value:
        agreement = Agreement.AGREE
        because = "the model took it from the machine" if borrowed else because
    else:
        agreement = Agreement.DISAGREE
    return Line(
        fact=fact,
        model=model,
        observed=found.value,
        source=found.source,
        agreement=agreement,
        because=because,
    )


def _can_set_direct_map(model: ModelAnswers, host: HostReadings) -> Evidence:
    """Return what memfd_secret(2) shows of can_set_direct_map(): mm/secretmem.c:327-328 (7.3)."""
    found = memfd_secret_result(host)
    why = found.why_not
    answer = model.memfd_secret
    if answer is None:
        return replace(found, fact="can_set_direct_map", value=None, why_not=NO_INTERFACE)
    # The call can only show the function where its check decides it.
    asked = answer.predicate is False or dict(model.facts).get("can_set_direct_map") is not False
    if found.value is False and answer.verdict is Verdict.ABSENT:
        why = "; ".join(answer.reasons)
    elif found.value is True and answer.verdict is not Verdict.ABSENT and not asked:
        # An older kernel's call succeeds all the same, and shows nothing of the function.
        why = "; ".join(answer.reasons)
    value = None if why else found.value
    return replace(found, fact="can_set_direct_map", value=value, why_not=why)


def _grants(answer: Answer | None) -> bool | None:
    """Return whether the kernel's own check says yes, where it is asked at all."""
    if answer is None:
        return None
    return False if answer.verdict is Verdict.ABSENT else answer.predicate


def _is_present(answer: Answer | None) -> bool | None:
    if answer is None or answer.verdict is Verdict.UNKNOWN:
        return None
    return answer.verdict is not Verdict.ABSENT


def _offered(model: ModelAnswers, found: Evidence) -> Line:
    """Compare the flag of the series; a kernel without the series never offers it."""
    if found.value is False:
        why = "the flag is not offered, as on every kernel without the series"
        found = replace(found, value=None, why_not=why)
    return _line("no_direct_map_flag", _grants(model.guest_memfd), found)


def _guest_memfd(host: HostReadings) -> Evidence:
    return replace(_flag(extension(host, "KVM_CAP_GUEST_MEMFD")), fact="guest_memfd")


def _flag(found: Evidence) -> Evidence:
    if found.value is None:
        return found
    return replace(found, value=found.value != 0)


def _conjunction(values: Iterable[Value]) -> bool | None:
    known = tuple(values)
    if False in known:
        return False
    return None if None in known else True
