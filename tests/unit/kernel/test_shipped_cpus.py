"""The CPU resolver on the shipped declarations: booted kernels, worked examples, every CPU."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from matrix.kernel.cpu.detection import detect
from matrix.kernel.cpu.resolve import default_cpus, expand_group, groups, resolve_system
from matrix.kernel.cpu.system import CpuSystem
from matrix.schema.compiled import knowledge
from matrix.schema.values import CpuCap, Knowledge
from tests.unit.kernel.kernel_cases import rows


class ShippedRow(Struct, frozen=True, kw_only=True):
    id: str
    spec: str
    release: str
    caps: Mapping[str, bool | None]
    settles: str = ""


@pytest.fixture(scope="module")
def shipped() -> Knowledge:
    """Return what is shipped of arm64, whose SPECs and MIDRs these are."""
    every = knowledge()
    return replace(
        every,
        architectures=tuple(item for item in every.architectures if item.id == "arm64"),
        kernels=tuple(item for item in every.kernels if item.arch == "arm64"),
        cpus=tuple(item for item in every.cpus if item.arch == "arm64"),
    )


def _resolve(spec: str, shipped: Knowledge) -> CpuSystem:
    (architecture,) = shipped.architectures
    return resolve_system(spec, shipped, architecture)


def _caps(release: str, shipped: Knowledge) -> tuple[CpuCap, ...]:
    (profile,) = [item for item in shipped.kernels if item.release == release]
    (architecture,) = shipped.architectures
    return (*architecture.cpucaps, *profile.cpucaps)


@pytest.mark.parametrize("row", rows(ShippedRow, "cpu/shipped.yaml"))
def test_shipped_cpus_are_detected_as_recorded(row: ShippedRow, shipped: Knowledge) -> None:
    answers = detect(_resolve(row.spec, shipped), _caps(row.release, shipped))
    assert {name: answers[name].value for name in row.caps} == row.caps
    unknown = [answers[name] for name, value in row.caps.items() if value is None]
    assert bool(unknown) == bool(row.settles)
    if unknown:
        assert row.settles in [spec for answer in unknown for spec in answer.settled_by]
        assert all(answer.reason and answer.undecided for answer in unknown)


def test_every_shipped_cpu_resolves_without_a_complaint(shipped: Knowledge) -> None:
    assert shipped.cpus
    for cpu in shipped.cpus:
        for name in (cpu.id, *cpu.aliases):
            system = _resolve(name, shipped)
            assert system.names == (cpu.id,)
            assert not system.diagnostics
        declared = {item.name: item.value for item in cpu.fields}
        for item in system.cpus[0].fields:
            assert declared.get(item.name) in (None, item.value), (cpu.id, item.name)


def test_what_is_said_to_settle_a_field_knows_it(shipped: Knowledge) -> None:
    checked = 0
    for cpu in shipped.cpus:
        for field, specs in _resolve(cpu.id, shipped).cpus[0].settled_by:
            for spec in specs.split(" or "):
                found = _resolve(spec, shipped).cpus[0].field(field)
                assert found is not None
                assert found.value is not None, (cpu.id, field, spec)
                checked += 1
    assert checked


def test_groups_hold_cpus_and_the_default_leaves_out_qemu(shipped: Knowledge) -> None:
    assert {"server", "client", "qemu"} <= set(groups(shipped))
    models = expand_group("@qemu", shipped)
    assert all(name.startswith("qemu-") for name in models)
    assert len(default_cpus(shipped)) + len(models) == len(shipped.cpus)


# What the booted kernels' own "CPU features: detected" lines say, by the name in the oracle.
SEEN = {
    "fwb": "ARM64_HAS_STAGE2_FWB",
    "idc": "ARM64_HAS_CACHE_IDC",
    "dic": "ARM64_HAS_CACHE_DIC",
}


def _spec_of(qemu_cpu: str) -> str:
    """Return the SPEC of a `-cpu` option; QEMU's other properties change no field here."""
    model, *properties = qemu_cpu.split(",")
    kept = [item for item in properties if item.startswith("midr=")]
    assert {item.partition("=")[0] for item in properties} <= {"midr", "sme", "lpa2"}
    return ",".join([f"qemu-{model}", *kept])


def test_booted_kernels_detected_the_same(shipped: Knowledge, booted_extract: Path) -> None:
    with lzma.open(booted_extract / "oracle.jsonl.xz", "rt") as stream:
        boots = [json.loads(line) for line in stream]
    compared = 0
    for boot in boots:
        (release,) = re.findall(r"^t?(\d+\.\d+)", boot["kernel"])
        caps = _caps(release, shipped)
        answers = detect(_resolve(_spec_of(boot["cpu"]), shipped), caps)
        for key, cap in SEEN.items():
            if boot[key] is not None:
                assert answers[cap].value is boot[key], (boot["id"], key)
                compared += 1
        bbml = [cap.name for cap in caps if "BBML" in cap.name]
        detected = any(answers[name].value for name in bbml)
        assert detected == (boot["bbml"] is not None), boot["id"]
    assert compared > 3 * len(boots) * 0.9
