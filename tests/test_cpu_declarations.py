"""The shipped CPU declarations against the recorded facts, their own registers and each other.

An oracle of its own: the YAML is read with ruamel and the registers are decoded here, so that the
loader, the schema and the CPU resolver of the tool are not believed. Hand-resolved values and the
expected lists stand in `tests/data/cpus-resolved.yaml` and `tests/data/cpus-expected.yaml`.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec import Struct
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "configs" / "cpus"
DATA = ROOT / "tests" / "data"

FIELDS = ["fwb", "idc", "idc_effective", "dic", "l1ip", "imin", "bbm", "vhe", "mte", "nv"]
FIELDS += ["tgran4", "tgran16", "tgran64", "csv3", "e0pd"]
KEYS = ["id", "name", "vendor", "arch", "aliases", "groups", "midr", "fields", "registers"]
KEYS += ["settled_by", "notes"]
CONFIDENCE = {
    "register value from source": "register",
    "TRM statement": "trm",
    "dmesg log": "log",
    "inferred from architecture version": "inferred",
}

Cell = int | str | None


class Field(Struct, frozen=True, kw_only=True):
    """One field as declared; `unknown` says why where the value is not known."""

    value: Cell = None
    unknown: str | None = None
    confidence: str | None = None
    sources: tuple[str, ...] = ()


class Declared(Struct, frozen=True, kw_only=True):
    """One CPU file. `behind` holds confidence and sources of each register, from its comment."""

    id: str
    aliases: tuple[str, ...]
    groups: tuple[str, ...]
    models: tuple[tuple[Cell, int], ...]  # implementer and part
    seen: tuple[int, ...]
    fields: Mapping[str, Field]
    registers: Mapping[str, int]
    behind: Mapping[str, tuple[str, tuple[str, ...]]]
    settled_by: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]

    @property
    def values(self) -> dict[str, Cell]:
        return {name: field.value for name, field in self.fields.items()}


def read(path: Path) -> object:
    result: object = YAML(typ="safe").load(path)
    return result


def mapping(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return {str(key): item for key, item in value.items()}


def rows(value: object) -> list[object]:
    assert isinstance(value, list)
    return list(value)


def words(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in rows(value or []))


def numbers(value: object) -> tuple[int, ...]:
    return tuple(number(item) for item in rows(value or []))


def number(value: object) -> int:
    assert type(value) is int  # not a bool, not a quoted number
    return value


def cell(value: object) -> Cell:
    return value if isinstance(value, str) or value is None else number(value)


def field_of(declared: Mapping[str, object]) -> Field:
    """Read one field: a value or why it is unknown, never both."""
    key = "unknown" if "unknown" in declared else "value"
    needed = {"unknown"} if key == "unknown" else {"value", "confidence", "sources"}
    assert needed <= set(declared) <= needed | {"sources", "note"}
    sources = words(declared.get("sources"))
    if key == "unknown":
        assert declared[key] in {"unrecorded", "build-option"}
        return Field(unknown=str(declared[key]), sources=sources)
    assert declared["confidence"] in CONFIDENCE.values()
    assert sources
    confidence = str(declared["confidence"])
    return Field(value=cell(declared[key]), confidence=confidence, sources=sources)


# A register line says what stands behind its value: `ctr_el0: 0x84448004  # register: fc-v1`.
_REGISTER = re.compile(r"^  (\w+_el[01]): 0x[0-9a-f]+  # (\w+): (\S+(?:, \S+)*)$", re.MULTILINE)


def declared_in(path: Path) -> Declared:
    """Read one CPU file; an unknown key, a field out of place or a missing one fails."""
    document = mapping(read(path))
    assert [key for key in KEYS if key in document] == list(document), path.name
    midr, fields = mapping(document.get("midr") or {}), mapping(document["fields"])
    registers = mapping(document.get("registers") or {})
    behind = _REGISTER.findall(path.read_text("utf-8"))
    assert (list(fields), document["id"]) == (FIELDS, path.stem)
    assert [name for name, _, _ in behind] == list(registers), path.name
    implementer = cell(midr.get("implementer"))
    return Declared(
        id=path.stem,
        aliases=words(document.get("aliases")),
        groups=words(document["groups"]),
        models=tuple((implementer, part) for part in numbers(midr.get("parts"))),
        seen=numbers(midr.get("seen")),
        fields={name: field_of(mapping(field)) for name, field in fields.items()},
        registers={name: number(value) for name, value in registers.items()},
        behind={name: (firm, tuple(sources.split(", "))) for name, firm, sources in behind},
        settled_by={k: words(v) for k, v in mapping(document.get("settled_by") or {}).items()},
        notes=words(document.get("notes")),
    )


# The facts, registers and lists here are arm64's.
PATHS = [path for path in sorted(FOLDER.glob("*.yaml")) if "\narch: arm64\n" in path.read_text()]
CPUS = {path.stem: declared_in(path) for path in PATHS}
BY_NAME = {name: cpu for cpu in CPUS.values() for name in (cpu.id, *cpu.aliases)}
RESOLVED = mapping(read(DATA / "cpus-resolved.yaml"))
EXPECTED = mapping(read(DATA / "cpus-expected.yaml"))


def resolved(table: str, key: str) -> dict[tuple[str, str], dict[str, object]]:
    """Return the rows of one table of hand-resolved values by CPU and another column."""
    table_rows = [mapping(row) for row in rows(RESOLVED[table])]
    return {(str(row["cpu"]), str(row[key])): row for row in table_rows}


def bits(value: int, high: int, low: int) -> int:
    return (value >> low) & ((1 << (high - low + 1)) - 1)


# Register, highest and lowest bit, and the meaning where it is not the number itself (Arm ARM).
_L1IP = {0: "vpipt", 1: "aivivt", 2: "vipt", 3: "pipt"}
_DECODE: dict[str, tuple[str, int, int, Mapping[int, Cell]]] = {
    "fwb": ("id_aa64mmfr2_el1", 43, 40, {}),
    "idc": ("ctr_el0", 28, 28, {}),
    "dic": ("ctr_el0", 29, 29, {}),
    "l1ip": ("ctr_el0", 15, 14, {**_L1IP}),
    "imin": ("ctr_el0", 3, 0, {}),
    "bbm": ("id_aa64mmfr2_el1", 55, 52, {}),
    "vhe": ("id_aa64mmfr1_el1", 11, 8, {}),
    "mte": ("id_aa64pfr1_el1", 11, 8, {}),
    "nv": ("id_aa64mmfr2_el1", 27, 24, {}),
    "tgran4": ("id_aa64mmfr0_el1", 31, 28, {0: 1, 1: 1, 15: 0}),  # 1: with LPA2
    "tgran16": ("id_aa64mmfr0_el1", 23, 20, {0: 0, 1: 1, 2: 1}),  # 2: with LPA2
    "tgran64": ("id_aa64mmfr0_el1", 27, 24, {0: 1, 15: 0}),
    "csv3": ("id_aa64pfr0_el1", 63, 60, {}),
    "e0pd": ("id_aa64mmfr2_el1", 63, 60, {}),
}


def decoded(registers: Mapping[str, int]) -> dict[str, Cell]:
    """Return every field that the registers at hand decide."""
    result: dict[str, Cell] = {}
    for name, (register, high, low, meaning) in _DECODE.items():
        if register in registers:
            raw = bits(registers[register], high, low)
            result[name] = meaning[raw] if meaning else raw
    clidr = registers.get("clidr_el1")
    if clidr is not None and "idc" in result:
        loc, louis, louu = bits(clidr, 26, 24), bits(clidr, 23, 21), bits(clidr, 29, 27)
        nothing_to_clean = loc == 0 or (louis == 0 and louu == 0)
        result["idc_effective"] = 1 if result["idc"] == 1 or nothing_to_clean else 0
    return result


def expected_list(cpu: Declared) -> str:
    """Return the list of `cpus-expected.yaml` in which a CPU belongs."""
    fwb, dic = ("unknown" if cpu.values[n] is None else cpu.values[n] for n in ("fwb", "dic"))
    return "qemu" if "qemu" in cpu.groups else f"fwb_{fwb}_dic_{dic}"


def test_the_expected_cpus_are_declared_with_the_expected_fwb_and_dic() -> None:
    lists = {key: words(value) for key, value in EXPECTED.items() if key != "aliases"}
    expected = {name: key for key, names in lists.items() for name in names}
    assert {cpu.id: expected_list(cpu) for cpu in CPUS.values()} == expected
    assert len(CPUS) == sum(map(len, lists.values())) >= 70 + 12


def test_names_are_unique_and_short_names_mean_the_expected_cpu() -> None:
    assert len(BY_NAME) == sum(1 + len(cpu.aliases) for cpu in CPUS.values())
    meant = {name: cpu.id for name, cpu in BY_NAME.items()}
    assert mapping(EXPECTED["aliases"]).items() <= meant.items()


@pytest.mark.parametrize("cpu", CPUS.values(), ids=CPUS.keys())
def test_groups_midrs_and_the_rules_of_the_architecture(cpu: Declared) -> None:
    markets = {"server", "client", "embedded"}
    assert cpu.groups == ("qemu",) if cpu.id.startswith("qemu-") else markets & set(cpu.groups)
    assert {(bits(midr, 31, 24), bits(midr, 15, 4)) for midr in cpu.seen} <= set(cpu.models)
    value = cpu.values
    assert value["dic"] != 1 or value["idc"] == 1
    assert value["fwb"] != 1 or value["idc_effective"] == 1
    assert value["idc"] != 1 or value["idc_effective"] == 1


def test_known_values_are_in_the_domain_of_the_architecture() -> None:
    architecture = mapping(read(ROOT / "configs" / "architectures" / "arm64.yaml"))
    declared = {str(row["name"]): row for row in map(mapping, rows(architecture["fields"]))}
    # Behind them: what firmware sets, which no CPU file can know.
    assert list(declared)[: len(FIELDS)] == FIELDS
    for name in FIELDS:
        row = declared[name]
        known = {cpu.values[name] for cpu in CPUS.values()} - {None}
        # A domain lists what an unknown field may be; A64FX has lines of 256 bytes all the same.
        odd = {6} if name == "imin" else set()
        assert known - odd <= {cell(value) for value in rows(row["domain"])}, name


def test_registers_decode_to_the_fields() -> None:
    found = {
        (cpu.id, name, value)
        for cpu in CPUS.values()
        for name, value in decoded(cpu.registers).items()
        if value != cpu.values[name]
    }
    table = resolved("one_build", "field").items()
    assert found == {(*key, cell(row["decoded"])) for key, row in table}
    assert all(CPUS[cpu].values[name] is None for cpu, name, _ in found)


def test_every_source_is_declared_and_used() -> None:
    used: set[str] = set()
    for cpu in CPUS.values():
        used |= {source for field in cpu.fields.values() for source in field.sources}
        used |= {source for _, sources in cpu.behind.values() for source in sources}
        used |= {source for note in cpu.notes for source in re.findall(r"\[([\w.-]+)\]", note)}
    declared = mapping(mapping(read(FOLDER / "sources.yaml"))["sources"])
    assert used == set(declared)
    for source in map(mapping, declared.values()):
        assert {"kind", "reference"} <= set(source) <= {"kind", "reference", "note"}


def test_what_settles_an_unknown_field_is_a_value_of_it_or_a_cpu_of_that_model() -> None:
    for cpu in CPUS.values():
        for field, specs in cpu.settled_by.items():
            assert cpu.values[field] is None
            for name, _, setting in (spec.partition(",") for spec in specs):
                other = BY_NAME[name]
                assert set(other.models) & set(cpu.models)
                assert other.values[field] is not None or re.fullmatch(rf"{field}=\d", setting)


_WORDS: dict[str, Callable[[object], Cell]] = {
    "imin": lambda value: {64: 4, 256: 6}[number(value)],  # log2 of 4-byte words
    "l1ip": lambda value: str(value).lower(),
    "tgran4": lambda value: {"no": 0, "4K": 1}[str(value)],
    "tgran16": lambda value: {"no": 0, "16K": 1}[str(value)],
    "tgran64": lambda value: {"no": 0, "64K": 1}[str(value)],
}


def source_ids(record: Mapping[str, object]) -> tuple[str, ...]:
    """Return the sources of a record; ids are lower case here (`fbsd-d24853`)."""
    return tuple(word.lower() for word in words(record["source"]))


def recorded(name: str, feature: Mapping[str, object], row: Mapping[str, object] | None) -> Field:
    """Return what a record of the facts says; `row` resolves one that needs a reader."""
    assert row is None or row["recorded"] == feature["value"]
    sources = source_ids(feature)
    if (row and "unknown" in row) or (not row and feature["value"] == "unknown"):
        return Field(unknown=str(row["unknown"]) if row else "unrecorded", sources=sources)
    value = cell(row["value"]) if row else _WORDS.get(name, cell)(feature["value"])
    confidence = CONFIDENCE[str(feature["confidence"])]
    return Field(value=value, confidence=confidence, sources=sources)


def recorded_cpus(shared_data: Path) -> list[dict[str, object]]:
    facts = mapping(read(shared_data / "facts" / "cpus.yaml"))
    return [mapping(record) for record in rows(facts["cpus"])]


# Fields that the facts have no row for: the top four bits of a register that they have.
_REGISTER_OF = {"csv3": "pfr0", "e0pd": "mmfr2"}
# Arm names the core as affected, and QEMU sets the bit in a register of which the facts have none.
_NOT_IN_REGISTERS = {
    ("cortex-a75", "csv3"): Field(unknown="build-option", sources=("hrw-trm", "arm-meltdown")),
    ("qemu-max", "csv3"): Field(value=1, confidence="register", sources=("qemu-10.2.2",)),
}


def from_register(cpu: Declared, name: str, record: Mapping[str, object]) -> Field:
    """Return a field as the recorded register or the version of the architecture says."""
    entry = mapping(record.get("registers") or {}).get(_REGISTER_OF[name])
    if (cpu.id, name) in _NOT_IN_REGISTERS:
        return _NOT_IN_REGISTERS[cpu.id, name]
    if entry is not None:
        confidence = CONFIDENCE[str(mapping(entry)["confidence"])]
        value = int(str(mapping(entry)["value"]), 16) >> 60
        return Field(value=value, confidence=confidence, sources=source_ids(mapping(entry)))
    # FEAT_E0PD is of Armv8.5, and nothing before Armv8.4 may have it.
    if name == "e0pd" and re.match(r"v8\.[0-3]", str(record.get("arch"))):
        return Field(value=0, confidence="inferred", sources=("arch",))
    return Field(unknown="unrecorded")


def test_fields_equal_the_facts(shared_data: Path) -> None:
    by_hand = resolved("fields", "field")
    renamed = {"bbm": "bbm_level", "imin": "imin_bytes"}
    for record in recorded_cpus(shared_data):
        cpu, features = CPUS[str(record["id"])], mapping(record["features"])
        for name, field in cpu.fields.items():
            if name in _REGISTER_OF:
                assert field == from_register(cpu, name, record), (cpu.id, name)
                continue
            feature = mapping(features[renamed.get(name, name)])
            assert field == recorded(name, feature, by_hand.pop((cpu.id, name), None)), cpu.id
    assert not by_hand


def test_midrs_and_registers_equal_the_facts(shared_data: Path) -> None:
    by_hand = resolved("parts", "recorded")
    renamed = {"ctr": "ctr_el0", "clidr": "clidr_el1"}
    for record in recorded_cpus(shared_data):
        cpu, midr = CPUS[str(record["id"])], mapping(record["midr"])
        implementer, part = str(midr["implementer"]), str(midr["part"])
        row = by_hand.pop((cpu.id, part), None)
        parts = numbers(row["parts"]) if row else [int(n, 16) for n in [part] if n != "unknown"]
        assert cpu.models == tuple((int(implementer, 16), n) for n in parts)
        assert cpu.seen == tuple(int(value, 16) for value in words(midr["seen"]))
        registers = {name: (value, *cpu.behind[name]) for name, value in cpu.registers.items()}
        assert registers == {
            renamed.get(name, f"id_aa64{name}_el1"): (
                int(str(entry["value"]), 16),
                CONFIDENCE[str(entry["confidence"])],
                source_ids(entry),
            )
            for name, value in mapping(record.get("registers") or {}).items()
            for entry in [mapping(value)]
        }
    assert not by_hand


def test_qemu_models_equal_the_facts(shared_data: Path) -> None:
    models = [mapping(row) for row in rows(read(shared_data / "facts" / "qemu-cpus.yaml"))]
    assert {str(model["name"]) for model in models} == {*words(EXPECTED["qemu"])} - {"qemu-max"}
    for model in models:
        cpu = CPUS[str(model.pop("name"))]
        registers = {name: int(str(value), 16) for name, value in model.items()}
        assert cpu.seen == (registers.pop("midr"),)
        assert cpu.registers == registers
        assert cpu.values == decoded(registers)


def test_booted_kernels_saw_the_declared_qemu_models(shared_data: Path) -> None:
    with lzma.open(shared_data / "data" / "booted" / "oracle.jsonl.xz") as lines:
        booted = [mapping(json.loads(line)) for line in lines]
    assert len(booted) > 300
    for row in booted:
        model, _, option = str(row["cpu"]).partition(",")
        cpu = CPUS[f"qemu-{model}"]
        # CTR_EL0 was read at EL0, where the kernel shows the effective IDC (bit 28).
        effective_idc = number(cpu.values["idc_effective"]) << 28
        assert int(str(row["ctr_el0"]), 16) == cpu.registers["ctr_el0"] | effective_idc
        assert option.startswith("midr=") or int(str(row["midr"]), 16) in cpu.seen
        for name, field in (("fwb", "fwb"), ("idc", "idc_effective"), ("dic", "dic")):
            assert row[name] == (cpu.values[field] == 1), (row["id"], name)
