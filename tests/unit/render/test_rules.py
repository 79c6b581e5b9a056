"""How rules and synthesised functions are written."""

from __future__ import annotations

import pytest

from matrix.analyze.space.cause import Place
from matrix.analyze.space.cell_text import cell_text, named_cell
from matrix.expr.parser import parse
from matrix.render.causes import place_lines
from matrix.render.conjunction import literal
from matrix.render.proposed_check import c_function

FACT = ("true", "false", "unknown")
KERNELS = ("6.1", "6.6", "6.12", "6.18", "7.2", "7.3")


@pytest.mark.parametrize(
    ("options", "known", "text"),
    [
        (("true",), FACT, "x"),
        (("false",), FACT, "¬x"),
        (("true", "unknown"), FACT, "x ≠ false"),
        (("unknown",), FACT, "x = unknown"),
        (FACT, FACT, ""),
        (("7.3",), KERNELS, "x = 7.3"),
        (KERNELS[:5], KERNELS, "x ≠ 7.3"),
        (KERNELS[:4], KERNELS, "x ∉ {7.2, 7.3}"),
        (KERNELS[4:], KERNELS, "x ∈ {7.2, 7.3}"),
    ],
)
def test_literals_take_the_shorter_side(
    options: tuple[str, ...], known: tuple[str, ...], text: str
) -> None:
    assert literal("x", options, known) == text


def test_a_short_function_stays_on_one_line() -> None:
    function = c_function(
        parse("can_set_direct_map() && !is_realm_world()"), "bool secretmem_is_supported(void)"
    )
    assert function == (
        "static bool secretmem_is_supported(void)\n"
        "{\n\treturn can_set_direct_map() && !is_realm_world();\n}\n"
    )


def test_a_wrapped_function_is_the_same_expression() -> None:
    long = " || ".join(f"(cpus_have_final_cap(CAP_{n}) && !kvm_has_mte(kvm))" for n in range(4))
    expression = parse(f"can_set_direct_map() && ({long}) && icache_is_aliasing()")
    body = (
        c_function(expression, "bool f(struct kvm *kvm)").partition("return ")[2].partition(";")[0]
    )
    assert body.count("\n") > 3
    assert parse(" ".join(body.split())) == expression


def test_a_cell_is_written_as_commands_take_it() -> None:
    baseline = {"cpu": "a", "boot": "absent", "vm": "default"}
    assert cell_text(baseline, baseline) == ""
    assert named_cell(baseline, baseline) == "the baseline cell"
    changed = {**baseline, "boot": "off,on", "vm": "mte"}
    assert cell_text(changed, baseline) == 'boot="off,on",vm=mte'


def test_an_option_with_a_comma_is_one_option_of_a_set() -> None:
    known = ("absent", "nested", "nvhe", "nvhe,nested", "protected")
    assert literal("boot", ("nested", "nvhe,nested"), known) == 'boot ∈ {nested, "nvhe,nested"}'
    assert literal("boot", ("nvhe,nested",), known) == 'boot = "nvhe,nested"'
    placed = Place(change=(), cpus=("free,fwb=1", "apple-m2"))
    assert place_lines([placed], 2) == ('2 CPUs: "free,fwb=1", apple-m2',)
