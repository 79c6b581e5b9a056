from __future__ import annotations

from collections.abc import Mapping

import pytest

from matrix.diagnostics import InputError, Location
from matrix.expr.nodes import Constant, Expression, Name, Value
from matrix.expr.parser import parse
from matrix.solve.diagram import Diagram
from matrix.solve.partition import Compiler, Table
from matrix.solve.space import FiniteVariable, Space

KERNEL = FiniteVariable(name="kernel", options=("6.12", "7.2", "7.3"))
CPU = FiniteVariable(name="cpu", options=("n1", "v1", "a710"))
RODATA = FiniteVariable(name="rodata", options=("absent", "on", "noalias"))
REALM = FiniteVariable(name="realm", options=("no", "yes"))
UNKNOWN_DIC = FiniteVariable(name="unknown_dic", options=("0", "1"), values=(0, 1))
SPACE = Space(variables=(KERNEL, CPU, RODATA, REALM), hidden=(UNKNOWN_DIC,))

DEFINITIONS: Mapping[str, Expression] = {
    "rodata_full": parse('rodata == "absent" || rodata == "on"'),
    "is_realm_world()": parse('kernel != "6.12" && realm == "yes"'),
    "can_set_direct_map()": parse("rodata_full || is_realm_world()"),
    "page_shift": parse('kernel == "6.12" ? 12 : 16'),
    "loop": parse("!helper"),
    "helper": parse("loop && true"),
    "bad": parse("1 / (page_shift - 12)"),
}
TABLES = {
    "cap.DIC": Table(
        variable="cpu",
        entries={"n1": Constant(0), "v1": Name("unknown_dic"), "a710": parse("1 == 0")},
    )
}


@pytest.fixture
def compiler() -> Compiler:
    return Compiler(Diagram(SPACE), DEFINITIONS, TABLES)


def counts(compiler: Compiler, text: str) -> dict[Value, int]:
    partition = compiler.partition(parse(text))
    return {value: region.count() for value, region in partition.items()}


def test_counts_worked_by_hand(compiler: Compiler) -> None:
    # 3 kernels × 3 CPUs × 3 words × 2 worlds = 54 cells; false: noalias and (6.12 or no realm).
    assert counts(compiler, "true") == {True: 54}
    assert counts(compiler, "rodata_full") == {True: 36, False: 18}
    assert counts(compiler, "can_set_direct_map()") == {True: 42, False: 12}
    assert counts(compiler, "page_shift") == {12: 18, 16: 36}
    assert counts(compiler, "page_shift + 1 == 13") == {True: 18, False: 36}
    assert counts(compiler, "kernel") == {"6.12": 18, "7.2": 18, "7.3": 18}


def test_a_table_row_that_is_unknown_counts_on_both_sides(compiler: Compiler) -> None:
    # n1 and a710 are 0 (false is 0 in C); v1 may be either: 18 of its cells on each side.
    assert counts(compiler, "cap.DIC") == {0: 54, 1: 18}
    zero = compiler.partition(Name("cap.DIC"))[0]
    assert zero.support() == {"cpu", "unknown_dic"}


def test_where_is_the_true_part(compiler: Compiler) -> None:
    region = compiler.where(parse("!can_set_direct_map()"))
    assert region.count() == 12
    assert region.pick() == {"kernel": "6.12", "cpu": "n1", "rodata": "noalias", "realm": "no"}
    part = compiler.where(parse('realm == "yes"'), within=region)
    assert part.count() == 3


