"""Builds study results and answers by hand, small but with every part a report shows."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Finding, Fix, TraceLine, Unsettled
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.cause import Cause, Place
from matrix.analyze.space.influence import Influence
from matrix.analyze.space.result import (
    ClassGroup,
    Counts,
    Mark,
    StudyAdvisory,
    StudyResult,
    Table,
    TableCell,
)
from matrix.diagnostics import Location
from matrix.expr.nodes import Constant
from matrix.schema.values import (
    Architecture,
    ArchitectureRule,
    Assumption,
    Axis,
    Capability,
    Condition,
    Cpu,
    FactDeclaration,
    FieldValue,
    KconfigConstraint,
    KernelProfile,
    MatrixStudy,
    Option,
    PredicateVersion,
    RegisterField,
    Requirement,
    VerifiedOn,
)

PLACE = Location(file="configs/example.yaml", line=1, column=1)
V12 = "can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB)"


def condition(text: str, because: str | None = None, source: str | None = None) -> Condition:
    """Return a condition; its tree is not what reports read."""
    return Condition(
        expression=Constant(value=True), text=text, location=PLACE, source=source, because=because
    )


def option(name: str, cpu: str | None = None) -> Option:
    """Return an option of an axis."""
    return Option(
        name=name,
        title=name,
        kernel=None,
        cpu=cpu,
        cmdline=None,
        kconfig=(),
        environment=(),
        location=PLACE,
    )


def axis(name: str, kind: str, title: str, options: Sequence[str]) -> Axis:
    """Return an axis; the options of a CPU axis are SPECs."""
    made = tuple(option(item, cpu=item if kind == "cpu" else None) for item in options)
    return Axis(name=name, kind=kind, title=title, options=made, location=PLACE)


def kernel(release: str, grounded: str = "tree") -> KernelProfile:
    """Return a profile with one Kconfig constraint."""
    constraint = KconfigConstraint(
        condition=condition(
            "!IS_ENABLED(CONFIG_KVM) || IS_ENABLED(CONFIG_KVM_GUEST_MEMFD)",
            because="KVM selects KVM_GUEST_MEMFD",
            source="arch/arm64/kvm/Kconfig:39",
        ),
        grounded=grounded,
    )
    return KernelProfile(
        id=f"linux-{release}-arm64",
        release=release,
        arch="arm64",
        verified_on=VerifiedOn(version=f"{release}.1", how="read in the tree"),
        symbols=(),
        constraints=(constraint,),
        variables=(),
        parameters=(),
        cpucaps=(),
        functions=(),
        mechanisms=(),
        operations=(),
        location=PLACE,
    )


def architecture() -> Architecture:
    """Return an architecture with one of everything that a report lists."""
    field = RegisterField(
        name="dic",
        register="CTR_EL0",
        high_bit=29,
        low_bit=29,
        words=(),
        domain=(0, 1),
        settable=True,
        description="no instruction cache invalidation needed",
        location=PLACE,
    )
    return Architecture(
        id="arm64",
        fields=(field, replace(field, name="fwb"), replace(field, name="l1ip")),
        rules=(
            ArchitectureRule(
                id="dic-implies-idc",
                condition=condition(
                    "dic == 0 || idc == 1", "DIC is set only where IDC is", "Arm ARM D24.2.34"
                ),
                location=PLACE,
            ),
        ),
        environment=(),
        cpucaps=(),
        functions=(),
        facts=(
            FactDeclaration(
                name="has_cache_dic",
                condition=condition("cpus_have_final_cap(ARM64_HAS_CACHE_DIC)"),
                otherwise=None,
                description="no instruction cache invalidation needed",
                location=PLACE,
            ),
        ),
        simulation=(),
        assumptions=(
            Assumption(
                name="ic-ivau-on-invalid-va",
                values=(("faults", "takes a translation fault"), ("ignored", "stale lines stay")),
                source="Arm ARM DDI 0487, IC IVAU",
                location=PLACE,
            ),
        ),
        location=PLACE,
    )


def capability(patch: str | None = "v12") -> Capability:
    """Return the capability of the study."""
    return Capability(
        id="gmem-no-direct-map",
        title="guest_memfd removes guest pages from the direct map",
        description="KVM takes each page out of the direct map.",
        assumes_patch=patch,
        requires=(
            Requirement(
                condition=condition("IS_ENABLED(CONFIG_KVM)"),
                otherwise="KVM is not built in (CONFIG_KVM is not set)",
                location=PLACE,
            ),
        ),
        function=None,
        predicates=(
            PredicateVersion(
                name="v12",
                condition=condition(V12, source="v12 09/16 arch/arm64/include/asm/kvm_host.h"),
                description="kvm_arch_gmem_supports_no_direct_map() as posted",
                location=PLACE,
            ),
        ),
        default_predicate="v12",
        scenario="gmem",
        scenario_options=(("guest", "no-exec"),),
        claims=(),
        location=PLACE,
    )


def study(kernels: Sequence[str], cpus: Sequence[str], title: str = "A small study") -> MatrixStudy:
    """Return a study of kernels and CPUs with one boot parameter."""
    return MatrixStudy(
        id="small",
        title=title,
        description="Two releases and three CPUs.",
        capability="gmem-no-direct-map",
        predicate="v12",
        axes=(
            axis("kernel", "kernel", "Linux release", kernels),
            axis("cpu", "cpu", "CPU", cpus),
            axis("boot.rodata", "boot", "rodata=", ("absent", "off")),
        ),
        constraints=(condition("granule_supported()", "a kernel boots only with its granule"),),
        baseline=(
            ("kernel", kernels[-1]),
            ("cpu", cpus[0]),
            ("boot.rodata", "absent"),
        ),
        profiles=(),
        pivots=(),
        claims=(),
        formats=("html", "markdown"),
        location=PLACE,
    )


EXEC_TRACE = (
    TraceLine(event="boot", operation="map_mem", detail="PTEs", source="arch/arm64/mm/mmu.c:1206"),
    TraceLine(event="zap", operation="gmem_zap", detail="alias A invalid", source=None),
    TraceLine(
        event="guest fetch",
        operation="icache_inval_pou",
        detail="IC IVAU at A",
        source="arch/arm64/include/asm/kvm_mmu.h:258",
    ),
    TraceLine(event="guest fetch", operation="kernel_oops", detail="", source=None),
)
FAULT = Finding(
    invariant="alias-access",
    certainty="ic-ivau-on-invalid-va=faults",
    message="`IC IVAU` translates A while A is invalid",
    trace=EXEC_TRACE,
)
STALE = Finding(
    invariant="coherent-instructions",
    certainty="ic-ivau-on-invalid-va=ignored",
    message="the guest can execute stale instructions",
    trace=EXEC_TRACE[:3],
)
HIBERNATION = Finding(
    invariant="hibernation",
    certainty="certain",
    message="a hibernation image holds the page",
    trace=(),
)


def cause() -> Cause:
    """Return a cause that is met in the ordinary cell of nine CPUs, and elsewhere with options."""
    return Cause(
        statement=FAULT.message,
        operation="icache_inval_pou",
        source="arch/arm64/include/asm/kvm_mmu.h:258",
        release="7.3",
        broken=((FAULT.invariant, FAULT.certainty),),
        conditions=(("dic", "false"),),
        kernels=("7.3",),
        cells=12,
        places=(
            Place(change=(), cpus=tuple("abcdefghi")),
            Place(change=(("host", ("l1",)),), cpus=("x", "y")),
            Place(change=(("page_size", ("16k", "64k")), ("vm", ("mte",))), cpus=("z",)),
        ),
        example=(("cpu", "a"),),
        findings=(STALE, FAULT),
    )


def group(verdict: Verdict, cells: int, findings: Sequence[Finding] = ()) -> ClassGroup:
    """Return a group of one release."""
    return ClassGroup(
        verdict=verdict,
        cells=cells,
        classes=1,
        kernels=("7.3",),
        conditions=(("dic", "false"),),
        example=(("kernel", "7.3"), ("cpu", "cortex-a710"), ("boot.rodata", "absent")),
        findings=tuple(findings),
    )


def cell(verdict: str, reason: str = "") -> TableCell:
    """Return a cell of a table."""
    return TableCell(verdict=Verdict(verdict), reason=reason)


NO_GMEM = cell("absent", "arm64 has no guest_memfd in 6.12")
WORKS = cell("supported", "the check says yes, and nothing can be violated")
OFF = cell("refused", "`rodata=off`: can_set_direct_map() is false")
ELSEWHERE = replace(
    OFF,
    instead=(("page_size", "16k"),),
    marks=(
        Mark(change=(("boot.mode", ("nvhe,nested",)),), verdict=Verdict.UNKNOWN),
        Mark(change=(("host", ("l1",)), ("vm", ("a", "b"))), verdict=Verdict.SUPPORTED),
    ),
)
BREAKS = replace(
    cell("unsound", "the first instruction fetch invalidates through the alias"), causes=(1,)
)


def cpu_table() -> Table:
    """Return CPUs by release and command line: one release is all absent, one cell is missing."""
    return Table(
        title="CPU × kernel × command line",
        row_title="CPU",
        column_levels=("kernel", "profiles"),
        columns=(
            ("6.12", "default"),
            ("6.12", "rodata=off"),
            ("7.3", "default"),
            ("7.3", "rodata=off"),
        ),
        row_groups=(("aws-graviton3", "nvidia-grace"), ("cortex-a710",), ("apple-m1",)),
        cells=(
            (NO_GMEM, NO_GMEM, WORKS, OFF),
            (NO_GMEM, NO_GMEM, BREAKS, ELSEWHERE),
            (NO_GMEM, NO_GMEM, WORKS, None),
        ),
        fixed=(("page_size", "4k"), ("boot.mode", "absent"), ("host", "no"), ("vm", "default")),
        named=(("default", ()), ("rodata=off", (("boot.rodata", "off"),))),
        without=(("vm", ("mte",)),),
        usual=2,
    )


def counts(**numbers: int) -> Counts:
    """Return counts by verdict name."""
    return tuple((Verdict(name), number) for name, number in numbers.items())


def influence(axis: str, kind: str, before: str, after: str, option: str) -> Influence:
    """Return what an axis changes in a cell, when it takes an option."""
    one = {"kernel": "7.3", "cpu": "cortex-a710", "boot.rodata": "absent"}
    return Influence(
        axis=axis,
        kind=kind,
        name="rodata_full" if kind == "fact" else "",
        before=before,
        after=after,
        one=one,
        other={**one, axis: option},
        idle=(),
    )


def result(
    *, unsound: int = 12, patch: str | None = "v12", title: str = "A small study"
) -> StudyResult:
    """Return a study result of two releases; with `unsound` 0 no group is unsound."""
    numbers = counts(unsound=unsound, overstrict=3, supported=1234567, refused=40, absent=2000)
    older = counts(absent=1600)
    newer = counts(unsound=unsound, overstrict=3, supported=1234567, refused=40, absent=400)
    broken = [group(Verdict.UNSOUND, unsound, [FAULT, STALE])] if unsound else []
    return StudyResult(
        study=study(("6.12", "7.3"), ("aws-graviton3", "cortex-a710", "nvidia-grace"), title),
        capability=capability(patch),
        predicate="v12",
        predicate_text=V12,
        architecture=architecture(),
        kernels=(kernel("6.12", "hand"), kernel("7.3")),
        combinations=2_000_000,
        cells=sum(number for _, number in numbers),
        behaviour_classes=24,
        states=1000,
        transitions=5000,
        counts=numbers,
        counts_by_kernel=(("6.12", older), ("7.3", newer)),
        tables=(cpu_table(),),
        groups=(group(Verdict.SUPPORTED, 1234567), *broken),
        absent_reasons=(("arm64 has no guest_memfd in 6.12", 1600), ("no EL2", 400)),
        influences=(
            influence("kernel", "verdict", "unsound", "absent", "6.12"),
            influence("cpu", "verdict", "unsound", "supported", "nvidia-grace"),
            influence("boot.rodata", "fact", "true", "false", "off"),
        ),
        digest="0123abcd",
        causes=(cause(),) if unsound else (),
        advisories=(StudyAdvisory(finding=HIBERNATION, cells=1234567 + unsound, kernels=("7.3",)),),
    )


def cpu(name: str, **values: int | str | None) -> Cpu:
    """Return a CPU with these fields; None is a build option."""
    fields = tuple(
        FieldValue(
            name=field,
            value=value,
            confidence="unknown" if value is None else "trm",
            sources=("trm",),
            why_unknown="build-option" if value is None else None,
        )
        for field, value in values.items()
    )
    return Cpu(
        id=name,
        name=name,
        vendor="Arm",
        aliases=(),
        groups=(),
        implementer=0x41,
        parts=(0xD47,),
        midrs=(),
        fields=fields,
        registers=(),
        settled_by=(),
        notes=(),
        location=PLACE,
    )


CPUS = (
    cpu("aws-graviton3", fwb=1, dic=1),
    cpu("cortex-a710", fwb=1, dic=0),
    cpu("not-in-the-study", fwb=0),
    cpu("nvidia-grace", dic=None),
)


def answer(verdict: str = "unsound") -> Answer:
    """Return an answer with one of everything; an absent one has neither facts nor simulation."""
    if verdict == "absent":
        return Answer(
            facts=(),
            predicate=None,
            outcome="not-run",
            violations=(),
            advisories=(),
            verdict=Verdict.ABSENT,
            confidence="register",
            reasons=("arm64 has no guest_memfd in this kernel (no CONFIG_KVM_GUEST_MEMFD)",),
            unsettled=(),
        )
    return Answer(
        facts=(("can_set_direct_map", True), ("page_size", 4096), ("has_cache_dic", None)),
        predicate=None if verdict == "unknown" else True,
        outcome="violates",
        violations=(FAULT, STALE),
        advisories=(HIBERNATION,),
        verdict=Verdict(verdict),
        confidence="trm",
        reasons=("FWB is set and DIC is not: KVM invalidates the instruction cache itself",),
        unsettled=(
            Unsettled(names=("dic",), why="a build option", settled_by="neoverse-v1,dic=1"),
            Unsettled(names=("l1ip",), why="nobody recorded it", settled_by=None),
        )
        if verdict == "unknown"
        else (),
        fixes=(Fix(change=(("boot.kvm_arm_mode", "protected"),), verdict=Verdict.SUPPORTED),),
    )
