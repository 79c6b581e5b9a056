"""What the readings of a machine show of the model's facts, one `Evidence` for each way to see it.

Takes a `HostReadings`, gives values by fact, each with its source, or the reason why this source
shows nothing here. Of the declarations only the lines of the kernel log are looked at: this is the
side that the model is compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from matrix.expr.nodes import Scalar
from matrix.kernel.host.kernel_log import Shown
from matrix.kernel.host.readings import HostReadings, Reading
from matrix.schema.cpu_fields import model_of

NO_INTERFACE = "no interface of the kernel shows it"

_INFERRED = "inferred: the log holds the whole boot and has no line that says otherwise"
_REALM_FACT = "is_realm_world"

# CTR_EL0, Arm ARM D24.2.34.
_CTR_IDC, _CTR_DIC = 1 << 28, 1 << 29
_CTR_L1IP, _PIPT = 14, 3

# GUEST_MEMFD_FLAG_NO_DIRECT_MAP of the series v12, which no release has.
_NO_DIRECT_MAP = 1 << 2


class Evidence(Struct, frozen=True, kw_only=True):
    """A fact as one source shows it; `value` is None where it shows nothing, and `why_not` says so.

    `note` is what a reader must know of a value.
    """

    fact: str
    value: Scalar | None
    source: str
    why_not: str | None = None
    note: str | None = None


def evidence(host: HostReadings) -> tuple[Evidence, ...]:
    """Return all that the readings show, in a fixed order."""
    return (
        _of("page_size", host.page_size),
        _of("secretmem_enable", host.secretmem_enable),
        *_by_log(host),
        *_cache_types(host),
        *_kvm_registers(host),
        _kvm_mode(host),
        _shown(host, _REALM_FACT),
    )


def memfd_secret_result(host: HostReadings) -> Evidence:
    """Return whether memfd_secret(2) works: fact `memfd_secret`."""
    reading = host.memfd_secret
    # The kernel's own no is ENOSYS (mm/secretmem.c). EMFILE or EPERM tell of limits, not of the
    # capability.
    if reading.value not in ("OK", "ENOSYS"):
        why = reading.why_not or f"{reading.value}, which is not the kernel's answer"
        return _nothing("memfd_secret", reading.source, why)
    if reading.value == "ENOSYS" and host.seccomp.value is not False:
        why = "ENOSYS, which may also be the answer of a seccomp filter (container)"
        return _nothing("memfd_secret", reading.source, why)
    return Evidence(
        fact="memfd_secret",
        value=reading.value == "OK",
        source=reading.source,
        note=None if reading.value == "OK" else reading.value,
    )


def extension(host: HostReadings, name: str) -> Evidence:
    """Return what KVM_CHECK_EXTENSION says of a capability on a VM: its number is the value."""
    source = f"{name} on a VM"
    answers = host.kvm.value
    if answers is None:
        return _nothing(name, source, _why_no_kvm(host))
    found = answers.extensions.get(name)
    if found is None:
        why = "; ".join(f"{step}: {error}" for step, error in answers.refused.items())
        return _nothing(name, source, why or "not asked")
    return Evidence(fact=name, value=found, source=source)


def no_direct_map_flag(host: HostReadings) -> Evidence:
    """Return whether KVM offers GUEST_MEMFD_FLAG_NO_DIRECT_MAP to this VM."""
    found = extension(host, "KVM_CAP_GUEST_MEMFD_FLAGS")
    if found.value is None:
        return found
    return replace(found, value=bool(int(found.value) & _NO_DIRECT_MAP))


# The environment axes that readings can tell.
MACHINE_AXES = frozenset({"entry", "gic", "realm"})


def surroundings(host: HostReadings) -> dict[str, Evidence]:
    """Return those of `MACHINE_AXES` that the readings tell."""
    found = {
        item.name: _of(item.name, item)
        for item in host.shown
        if item.kind == "axis" and item.value is not None
    }
    # KVM on arm64 needs the kernel to have been entered at EL2 (is_hyp_mode_available()).
    if "entry" not in found and _has_kvm_device(host):
        found["entry"] = Evidence(fact="entry", value="el2", source=host.kvm.source)
    names = host.interrupt_controllers.value or ()
    if names:
        # Nothing but a GICv3 (or 4, which is one) has the system registers.
        version = "v3" if {"GICv3", "GICv4"} & set(names) else "v2"
        source = host.interrupt_controllers.source
        found["gic"] = Evidence(fact="gic", value=version, source=source)
    if "realm" not in found and _has_kvm_device(host):  # a Realm guest has no EL2
        found["realm"] = Evidence(fact="realm", value="no", source=host.kvm.source)
    return found


def _of(fact: str, read: Reading[int] | Reading[bool] | Shown, note: str | None = None) -> Evidence:
    return Evidence(
        fact=fact, value=read.value, source=read.source, why_not=read.why_not, note=note
    )


def _nothing(fact: str, source: str, why_not: str) -> Evidence:
    return Evidence(fact=fact, value=None, source=source, why_not=why_not)


# Shown by other readings as well, behind the log.
_LATER = frozenset({"kvm_mode", _REALM_FACT})


def _by_log(host: HostReadings) -> Iterator[Evidence]:
    """Yield what the log shows of facts; what it only shows where it is whole may not be there."""
    for item in host.shown:
        if item.kind == "fact" and item.name not in _LATER:
            yield _of(item.name, item, _INFERRED if item.inferred and host.log_places else None)


def _shown(host: HostReadings, name: str) -> Evidence:
    for item in host.shown:
        if item.name == name:
            return _of(name, item)
    return _nothing(name, host.log.source, "it is not looked for")


def _cache_types(host: HostReadings) -> Iterator[Evidence]:
    """Yield what CTR_EL0 says, read by a program on each CPU it may run on."""
    reading = host.cache_types
    registers = list((reading.value or {}).values())
    if not registers:
        why = reading.why_not or "no CPU was read"
        for fact in ("has_cache_dic", "has_cache_idc"):
            yield _nothing(fact, reading.source, why)
        return
    # Where the kernel hides a register from programs (erratum, CPUs that differ), it shows them
    # less than it has: DIC = 1 is certain, DIC = 0 may be the disguise.
    dic = all(register & _CTR_DIC for register in registers)
    midrs = {item["midr_el1"] for item in (host.cpus.value or {}).values()}
    disguised = not dic and any(model_of(midr) in _HIDES_DIC for midr in midrs)
    yield Evidence(
        fact="has_cache_dic",
        value=None if disguised else dic,
        source=reading.source,
        why_not=_HIDDEN if disguised else None,
    )
    idc = all(register & _CTR_IDC for register in registers)
    yield Evidence(
        fact="has_cache_idc",
        value=True if idc else None,
        source=reading.source,
        why_not=None if idc else "IDC is 0, but CLIDR_EL1 may make up for it",
    )
    yield Evidence(
        fact="icache_is_aliasing",
        value=any(register >> _CTR_L1IP & 3 != _PIPT for register in registers),
        source=reading.source,
    )


# has_neoverse_n1_erratum_1542419(), arch/arm64/kernel/cpu_errata.c:267-276 (7.3).
_HIDES_DIC = frozenset({(0x41, 0xD0C)})
_HIDDEN = "DIC is 0, but the kernel hides DIC from programs on Neoverse N1 (erratum 1542419)"


# Fact, register, mask of the field: a vCPU shows the kernel's own system-wide values of these.
_VCPU_FIELDS = (
    ("has_stage2_fwb", "id_aa64mmfr2_el1", 0xF << 40),
    ("has_cache_dic", "ctr_el0", _CTR_DIC),
)


def _kvm_registers(host: HostReadings) -> Iterator[Evidence]:
    """Yield what a vCPU's registers say."""
    registers: Mapping[str, int] = host.kvm.value.registers if host.kvm.value else {}
    refused = host.kvm.value.refused if host.kvm.value else {}
    why = "; ".join(f"{step}: {error}" for step, error in refused.items())
    for fact, name, mask in _VCPU_FIELDS:
        source = f"{name.upper()} of a vCPU"
        if name in registers:
            yield Evidence(fact=fact, value=registers[name] & mask != 0, source=source)
        else:
            yield _nothing(fact, source, why or _why_no_kvm(host))


def _kvm_mode(host: HostReadings) -> Evidence:
    found = _shown(host, "kvm_mode")
    if found.value is None and host.kvm.why_not == "ENOENT":
        return Evidence(
            fact="kvm_mode", value="none", source=host.kvm.source, note="there is no /dev/kvm"
        )
    return found


def _has_kvm_device(host: HostReadings) -> bool:
    return host.kvm.value is not None or host.kvm.why_not in ("EACCES", "EPERM")


def _why_no_kvm(host: HostReadings) -> str:
    match host.kvm.why_not:
        case "ENOENT":
            return "there is no /dev/kvm"
        case "EACCES" | "EPERM":
            return "no rights to open /dev/kvm (group kvm)"
        case None:
            return "KVM was not asked for registers"
        case why:
            return f"/dev/kvm: {why}"
