from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from random import Random

import pytest
from hypothesis import assume as suppose
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field
from msgspec.structs import replace

from matrix.diagnostics import InputError, Severity, format_diagnostic
from matrix.expr.nodes import Scalar, Value
from matrix.expr.parser import parse
from matrix.kernel.cpu.detection import detect, detect_boot
from matrix.kernel.cpu.resolve import default_cpus, expand_group, groups, resolve_system
from matrix.kernel.cpu.system import CpuSystem, assume
from matrix.schema.cpu_fields import weakest
from tests.unit.kernel.hand_made import ARCHITECTURE, CAPS, CPUS, FIELDS, KNOWLEDGE
from tests.unit.kernel.kernel_cases import places, rows


class SpecRow(Struct, frozen=True, kw_only=True):
    id: str
    spec: str
    names: list[str]
    fields: list[Mapping[str, Value]] = field(default_factory=list)
    declared: list[list[str]] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)
    says: str = ""


class RefusedRow(Struct, frozen=True, kw_only=True):
    id: str
    spec: str
    errors: list[str]
    says: str = ""


class DetectionRow(Struct, frozen=True, kw_only=True):
    id: str
    spec: str
    cap: str
    value: bool | None
    fields: list[str]
    confidence: str
    undecided: list[list[str]] = field(default_factory=list)
    settled_by: list[str] = field(default_factory=list)
    says: str = ""


def resolve(spec: str) -> CpuSystem:
    return resolve_system(spec, KNOWLEDGE, ARCHITECTURE)


@pytest.mark.parametrize("row", rows(SpecRow, "cpu/spec.yaml"))
def test_a_spec_gives_its_cpus(row: SpecRow) -> None:
    system = resolve(row.spec)
    assert list(system.names) == row.names
    assert system.spec == "+".join(row.names)
    for cpu, expected in zip(system.cpus, row.fields, strict=False):
        found = {item.name: item.value for item in cpu.fields}
        assert {name: found[name] for name in expected} == expected
    if row.declared:
        assert [list(cpu.declared) for cpu in system.cpus] == row.declared
    assert places(system.diagnostics) == row.diagnostics
    assert all(item.severity is Severity.WARNING for item in system.diagnostics)
    assert row.says in " ".join(item.message for item in system.diagnostics)


@pytest.mark.parametrize("row", rows(SpecRow, "cpu/spec.yaml"))
def test_the_canonical_spec_means_the_same_system(row: SpecRow) -> None:
    system = resolve(row.spec)
    again = resolve(system.spec)
    assert again.cpus == system.cpus
    assert all(len(cpu.fields) == len(FIELDS) for cpu in system.cpus)


@pytest.mark.parametrize("row", rows(RefusedRow, "cpu/refused.yaml"))
def test_a_wrong_spec_is_refused_with_every_place(row: RefusedRow) -> None:
    with pytest.raises(InputError) as caught:
        resolve(row.spec)
    assert places(caught.value.diagnostics) == row.errors
    shown = "\n".join(format_diagnostic(item) for item in caught.value.diagnostics)
    assert row.says in shown
    assert shown.count("hint: ") == len(row.errors)


@pytest.mark.parametrize("row", rows(DetectionRow, "cpu/detection.yaml"))
def test_a_cap_is_detected_as_the_kernel_does(row: DetectionRow) -> None:
    found = detect(resolve(row.spec), CAPS)[row.cap]
    assert found.value is row.value
    assert list(found.fields) == row.fields
    assert found.confidence == row.confidence
    assert [list(pair) for pair in found.undecided] == row.undecided
    assert list(found.settled_by) == row.settled_by
    assert (found.reason is None) == (row.value is not None)
    assert row.says in (found.reason or "")


def test_the_boot_cpu_alone_answers_whatever_the_scope() -> None:
    system = resolve("little-core+acme-cloud1")
    everywhere, boot = detect(system, CAPS), detect_boot(system, CAPS)
    assert (everywhere["DIC"].value, boot["DIC"].value) == (False, False)
    turned = resolve("acme-cloud1+little-core")
    assert (detect(turned, CAPS)["DIC"].value, detect_boot(turned, CAPS)["DIC"].value) == (
        False,
        True,
    )
    assert detect_boot(turned, CAPS)["not_pipt"].value is False
    assert detect(turned, CAPS)["not_pipt"].value is True


def test_groups_are_those_declared() -> None:
    assert groups(KNOWLEDGE) == {
        "client": ("little-core",),
        "cloud": ("acme-cloud1",),
        "qemu": ("qemu-big-core", "qemu-max"),
        "server": ("big-core", "acme-cloud1", "young-core", "seen-core", "mystery"),
    }
    assert expand_group(" @Cloud", KNOWLEDGE) == ("acme-cloud1",)
    assert expand_group("big,dic=0", KNOWLEDGE) == ("big,dic=0",)
    assert default_cpus(KNOWLEDGE) == tuple(cpu.id for cpu in CPUS if "qemu" not in cpu.groups)


def test_an_unknown_group_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InputError) as caught:
        expand_group("@servers", KNOWLEDGE)
    assert places(caught.value.diagnostics) == ["MX0507 1:1"]
    assert "did you mean `@server`?" in str(caught.value.diagnostics[0].hint)


