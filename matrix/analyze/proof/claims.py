"""Claims: statements over every cell of a study, proved or refuted with the nearest witness.

Takes a solved study and claims, gives one result per claim and group of releases. A statement is
`always(x)`, `never(x)` or `implies(a, b)`; a bare expression is always meant. It speaks of axes,
public facts, simulation inputs, the kernel's own functions, `predicate`, `verdict`, and
`violates("alias-access")` or, under another mechanism, `violates("alias-access", "guest=no-exec")`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.question import Question
from matrix.analyze.space.expression_names import ClaimNames
from matrix.analyze.space.selection import ClaimRegions
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.symbolic import KernelRegions
from matrix.diagnostics import Diagnostic, InputError, refuse
from matrix.expr.nodes import Call, Constant, Expression
from matrix.expr.position import Source
from matrix.schema.values import Claim, MatrixStudy
from matrix.solve.nearest import nearest

PROVED, REFUTED = "proved", "refuted"
# The key of `expected` for every release that is not named.
ALL_OTHERS = "*"

# The forms of a statement and how many operands each has.
_FORMS = {"always": 1, "never": 1, "implies": 2}


class ClaimResult(Struct, frozen=True, kw_only=True):
    """What became of a claim for some releases: those in which it holds, or those that break it.

    `cells` are those the statement was shown for where it is proved (for `implies`, those of the
    premise), and those that break it where it is refuted. The witness breaks it whatever is unknown
    of its CPU, if a cell does. `not_asked` are releases of the same expectation that lack a name
    in it.
    """

    claim: Claim
    kernels: tuple[str, ...]
    not_asked: tuple[str, ...]
    status: str
    expected: str
    cells: int
    witness: Mapping[str, str] | None
    # No cell of these releases has its premise, and others of the same expectation decide.
    decided_elsewhere: bool = False

    @property
    def as_expected(self) -> bool:
        """Whether the study expects what was found."""
        return self.status == self.expected or self.decided_elsewhere


class ClaimAnswer(Struct, frozen=True, kw_only=True):
    """A claim's result and what is the answer in its witness, if it has one."""

    result: ClaimResult
    witness: Answer | None


class Statement(Struct, frozen=True, kw_only=True):
    """A statement as premise and conclusion: wherever the first holds, the second does.

    `groups` are the kernels it is asked of, by the key of `expected` that they fall under.
    """

    premise: Expression
    conclusion: Expression
    negated: bool
    groups: tuple[tuple[str, tuple[Question, ...]], ...] = ()

    @property
    def expressions(self) -> tuple[Expression, Expression]:
        """Premise and conclusion."""
        return (self.premise, self.conclusion)


def read_claims(
    study: MatrixStudy, questions: Sequence[Question], claims: Sequence[Claim]
) -> tuple[Statement, ...]:
    """Return the statements of claims over the kernels of a study; nothing is solved for it.

    Raises:
        InputError: everything that is wrong with them: MX0623 a malformed one, MX0624 a name that
            no release has, or none that something is expected of, MX0625 a comparison that can
            never be true, MX0673 a claim of the study that none of its releases is asked.
    """
    names = ClaimNames(study, questions)
    problems: list[Diagnostic] = []
    statements: list[Statement] = []
    for claim in claims:
        try:
            statement = replace(_statement(claim), groups=_groups(questions, claim))
        except InputError as error:
            problems.extend(error.diagnostics)
            continue
        statements.append(statement)
        # Only one of the study's own: a claim that was given besides may be of releases it leaves
        # out.
        if claim in study.claims and not statement.groups:
            problems.append(_never_asked(claim, questions))
        # A misspelt name is lacked by every release as well: said once, as the slip that it is.
        wrong = names.problems(claim.statement, statement.expressions)
        problems.extend(wrong or _not_askable(names, claim, statement))
    refuse(problems)
    return tuple(statements)


def decide_claims(solved: SolvedStudy, claims: Sequence[Claim]) -> tuple[ClaimResult, ...]:
    """Return what becomes of every claim, releases with an expectation of their own apart.

    Raises:
        InputError: as `read_claims`.
    """
    questions = [part.question for _, part in solved.kernels]
    statements = read_claims(solved.study, questions, claims)
    names = ClaimNames(solved.study, questions)
    regions = ClaimRegions(solved, names)
    parts = {id(part.question): part for _, part in solved.kernels}
    return tuple(
        result
        for claim, statement in zip(claims, statements, strict=True)
        for key, asked in statement.groups
        for result in _decide(
            solved,
            names,
            regions,
            claim,
            statement,
            [parts[id(question)] for question in asked],
            dict(claim.expected)[key],
        )
    )


