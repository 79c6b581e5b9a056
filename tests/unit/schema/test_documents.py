"""What the small declarations turn into, written out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace as replace_value
from ruamel.yaml import YAML

from matrix.expr.parser import parse
from matrix.schema import values
from matrix.schema.files import Kind
from matrix.schema.values import Condition
from tests.unit.schema.declarations import PLACES, errors, good_text, load, replace


class Row(Struct, frozen=True, kw_only=True):
    """One change of a good declaration, and what is said about it."""

    file: str
    old: str
    new: str
    code: str
    at: str
    says: str


def _rows() -> list[Row]:
    text = (Path(__file__).parent / "changes.yaml").read_text(encoding="utf-8")
    return [Row(**row) for row in YAML(typ="safe", pure=True).load(text)]


def _place(text: str, marked: str) -> tuple[int, int]:
    """Return line and column of the `^` in a piece of a text."""
    before, _, after = marked.partition("^")
    assert text.count(before + after) == 1, marked
    index = text.index(before + after) + len(before)
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


@pytest.mark.parametrize("row", _rows(), ids=lambda row: f"{row.file}: {row.new.strip()[:40]}")
def test_one_change_one_diagnostic(row: Row) -> None:
    change = replace(row.old, row.new)
    # What is broken may be missed by the overlay, which comes last.
    found = errors({Kind(row.file): change})[0]
    at = found.location
    assert at is not None
    assert at.file == PLACES[Kind(row.file)]
    assert (at.line, at.column) == _place(change(good_text(Kind(row.file))), row.at)
    assert found.code == row.code
    assert row.says in f"{found.message} | {found.hint}"
    assert found.hint


def test_kernel_profile() -> None:
    (kernel,) = load().kernels
    assert (kernel.id, kernel.release, kernel.arch) == ("linux-7.3-arm64", "7.3", "arm64")
    assert kernel.verified_on.version == "7.3.0-rc7"
    assert [(item.name, item.type) for item in kernel.symbols][-3:] == [
        ("KFENCE_SAMPLE_INTERVAL", "int"),
        ("CRYPTO_TEST", "tristate"),
        ("HUGETLB_PAGE", "bool"),  # the overlay's
    ]
    constraint, overlaid = kernel.constraints
    assert "HUGETLB_PAGE" in overlaid.condition.text
    assert constraint.grounded == "hand"
    assert constraint.condition.expression == parse(
        "!IS_ENABLED(CONFIG_KVM) || IS_ENABLED(CONFIG_KVM_GUEST_MEMFD)"
    )
    assert constraint.condition.source == "arch/arm64/kvm/Kconfig:39"
    assert str(constraint.condition.location) == "kernels/kernel.yaml:18:9"
    assert kernel.variables[1].enumerators == (("KVM_MODE_DEFAULT", 0), ("KVM_MODE_NONE", 1))
    assert kernel.functions[0].signature == "can_set_direct_map()"
    assert [(item.name, item.value) for item in kernel.mechanisms] == [
        ("split_gate", "boot-flag"),
        ("huge_split", "none"),
    ]
    assert [(item.operation, item.source) for item in kernel.operations] == [
        ("gmem_zap", "arch/arm64/mm/pageattr.c:358-366")
    ]


def test_boot_parameters() -> None:
    rodata, mode, pagealloc, overlaid = load().kernels[0].parameters
    assert overlaid.name == "hugepages"
    assert [effect.match for effect in rodata.parsers[0].effects] == ["on", "off"]
    assert rodata.parsers[0].effects[1].note == "also clears rodata_enabled"
    effect = mode.parsers[0].effects[0]
    assert effect.when is not None
    assert effect.when.text == 'entry == "el2"'
    assert [(name, item.text) for name, item in effect.assign] == [("kvm_mode", "KVM_MODE_NONE")]
    parser = pagealloc.parsers[0]
    assert parser.prefixes == (("on", True), ("of", False), ("1", True))
    assert parser.bare is True
    assert parser.exists_if is None
    assert parser.effects[0].match is None


def test_cpucaps() -> None:
    fwb, icache, bbml, overlaid = load().kernels[0].cpucaps
    assert (overlaid.name, overlaid.minimum) == ("ARM64_HAS_NO_FWB", 0)
    assert (fwb.field, fwb.minimum, fwb.values, fwb.scope) == ("fwb", 1, (), "every_cpu")
    assert (icache.minimum, icache.values) == (None, ("vpipt", "vipt"))
    assert bbml.midrs == (
        values.MidrRange(
            name="MIDR_CORTEX_X4", implementer=0x41, part=0xD82, lowest=(0, 3), highest=(15, 15)
        ),
    )
    assert isinstance(bbml.unless, Condition)
    assert load().architectures[0].cpucaps[0].name == "granule_4k"


def test_architecture() -> None:
    (architecture,) = load().architectures
    icache = architecture.fields[2]
    assert (icache.high_bit, icache.low_bit) == (15, 14)
    assert icache.words == ((0, "vpipt"), (2, "vipt"), (3, "pipt"))
    assert (architecture.fields[1].high_bit, architecture.fields[1].low_bit) == (29, 29)
    assert architecture.environment[0].options[0] == ("el2", "entered at EL2")
    assert [item.otherwise for item in architecture.facts] == [None, False, False]
    assert architecture.simulation[0].otherwise == "host"
    assert architecture.assumptions[0].values[1] == ("ignored", "it does nothing")
    assert [item.signature for item in architecture.functions] == [
        "PAGE_SIZE",
        "granule_supported()",
    ]


def test_cpu() -> None:
    (cpu,) = load().cpus
    assert (cpu.implementer, cpu.parts, cpu.midrs) == (0x41, (0xD40,), (0x411FD401, 0x411FD402))
    fwb, dic, l1ip, _ = cpu.fields
    assert (fwb.value, fwb.confidence, fwb.sources) == (1, "trm", ("hrw-trm",))
    assert (dic.value, dic.confidence, dic.why_unknown) == (None, "unknown", "build-option")
    assert (l1ip.value, l1ip.confidence) == ("pipt", "inferred")
    assert cpu.registers == (("ctr_el0", 0xB444C004),)
    assert cpu.settled_by == (("dic", "neoverse-v1,dic=1 or zeus,dic=0"),)
    assert (cpu.aliases, cpu.groups) == (("zeus",), ("server",))


def test_capability() -> None:
    (capability,) = load().capabilities
    assert capability.assumes_patch == "v12"
    assert [item.name for item in capability.predicates] == ["v12", "upstream"]
    assert capability.requires[0].condition.because == "KVM is not built in"
    assert capability.scenario_options == (("guest", "no-exec"),)
    assert capability.claims[0].expected == (("*", "refuted"), ("7.3", "refuted"))
    assert capability.description.endswith("before the guest uses it.")
    assert [item.name for item in capability.series] == ["v12", "add-folio"]
    assert capability.mechanism("add-folio") == (("zap-at", "add-folio"), ("guest", "no-exec"))
    assert capability.alias_users is not None
    assert [item.answer for item in capability.alias_users.places] == ["modelled", "unreachable"]
    assert [item.function for item in capability.alias_users.stops] == ["vfree"]
    assert capability.alias_users.pages is not None
    assert capability.alias_users.pages.symbols == ("KVM_GUEST_MEMFD",)
    without = load({Kind.CAPABILITY: replace("assumes_patch: v12", "assumes_patch: null")})
    assert without.capabilities[0].assumes_patch is None


def test_a_capability_that_contradicts_itself() -> None:
    for old, new, said in (
        ("assumes_patch: v12", "assumes_patch: v13", "unknown version of the series `v13`"),
        ("operation: gmem_clear_page, ", "", "`operation` belongs to a place that is modelled"),
        ("answer: unreachable", "answer: refused, operation: gmem_zap", "this one is refused"),
    ):
        (found,) = errors({Kind.CAPABILITY: replace(old, new)})
        assert said in found.message


def test_study() -> None:
    (study,) = load().studies
    assert (study.capability, study.predicate) == ("gmem-no-direct-map", "v12")
    assert [item.kind for item in study.axes] == [
        "kernel",
        "cpu",
        "cpu",
        "kconfig",
        "kconfig",
        "boot",
        "environment",
    ]
    assert dict(study.baseline)["cpu"] == "free,fwb=1,l1ip=pipt"
    assert study.profiles[0].cell == ()
    assert study.profiles[1].cell == (("boot.rodata", "off,on"),)
    assert study.pivots[0].columns == ("kernel", "profiles")
    assert study.pivots[0].fixed == (("page_size", "64k"),)
    assert study.constraints[0].because == "a kernel boots only on a CPU with its granule"
    assert study.formats == ("html", "markdown")


def test_named_cells_are_command_lines_where_they_set_nothing_else() -> None:
    (study,) = load().studies
    assert study.profiles_title == "command line"
    kconfig = next(axis for axis in study.axes if axis.kind == "kconfig")
    named = replace_value(study.profiles[0], cell=((kconfig.name, kconfig.options[0].name),))
    assert replace_value(study, profiles=(named,)).profiles_title == "configuration"
