"""How the check of a patch asks for Kconfig symbols: without their prefix, by value, as a module.

Takes a check as it is read and lowered kernels; gives the check in `IS_ENABLED()` alone, or
diagnostics that point into the mail. A patch that changes Kconfig where the profiles cite it is
warned of: answers are those without the patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.facts.program import FactProgram
from matrix.analyze.proof.patched_model import AskedKernel
from matrix.diagnostics import Diagnostic, refuse
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, rewrite, walk
from matrix.kernel.patch.check import PatchedCheck
from matrix.kernel.patch.kconfig import KconfigTouch
from matrix.kernel.source.truth.citations import citations

_STATEMENT = re.compile(r"`(?P<words>[^`]+)` of (?:menu)?config (?P<entry>\w+)")
_ENTRY = re.compile(r"(?:(?:menu)?config|choice of) (?P<entry>\w+)")
# What stands around entries decides whether those can be set.
_AROUND = ("if", "endif", "menu", "endmenu", "choice", "endchoice", "visible")
_FORCES = ("select", "imply")


class _Cited(Struct, frozen=True, kw_only=True):
    """What profiles cite of Kconfig: symbols, whole entries, words of entries, files."""

    symbols: frozenset[str]
    entries: frozenset[str]
    words: frozenset[tuple[str, str]]
    paths: frozenset[str]


def changed_kconfig(
    kernels: Sequence[AskedKernel], touched: Sequence[KconfigTouch]
) -> tuple[Diagnostic, ...]:
    """Return a warning (MX1241) for each entry that profiles cite and a patch changes."""
    cited = _cited(kernels)
    first = {(item.path, item.entry): item for item in reversed(touched) if _decides(item, cited)}
    return tuple(
        Diagnostic.warning(
            code="MX1241",
            message=f"the patch changes {item.path}: what is said of Kconfig is what holds "
            "without the patch",
            location=item.location,
            hint="to ask with it, declare what it makes of Kconfig under `kconfig:` of a profile "
            "in a folder for --configs",
        )
        for item in reversed(first.values())
    )


def _decides(item: KconfigTouch, cited: _Cited) -> bool:
    """Return whether a statement may decide what the profiles say."""
    if item.keyword in _FORCES:
        # What an entry selects says nothing of the entry itself.
        target = re.findall(r"\w+", item.text)[1:2]
        return bool(cited.symbols.intersection(target))
    if item.entry is None or item.keyword in _AROUND:
        return item.path in cited.paths and item.keyword in _AROUND
    if item.entry in cited.entries:
        return True
    return any((item.entry, word) in cited.words for word in (item.keyword, *item.symbols))


def _cited(kernels: Sequence[AskedKernel]) -> _Cited:
    symbols = {symbol.name for kernel in kernels for symbol in kernel.profile.symbols}
    entries, paths = set(symbols), set[str]()
    words: set[tuple[str, str]] = set()
    for kernel in kernels:
        for citation in citations(kernel.profile) if kernel.evidence is not None else ():
            place = kernel.evidence.places.get(citation.text) if kernel.evidence else None
            for part in place.parts if place is not None else ():
                if found := _STATEMENT.match(part.piece):
                    words.update((found["entry"], word) for word in found["words"].split())
                    symbols.update(found["words"].split()[1:])
                elif found := _ENTRY.match(part.piece):
                    entries.add(found["entry"])
                else:
                    continue
                paths.add(citation.path)
    return _Cited(
        symbols=frozenset(symbols),
        entries=frozenset(entries),
        words=frozenset(words),
        paths=frozenset(paths),
    )


_SYMBOL = "CONFIG_"
# The model knows of a number whether it is 0 (FactProgram.domain): what asks no more can be asked.
# Taken as never below 0: `> 0` and `>= 1` are `!= 0`, `<= 0` and `< 1` are `== 0`.
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
                found[name] = Diagnostic.warning(
                    code="MX1221",
                    message=f"`{test}({name})` is always 0: the prefix {_SYMBOL} is missing",
                    location=check.place_of(Name(name)),
                    hint=f"is `{test}({_SYMBOL}{name})` meant?",
                )
                return Constant(False)
            case Call("IS_ENABLED", (Constant(bool() | int() as number),)):
                # include/linux/kconfig.h:14-24: what is defined as 1 counts as built in.
                return Constant(number == 1)
            # Of a bool the three macros say one thing: it cannot be a module
            # (include/linux/kconfig.h).
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
        Diagnostic.warning(
            code="MX1242",
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
    refuse(problems.values())


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
