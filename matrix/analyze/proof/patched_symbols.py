"""How the check of a patch asks for Kconfig symbols: without their prefix, by value, as a module.

Takes a check as it is read and lowered kernels; gives the check in `IS_ENABLED()` alone, or
diagnostics that point into the mail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from matrix.analyze.facts.program import FactProgram
from matrix.diagnostics import Diagnostic, InputError, Severity
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, rewrite, walk
from matrix.kernel.patch.check import PatchedCheck

_SYMBOL = "CONFIG_"
# The model knows of a number whether it is 0 (FactProgram.domain): what asks no more can be asked.
_SAFE = {
    0: ("==", "!=", ">", "<=", ">=", "<"),
    1: (">=", "<"),
}


def without_prefix(
    programs: Sequence[FactProgram], check: PatchedCheck
) -> tuple[PatchedCheck, tuple[Diagnostic, ...]]:
    """Return a check in which a symbol without `CONFIG_` is what it is to C, never set; and why."""
    listed = {symbol for program in programs for symbol in program.symbols}
    booleans = {
        f"{_SYMBOL}{symbol}"
        for symbol in listed
        if all(program.symbols.get(symbol, "bool") == "bool" for program in programs)
    }
    found: dict[str, Diagnostic] = {}

    def replaced(node: Expression) -> Expression:
        match node:
            case Call("IS_ENABLED" | "defined" as test, (Name(name),)) if name in listed:
                found[name] = Diagnostic(
                    code="MX1221",
                    severity=Severity.WARNING,
                    message=f"`{test}({name})` is always 0: the prefix {_SYMBOL} is missing",
                    location=check.place_of(Name(name)),
                    hint=f"is `{test}({_SYMBOL}{name})` meant?",
                )
                return Constant(False)
            case Call("IS_ENABLED", (Constant(bool() | int() as number),)):
                # include/linux/kconfig.h:14-24: what is defined as 1 counts as built in.
                return Constant(number == 1)
            case Call("IS_BUILTIN" | "IS_REACHABLE", (Name(name),)) if name in booleans:
                return Call("IS_ENABLED", node.arguments)
            case Call("IS_MODULE", (Name(name),)) if name in booleans:
                return Constant(False)
        return node

    expression = fold(rewrite(check.expression, replaced))
    guards = tuple(
        replace(guard, condition=fold(rewrite(guard.condition, replaced))) for guard in check.guards
    )
    return replace(check, expression=expression, guards=guards), tuple(found.values())


def read_as_numbers(programs: Sequence[FactProgram], check: PatchedCheck) -> tuple[Diagnostic, ...]:
    """Return a warning (MX1242) for each symbol that C reads and that some kernel leaves out.

    A number is there where what it depends on is, so any `#if` around it may see to that.
    """
    numbers = {
        name for program in programs for name, kind in program.symbols.items() if kind == "int"
    }
    found = {
        item.name: item
        for item in reversed(check.bare)
        if not (
            item.under if item.name.removeprefix(_SYMBOL) in numbers else item.name in item.under
        )
        and not all(item.name in program.always_set for program in programs)
    }
    return tuple(
        Diagnostic(
            code="MX1242",
            severity=Severity.WARNING,
            message=f"`{name}` stands in C outside of `#if` and IS_ENABLED(): where Kconfig "
            "leaves it out, C knows no such name and the check does not compile",
            location=item.location,
            hint=f"is `IS_ENABLED({name})` meant? The check is read as if it said so",
        )
        for name, item in sorted(found.items())
    )


def refuse_values(programs: Sequence[FactProgram], check: PatchedCheck) -> None:
    """Refuse what asks more of an int symbol than whether it is 0: that is all that is known.

    Raises:
        InputError: MX1223, all of them at once.
    """
    numbers = {
        f"{_SYMBOL}{symbol}"
        for program in programs
        for symbol, kind in program.symbols.items()
        if kind == "int"
    }
    expressions = (check.expression, *(guard.condition for guard in check.guards))
    problems = {
        to_c(node): Diagnostic(
            code="MX1223",
            message=f"`{to_c(node)}` asks for the value of `{name}`: what is known is whether it "
            "is 0",
            location=check.place_of(Name(name)),
            hint=f"`{name} != 0` can be asked",
        )
        for expression in expressions
        for node, name in _asked_values(expression, numbers)
    }
    if problems:
        raise InputError(list(problems.values()))


def _asked_values(expression: Expression, numbers: set[str]) -> Iterator[tuple[Expression, str]]:
    for node in walk(expression):
        match node:
            case Call(_, (Name(name),)) if name in numbers:
                yield node, name
            case Binary("&&" | "||", _, _):
                continue
            case Binary(operator, Name(name), Constant(bool() | int() as value)) if name in numbers:
                if operator not in _SAFE.get(int(value), ()):
                    yield node, name
            case Binary(_, left, right):
                for side in (left, right):
                    if isinstance(side, Name) and side.identifier in numbers:
                        yield node, side.identifier
