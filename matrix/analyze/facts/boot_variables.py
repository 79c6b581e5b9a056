"""What a command line leaves the kernel's variables at, as expressions.

Takes a profile's boot-parameter tables and a command line as the kernel's parsers see it, gives one
expression per kernel variable: the initial value, folded over the occurrences in boot order. The
occurrences themselves are steps, so that a reader can be told which one set a variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from matrix.analyze.facts.program import PARSED_VALUE, FactProgram
from matrix.expr.nodes import Binary, Conditional, Constant, Expression, Scalar
from matrix.expr.trees import fold, substitute
from matrix.kernel.line.cmdline import CommandLine, Parameter
from matrix.kernel.line.parameters import occurrences
from matrix.schema.values import Effect, KernelProfile, ParameterParser

# ID-register overrides are read before the MMU is on; early_param before __setup, before
# module parameters (init/main.c: parse_early_param, parse_args).
_STREAMS = ("idreg", "early", "setup", "module")


class BootStep(Struct, frozen=True, kw_only=True):
    """One occurrence of a boot parameter as one parser reads it, in boot order.

    `effect` is None where the parser takes the text for nothing (`value` None) or no row is for the
    value: nothing changes. `condition` says where the row applies, `assigned` what each variable
    then is; both are over the variables' values before the line was read.
    """

    parameter: str
    occurrence: Parameter
    parser: ParameterParser
    value: Scalar | None
    effect: Effect | None
    condition: Expression
    assigned: tuple[tuple[str, Expression], ...]


def initial_values(program: FactProgram, profile: KernelProfile) -> dict[str, Expression]:
    """Return every kernel variable as it is before the command line is read."""
    unread = program.lowering.unread
    return {
        variable.name: unread.variable(variable.name)
        if ("variable", variable.name) in unread
        else program.lower_expression(variable.initial)
        for variable in profile.variables
    }


def command_line_effects(
    program: FactProgram, profile: KernelProfile, line: CommandLine
) -> dict[str, Expression]:
    """Return every kernel variable as an expression: what a command line leaves it at.

    In each stream the occurrences apply in the order of the line, so the last valid one wins. A
    row's condition sees the variables as they are at that moment.
    """
    state = initial_values(program, profile)
    for step in boot_steps(program, profile, line):
        _apply(step, state)
    return state


def boot_steps(
    program: FactProgram, profile: KernelProfile, line: CommandLine
) -> Iterator[BootStep]:
    """Yield what each occurrence of a boot parameter does, one after the other."""
    state = initial_values(program, profile)
    found = [
        # One word may be read by several parsers, each in its own stream: `kvm-arm.mode=` is an
        # alias of ID-register overrides before it is an early parameter.
        (_STREAMS.index(parser.stream), token.offset, index, parameter.name, parser, value, token)
        for parameter in profile.parameters
        for index, (parser, value, token) in enumerate(occurrences(parameter, line))
    ]
    # First the stream, then the place in the line; parsers of one word in their declared order. The
    # rest of the tuple has no order.
    for _, _, _, name, parser, value, token in sorted(found, key=lambda item: item[:3]):
        effect = None if value is None else _row(parser, value)
        # Applies for sure, to whatever value: a word behind it that is known still overrules it.
        if ("parameter", name) in program.lowering.unread:
            condition: Expression = Constant(True)
            assigned = _anything(program, parser)
        else:
            condition, assigned = _meaning(program, parser, value, effect, state)
        step = BootStep(
            parameter=name,
            occurrence=token,
            parser=parser,
            value=value,
            effect=effect,
            condition=condition,
            assigned=assigned,
        )
        yield step
        _apply(step, state)


def _apply(step: BootStep, state: dict[str, Expression]) -> None:
    for variable, after in step.assigned:
        # Where the row does not apply the variable keeps what it was: the steps nest into one `?:`.
        state[variable] = fold(Conditional(step.condition, after, state[variable]))


def _meaning(
    program: FactProgram,
    parser: ParameterParser,
    value: Scalar | None,
    effect: Effect | None,
    state: Mapping[str, Expression],
) -> tuple[Expression, tuple[tuple[str, Expression], ...]]:
    """Return where the row of one parsed value applies, and what it assigns."""
    if effect is None or value is None:
        return Constant(False), ()
    now: Mapping[str, Expression] = {**state, "value": Constant(value)}
    condition: Expression = Constant(True)
    for declared in (parser.exists_if, effect.when):
        if declared is not None:
            holds = substitute(program.lower_expression(declared, also=PARSED_VALUE), now)
            condition = Binary("&&", condition, holds)
    assigned = tuple(
        (variable, substitute(program.lower_expression(given, also=PARSED_VALUE), now))
        for variable, given in effect.assign
    )
    return fold(condition), assigned


def _anything(program: FactProgram, parser: ParameterParser) -> tuple[tuple[str, Expression], ...]:
    """Return what a parser may set that nobody has read: its variables, to whatever they can be."""
    variables = dict.fromkeys(name for effect in parser.effects for name, _ in effect.assign)
    return tuple((name, program.lowering.unread.variable(name)) for name in variables)


def _row(parser: ParameterParser, value: Scalar) -> Effect | None:
    """Return the row for a value: the one that names it, or the one for any."""
    named = (effect for effect in parser.effects if effect.match == value)
    anything = (effect for effect in parser.effects if effect.match is None)
    return next(named, None) or next(anything, None)
