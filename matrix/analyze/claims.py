"""Claims: statements over every cell of a study, proved or refuted with the nearest witness.

Takes a solved study and claims, gives one result per claim and group of releases. A statement is
`always(x)`, `never(x)` or `implies(a, b)`; a bare expression is always meant. It speaks of axes,
public facts, simulation inputs, the kernel's own functions, `predicate`, `verdict`, and
`violates("alias-access")` or, under another mechanism, `violates("alias-access", "guest=no-exec")`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrix.analyze.claim_names import ClaimNames
from matrix.analyze.study import SolvedStudy
from matrix.analyze.symbolic import KernelRegions
from matrix.analyze.witness import nearest
from matrix.diagnostics import Diagnostic, InputError
from matrix.expr.nodes import Call, Constant, Expression
from matrix.expr.position import Source
from matrix.schema.values import Claim

PROVED, REFUTED = "proved", "refuted"
# The key of `expected` for every release that is not named.
ALL_OTHERS = "*"

# The forms of a statement and how many operands each has.
_FORMS = {"always": 1, "never": 1, "implies": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """What became of a claim for some releases.

    `cells` are those the statement was shown for where it is proved (for `implies`, those of the
    premise), and those that break it where it is refuted. The witness breaks it whatever is unknown
    of its CPU, if a cell does. `not_asked` are releases of the group that lack a name in it.
    """

    claim: Claim
    kernels: tuple[str, ...]
    not_asked: tuple[str, ...]
    status: str
    expected: str
    cells: int
    witness: Mapping[str, str] | None

    @property
    def as_expected(self) -> bool:
        """Whether the study expects what was found."""
        return self.status == self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    """A statement as premise and conclusion: wherever the first holds, the second does."""

    premise: Expression
    conclusion: Expression
    negated: bool


def decide_claims(solved: SolvedStudy, claims: Sequence[Claim]) -> tuple[ClaimResult, ...]:
    """Return what becomes of every claim, releases with an expectation of their own apart.

    Raises:
        InputError: everything that is wrong with the statements: MX0623 a malformed one, MX0624 a
            name that no release has, MX0625 a comparison that can never be true.
    """
    names = ClaimNames(solved)
    problems: list[Diagnostic] = []
    statements: dict[str, _Statement] = {}
    for claim in claims:
        try:
            statements[claim.id] = _statement(claim)
        except InputError as error:
            problems.extend(error.diagnostics)
        else:
            problems.extend(names.problems(claim.statement, _expressions(statements[claim.id])))
    if problems:
        raise InputError(problems)
    return tuple(
        result
        for claim in claims
        for result in _results(solved, names, claim, statements[claim.id])
    )


def _statement(claim: Claim) -> _Statement:
    match claim.statement.expression:
        case Call(form, arguments) if form in _FORMS:
            if len(arguments) != _FORMS[form]:
                raise InputError(_malformed(claim, form, len(arguments)))
            premise = arguments[0] if form == "implies" else Constant(True)
            return _Statement(premise=premise, conclusion=arguments[-1], negated=form == "never")
        case expression:
            return _Statement(premise=Constant(True), conclusion=expression, negated=False)


def _expressions(statement: _Statement) -> tuple[Expression, ...]:
    return (statement.premise, statement.conclusion)


def _malformed(claim: Claim, form: str, given: int) -> Diagnostic:
    wanted = _FORMS[form]
    condition = claim.statement
    return Source(condition.text, condition.location).diagnostic(
        "MX0623",
        f"`{form}` takes {wanted} operand{'s' if wanted > 1 else ''}, here it has {given}",
        0,
        len(condition.text),
        hint="a claim is `always(x)`, `never(x)` or `implies(a, b)`",
    )


def _results(
    solved: SolvedStudy, names: ClaimNames, claim: Claim, statement: _Statement
) -> list[ClaimResult]:
    """Return one result per expectation that some release of the study falls under."""
    expected = dict(claim.expected)
    groups: dict[str, list[tuple[str, KernelRegions]]] = {}
    for profile, part in solved.kernels:
        key = profile.release if profile.release in expected else ALL_OTHERS
        if key in expected:
            groups.setdefault(key, []).append((profile.release, part))
    return [
        _decide(solved, names, claim, statement, kernels, expected[key])
        for key, kernels in groups.items()
    ]


def _decide(
    solved: SolvedStudy,
    names: ClaimNames,
    claim: Claim,
    statement: _Statement,
    kernels: Sequence[tuple[str, KernelRegions]],
    expected: str,
) -> ClaimResult:
    scope = broken = certain = solved.backend.nothing()
    asked = []
    for release, part in kernels:
        if names.lacking(part, _expressions(statement)):
            continue
        asked.append(release)
        inside = names.where(part, statement.premise, part.valid)
        holds = names.where(part, statement.conclusion, inside)
        scope = scope | inside
        wrong = holds if statement.negated else inside - holds
        broken = broken | wrong
        # Broken whatever is unknown of the CPU; the other cells may be.
        certain = certain | (wrong.project_hidden() - (part.valid - wrong).project_hidden())
    if not asked:
        raise InputError(_nobody_has(claim, kernels, names, _expressions(statement)))
    refuted = not broken.is_empty()
    return ClaimResult(
        claim=claim,
        kernels=tuple(asked),
        not_asked=tuple(release for release, _ in kernels if release not in asked),
        status=REFUTED if refuted else PROVED,
        expected=expected,
        cells=(broken if refuted else scope).count(),
        witness=nearest(broken if certain.is_empty() else certain, dict(solved.study.baseline)),
    )


def _nobody_has(
    claim: Claim,
    kernels: Sequence[tuple[str, KernelRegions]],
    names: ClaimNames,
    expressions: Sequence[Expression],
) -> Diagnostic:
    lacking = sorted({name for _, part in kernels for name in names.lacking(part, expressions)})
    return Diagnostic(
        code="MX0624",
        message=f"claim `{claim.id}` cannot be asked of Linux "
        f"{', '.join(release for release, _ in kernels)}: no `{'`, `'.join(lacking)}`",
        location=claim.location,
        hint="expect nothing of these releases, or use names they have",
    )
