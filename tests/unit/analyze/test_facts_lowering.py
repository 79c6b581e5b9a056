"""What a profile may not say, and laws that every lowered profile obeys."""

from __future__ import annotations

import random
from graphlib import TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.analyze.cell.assemble import surroundings_atoms, variables_of
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.facts.program import FactProgram, lower
from matrix.diagnostics import InputError
from matrix.expr.nodes import Expression, Value
from matrix.expr.trees import calls, names
from matrix.schema.values import Effect, KernelFunction, KernelProfile
from tests.unit.analyze.shipped_kernels import (
    RELEASES,
    architecture,
    condition,
    profile_of,
    program_of,
)


def with_function(profile: KernelProfile, signature: str, body: str) -> KernelProfile:
    declared_body = condition(body)
    function = KernelFunction(
        signature=signature, body=declared_body, source="x.c:1", location=declared_body.location
    )
    kept = (item for item in profile.functions if item.signature != signature)
    return replace(profile, functions=(*kept, function))


def refused(profile: KernelProfile) -> list[tuple[str, str, str]]:
    with pytest.raises(InputError) as caught:
        lower(profile, architecture())
    return [(item.code, item.message, item.hint or "") for item in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("body", "name", "meant"),
    [
        ("rodata_ful", "rodata_ful", "rodata_full"),
        ("rodata_full && can_set_directmap()", "can_set_directmap", "can_set_direct_map()"),
        ("cpus_have_final_cap(ARM64_MTEE)", "ARM64_MTEE", "ARM64_MTE"),
        ("boot_cpu_has_cap(ARM64_MTEE)", "ARM64_MTEE", "ARM64_MTE"),
        ("IS_ENABLED(CONFIG_KFENC)", "CONFIG_KFENC", "CONFIG_KFENCE"),
        ("kvm_mode == KVM_MODE_PROTECT", "KVM_MODE_PROTECT", "KVM_MODE_PROTECTED"),
        ("mechanism.splitgate == 1", "mechanism.splitgate", "mechanism.split_gate"),
        ("entri == 1", "entri", "entry"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(body: str, name: str, meant: str) -> None:
    ((code, message, hint),) = refused(with_function(profile_of("7.3"), "f()", body))
    assert (code, message) == ("MX0290", f"unknown name `{name}`")
    assert hint.startswith(f"did you mean `{meant}`?")


def test_the_caret_stands_under_the_unknown_name() -> None:
    with pytest.raises(InputError) as caught:
        lower(with_function(profile_of("7.3"), "f()", "!x && rodata_ful"), architecture())
    places = [item.location for item in caught.value.diagnostics]
    assert [(place.column, place.length) for place in places if place] == [(7, 10), (2, 1)]


def test_all_unknown_names_are_reported_at_once() -> None:
    broken = with_function(with_function(profile_of("7.3"), "f()", "a || b"), "g()", "c")
    assert sorted(message for _, message, _ in refused(broken)) == [
        "unknown name `a`",
        "unknown name `b`",
        "unknown name `c`",
    ]


@pytest.mark.parametrize("body", ["IS_ENABLED()", "IS_ENABLED(3)", "cpus_have_final_cap()"])
def test_a_builtin_without_its_argument_is_refused(body: str) -> None:
    assert [code for code, _, _ in refused(with_function(profile_of("7.3"), "f()", body))] == [
        "MX0290"
    ]


def test_a_definition_that_needs_itself_is_refused() -> None:
    broken = with_function(profile_of("7.3"), "f()", "!g()")
    ((code, message, _),) = refused(with_function(broken, "g()", "rodata_full && f()"))
    assert code == "MX0291"
    assert {"f()", "g()"} <= set(message.replace("`", " ").split())


def test_a_row_that_reads_its_own_result_through_a_function_is_refused() -> None:
    profile = profile_of("7.3")
    looping = with_function(profile, "is_kernel_in_hyp_mode()", "kvm_mode == KVM_MODE_NV")
    assert [code for code, _, _ in refused(looping)] == ["MX0291"]


def test_a_row_that_sets_no_variable_is_refused() -> None:
    profile = profile_of("7.3")
    parameter = next(item for item in profile.parameters if item.name == "rodata")
    effect = Effect(match=None, when=None, assign=(("rodata_ful", condition("true")),))
    parser = replace(parameter.parsers[0], effects=(effect,))
    broken = replace(parameter, parsers=(parser,))
    ((code, message, hint),) = refused(
        replace(
            profile,
            parameters=(broken, *(item for item in profile.parameters if item is not parameter)),
        )
    )
    assert code == "MX0292"
    assert message == "`rodata` sets `rodata_ful`, which is no variable of this profile"
    assert hint.startswith("did you mean `rodata_full`?")


# --- laws of lowered profiles ---------------------------------------------------------------------


def expressions(program: FactProgram) -> list[Expression]:
    return [
        *program.definitions.values(),
        *program.facts.values(),
        *program.simulation.values(),
        *program.constraints,
    ]


@pytest.mark.parametrize("release", RELEASES)
def test_a_lowered_profile_has_no_calls_and_no_names_but_atoms(release: str) -> None:
    program = program_of(release)
    known = program.definitions.keys() | program.atoms | program.variables
    for expression in expressions(program):
        assert calls(expression) == ()
        assert names(expression) <= known


@pytest.mark.parametrize("release", RELEASES)
def test_definitions_are_acyclic_and_have_a_source(release: str) -> None:
    program = program_of(release)
    graph = {name: names(body) for name, body in program.definitions.items()}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) >= program.definitions.keys()
    for name in program.definitions:
        assert program.sources.get(name.replace("boot_cap.", "cap."))


@pytest.mark.parametrize("release", RELEASES)
def test_every_input_of_the_simulation_has_a_row(release: str) -> None:
    rows = {row.name for row in architecture().simulation}
    assert program_of(release).simulation.keys() == rows


@pytest.mark.parametrize("release", RELEASES)
def test_a_name_the_release_lacks_is_named(release: str) -> None:
    asked = condition("can_set_direct_map() && kvm_supports_cacheable_pfnmap() && nonsense")
    lacking = program_of(release).lacks(asked)
    assert "nonsense" in lacking
    assert ("can_set_direct_map()" in lacking) == (release == "5.10")
    assert ("kvm_supports_cacheable_pfnmap()" in lacking) == (release not in ("6.18", "7.2", "7.3"))
    with pytest.raises(InputError):
        program_of(release).lower_expression(asked)


LINES = st.lists(
    st.sampled_from(
        [
            *("rodata=on", "rodata=off", "rodata=full", "rodata=noalias", "rodata=bogus", "rodata"),
            *("debug_pagealloc=on", "debug_pagealloc=off", "debug-pagealloc=enable"),
            *("kfence.sample_interval=0", "kfence.sample_interval=7", "kfence.sample_interval=x"),
            *("kvm-arm.mode=none", "kvm-arm.mode=nvhe", "kvm-arm.mode=protected"),
            *("kvm-arm.mode=nested", "id_aa64mmfr1.vh=0", "arm64_sw.hvhe=1", "arm64.nomte"),
            *("secretmem.enable=0", "secretmem.enable", "crashkernel=1M", "quiet", "--"),
        ]
    ),
    max_size=6,
)


Choices = st.randoms(use_true_random=False)


def cell_of(release: str, words: list[str], atoms: dict[str, Value]) -> Evaluation:
    program = program_of(release)
    variables = variables_of(program, profile_of(release), " ".join(words))
    return Evaluation(program.definitions, variables, atoms)


def known_atoms(release: str, choose: random.Random) -> dict[str, Value]:
    """Return a value for every atom; the surroundings are the declared ones."""
    program = program_of(release)
    atoms = {atom: choose.choice(program.domain(atom)) for atom in sorted(program.atoms)}
    return {**atoms, **surroundings_atoms(architecture(), {})}


@given(release=st.sampled_from(RELEASES), words=LINES, choose=Choices)
def test_where_everything_is_known_every_fact_is(
    release: str, words: list[str], choose: random.Random
) -> None:
    program = program_of(release)
    cell = cell_of(release, words, known_atoms(release, choose))
    assert all(cell.of(expression) is not None for expression in program.facts.values())
    assert all(cell.of(expression) is not None for expression in program.simulation.values())


@given(release=st.sampled_from(RELEASES), words=LINES, choose=Choices)
def test_a_line_said_twice_is_the_line(
    release: str, words: list[str], choose: random.Random
) -> None:
    """The last valid occurrence wins, so a repetition changes no variable."""
    atoms = known_atoms(release, choose)
    heard = [word for word in words if word != "--"]
    once, twice = cell_of(release, heard, atoms), cell_of(release, heard * 2, atoms)
    for variable in program_of(release).variables:
        assert once.value(variable) == twice.value(variable)


@given(release=st.sampled_from(RELEASES), words=LINES, choose=Choices)
def test_knowing_less_never_changes_a_known_fact(
    release: str, words: list[str], choose: random.Random
) -> None:
    program = program_of(release)
    cell = cell_of(release, words, known_atoms(release, choose))
    hidden = choose.sample(sorted(program.atoms), k=len(program.atoms) // 3)
    blurred = cell.with_atoms(dict.fromkeys(hidden))
    for expression in (*program.facts.values(), *program.simulation.values()):
        assert blurred.of(expression) in (None, cell.of(expression))
