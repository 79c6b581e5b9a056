"""Rows of `tests/cases/simulation`, and simulation inputs built from a release and a few words.

The releases' mechanisms come from `releases.yaml`, written from the fact pages, not from a profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields
from ruamel.yaml import YAML

from matrix.scenarios import scenario
from matrix.scenarios.arm64.inputs import PageInputs

CASES = Path(__file__).resolve().parents[2] / "cases" / "simulation"
_CAPABILITY = CASES.parents[2] / "configs" / "capabilities" / "gmem-no-direct-map.yaml"

Setting = bool | int | str


class Expected(Struct, frozen=True, kw_only=True):
    """A finding that must come out, its events when the shortest trace is known, and operations.

    `operations` must occur in this order in the last event; `detail` somewhere in its details.
    """

    name: str
    assumption: str | None = None
    events: list[str] | None = None
    operations: list[str] = field(default_factory=list)
    detail: str = ""


class Case(Struct, frozen=True, kw_only=True):
    """One row: where the fact stands, the releases and inputs it holds for, what must come out.

    `series` is a declared version of the series; `options` are all that result.
    """

    id: str
    facts: str
    releases: list[str]
    series: str = ""
    map: str = "pages"
    inputs: dict[str, Setting] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    violations: list[Expected] = field(default_factory=list)
    advisories: list[str] = field(default_factory=list)
    not_advisories: list[str] = field(default_factory=list)


class Rehearsed(Struct, frozen=True, kw_only=True):
    """One row: a chosen order of events, what its last event finds, and the operations it does.

    `exactly` are all operations of the last event; `after` words of the state it leaves.
    """

    id: str
    facts: str
    releases: list[str]
    events: list[str]
    finds: list[str]
    map: str = "pages"
    inputs: dict[str, Setting] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    assumption: str = "faults"
    operations: list[str] = field(default_factory=list)
    exactly: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    after: dict[str, str] = field(default_factory=dict)
    detail: str = ""


# The linear map by what map_mem() was told and what the kernel may do later (fact page 1.2).
MAPS: dict[str, dict[str, Setting]] = {
    "pages": {
        "map_mem_forces_ptes": True,
        "can_set_direct_map": True,
        "set_direct_map_guard": True,
        "linear_map_requires_bbml": False,
        "system_supports_bbml": False,
        "force_pte_mapping": True,
    },
    "split": {
        "map_mem_forces_ptes": False,
        "can_set_direct_map": True,
        "set_direct_map_guard": True,
        "linear_map_requires_bbml": True,
        "system_supports_bbml": True,
        "force_pte_mapping": False,
    },
    "split-at-boot": {
        "map_mem_forces_ptes": False,
        "can_set_direct_map": True,
        "set_direct_map_guard": True,
        "linear_map_requires_bbml": True,
        "system_supports_bbml": False,
        "force_pte_mapping": True,
    },
    "blocks": {
        "map_mem_forces_ptes": False,
        "can_set_direct_map": False,
        "set_direct_map_guard": False,
        "linear_map_requires_bbml": False,
        "system_supports_bbml": False,
        "force_pte_mapping": False,
    },
    "pages-without-guard": {
        "map_mem_forces_ptes": True,
        "can_set_direct_map": False,
        "set_direct_map_guard": False,
        "linear_map_requires_bbml": False,
        "system_supports_bbml": False,
        "force_pte_mapping": True,
    },
    "realm-hole": {
        "map_mem_forces_ptes": False,
        "can_set_direct_map": True,
        "set_direct_map_guard": True,
        "linear_map_requires_bbml": False,
        "system_supports_bbml": False,
        "force_pte_mapping": True,
    },
    "realm-hole-bbml": {
        "map_mem_forces_ptes": False,
        "can_set_direct_map": True,
        "set_direct_map_guard": True,
        "linear_map_requires_bbml": False,
        "system_supports_bbml": True,
        "force_pte_mapping": False,
    },
}

# A machine on which v12 is right: FWB, DIC, PIPT, VHE, a default VM, 4K pages.
_SOUND: dict[str, Setting] = {
    "page_shift": 12,
    "debug_pagealloc": False,
    "fwb": True,
    "dic": True,
    "icache_is_aliasing": False,
    "icache_is_vpipt": False,
    "icache_min_line_shift": 4,
    "host_at_el2": True,
    "stage2_owner": "host",
    "pkvm_flush_tests_fwb": True,
    "executable_if_dic": True,
    "vm": "default",
    "vncr_mapped": False,
    "scenario": "gmem",
}


_FIELDS = frozenset(field.name for field in fields(PageInputs))


@cache
def releases() -> dict[str, dict[str, Setting]]:
    loaded: dict[str, dict[str, Setting]] = _load("releases.yaml")
    return loaded


def inputs_of(
    release: str = "7.3",
    linear_map: str = "pages",
    settings: Mapping[str, Setting] | None = None,
    options: Mapping[str, str] | None = None,
) -> PageInputs:
    """Return the inputs of a release with this map; `settings` replace single fields.

    `pkvm` among the settings: booted with kvm-arm.mode=protected, which decides who owns stage 2.
    """
    mechanisms = dict(releases()[release])
    owns = mechanisms.pop("pkvm_owns_guest_stage2")
    chosen = dict(settings or {})
    skips = mechanisms.pop("pkvm_skips_vcpu_flush")
    if chosen.pop("pkvm", False):
        chosen |= {"stage2_owner": "hyp" if owns else "host", "host_at_el2": False}
        chosen["vcpu_load_flushes"] = not skips
    values = {**_SOUND, **MAPS[linear_map], **mechanisms, **chosen}
    assert set(values) <= _FIELDS, f"no such inputs: {sorted(set(values) - _FIELDS)}"
    known = scenario(str(values["scenario"])).chosen((options or {}).items())
    return PageInputs(**values, variant=known)  # type: ignore[arg-type]


@cache
def series() -> dict[str, dict[str, str]]:
    """Return what each declared version of the series does, as options."""
    declared = YAML(typ="safe", pure=True).load(_CAPABILITY.read_text("utf-8"))["series"]
    return {name: version.get("options", {}) for name, version in declared.items()}


def cases() -> list[Case]:
    rows: list[dict[str, Any]] = [*_load("findings.yaml"), *_load("series.yaml")]
    return [_case(row) for row in rows]


def rehearsals() -> list[Rehearsed]:
    rows: list[dict[str, Any]] = _load("orders.yaml")
    return [Rehearsed(**row) for row in rows]


def subsequence(wanted: Iterable[str], got: Iterable[str]) -> bool:
    """Say whether `wanted` occurs in `got` in this order, with anything between."""
    rest = iter(got)
    return all(item in rest for item in wanted)


def _case(row: dict[str, Any]) -> Case:
    violations = [Expected(**item) for item in row.pop("violations", [])]
    version = series()[row["series"]] if "series" in row else {}
    options = version | row.pop("options", {})
    return Case(**row, options=options, violations=violations)


def _load(file: str) -> Any:
    return YAML(typ="safe", pure=True).load((CASES / file).read_text("utf-8"))
