"""What the solver proves of a study, as a report shows it: rules, claims, predicates side by side.

Takes the answers of `rules`, `claims` and `synthesize`, gives plain values that the HTML and the
Markdown template lay out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.proof.claims import PROVED, ClaimAnswer
from matrix.analyze.proof.rules import LabelRules
from matrix.analyze.proof.synthesis import Synthesis
from matrix.analyze.space.cell_text import named_cell
from matrix.flows.proofs import Proofs
from matrix.render.causes import place_lines
from matrix.render.conjunction import MAX_NAMED, conjunction
from matrix.render.proposed_check import c_function, exactness
from matrix.render.quantities import cells, grouped, listing
from matrix.schema.values import MatrixStudy


class RuleRow(Struct, frozen=True, kw_only=True):
    """One rule: its cells, its conjunction, and its CPUs unless it has all of them."""

    number: int
    cells: int
    text: str
    cpus: str


class VerdictRules(Struct, frozen=True, kw_only=True):
    """The rules of a verdict, the largest first; `left_out` are not shown."""

    verdict: Verdict
    cells: int
    rows: tuple[RuleRow, ...]
    left_out: int


class ClaimRow(Struct, frozen=True, kw_only=True):
    """What became of a claim on some releases; `nearest` and `there` are of the witness."""

    releases: str
    proved: bool
    as_expected: bool
    extent: str
    nearest: str
    there: str


class ShownClaim(Struct, frozen=True, kw_only=True):
    """A claim with its rows."""

    id: str
    description: str
    statement: str
    rows: tuple[ClaimRow, ...]


class WiderCheck(Struct, frozen=True, kw_only=True):
    """The check to propose where that of a small study is refuted: by which study, and its own.

    `function` is empty where that study has none; `unsound` counts cells of the small study.
    `lacks` says what of the other study the small one does not have, `refutations` how many cells
    of which study are unsound under the check of the small one.
    """

    study: str
    cells: int
    function: str
    unsound: int
    lacks: str
    refutations: tuple[tuple[str, int], ...]


class ShownSynthesis(Struct, frozen=True, kw_only=True):
    """The synthesised predicate: its C function, whether it is exact, and the pair if it is not.

    `unsound` counts the cells that stay unsound when it is asked: none, or it is wrong. With a
    `wider` check it is not what the check should be.
    """

    function: str
    unsound: int
    exactness: str
    pair: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    names: tuple[str, ...]
    wider: WiderCheck | None = None


class ProofPage(Struct, frozen=True, kw_only=True):
    """Everything a report shows of the solver's answers; `unexpected` counts claims' answers."""

    rules: tuple[VerdictRules, ...]
    no_rules: str
    claims: tuple[ShownClaim, ...]
    proved: int
    refuted: int
    unexpected: int
    synthesis: ShownSynthesis | None
    no_synthesis: str


def build_proofs(proofs: Proofs, study: MatrixStudy) -> ProofPage:
    """Return what a report shows of the solver's answers."""
    results = [answer.result for answer in proofs.claims]
    proved = sum(result.status == PROVED for result in results)
    return ProofPage(
        rules=tuple(_verdict_rules(group) for group in proofs.rules or () if group.cells),
        no_rules=proofs.no_rules,
        claims=_claims(proofs.claims, study),
        proved=proved,
        refuted=len(results) - proved,
        unexpected=sum(not result.as_expected for result in results),
        synthesis=None if proofs.synthesis is None else _synthesis(proofs.synthesis, proofs, study),
        no_synthesis=proofs.no_synthesis,
    )


def _verdict_rules(group: LabelRules) -> VerdictRules:
    return VerdictRules(
        verdict=Verdict(group.label),
        cells=group.cells,
        rows=tuple(
            RuleRow(
                number=number,
                cells=rule.cells,
                text=conjunction(rule),
                cpus="; ".join(place_lines(places, MAX_NAMED)),
            )
            for number, (rule, places) in enumerate(group.rules, start=1)
        ),
        left_out=group.left_out,
    )


def _claims(answers: Sequence[ClaimAnswer], study: MatrixStudy) -> tuple[ShownClaim, ...]:
    by_claim: dict[str, list[ClaimAnswer]] = {}
    for answer in answers:
        by_claim.setdefault(answer.result.claim.id, []).append(answer)
    return tuple(
        ShownClaim(
            id=name,
            description=mine[0].result.claim.description,
            statement=mine[0].result.claim.statement.text,
            rows=tuple(_claim_rows(mine, study)),
        )
        for name, mine in by_claim.items()
    )