def _statement(claim: Claim) -> Statement:
    match claim.statement.expression:
        case Call(form, arguments) if form in _FORMS:
            if len(arguments) != _FORMS[form]:
                raise InputError(_malformed(claim, form, len(arguments)))
            premise = arguments[0] if form == "implies" else Constant(True)
            return Statement(premise=premise, conclusion=arguments[-1], negated=form == "never")
        case expression:
            return Statement(premise=Constant(True), conclusion=expression, negated=False)


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


def _groups(
    questions: Sequence[Question], claim: Claim
) -> tuple[tuple[str, tuple[Question, ...]], ...]:
    """Return the kernels that something is expected of, those with the same expectation together.

    A release that `expected` names is on its own, all others are one group.
    """
    expected = dict(claim.expected)
    groups: dict[str, list[Question]] = {}
    for question in questions:
        release = question.program.release
        key = release if release in expected else ALL_OTHERS
        if key in expected:
            groups.setdefault(key, []).append(question)
    return tuple((key, tuple(members)) for key, members in groups.items())


def _decide(
    solved: SolvedStudy,
    names: ClaimNames,
    regions: ClaimRegions,
    claim: Claim,
    statement: Statement,
    parts: Sequence[KernelRegions],
    expected: str,
) -> Iterator[ClaimResult]:
    """Yield a result for the releases that break the statement, and one for those that keep it."""
    nothing = solved.backend.nothing()
    cells = {PROVED: nothing, REFUTED: nothing}
    certain = nothing
    kernels: dict[str, list[str]] = {PROVED: [], REFUTED: []}
    not_asked = []
    for part in parts:
        release = part.question.program.release
        if names.lacking(part.question, statement.expressions):
            not_asked.append(release)
            continue
        inside = regions.where(part, statement.premise, part.valid)
        holds = regions.where(part, statement.conclusion, inside)
        wrong = holds if statement.negated else inside - holds
        status = PROVED if wrong.is_empty() else REFUTED
        kernels[status].append(release)
        cells[status] |= inside if status == PROVED else wrong
        # Broken whatever is unknown of the CPU; the other cells may be.
        certain = certain | (wrong.project_hidden() - (part.valid - wrong).project_hidden())
    for status, asked in kernels.items():
        if not asked:
            continue
        refuted = status == REFUTED
        # A witness that nobody can doubt, where there is one.
        broken = cells[REFUTED] if certain.is_empty() else certain
        yield ClaimResult(
            claim=claim,
            kernels=tuple(asked),
            not_asked=tuple(not_asked),
            status=status,
            expected=expected,
            cells=cells[status].count(),
            witness=nearest(broken, dict(solved.study.baseline)) if refuted else None,
            # Proved of no cell proves nothing; where another release of the group breaks the claim,
            # that one decides whether the expectation is met.
            decided_elsewhere=bool(kernels[REFUTED]) and cells[status].is_empty(),
        )


def _not_askable(names: ClaimNames, claim: Claim, statement: Statement) -> Iterator[Diagnostic]:
    """Yield the expectations of releases of which every one lacks a name of the statement."""
    for _, questions in statement.groups:
        lacking = [names.lacking(question, statement.expressions) for question in questions]
        if all(lacking):
            words = sorted(frozenset[str]().union(*lacking))
            releases = ", ".join(question.program.release for question in questions)
            yield Diagnostic(
                code="MX0624",
                message=f"claim `{claim.id}` cannot be asked of Linux {releases}: no "
                f"`{'`, `'.join(words)}`",
                location=claim.location,
                hint="expect nothing of these releases, or use names they have",
            )


def _never_asked(claim: Claim, questions: Sequence[Question]) -> Diagnostic:
    releases = ", ".join(question.program.release for question in questions)
    return Diagnostic(
        code="MX0673",
        message=f"claim `{claim.id}` is asked of no release of the study",
        location=claim.location,
        hint=f"expect something of {releases}, or of `*`",
    )
