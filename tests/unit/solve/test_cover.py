from __future__ import annotations

from matrix.solve.cover import cover
from matrix.solve.diagram import Diagram
from matrix.solve.space import FiniteVariable, Region, Space

FWB = FiniteVariable(name="fwb", options=("n", "y"))
DIC = FiniteVariable(name="dic", options=("n", "y"))
L1IP = FiniteVariable(name="l1ip", options=("vpipt", "vipt", "pipt"))
KERNEL = FiniteVariable(name="kernel", options=("6.12", "6.18", "7.2", "7.3"))
BBM = FiniteVariable(name="bbm", options=("0", "1"))
SPACE = Space(variables=(FWB, DIC, L1IP, KERNEL), hidden=(BBM,))
EVERYTHING = Diagram(SPACE).everything()


def where(**allowed: tuple[str, ...]) -> Region:
    region = EVERYTHING
    for axis, options in allowed.items():
        region = region.restrict(axis, options)
    return region


def rules(region: Region, dont_care: Region | None = None) -> list[dict[str, tuple[str, ...]]]:
    return [dict(rule.when) for rule in cover(region, dont_care)]


def test_nothing_has_no_rules_and_everything_one_without_conditions() -> None:
    assert rules(~EVERYTHING) == []
    assert rules(EVERYTHING) == [{}]


def test_the_predicate_of_the_issue_is_found_as_two_rules() -> None:
    safe = where(fwb=("y",)) & (where(dic=("y",)) | where(l1ip=("vpipt", "vipt")))
    assert rules(safe) == [
        {"fwb": ("y",), "l1ip": ("vpipt", "vipt")},
        {"fwb": ("y",), "dic": ("y",)},
    ]


def test_options_are_merged_into_sets_over_gaps() -> None:
    assert rules(where(kernel=("6.12", "7.3"))) == [{"kernel": ("6.12", "7.3")}]


def test_a_consensus_that_the_others_cover_is_left_out() -> None:
    region = where(fwb=("n",), dic=("n",)) | where(fwb=("y",), l1ip=("pipt",))
    assert rules(region) == [{"fwb": ("n",), "dic": ("n",)}, {"fwb": ("y",), "l1ip": ("pipt",)}]


def test_dont_cares_shorten_rules_and_are_not_counted() -> None:
    supported = where(fwb=("y",), kernel=("7.2", "7.3"))
    absent = where(kernel=("6.12", "6.18"))
    found = cover(supported, absent)
    assert [dict(rule.when) for rule in found] == [{"fwb": ("y",)}]
    assert found[0].cells == supported.count() == 12
    assert found[0].region == supported
    assert rules(~EVERYTHING, absent) == []


def test_a_cell_is_covered_where_it_is_in_for_some_hidden_option() -> None:
    assert rules(where(bbm=("1",), fwb=("y",))) == [{"fwb": ("y",)}]


def test_both_halves_of_a_parity_stay() -> None:
    parity = where(fwb=("n",), dic=("y",)) | where(fwb=("y",), dic=("n",))
    assert rules(parity) == [{"fwb": ("n",), "dic": ("y",)}, {"fwb": ("y",), "dic": ("n",)}]


def test_the_conditions_of_a_rule_stand_in_the_order_of_the_axes() -> None:
    # What fwb=y leaves over is split at its own first axis again.
    either = where(fwb=("y",)) | where(dic=("y",), kernel=("7.3",))
    assert [list(rule.when) for rule in cover(either)] == [["fwb"], ["dic", "kernel"]]
