"""The synthesised predicate: the expected one, sound when asked again, minimal by truth table."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.analyze.cell.question import lower_question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.proof.synthesis import (
    Combination,
    Synthesis,
    declared_synthesis,
    factored,
    minimise,
    synthesise,
)
from matrix.analyze.space.difference import asked_again
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import InputError
from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call, Expression, Name
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.solve.space import Region
from tests.unit.analyze.small_study import Enumerated, enumerated

# Worked by hand from the kernel's sources: section 9B of the facts.
BASE = (
    "can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) && "
    "(cpus_have_final_cap(ARM64_HAS_CACHE_DIC) || icache_is_aliasing() || "
    "is_protected_kvm_enabled())"
)
ALL_VMS = f"{BASE} && !kvm_vm_is_protected(kvm)"


GMEM, SECRET = (
    declared_synthesis(Library().capability(name))
    for name in ("gmem-no-direct-map", "memfd-secret")
)


@pytest.fixture(scope="module")
def prepared() -> PreparedStudy:
    return prepare_study(Library(), DEFAULT_STUDY)


@pytest.fixture(scope="module")
def solved(prepared: PreparedStudy) -> SolvedStudy:
    return prepared.solve()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Enumerated:
    return enumerated(tmp_path_factory.mktemp("small"))


def within(solved: SolvedStudy, **chosen: tuple[str, ...]) -> Region:
    region = solved.valid
    for axis, options in chosen.items():
        region = region.restrict(axis, options)
    return region


def holds(expression: Expression, values: Mapping[str, bool]) -> bool:
    def call(node: Call) -> bool:
        return values[to_c(node)]

    return truth(evaluate(expression, values.__getitem__, call)) is True


def equivalent(one: Expression, other: Expression) -> bool:
    """Compare two expressions over the atoms by their truth tables."""
    names = [atom.c for atom in GMEM.atoms]
    return all(
        holds(one, dict(zip(names, values, strict=True)))
        == holds(other, dict(zip(names, values, strict=True)))
        for values in itertools.product((False, True), repeat=len(names))
    )


@pytest.mark.parametrize(
    ("vms", "expected"),
    [(("default",), BASE), (("default", "protected", "nested", "mte"), ALL_VMS)],
)
def test_the_predicate_of_the_issue_is_found(
    solved: SolvedStudy, vms: tuple[str, ...], expected: str
) -> None:
    found = synthesise(solved, GMEM, within(solved, kernel=("7.2", "7.3"), vm=vms))
    assert found.exact
    assert equivalent(found.expression, parse(expected))
    assert to_c(found.expression) == expected


def solved_anew(prepared: PreparedStudy, found: Synthesis) -> SolvedStudy:
    """Solve the study from its beginning with the predicate as one of its versions."""
    capability = prepared.capability
    questions = {
        profile.id: lower_question(
            prepared.library.program(profile),
            capability,
            found.predicate,
            prepared.study.constraints,
        )
        for profile in prepared.kernels
    }
    return replace(prepared, questions=questions, predicate=found.predicate).solve()


def test_asked_again_no_unsound_cell_remains_and_no_supported_one_is_lost(
    prepared: PreparedStudy, solved: SolvedStudy
) -> None:
    found = synthesise(solved, GMEM, solved.valid)
    again = solved_anew(prepared, found)
    assert again.count(Verdict.UNSOUND) == 0
    assert again.count(Verdict.OVERSTRICT) == 0
    assert again.count(Verdict.SUPPORTED) == solved.count(Verdict.SUPPORTED) > 0
    shortcut = asked_again(solved, found.predicate)
    assert {v: again.count(v) for v in Verdict} == {v: shortcut.count(v) for v in Verdict}


def test_every_cell_of_the_small_study_gets_the_right_answer(small: Enumerated) -> None:
    found = synthesise(small.solved, GMEM, small.solved.valid)
    assert found.exact
    for answered in small.cells:
        if answered.verdict in ("supported", "unsound", "refused", "overstrict"):
            safe = answered.verdict in ("supported", "overstrict")
            names = {atom.c: atom.meaning for atom in found.atoms}
            values = {name: small.truth(answered, parse(text)) for name, text in names.items()}
            assert holds(found.expression, values) == safe, answered.cell


def test_atoms_that_do_not_suffice_are_said_so_with_a_pair() -> None:
    prepared = prepare_study(Library(), "arm64-memfd-secret")
    solved = prepared.solve()
    found = synthesise(solved, SECRET, solved.valid)
    pair = found.indistinguishable
    assert not found.exact
    assert pair is not None
    concrete = Enumerated(prepared)
    safe, unsafe = concrete.answer(dict(pair.safe)), concrete.answer(dict(pair.unsafe))
    assert safe is not None
    assert unsafe is not None
    assert (safe.verdict, unsafe.verdict) == ("supported", "unsound")
    meanings = {atom.c: parse(atom.meaning) for atom in found.atoms}
    for name, value in pair.atoms:
        assert concrete.truth(safe, meanings[name]) == value
        assert concrete.truth(unsafe, meanings[name]) == value
    again = asked_again(solved, found.predicate)
    assert again.count(Verdict.UNSOUND) == 0


def test_without_the_atom_for_protected_vms_pkvm_is_given_up(solved: SolvedStudy) -> None:
    atoms = tuple(atom for atom in GMEM.atoms if "(kvm)" not in atom.c)
    found = synthesise(solved, replace(GMEM, atoms=atoms), within(solved, kernel=("7.3",)))
    assert not found.exact
    assert found.indistinguishable is not None
    assert found.indistinguishable.unsafe["vm"] == "protected"
    assert found.indistinguishable.safe["vm"] == "default"


def test_a_part_without_the_capability_is_refused(solved: SolvedStudy) -> None:
    with pytest.raises(InputError) as caught:
        synthesise(solved, GMEM, within(solved, kernel=("6.1",)))
    assert caught.value.diagnostics[0].code == "MX0622"


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, set[Combination], set[Combination]]:
    """A truth table over up to four atoms with don't-cares."""
    count = draw(st.integers(1, 4))
    every = list(itertools.product((False, True), repeat=count))
    marks = draw(st.lists(st.sampled_from("yn-"), min_size=len(every), max_size=len(every)))
    chosen = {mark: {c for c, m in zip(every, marks, strict=True) if m == mark} for mark in "yn"}
    return count, chosen["y"], chosen["n"]


@given(table=tables())
def test_minimised_tables_are_right_and_irredundant(
    table: tuple[int, set[Combination], set[Combination]],
) -> None:
    count, yes, no = table
    products = minimise(count, yes, no)

    def inside(product: frozenset[tuple[int, bool]], combination: Combination) -> bool:
        return all(combination[number] == wanted for number, wanted in product)

    for combination in yes:
        assert any(inside(product, combination) for product in products)
    for combination in no:
        assert not any(inside(product, combination) for product in products)
    for product in products:
        others = [item for item in products if item != product]
        assert any(not any(inside(item, c) for item in others) for c in yes)
        for literal in product:
            assert any(inside(product - {literal}, c) for c in no)


@given(table=tables())
def test_factored_expressions_mean_their_products(
    table: tuple[int, set[Combination], set[Combination]],
) -> None:
    count, yes, no = table
    names = [f"atom{number}" for number in range(count)]
    expression = factored(minimise(count, yes, no), [Name(name) for name in names])
    for combination in itertools.product((False, True), repeat=count):
        value = holds(expression, dict(zip(names, combination, strict=True)))
        if combination in yes or combination in no:
            assert value == (combination in yes)
    assert parse(to_c(expression)) == expression