def test_joint_parts_are_disjoint_and_complete(compiler: Compiler) -> None:
    names = ("page_shift", "can_set_direct_map()", "is_realm_world()")
    space = compiler.where(parse('cpu == "n1"'))
    parts = compiler.joint(names, space)
    assert {tuple(values.values()): region.count() for values, region in parts} == {
        (12, True, False): 4,
        (12, False, False): 2,
        (16, True, True): 6,
        (16, True, False): 4,
        (16, False, False): 2,
    }
    assert compiler.joint(names, compiler.backend.nothing()) == ()
    assert [values for values, _ in compiler.joint((), space)] == [{}]


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("can_set_direct_mop()", "MX0651", "did you mean `can_set_direct_map()`?"),
        ("loop", "MX0652", "loop → helper → loop"),
        ("realm", "MX0653", "`realm` is neither true nor false in 54 cells"),
        ("bad", "MX0653", "kernel=6.12,cpu=n1,rodata=absent,realm=no"),
    ],
)
def test_faults_are_diagnostics(compiler: Compiler, text: str, code: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        compiler.where(parse(text))
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == code
    assert says in f"{diagnostic.message} {diagnostic.hint}"


def test_a_fault_outside_the_part_asked_for_does_not_matter(compiler: Compiler) -> None:
    new = compiler.where(parse('kernel != "6.12"'))
    assert compiler.where(parse("bad"), within=new) == compiler.backend.nothing()
    assert [values for values, _ in compiler.joint(["bad"], new)] == [{"bad": 0}]
    with pytest.raises(InputError, match="MX0653"):
        compiler.joint(["bad"])


def test_what_is_decided_everywhere_is_not_compiled(compiler: Compiler) -> None:
    assert counts(compiler, "false && no_such_name") == {False: 54}
    assert counts(compiler, "true || no_such_name") == {True: 54}
    assert counts(compiler, "true ? 1 : no_such_name") == {1: 54}
    assert counts(compiler, "false ? no_such_name : 2") == {2: 54}


def test_a_circle_is_found_again_after_it_was_reported(compiler: Compiler) -> None:
    for name in ("loop", "helper", "loop"):
        with pytest.raises(InputError, match="MX0652"):
            compiler.partition(Name(name))


def test_definitions_too_deep_are_a_diagnostic() -> None:
    chain = {f"d{number}": parse(f"!!!d{number + 1}") for number in range(5_000)}
    with pytest.raises(InputError, match="MX0652"):
        Compiler(Diagram(SPACE), chain).partition(Name("d0"))


def test_a_conditional_without_truth_is_what_both_arms_agree_on(compiler: Compiler) -> None:
    assert counts(compiler, "realm ? page_shift : 12") == {12: 18, None: 36}


def test_the_longest_chain_compiles(compiler: Compiler) -> None:
    assert counts(compiler, " && ".join(["rodata_full"] * 5_000)) == {True: 36, False: 18}


def test_check_names_every_unknown_word(compiler: Compiler) -> None:
    place = Location(file="study.yaml", line=3, column=5)
    text = 'false && no_such && "el3" != kernel || rodata == "of" || unknown_dic == 1 || f(a)'
    found = compiler.check(parse(text), place)
    assert [(item.code, item.message) for item in found] == [
        ("MX0651", "unknown name `no_such`"),
        ("MX0655", "`kernel` has no option `el3`"),
        ("MX0655", "`rodata` has no option `of`"),
        ("MX0651", "unknown name `f(a)`"),
    ]
    assert all(item.location == place for item in found)
    assert found[2].hint is not None
    assert "options of rodata: absent, noalias, on" in found[2].hint
    assert compiler.check(parse("can_set_direct_map() && cap.DIC")) == ()


def test_options_may_share_the_entry_of_one_that_is_alike() -> None:
    backend = Diagram(Space(variables=(FiniteVariable(name="cpu", options=tuple("abcd")),)))
    one, two = Constant(1), Constant(2)
    each = Table(variable="cpu", entries={"a": one, "b": two, "c": one, "d": two})
    shared = Table(
        variable="cpu", entries={"a": one, "b": two}, alike={"a": ("a", "c"), "b": ("b", "d")}
    )
    compiler = Compiler(backend, tables={"each": each, "shared": shared})
    partition = compiler.partition(Name("shared"))
    assert partition == compiler.partition(Name("each"))
    assert partition[1] == backend.everything().restrict("cpu", ("a", "c"))
    assert compiler.alike("cpu") == {
        "a": (one, one),
        "b": (two, two),
        "c": (one, one),
        "d": (two, two),
    }
