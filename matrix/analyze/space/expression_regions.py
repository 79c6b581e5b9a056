"""Where a claim's expression is true in one kernel of a solved study.

Takes expressions whose names `claim_names.py` has found right, gives regions; each name is compiled
when it is first used.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from matrix.analyze.space.expression_names import VERDICT, ClaimNames, violations_in
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.symbolic import KernelRegions
from matrix.explore.inputs import SimulationInputs
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name, Value
from matrix.expr.printer import to_c
from matrix.expr.trees import names, substitute
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
            _tell(part, VERDICT, regions)
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
        if name and within <= scope:
            return name
        violating = violating | self._violating(part, call, within - scope)
        name = f"{key[1]} #{len(part.compiler.names())}"
        _tell(part, name, {True: violating, False: ~violating})
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


def _tell(part: KernelRegions, name: str, regions: Mapping[Value, Region]) -> None:
    part.compiler.know(
        name, {value: region for value, region in regions.items() if not region.is_empty()}
    )
