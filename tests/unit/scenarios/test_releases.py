"""The table of releases written from the fact pages against the shipped kernel profiles."""

from __future__ import annotations

import pytest

from matrix.scenarios.arm64.operations import OPERATIONS
from matrix.schema.compiled import knowledge
from matrix.schema.values import KernelProfile
from tests.unit.scenarios.by_inputs import WORDS
from tests.unit.scenarios.simulation_cases import releases

# The simulations are of arm64.
KERNELS = [profile for profile in knowledge().kernels if profile.arch == "arm64"]
PROFILES = [pytest.param(profile, id=profile.release) for profile in KERNELS]
# The fact pages are of these; the other profiles are held to their trees.
OF_FACT_PAGES = [one for one in PROFILES if one.id in releases()]


def test_the_fact_pages_are_of_seven_releases() -> None:
    assert len(OF_FACT_PAGES) == 7


@pytest.mark.parametrize("profile", OF_FACT_PAGES)
def test_mechanisms_agree_with_the_fact_pages(profile: KernelProfile) -> None:
    declared = {item.name: item.value for item in profile.mechanisms}
    read = releases()[profile.release]
    shared = declared.keys() & read.keys()
    assert shared >= {
        "split_gate",
        "invalid_encoding",
        "ic_ivau_fixup",
        "relax_perms_on_exec_fault",
    }
    assert {name: declared[name] for name in shared} == {name: read[name] for name in shared}


@pytest.mark.parametrize("profile", PROFILES)
def test_words_are_those_of_the_simulation(profile: KernelProfile) -> None:
    declared = {item.name: item.value for item in profile.mechanisms}
    for name in declared.keys() & WORDS.keys():
        assert declared[name] in WORDS[name]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_source_line_belongs_to_an_operation(profile: KernelProfile) -> None:
    names = {operation.name for operation in OPERATIONS}
    assert {item.operation for item in profile.operations} <= names
