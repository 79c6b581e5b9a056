"""What a review says of VM, page size and direct map, compared with cells answered one by one."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct

from matrix.analyze.cell.answering import settle
from matrix.analyze.cell.question import Completion
from matrix.analyze.proof.review import (
    GRANULARITY,
    equal_versions,
    granularity,
    page_sizes,
    present,
    vm_kinds,
)
from matrix.analyze.space.difference import asked_again
from matrix.analyze.space.study import SolvedStudy
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.flows.knowledge import Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.schema.values import PredicateVersion
from tests.unit.analyze.shipped_kernels import condition

STUDIES = Path(__file__).parents[2] / "cases" / "review" / "studies"
CHECKS = (
    "can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB)",
    "can_set_direct_map() && kvm_supports_cacheable_pfnmap()",
    'cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) && vm != "protected"',
    "PAGE_SIZE == 4096 && can_set_direct_map()",
    "true",
)


class Answered(Struct, frozen=True, dict=True):
    """A cell, its verdict, and the ways in which what is unknown of its CPU may be."""

    cell: Mapping[str, str]
    verdict: str
    completions: tuple[Completion, ...]

    def violating(self) -> list[Completion]:
        return [
            item for item in self.completions if item.leaf.result and item.leaf.result.violations
        ]

    def safe(self) -> list[Completion]:
        return [
            item
            for item in self.completions
            if item.leaf.result and not item.leaf.result.violations
        ]


def version(text: str) -> PredicateVersion:
    asked = condition(text)
    return PredicateVersion(
        name="mine", condition=asked, description="mine", location=asked.location
    )


@cache
def prepared() -> PreparedStudy:
    return prepare_study(Library((STUDIES,)), "paged")


@cache
def base() -> SolvedStudy:
    return prepared().solve()


@cache
def solved_under(text: str) -> SolvedStudy:
    return asked_again(base(), version(text))


@cache
def enumerated(text: str) -> tuple[Answered, ...]:
    """Answer every cell by itself; the check is a version that the library declares for it."""
    from msgspec.structs import replace

    from matrix.analyze.cell.question import lower_question

    study = prepared()
    questions = {
        profile.id: lower_question(
            study.library.program(profile), study.capability, version(text), study.study.constraints
        )
        for profile in study.kernels
    }
    study = replace(study, questions=questions)
    names = [axis.name for axis in study.study.axes]
    options = [[option.name for option in axis.options] for axis in study.study.axes]
    found = []
    for chosen in itertools.product(*options):
        cell = dict(zip(names, chosen, strict=True))
        answer = study.answer(cell)
        if answer is not None:
            question, concrete, _ = study.cell(cell)
            completions = settle(question, concrete, study.behaviours)
            found.append(Answered(cell, str(answer.verdict), completions))
    return tuple(found)


def without(cell: Mapping[str, str], axis: str) -> tuple[tuple[str, str], ...]:
    return tuple(item for item in cell.items() if item[0] != axis)


def agree(one: Completion, other: Completion) -> bool:
    """Tell whether two completions can be of one CPU."""
    there = dict(other.assigned)
    return all(there.get(atom, value) == value for atom, value in one.assigned)


@pytest.mark.parametrize("text", CHECKS)
def test_the_kinds_of_vm_are_those_that_differ(text: str) -> None:
    answered = [item for item in enumerated(text) if item.verdict != "absent"]
    usual = {without(item.cell, "vm"): item for item in answered if item.cell["vm"] == "default"}
    machines: dict[str, Counter[frozenset[str]]] = {}
    for item in answered:
        beside = usual.get(without(item.cell, "vm"))
        if item.cell["vm"] == "default" or beside is None:
            continue
        broken = {
            frozenset(found.invariant for found in one.leaf.result.violations)
            for one in item.violating()
            if one.leaf.result and any(agree(one, other) for other in beside.safe())
        }
        for invariants in broken:
            machines.setdefault(item.cell["vm"], Counter())[invariants] += 1
    found = vm_kinds(solved_under(text), "vm", present(solved_under(text), base().valid))
    assert sorted((item.kind, item.machines) for item in found) == sorted(
        (kind, number) for kind, counted in machines.items() for number in counted.values()
    )
    assert {item.kind for item in found} == {"protected"}, "the point of the function's argument"


@pytest.mark.parametrize("text", CHECKS)
def test_page_sizes_are_compared_pair_by_pair(text: str) -> None:
    small, large = (
        {
            without(item.cell, "page_size"): item.verdict
            for item in enumerated(text)
            if item.cell["page_size"] == size and item.verdict != "absent"
        }
        for size in ("4k", "16k")
    )
    both = small.keys() & large.keys()
    found = page_sizes(solved_under(text), present(solved_under(text), base().valid))
    assert found is not None
    assert found.sizes == (4096, 16384)
    assert found.compared == len(both)
    assert found.differing == sum(small[key] != large[key] for key in both)
    assert bool(found.differing) == ("PAGE_SIZE" in text)


@pytest.mark.parametrize("text", CHECKS)
def test_who_keeps_the_direct_map_changeable(text: str) -> None:
    cells = admitted = 0
    for item in enumerated(text):
        stuck = [
            one
            for one in item.violating()
            if one.leaf.result
            and any(found.invariant in GRANULARITY for found in one.leaf.result.violations)
        ]
        cells += bool(stuck) and item.verdict != "absent"
        admitted += any(one.leaf.predicate for one in stuck)
    found = granularity(solved_under(text), present(solved_under(text), base().valid))
    assert (found.cells, found.admitted) == (cells, admitted)
    assert cells
    assert ("can_set_direct_map()" in found.keepers) == ("can_set_direct_map()" in text)
    if "can_set_direct_map()" in found.keepers:
        assert dict(found.sources)["can_set_direct_map()"] == (
            "arch/arm64/mm/pageattr.c:90-103 in 7.3"
        )


def test_equal_versions_are_equal_in_every_cell() -> None:
    swapped = to_c(parse("cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) && can_set_direct_map()"))
    within = present(base(), base().valid)
    named = [(text, solved_under(text)) for text in CHECKS]
    assert equal_versions(solved_under(swapped), named, within) == (CHECKS[0],)
