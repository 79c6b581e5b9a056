"""What the readings of a machine show of the model's facts, one `Evidence` for each way to see it.

Takes a `HostReadings`, gives values by fact, each with its source, or the reason why this source
shows nothing here. The declarations are not looked at: this is the side that the model is compared
with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from matrix.expr.nodes import Scalar
from matrix.kernel.host.readings import HostReadings, Reading

NO_INTERFACE = "no interface of the kernel shows it"

# `.desc` of a cpucap, arch/arm64/kernel/cpufeature.c; the texts are of 5.10 to 7.3.
_CAPABILITY_LINES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("has_stage2_fwb", ("Stage-2 Force Write-Back",)),
    ("has_cache_idc", ("Data cache clean to the PoU not required for I/D coherence",)),
    ("has_cache_dic", ("Instruction cache invalidation not required for I/D coherence",)),
    ("has_bbml", ("BBM Level 2 without TLB conflict abort", "BBM Level 3")),
)
_DETECTED = "CPU features: detected: "

# kvm_arm_init(), arch/arm64/kvm/arm.c:3092-3097 (7.3); "Hyp mode" is what 5.10 to 6.6 say.
_KVM_MODES: tuple[tuple[str, str], ...] = (
    ("Protected", "protected"),
    ("VHE mode", "vhe"),
    ("VHE+", "vhe"),
    ("Hyp hVHE", "hvhe"),
    ("Hyp nVHE", "nvhe"),
    ("Hyp mode initialized", "nvhe"),
    ("HYP mode not available", "none"),
    ("KVM disabled", "none"),
)

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
        _of_reading("page_size", host.page_size),
        _of_reading("secretmem_enable", host.secretmem_enable),
        *_capabilities(host),
        *_cache_types(host),
        *_kvm_registers(host),
        _kvm_mode(host),
        _realm(host),
    )


def memfd_secret_result(host: HostReadings) -> Evidence:
    """Return whether memfd_secret(2) works: fact `memfd_secret`."""
    reading = host.memfd_secret
    if reading.value not in ("OK", "ENOSYS"):
        why = reading.why_not or f"{reading.value}, which is not the kernel's answer"
        return Evidence(fact="memfd_secret", value=None, source=reading.source, why_not=why)
    if reading.value == "ENOSYS" and host.seccomp.value is not False:
        why = "ENOSYS, which may also be the answer of a seccomp filter (container)"
        return Evidence(fact="memfd_secret", value=None, source=reading.source, why_not=why)
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
        return Evidence(fact=name, value=None, source=source, why_not=_why_no_kvm(host))
    found = answers.extensions.get(name)
    if found is None:
        why = "; ".join(f"{step}: {error}" for step, error in answers.refused.items())
        return Evidence(fact=name, value=None, source=source, why_not=why or "not asked")
    return Evidence(fact=name, value=found, source=source)


def no_direct_map_flag(host: HostReadings) -> Evidence:
    """Return whether KVM offers GUEST_MEMFD_FLAG_NO_DIRECT_MAP to this VM."""
    found = extension(host, "KVM_CAP_GUEST_MEMFD_FLAGS")
    if found.value is None:
        return found
    return Evidence(
        fact=found.fact, value=bool(int(found.value) & _NO_DIRECT_MAP), source=found.source
    )


def surroundings(host: HostReadings) -> dict[str, Evidence]:
    """Return the environment axes that the readings tell: `entry`, `gic`, `realm`."""
    found: dict[str, Evidence] = {}
    for line in host.log.value or ():
        if line.startswith("CPU: All CPU(s) started at EL"):
            found["entry"] = Evidence(fact="entry", value=f"el{line[-1]}", source=host.log.source)
    if "entry" not in found and _has_kvm_device(host):
        found["entry"] = Evidence(fact="entry", value="el2", source=host.kvm.source)
    names = host.interrupt_controllers.value or ()
    if names:
        # Nothing but a GICv3 (or 4, which is one) has the system registers.
        version = "v3" if {"GICv3", "GICv4"} & set(names) else "v2"
        source = host.interrupt_controllers.source
        found["gic"] = Evidence(fact="gic", value=version, source=source)
    realm = _realm(host)
    if realm.value is not None:
        word = "yes" if realm.value else "no"
        found["realm"] = Evidence(fact="realm", value=word, source=realm.source)
    elif _has_kvm_device(host):  # a Realm guest has no EL2
        found["realm"] = Evidence(fact="realm", value="no", source=host.kvm.source)
    return found


def _of_reading(fact: str, reading: Reading[int] | Reading[bool]) -> Evidence:
    return Evidence(fact=fact, value=reading.value, source=reading.source, why_not=reading.why_not)


def _capabilities(host: HostReadings) -> Iterator[Evidence]:
    detected = [
        line.removeprefix(_DETECTED).partition(" on CPU")[0]
        for line in host.log.value or ()
        if line.startswith(_DETECTED)
    ]
    for fact, texts in _CAPABILITY_LINES:
        yield _by_log(host, fact, seen=any(text in detected for text in texts))
    policies = [line.split()[1] for line in host.log.value or () if line.startswith("Detected ")]
    aliasing = any(policy != "PIPT" for policy in policies)
    if policies:
        yield _by_log(host, "icache_is_aliasing", seen=aliasing)


def _by_log(host: HostReadings, fact: str, *, seen: bool) -> Evidence:
    """Return what a line says, or what its absence says where the log holds the whole boot."""
    source = host.log.source
    if seen or host.log_complete:
        return Evidence(fact=fact, value=seen, source=source)
    why = host.log.why_not or "the log has lost the beginning of the boot"
    return Evidence(fact=fact, value=None, source=source, why_not=why)


def _cache_types(host: HostReadings) -> Iterator[Evidence]:
    """Yield what CTR_EL0 says, read by a program on each CPU it may run on."""
    reading = host.cache_types
    registers = list((reading.value or {}).values())
    if not registers:
        why = reading.why_not or "no CPU was read"
        for fact in ("has_cache_dic", "has_cache_idc"):
            yield Evidence(fact=fact, value=None, source=reading.source, why_not=why)
        return
    # Where the kernel hides a register from programs (erratum, CPUs that differ), it shows them
    # less than it has: DIC = 1 is certain, DIC = 0 may be the disguise.
    dic = all(register & _CTR_DIC for register in registers)
    midrs = {item["midr_el1"] for item in (host.cpus.value or {}).values()}
    disguised = not dic and any(_model(midr) in _HIDES_DIC for midr in midrs)
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


def _model(midr: int) -> tuple[int, int]:
    return midr >> 24 & 0xFF, midr >> 4 & 0xFFF


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
            yield Evidence(fact=fact, value=None, source=source, why_not=why or _why_no_kvm(host))


def _kvm_mode(host: HostReadings) -> Evidence:
    source = host.log.source
    for line in host.log.value or ():
        _, colon, text = line.partition("]: ")
        if line.startswith("kvm [") and colon:
            for beginning, mode in _KVM_MODES:
                if text.startswith(beginning):
                    return Evidence(fact="kvm_mode", value=mode, source=source)
    if host.kvm.why_not == "ENOENT":
        return Evidence(
            fact="kvm_mode", value="none", source=host.kvm.source, note="there is no /dev/kvm"
        )
    why = host.log.why_not or "no line of the log says it"
    return Evidence(fact="kvm_mode", value=None, source=source, why_not=why)


def _realm(host: HostReadings) -> Evidence:
    seen = any(line.startswith("RME: Using RSI version") for line in host.log.value or ())
    return _by_log(host, "is_realm_world", seen=seen)


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
