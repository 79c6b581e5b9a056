"""What a command line leaves the kernel's variables at, as expressions.

Takes a profile's boot-parameter tables and a command line as the kernel's parsers see it, gives one
expression per kernel variable: the initial value, folded over the occurrences in boot order.
"""

from __future__ import annotations

from collections.abc import Mapping

from matrix.analyze.facts import PARSED_VALUE, FactProgram
from matrix.expr.nodes import Binary, Conditional, Constant, Expression, Scalar
from matrix.expr.trees import fold, substitute
from matrix.kernel.cmdline import CommandLine
from matrix.kernel.parameters import occurrences
from matrix.schema.values import Effect, KernelProfile, ParameterParser

# ID-register overrides are read before the MMU is on; early_param before __setup, before
# module parameters (init/main.c: parse_early_param, parse_args).
_STREAMS = ("idreg", "early", "setup", "module")


def command_line_effects(
    program: FactProgram, profile: KernelProfile, line: CommandLine
) -> dict[str, Expression]:
    """Return every kernel variable as an expression: what a command line leaves it at.

    In each stream the occurrences apply in the order of the line, so the last valid one wins. A
    row's condition sees the variables as they are at that moment.
    """
    state = {
        variable.name: program.lower_expression(variable.initial) for variable in profile.variables
    }
    found = [
        (_STREAMS.index(parser.stream), token.offset, index, parser, value)
        for parameter in profile.parameters
        for index, (parser, value, token) in enumerate(occurrences(parameter, line))
    ]
    for _, _, _, parser, value in sorted(found, key=lambda item: item[:3]):
        if value is not None:
            _apply(program, parser, value, state)
    return state


def _apply(
    program: FactProgram, parser: ParameterParser, value: Scalar, state: dict[str, Expression]
) -> None:
    """Apply the row of one parsed value to the variables."""
    effect = _row(parser, value)
    if effect is None:
        return
    before: Mapping[str, Expression] = dict(state)
    condition: Expression = Constant(True)
    now: Mapping[str, Expression] = {**before, "value": Constant(value)}
    for declared in (parser.exists_if, effect.when):
        if declared is not None:
            holds = substitute(program.lower_expression(declared, also=PARSED_VALUE), now)
            condition = Binary("&&", condition, holds)
    for variable, assigned in effect.assign:
        given = program.lower_expression(assigned, also=PARSED_VALUE)
        after = substitute(given, now)
        state[variable] = fold(Conditional(fold(condition), after, before[variable]))


def _row(parser: ParameterParser, value: Scalar) -> Effect | None:
    """Return the row for a value: the one that names it, or the one for any."""
    named = (effect for effect in parser.effects if effect.match == value)
    anything = (effect for effect in parser.effects if effect.match is None)
    return next(named, None) or next(anything, None)
