"""A small arm64 and a handful of invented CPUs, so that the CPU tests rest on no declaration."""

from __future__ import annotations

from matrix.diagnostics import Location
from matrix.expr.nodes import Scalar
from matrix.expr.parser import parse
from matrix.schema.values import (
    Architecture,
    ArchitectureRule,
    BuiltInLineRule,
    Condition,
    Cpu,
    CpuCap,
    FieldValue,
    Knowledge,
    MidrRange,
    RegisterField,
)

HERE = Location(file="hand-made")


def _field(
    name: str,
    register: str,
    bits: tuple[int, int],
    domain: tuple[Scalar, ...],
    words: tuple[tuple[int, Scalar], ...] = (),
    *,
    settable: bool = True,
) -> RegisterField:
    return RegisterField(
        name=name,
        register=register,
        high_bit=bits[0],
        low_bit=bits[1],
        words=words,
        domain=domain,
        settable=settable,
        description=f"the field {name}",
        location=HERE,
    )


FIELDS = (
    _field("fwb", "ID_AA64MMFR2_EL1", (43, 40), (0, 1)),
    _field("idc", "CTR_EL0", (28, 28), (0, 1)),
    _field("idc_effective", "CTR_EL0", (28, 28), (0, 1), settable=False),
    _field("dic", "CTR_EL0", (29, 29), (0, 1)),
    _field(
        "l1ip",
        "CTR_EL0",
        (15, 14),
        ("vipt", "pipt"),
        ((0, "vpipt"), (1, "aivivt"), (2, "vipt"), (3, "pipt")),
    ),
    _field("bbm", "ID_AA64MMFR2_EL1", (55, 52), (0, 1, 2, 3)),
    _field("vhe", "ID_AA64MMFR1_EL1", (11, 8), (0, 1)),
    _field(
        "tgran16", "ID_AA64MMFR0_EL1", (23, 20), (0, 1), ((0, 0), (1, 1), (2, 1)), settable=False
    ),
)


def _rule(identifier: str, text: str) -> ArchitectureRule:
    condition = Condition(
        expression=parse(text), text=text, location=HERE, because=f"because of {identifier}"
    )
    return ArchitectureRule(id=identifier, condition=condition, location=HERE)


BUILT_IN_LINE = tuple(
    BuiltInLineRule(
        symbol=symbol, effect=effect, elsewhere=elsewhere, source="hand-made", location=HERE
    )
    for symbol, effect, elsewhere in (
        ("CMDLINE_EXTEND", "appended", "somebody's trees have it"),
        ("CMDLINE_FORCE", "alone", None),
        ("CMDLINE_FROM_BOOTLOADER", "fills-in", None),
        ("CMDLINE_BOOL", "fills-in", None),
        ("CMDLINE_OVERRIDE", "alone", None),
    )
)

ARCHITECTURE = Architecture(
    id="arm64",
    fields=FIELDS,
    rules=(
        _rule("dic-implies-idc", "dic == 0 || idc == 1"),
        _rule("fwb-implies-effective-idc", "fwb == 0 || idc_effective == 1"),
        _rule("idc-implies-effective-idc", "idc == 0 || idc_effective == 1"),
    ),
    environment=(),
    cpucaps=(),
    functions=(),
    facts=(),
    simulation=(),
    assumptions=(),
    location=HERE,
)


def cpu(
    identifier: str,
    values: dict[str, Scalar | tuple[str, str]],
    *,
    model: tuple[int, int] | None = None,
    midrs: tuple[int, ...] = (),
    aliases: tuple[str, ...] = (),
    groups: tuple[str, ...] = ("server",),
    registers: tuple[tuple[str, int], ...] = (),
    settled_by: tuple[tuple[str, str], ...] = (),
    confidence: str = "trm",
) -> Cpu:
    """Return a CPU; a pair (why_unknown, note) stands for an unknown field."""
    fields = tuple(
        FieldValue(
            name=name,
            value=None,
            confidence="unknown",
            sources=(),
            why_unknown=value[0],
            note=value[1] or None,
        )
        if isinstance(value, tuple)
        else FieldValue(name=name, value=value, confidence=confidence, sources=("test",))
        for name, value in values.items()
    )
    return Cpu(
        id=identifier,
        name=identifier.title(),
        vendor="Test",
        aliases=aliases,
        groups=groups,
        implementer=model[0] if model else None,
        parts=(model[1],) if model else (),
        midrs=midrs,
        fields=fields,
        registers=registers,
        settled_by=settled_by,
        notes=(),
        location=HERE,
    )


