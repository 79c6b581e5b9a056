"""Cells chosen by an expression: the `--where` of a command.

The language is that of claims: axes, public facts, simulation inputs, the kernel's own functions,
`predicate`, `verdict` and `violates("invariant")`. A cell is chosen where the expression is true
whatever nobody recorded of its CPU, and where its release has every name.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.space.expression_names import VERDICT, ClaimNames, violations_in
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.symbolic import KernelRegions
from matrix.diagnostics import refuse
from matrix.explore.inputs import SimulationInputs
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name, Value
from matrix.expr.printer import to_c
from matrix.expr.trees import names, substitute, without_repeats
from matrix.schema.values import Condition
from matrix.solve.partition import Compiler
from matrix.solve.space import Region


class ClaimRegions:
    """The regions of claims over one solved study."""

    def __init__(self, solved: SolvedStudy, claim_names: ClaimNames) -> None:
        self._solved = solved
        self._names = claim_names
        # Per kernel and `violates(…)`: where it was asked, where it holds there, and as what.
        self._asked: dict[tuple[Compiler, str], tuple[Region, Region, str]] = {}

    def where(self, part: KernelRegions, expression: Expression, within: Region) -> Region:
        """Return the part of a kernel's cells where an expression is true.

        What stands behind an `&&` is asked only where the rest of it is true: of another mechanism
        a simulation is asked for each class there.

        Raises:
            InputError: MX0653, where it is neither true nor false.
        """
        # Down the left spine, then from its first operand on: each is asked inside what the ones
        # before it left.
        operands: list[Expression] = []
        while isinstance(expression, Binary) and expression.operator == "&&":
            operands.append(expression.right)
            expression = expression.left
        for operand in (expression, *reversed(operands)):
            within = self._where(part, self._names.spelled(part.question, operand), within)
        return within

    def _where(self, part: KernelRegions, expression: Expression, within: Region) -> Region:
        meanings = dict(self._names.meanings(part.question))
        if VERDICT in names(expression) and VERDICT not in part.compiler.names():
            # Outside the space there is no verdict; a partition is of everything.
            regions: dict[Value, Region] = {"": ~self._solved.valid}
            regions.update((word.value, region) for word, region in self._solved.verdicts.items())
            _define(part, VERDICT, regions)
        for call in violations_in((expression,)):
            meanings[to_c(call)] = Name(self._known_violating(part, call, within))
        lowered = part.question.program.lowering.lower(expression)
        return part.compiler.where(substitute(lowered, meanings), within)

    def _known_violating(self, part: KernelRegions, call: Call, within: Region) -> str:
        """Return the name under which the compiler knows where an invariant is broken.

        It is right inside `within`; where more is asked for later, that is another name.
        """
        key = (part.compiler, to_c(call))
        nothing = self._solved.backend.nothing()
        scope, violating, name = self._asked.get(key, (nothing, nothing, ""))
        # What was simulated for a wider part is right for this one.
        if name and within <= scope:
            return name
        violating = violating | self._violating(part, call, within - scope)
        # A name of the compiler means one partition for good, so a wider answer gets a new one.
        name = f"{key[1]} #{len(part.compiler.names())}"
        _define(part, name, {True: violating, False: ~violating})
        self._asked[key] = (scope | within, violating, name)
        return name

    def _violating(self, part: KernelRegions, call: Call, within: Region) -> Region:
        """Return the cells of classes met in `within` in which an invariant is broken.

        Operands of the call are the invariant and another mechanism, if one is asked about.
        """
        invariant, *chosen = (item.value for item in call.arguments if isinstance(item, Constant))
        question = part.question
        variant = dict(question.variant)
        for text in map(str, chosen):
            option, _, value = text.partition("=")
            variant[option] = value
        options = question.scenario.chosen(variant.items()) if question.scenario else ()
        region = self._solved.backend.nothing()
        for inputs, cells in part.classes:
            if (cells & within).is_empty():
                continue
            if isinstance(inputs, SimulationInputs):
                inputs = replace(inputs, variant=options)  # noqa: PLW2901
            result = self._solved.behaviours.result(inputs)
            if any(violation.invariant == invariant for violation in result.violations):
                region = region | cells
        return region


def _define(part: KernelRegions, name: str, regions: Mapping[Value, Region]) -> None:
    part.compiler.know(
        name, {value: region for value, region in regions.items() if not region.is_empty()}
    )


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
    asked = without_repeats(condition.expression)
    expressions = (asked,)
    problems = names.problems(condition, expressions)
    refuse(problems)
    regions = ClaimRegions(solved, names)
    chosen = undecided = solved.backend.nothing()
    lacking: list[tuple[str, tuple[str, ...]]] = []
    for profile, part in solved.kernels:
        missing = names.lacking(part.question, expressions)
        if missing:
            lacking.append((profile.release, tuple(sorted(missing))))
            continue
        true = regions.where(part, asked, part.valid)
        possible = true.project_hidden()
        # In both where something unknown decides: neither chosen nor wrong.
        maybe_not = (part.valid - true).project_hidden()
        chosen = chosen | (possible - maybe_not)
        undecided = undecided | (possible & maybe_not)
    return Selection(region=chosen, undecided=undecided.count(), lacking=tuple(lacking))
