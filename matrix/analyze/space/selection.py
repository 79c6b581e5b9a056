"""Cells chosen by an expression: the `--where` of a command.

The language is that of claims: axes, public facts, simulation inputs, the kernel's own functions,
`predicate`, `verdict` and `violates("invariant")`. A cell is chosen where the expression is true
whatever nobody recorded of its CPU, and where its release has every name.
"""

from __future__ import annotations

from msgspec import Struct

from matrix.analyze.space.expression_names import ClaimNames
from matrix.analyze.space.expression_regions import ClaimRegions
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import InputError
from matrix.schema.values import Condition
from matrix.solve.space import Region


class Selection(Struct, frozen=True, kw_only=True):
    """The visible cells chosen, and what was left out though nobody can say it is wrong.

    `undecided` counts the cells in which the expression is true or false depending on something
    nobody recorded; `lacking` names, per release, what of the expression it does not have.
    """

    region: Region
    undecided: int
    lacking: tuple[tuple[str, tuple[str, ...]], ...]


def select(solved: SolvedStudy, condition: Condition) -> Selection:
    """Return the cells of a study in which a condition is true.

    Raises:
        InputError: MX0623, MX0624 and MX0625 for names, all at once; MX0653 where the expression
            is neither true nor false.
    """
    names = ClaimNames(solved.study, [part.question for _, part in solved.kernels])
    expressions = (condition.expression,)
    problems = names.problems(condition, expressions)
    if problems:
        raise InputError(problems)
    regions = ClaimRegions(solved, names)
    chosen = undecided = solved.backend.nothing()
    lacking: list[tuple[str, tuple[str, ...]]] = []
    for profile, part in solved.kernels:
        missing = names.lacking(part.question, expressions)
        if missing:
            lacking.append((profile.release, tuple(sorted(missing))))
            continue
        true = regions.where(part, condition.expression, part.valid)
        possible = true.project_hidden()
        maybe_not = (part.valid - true).project_hidden()
        chosen = chosen | (possible - maybe_not)
        undecided = undecided | (possible & maybe_not)
    return Selection(region=chosen, undecided=undecided.count(), lacking=tuple(lacking))