def _claim_rows(answers: Sequence[ClaimAnswer], study: MatrixStudy) -> Iterator[ClaimRow]:
    """Yield the answers to one claim; releases that differ in nothing but numbers share a row.

    The witness shown is that of the last of them.
    """
    kernels = {axis.name for axis in study.axes if axis.kind == "kernel"}
    alike: dict[object, list[ClaimAnswer]] = {}
    for answer in answers:
        result = answer.result
        witness = {
            axis: option for axis, option in (result.witness or {}).items() if axis not in kernels
        }
        key = (result.status, result.expected, tuple(witness.items()), _there(answer))
        alike.setdefault(key, []).append(answer)
    for members in alike.values():
        results = [answer.result for answer in members]
        last = results[-1]
        yield ClaimRow(
            releases=", ".join(name for result in results for name in result.kernels),
            proved=last.status == PROVED,
            as_expected=last.as_expected,
            extent=_extent([result.cells for result in results]),
            nearest="" if last.witness is None else named_cell(last.witness, dict(study.baseline)),
            there=_there(members[-1]),
        )


def _there(answer: ClaimAnswer) -> str:
    return f"{answer.witness.verdict}: {answer.witness.reasons[0]}" if answer.witness else ""


def _extent(numbers: Sequence[int]) -> str:
    """Return how many cells a claim was shown for, or is broken by, on each of some releases."""
    if not any(numbers):
        return "vacuously: no cell has its premise"
    if len(set(numbers)) == 1:
        return cells(numbers[0]) + (" each" if len(numbers) > 1 else "")
    return f"{listing([grouped(number) for number in numbers])} cells"


def _synthesis(found: Synthesis, proofs: Proofs, study: MatrixStudy) -> ShownSynthesis:
    compared, baseline = proofs.compared, dict(study.baseline)
    own = next(item for item in compared if item.name == found.predicate.name)
    pair = found.indistinguishable
    rows = [(str(word), tuple(item.verdicts[word] for item in compared)) for word in own.verdicts]
    rows.append(("gained", tuple(item.gained for item in compared)))
    rows.append(("lost", tuple(item.lost for item in compared)))
    return ShownSynthesis(
        function=c_function(found.expression, found.function),
        unsound=own.verdicts[Verdict.UNSOUND],
        exactness=exactness(found),
        pair=()
        if pair is None
        else (
            ("safe", named_cell(pair.safe, baseline)),
            ("unsafe", named_cell(pair.unsafe, baseline)),
        ),
        rows=tuple(rows),
        names=tuple(item.name for item in compared),
        wider=_wider(proofs, study),
    )


def _wider(proofs: Proofs, study: MatrixStudy) -> WiderCheck | None:
    if not proofs.refuting:
        return None
    first = proofs.refuting[0]
    return WiderCheck(
        study=first.study.id,
        cells=first.cells,
        function=""
        if proofs.wider is None
        else c_function(proofs.wider.expression, proofs.wider.function),
        unsound=proofs.compared[-1].verdicts[Verdict.UNSOUND],
        lacks=_lacking(study, first.study),
        refutations=tuple((item.study.id, item.unsound) for item in proofs.refuting),
    )


def _lacking(study: MatrixStudy, wider: MatrixStudy) -> str:
    """Return what of the hardware, the VM and the surroundings another study has and this has not.

    Kernels are left out: an axis of distributions stands for several axes of another study.
    """
    parts, axes = [], []
    own = {axis.name: {option.name for option in axis.options} for axis in study.axes}
    for axis in wider.axes:
        if axis.kind not in ("cpu", "environment"):
            continue
        known = {option.name for option in axis.options}
        shared = known & own.get(axis.name, set())
        if axis.name not in own:
            axes.append(f"`{axis.name}`")
        elif missing := len(known) - len(shared):
            parts.append(f"{grouped(missing)} of {grouped(len(known))} options of `{axis.name}`")
    if axes:
        parts.append(f"the {'axis' if len(axes) == 1 else 'axes'} {listing(axes)}")
    return " and ".join(parts)