def test_the_weakest_confidence_is_the_last_in_order() -> None:
    assert weakest(["trm", "given", "log", "register"]) == "log"
    assert weakest([]) == "given"


def test_assuming_a_field_obeys_the_rules() -> None:
    system = resolve("big+free,idc=0")
    settled = assume(system, ARCHITECTURE, {(0, "dic"): 1})
    assert settled is not None
    assert settled.cpus[1] == system.cpus[1]
    assert detect(settled, CAPS)["DIC"].value is False
    assert assume(system, ARCHITECTURE, {(1, "dic"): 1}) is None


# --- laws -----------------------------------------------------------------------------------------


@st.composite
def _given(draw: st.DrawFn) -> dict[str, Scalar]:
    """Some settable fields with values of their domains."""
    return {
        item.name: draw(st.sampled_from(item.domain))
        for item in FIELDS
        if item.settable and draw(st.booleans())
    }


def _satisfies(values: Mapping[str, Scalar]) -> bool:
    """The three rules of the hand-made architecture, written out."""
    return (
        (values["dic"] == 0 or values["idc"] == 1)
        and (values["fwb"] == 0 or values["idc_effective"] == 1)
        and (values["idc"] == 0 or values["idc_effective"] == 1)
    )


def _completions(given_values: Mapping[str, Scalar]) -> list[dict[str, Scalar]]:
    domains = [
        (given_values[item.name],) if item.name in given_values else item.domain for item in FIELDS
    ]
    names = [item.name for item in FIELDS]
    every = (dict(zip(names, values, strict=True)) for values in product(*domains))
    return [values for values in every if _satisfies(values)]


@given(_given())
def test_known_is_what_every_permitted_completion_agrees_on(
    given_values: dict[str, Scalar],
) -> None:
    spec = ",".join(["free", *(f"{name}={value}" for name, value in given_values.items())])
    completions = _completions(given_values)
    try:
        system = resolve(spec)
    except InputError:
        assert not completions
        return
    assert completions
    for item in system.cpus[0].fields:
        possible = {values[item.name] for values in completions}
        assert possible == {item.value} if item.value is not None else len(possible) > 1


@given(_given(), st.sampled_from([cpu.id for cpu in CPUS]))
def test_more_knowledge_never_changes_a_known_answer(
    given_values: dict[str, Scalar], name: str
) -> None:
    before = resolve(name)
    known = {item.name: item.value for item in before.cpus[0].fields if item.value is not None}
    suppose(all(known.get(key, value) == value for key, value in given_values.items()))
    spec = ",".join([name, *(f"{key}={value}" for key, value in given_values.items())])
    try:
        after = resolve(spec)
    except InputError:
        return
    for cap, answer in detect(before, CAPS).items():
        if answer.value is not None and not after.diagnostics:
            assert detect(after, CAPS)[cap].value is answer.value


@given(st.lists(st.sampled_from([cpu.id for cpu in CPUS]), min_size=1, max_size=3), st.randoms())
def test_the_order_of_a_system_matters_to_the_boot_cpu_only(
    names: list[str], random: Random
) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)
    one, other = (detect(resolve("+".join(order)), CAPS) for order in (names, shuffled))
    for cap in CAPS:
        if cap.scope != "boot_cpu":
            assert one[cap.name].value is other[cap.name].value
            assert one[cap.name].confidence == other[cap.name].confidence


PIECES = st.sampled_from(
    [
        "big",
        "free",
        "qemu-max",
        "+",
        ",",
        "=",
        "dic",
        "idc",
        "midr",
        "ctr_el0",
        "l1ip",
        "pipt",
        "0",
        "1",
        "0x411fd401",
        "@server",
        " ",
        "\n",
        "é",
        "\ud800",
        "0b1",
        "9" * 70,
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=14).map("".join))
def test_any_text_is_a_system_or_refused_with_a_place(spec: str) -> None:
    try:
        system = resolve(spec)
    except InputError as error:
        diagnostics = error.diagnostics
        assert all(item.severity is Severity.ERROR for item in diagnostics)
    else:
        diagnostics = system.diagnostics
        assert resolve(system.spec).cpus == system.cpus
        assert len(detect(system, CAPS)) == len(CAPS)
    for item in diagnostics:
        assert item.location is not None
        assert item.location.column >= 1
        assert item.hint
        format_diagnostic(item).encode()


def test_a_rule_over_three_fields_is_broken_by_name() -> None:
    """What is given or implied never gets lost where it contradicts what is recorded."""
    rule = ARCHITECTURE.rules[0]
    text = "dic == 0 || vhe == 1 || bbm == 0"
    condition = replace(rule.condition, expression=parse(text), text=text)
    architecture = replace(
        ARCHITECTURE, rules=(*ARCHITECTURE.rules, replace(rule, id="three", condition=condition))
    )
    implied = resolve_system("acme-cloud1,bbm=1,vhe=0", KNOWLEDGE, architecture)
    assert places(implied.diagnostics) == ["MX0509 1:13"]  # both together leave dic=0 alone
    with pytest.raises(InputError) as caught:
        resolve_system("acme-cloud1,vhe=0", KNOWLEDGE, architecture)  # dic=1 and bbm=2 recorded
    assert places(caught.value.diagnostics) == ["MX0506 1:13"]
    assert f"`vhe=0`: the architecture demands `{text}`" in str(caught.value)
