"""Claims: the shipped ones stand as expected, small ones agree with cells answered singly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.analyze.claims import PROVED, REFUTED, ClaimResult, decide_claims
from matrix.analyze.witness import changes, nearest
from matrix.diagnostics import InputError, Location
from matrix.expr.nodes import Call
from matrix.expr.parser import parse
from matrix.pipeline.knowledge import DEFAULT_STUDY, Library
from matrix.pipeline.study import PreparedStudy, prepare_study
from matrix.schema.values import Claim, Condition
from tests.unit.analyze.small_study import Answered, Enumerated, declarations, enumerated


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Enumerated:
    return enumerated(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def shipped() -> tuple[PreparedStudy, tuple[ClaimResult, ...]]:
    prepared = prepare_study(Library(), DEFAULT_STUDY)
    return prepared, decide_claims(prepared.solve(), prepared.study.claims)


def claim(text: str, expected: dict[str, str] | None = None) -> Claim:
    place = Location(file="claim.yaml", line=1, column=1, text=text)
    return Claim(
        id="it",
        statement=Condition(expression=parse(text), text=text, location=place),
        expected=tuple((expected or {"*": PROVED}).items()),
        description="a claim",
        location=place,
    )


def test_every_shipped_claim_is_as_expected(
    shipped: tuple[PreparedStudy, tuple[ClaimResult, ...]],
) -> None:
    _, results = shipped
    assert [item.claim.id for item in results if not item.as_expected] == []
    assert {item.status for item in results} == {PROVED, REFUTED}
    proved_of_nothing = [i.claim.id for i in results if i.status == PROVED and not i.cells]
    assert proved_of_nothing == []


def test_the_witness_against_fwb_is_the_instruction_side(
    shipped: tuple[PreparedStudy, tuple[ClaimResult, ...]],
) -> None:
    prepared, results = shipped
    found = [item for item in results if item.claim.id == "fwb-suffices"]
    assert [item.kernels for item in found] == [("6.18",), ("7.2",), ("7.3",)]
    for item in found:
        assert item.witness is not None
        answer = prepared.answer(item.witness)
        assert answer is not None
        access = next(v for v in answer.violations if v.invariant == "alias-access")
        assert access.trace[-1].operation == "icache_inval_pou"
        assert access.trace[-1].event == "guest instruction fetch"


# Statements without `violates` of a mechanism: every part of them is known to the concrete flow.
STATEMENTS = (
    'never(verdict == "unsound")',
    'always(verdict != "overstrict")',
    'implies(vm == "protected", verdict != "supported")',
    'implies(has_stage2_fwb && can_set_direct_map(), !violates("alias-access"))',
    'implies(kvm_mode == "protected" && vm == "default", verdict != "unsound")',
    "implies(rodata_full, can_set_direct_map())",
    'never(violates("alias-removed") && can_set_direct_map())',
    'boot.rodata == "absent" || kernel != "7.3"',
    'implies(verdict == "refused", kernel == "7.3" && cpu == "neoverse-n1")',
)


def known(answered: Answered) -> bool:
    """Cells with nothing unknown: there the concrete flow has one value for everything."""
    return answered.cell["cpu"] != "neoverse-v1"


@pytest.mark.parametrize("text", STATEMENTS)
@pytest.mark.parametrize("kernel", ["6.18", "7.3"])
def test_statements_are_what_cell_by_cell_says(small: Enumerated, text: str, kernel: str) -> None:
    (result,) = decide_claims(small.solved, [claim(text, {kernel: PROVED})])
    expression = parse(text)
    form = expression.function if isinstance(expression, Call) else ""
    operands = expression.arguments if isinstance(expression, Call) else (expression,)
    cells = [item for item in small.cells if item.cell["kernel"] == kernel]
    scope = [i for i in cells if form != "implies" or small.maybe(i, operands[0])]
    broken = [i for i in scope if small.maybe(i, operands[-1], negated=form != "never")]
    assert result.status == (REFUTED if broken else PROVED)
    assert result.cells == (len(broken) if broken else len(scope))
    if broken:
        baseline = dict(small.prepared.study.baseline)
        certain = [item for item in broken if known(item)] or broken
        assert result.witness is not None
        distance = len(changes(result.witness, baseline))
        assert distance == min(len(changes(item.cell, baseline)) for item in certain)
        assert result.witness in [item.cell for item in broken]


def test_a_release_without_the_name_is_not_asked(small: Enumerated) -> None:
    (result,) = decide_claims(small.solved, [claim("system_supports_bbml3() || true")])
    assert result.kernels == ("7.3",)
    assert result.not_asked == ("6.12", "6.18")


def test_releases_with_an_expectation_of_their_own_are_apart(small: Enumerated) -> None:
    text = 'always(verdict == "absent")'
    results = decide_claims(small.solved, [claim(text, {"6.12": PROVED, "*": REFUTED})])
    assert [(item.kernels, item.status) for item in results] == [
        (("6.12",), PROVED),
        (("6.18", "7.3"), REFUTED),
    ]
    (only,) = decide_claims(small.solved, [claim(text, {"6.12": PROVED})])
    assert only.kernels == ("6.12",)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_nearest_cell_is_the_nearest(small: Enumerated, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(small.cells), min_size=1, max_size=6))
    origin = data.draw(st.sampled_from(small.cells)).cell
    everything = small.solved.backend.everything()
    region = small.solved.backend.nothing()
    for item in chosen:
        region = region | everything.at(item.cell)
    found = nearest(region, origin)
    assert found is not None
    distances = [len(changes(item.cell, origin)) for item in chosen]
    assert len(changes(found, origin)) == min(distances)
    assert nearest(region - region, origin) is None


@pytest.mark.parametrize(
    ("study", "code", "count"),
    [("malformed", "MX0623", 3), ("unknown-names", "MX0624", 3), ("never-true", "MX0625", 3)],
)
def test_everything_wrong_is_said_at_once(
    study: str, code: str, count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = declarations(tmp_path_factory.mktemp("wrong"))
    prepared = prepare_study(Library((folder,)), study)
    with pytest.raises(InputError) as caught:
        decide_claims(prepared.solve(), prepared.study.claims)
    assert [item.code for item in caught.value.diagnostics] == [code] * count
    assert all(item.hint and item.location for item in caught.value.diagnostics)


def test_a_name_that_only_other_releases_have_cannot_be_expected(small: Enumerated) -> None:
    asked = claim("system_supports_bbml3()", {"6.12": PROVED})
    with pytest.raises(InputError) as caught:
        decide_claims(small.solved, [asked])
    assert caught.value.diagnostics[0].code == "MX0624"


def test_a_name_with_a_meaning_is_not_given_another(small: Enumerated) -> None:
    _, part = small.solved.kernels[0]
    with pytest.raises(ValueError, match="has a meaning already"):
        part.compiler.know("kernel", {})