ALL_KNOWN: dict[str, Scalar | tuple[str, str]] = {
    "fwb": 1,
    "idc": 1,
    "idc_effective": 1,
    "dic": 1,
    "l1ip": "pipt",
    "bbm": 2,
    "vhe": 1,
    "tgran16": 1,
}
BUILD_OPTION = ("build-option", "instruction cache coherency is a build option")
UNRECORDED = ("unrecorded", "")

CPUS = (
    cpu(
        "big-core",
        {**ALL_KNOWN, "dic": BUILD_OPTION},
        model=(0x41, 0xD40),
        midrs=(0x411FD401,),
        aliases=("big",),
        settled_by=(("dic", "big-core,dic=1 or acme-cloud1"),),
    ),
    cpu(
        "acme-cloud1",
        ALL_KNOWN,
        model=(0x41, 0xD40),
        midrs=(0x411FD401,),
        aliases=("cloud1",),
        groups=("server", "cloud"),
        confidence="register",
    ),
    cpu(
        "little-core",
        {**ALL_KNOWN, "dic": 0, "idc": 0, "l1ip": "vipt", "fwb": 0, "idc_effective": 0, "bbm": 0},
        model=(0x41, 0xD05),
        midrs=(0x412FD050, 0x411FD050),
        groups=("client",),
        confidence="log",
    ),
    cpu("young-core", {"fwb": 1, "bbm": 2}, model=(0x41, 0xD84)),
    cpu("seen-core", {**ALL_KNOWN}, model=(0x41, 0xD84), midrs=(0x410FD840, 0x410FD842)),
    cpu("mystery", dict.fromkeys(ALL_KNOWN, UNRECORDED)),
    cpu(
        "qemu-big-core",
        {},
        model=(0x41, 0xD40),
        midrs=(0x411FD402,),
        groups=("qemu",),
        registers=(
            ("ctr_el0", 0xB444C004),
            ("id_aa64mmfr2_el1", 0x0220011102101011),
            ("id_aa64mmfr0_el1", 0x101125),
        ),
    ),
    cpu("qemu-max", ALL_KNOWN, model=(0x00, 0x051), midrs=(0x000F0510,), groups=("qemu",)),
)

KNOWLEDGE = Knowledge(
    architectures=(ARCHITECTURE,), kernels=(), cpus=CPUS, sources=(), capabilities=(), studies=()
)


def _cap(
    name: str,
    field: str | None,
    *,
    minimum: int | None = None,
    values: tuple[str, ...] = (),
    midrs: tuple[MidrRange, ...] = (),
    scope: str = "every_cpu",
) -> CpuCap:
    return CpuCap(
        name=name,
        field=field,
        minimum=minimum,
        values=values,
        midrs=midrs,
        scope=scope,
        kconfig=None,
        unless=None,
        source="test",
        location=HERE,
    )


_RANGES = (
    MidrRange(name="MIDR_V3", implementer=0x41, part=0xD84, lowest=(0, 2)),
    MidrRange(name="MIDR_AMPERE1", implementer=0xC0, part=0xAC3),
)
CAPS = (
    _cap("FWB", "fwb", minimum=1),
    _cap("DIC", "dic", minimum=1),
    _cap("IDC", "idc_effective", minimum=1),
    _cap("BBML3", "bbm", minimum=3, midrs=_RANGES),
    _cap("BBML2", None, midrs=_RANGES),
    _cap("not_pipt", "l1ip", values=("vpipt", "aivivt", "vipt"), scope="any_cpu"),
    _cap("VHE", "vhe", minimum=1, scope="boot_cpu"),
    _cap("granule_16k", "tgran16", minimum=1),
)
