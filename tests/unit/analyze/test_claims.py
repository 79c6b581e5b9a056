"""Claims: the shipped ones stand as expected, small ones agree with cells answered singly."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.analyze.proof.claims import PROVED, REFUTED, ClaimResult, decide_claims
from matrix.analyze.proof.features import Candidates
from matrix.analyze.proof.rules import find_rules
from matrix.diagnostics import InputError, Location
from matrix.expr.nodes import Call
from matrix.expr.parser import parse
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.schema.values import Claim, Condition
from matrix.solve.nearest import changes, nearest
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
        assert access.breaking.operation == "icache_inval_pou"
        assert access.breaking.event == "guest instruction fetch"
        assert access.trace[-1].operation == "oops_fault_lock_held"


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


def test_a_release_in_which_it_holds_is_not_said_to_refute_it(small: Enumerated) -> None:
    text = 'never(kernel == "7.3" && verdict == "unsound")'
    results = decide_claims(small.solved, [claim(text, {"*": REFUTED})])
    assert [(item.kernels, item.status, item.as_expected) for item in results] == [
        (("6.12", "6.18"), PROVED, False),
        (("7.3",), REFUTED, True),
    ]
    assert all(item.cells for item in results)


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


@pytest.mark.parametrize(
    ("bare", "called"),
    [
        ("kvm_is_available", "kvm_is_available()"),
        ("implies(is_protected_kvm_enabled, rodata_full)", None),
        ("has_stage2_fwb", "has_stage2_fwb()"),
        ('never(vm == "protected")', 'never(vm() == "protected")'),
        ('never(verdict == "unsound")', 'never(verdict() == "unsound")'),
    ],
)
def test_a_function_may_be_written_without_parentheses(
    small: Enumerated, bare: str, called: str | None
) -> None:
    called = called or bare.replace("_enabled,", "_enabled(),")
    ones, others = (decide_claims(small.solved, [claim(text)]) for text in (bare, called))
    for one, other in zip(ones, others, strict=True):
        assert (one.status, one.cells, one.witness) == (other.status, other.cells, other.witness)
        assert one.cells > 0


@pytest.mark.parametrize("text", ["kvm_is_availabel", "kvm_is_availabel() && rodata_full"])
def test_a_misspelt_function_is_said_with_the_nearest_one(small: Enumerated, text: str) -> None:
    with pytest.raises(InputError) as caught:
        decide_claims(small.solved, [claim(text)])
    (problem,) = caught.value.diagnostics
    assert problem.code == "MX0624"
    assert (problem.hint or "").startswith("did you mean `kvm_is_available()`?")
    assert problem.location is not None
    assert problem.location.column == 1


def test_the_order_in_which_mechanisms_are_asked_changes_nothing(small: Enumerated) -> None:
    # What was simulated for a part of the cells must not answer for the rest.
    texts = (
        'implies(verdict == "supported", !violates("alias-removed", "tlb-flush=none"))',
        'never(cpu == "cortex-a710" && violates("alias-removed", "tlb-flush=none"))',
        'never(violates("alias-removed", "tlb-flush=none"))',
        'implies(violates("alias-removed", "tlb-flush=none"), can_set_direct_map)',
    )
    alone = [decide_claims(small.solved, [claim(text)]) for text in texts]
    assert any(result.status == REFUTED for results in alone for result in results)
    for order in itertools.permutations(range(len(texts))):
        asked = [replace(claim(texts[number]), id=str(number)) for number in order]
        expected = [result for number in order for result in alone[number]]
        for result, alike in zip(decide_claims(small.solved, asked), expected, strict=True):
            assert result == replace(alike, claim=result.claim)


def spelled(name: str, option: str) -> str:
    """A feature of a rule as a condition of a claim."""
    if option in ("true", "false"):
        return name if option == "true" else f"!{name}"
    return f"{name} == {option}" if name == "page_size" else f'{name} == "{option}"'


@pytest.mark.parametrize("study", [DEFAULT_STUDY, "arm64-overview"])
def test_a_rule_is_a_claim_that_is_proved(study: str) -> None:
    # The words of a rule can be used in a claim, and say the same there.
    prepared = prepare_study(Library(), study)
    solved = prepared.solve()
    labels = {word.value: region for word, region in solved.verdicts.items()}
    asked = []
    for rule in find_rules(Candidates(solved), labels):
        if any({"n/a", "unknown"}.intersection(shown) for _, shown, _ in rule.shown):
            continue
        kernels = next((shown for name, shown, _ in rule.shown if name == "kernel"), ("*",))
        premise = " && ".join(
            f"({' || '.join(spelled(name, option) for option in shown)})"
            for name, shown, known in rule.shown
            if len(shown) < len(known)
        )
        text = f'implies({premise}, verdict == "{rule.label}" || verdict == "unknown")'
        asked.append(claim(text, dict.fromkeys(kernels, PROVED)))
    results = [result for item in asked for result in decide_claims(solved, [item])]
    assert len(asked) >= 5
    assert [(item.claim.statement.text, item.witness) for item in results if item.witness] == []
    assert sum(item.cells > 0 for item in results) > len(results) // 2


def test_a_name_with_a_meaning_is_not_given_another(small: Enumerated) -> None:
    _, part = small.solved.kernels[0]
    with pytest.raises(ValueError, match="has a meaning already"):
        part.compiler.know("kernel", {})
