"""The mutation script on a few mutants, and its list of survivors; the whole run is by hand."""

from __future__ import annotations

import pytest

from tests.mutation.mutate_simulation import SHARE, accepted, mutants, survives

KILLED = [
    "without direct_map_invalidate",
    "without gmem_zap_flush_tlb",
    "without map_invalidate_icache",
    "without mmu_invalidate_retry",
    "without gmem_restore",
    "flip unless `FWB` of dcache_clean_inval_poc",
    "flip unless `DIC` of icache_inval_pou",
    "flip when `can_set_direct_map() inside set_direct_map_*()` of direct_map_invalidate",
]


def test_there_are_mutants_of_every_kind_and_no_two_alike() -> None:
    names = [mutant.name for mutant in mutants()]
    assert len(names) == len(set(names))
    assert any(name.startswith("without ") for name in names)
    assert any(name.startswith("flip when ") for name in names)
    assert any(name.startswith("flip unless ") for name in names)


@pytest.mark.parametrize("start", KILLED)
def test_a_mutant_is_killed(start: str) -> None:
    mutant = next(item for item in mutants() if item.name.startswith(start))
    assert not survives(mutant)


def test_accepted_survivors_exist_and_have_a_reason() -> None:
    names = {mutant.name for mutant in mutants()}
    assert accepted().keys() <= names
    assert all(len(reason) > 40 for reason in accepted().values())
    assert len(accepted()) <= SHARE * len(names)
