"""The names one kernel profile has, and how an expression over them is written after lowering.

Takes expressions as declared, gives expressions without calls, mechanisms and enumerators; says
which names a release lacks, and refuses a profile whose own expressions use a name it lacks.
`program.py` builds the program from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from msgspec.structs import replace

from matrix.analyze.facts.unread import UNREAD, Unread, rows_of, subjects
from matrix.diagnostics import Diagnostic, InputError, Location, refuse, unknown_word_hint
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name, Unary, Value, is_memory
from matrix.expr.position import Source
from matrix.expr.printer import to_c
from matrix.expr.trees import calls, fold, names, rewrite
from matrix.schema.values import (
    Architecture,
    Condition,
    CpuCap,
    Effect,
    KernelFunction,
    KernelProfile,
)

# The kernel's spelling of "is this symbol set" and of "has the system, has the boot CPU this cap".
_IS_ENABLED = "IS_ENABLED"
_SYMBOL = "CONFIG_"
_CAP_PREFIXES = {"cpus_have_final_cap": "cap.", "boot_cpu_has_cap": "boot_cap."}

# In a row's assignments and conditions this name is the value that the parser made of the text.
PARSED_VALUE = frozenset({"value"})
_NOTHING: frozenset[str] = frozenset()
_NO_DATES: Mapping[str, Value] = {}


class Lowering:
    """The names one profile has, and how each is written after lowering."""

    def __init__(self, profile: KernelProfile, architecture: Architecture) -> None:
        self.location = profile.location
        self.functions: dict[str, KernelFunction] = {
            function.signature: function
            for function in (*architecture.functions, *profile.functions)
        }
        self.cpucaps: dict[str, CpuCap] = {
            cap.name: cap for cap in (*architecture.cpucaps, *profile.cpucaps)
        }
        self.unread = unread = Unread(profile, architecture)
        self._mechanisms = {f"mechanism.{item.name}": item.value for item in profile.mechanisms}
        self._open_mechanisms = {
            f"mechanism.{item.name}": unread.mechanism(item.name, item.value)
            for item in profile.mechanisms
            if ("mechanism", item.name) in unread
        }
        # What came with a point release is an atom: the version that is asked about decides it.
        self.dated = {
            name: item
            for item in profile.mechanisms
            if item.since is not None
            and (name := f"mechanism.{item.name}") not in self._open_mechanisms
        }
        self._enumerators = {
            name: number for variable in profile.variables for name, number in variable.enumerators
        }
        self._plain = {
            *(variable.name for variable in profile.variables),
            *(axis.name for axis in architecture.environment),
            *(f"{_SYMBOL}{symbol.name}" for symbol in profile.symbols),
            *(signature for signature in self.functions if "(" not in signature),
        }

    def missing(self, expression: Expression) -> frozenset[str]:
        """Return the names of an expression that the release does not have.

        A Kconfig symbol the release lacks is not missing: it is off.
        """
        found = set()
        # A cap's name inside of its call is no name of its own: `cpus_have_final_cap(ARM64_X)`.
        arguments: set[Expression] = set()
        for call in calls(expression):
            arguments.update(call.arguments)
            # `f(vm)->x` is a call that stands for memory, with the call of `f` inside
            # (`is_memory`).
            inner = call.arguments[0] if is_memory(call) else None
            # What is behind an unknown call is not a second thing that is unknown.
            if not self._is_known_call(call) and not (
                isinstance(inner, Call) and not self._is_known_call(inner)
            ):
                found.add(to_c(call))
        for name in names(expression):
            if not self._is_known_name(name) and Name(name) not in arguments:
                found.add(name)
        return frozenset(found)

    def undeclared_symbols(self, expression: Expression) -> frozenset[str]:
        """Return the `CONFIG_` names of an expression that the profile does not list."""
        return frozenset(
            name for name in names(expression) if name.startswith(_SYMBOL)
        ) - frozenset(self._plain)

    def body(self, function: KernelFunction) -> Expression:
        """Return the body of a function, lowered; anything it can be where nobody has read it."""
        if ("function", function.signature) in self.unread:
            return self.unread.function(function.signature)
        return self.lower(function.body.expression)

    def lower(self, expression: Expression) -> Expression:
        """Return an expression without calls, mechanisms and enumerators, constants folded."""
        return fold(rewrite(expression, self._lower_node))

    def said(self, expression: Expression, dated: Mapping[str, Value] = _NO_DATES) -> str:
        """Return a condition in the kernel's words, without what is settled in this release.

        `dated` are the values of what came with point releases, where they are known.
        """

        def settle(node: Expression) -> Expression:
            name = node.identifier if isinstance(node, Name) else ""
            value = dated.get(name)
            if value is not None:
                return Constant(value)
            return self._lower_node(node) if name in self._mechanisms else node

        settled = fold(rewrite(expression, settle))
        # What folds away as a whole is said as it is declared: "true" would tell a reader nothing.
        match settled:
            case Constant():
                return to_c(expression)
            case Unary("!", Unary("!", operand)):  # what is left of `operand || false`
                return to_c(operand)
            case _:
                return to_c(settled)

    def cap_definitions(self, cap: CpuCap) -> Iterator[tuple[str, Expression]]:
        """Yield `cap.X` and `boot_cap.X`: what the hardware has, under the cap's conditions."""
        if ("cpucap", cap.name) in self.unread:
            yield f"cap.{cap.name}", Name(f"{UNREAD}{cap.name}")
            yield f"boot_cap.{cap.name}", Name(f"{UNREAD}boot.{cap.name}")
            return
        # Both have the same conditions: a cap that is compiled out or switched off is not detected
        # on the boot CPU either.
        for prefix, hardware in (("cap.", "hw."), ("boot_cap.", "boot_hw.")):
            body: Expression = Name(f"{hardware}{cap.name}")
            if cap.kconfig is not None:
                body = Binary("&&", self.lower(cap.kconfig.expression), body)
            if cap.unless is not None:
                body = Binary("&&", Unary("!", self.lower(cap.unless.expression)), body)
            yield f"{prefix}{cap.name}", fold(body)

    def unknown(self, missing: list[str], condition: Condition) -> tuple[Diagnostic, ...]:
        """Return one diagnostic per name that does not exist, with a caret at its first use."""
        return tuple(self._unknown(name, condition) for name in missing)

    def _unknown(self, name: str, condition: Condition) -> Diagnostic:
        word, parenthesis, arguments = name.partition("(")
        if word in _CAP_PREFIXES:
            word, kind, known = arguments.removesuffix(")"), "cpucaps", list(self.cpucaps)
        elif word == _IS_ENABLED or word.startswith(_SYMBOL):
            kind = "symbols"
            known = [item for item in self._plain if item.startswith(_SYMBOL)]
            word = word.removeprefix(_IS_ENABLED) or arguments.removesuffix(")")
        elif parenthesis:
            kind = "functions"
            known = [item for item in self.functions if "(" in item]
        else:
            kind, known = "names", [*self._plain, *self._enumerators, *self._mechanisms]
        return Source(condition.text, condition.location).at_word(
            "MX0290",
            f"unknown name `{word or name}`",
            word,
            hint=unknown_word_hint(f"{word}()" if kind == "functions" else word, known, kind),
        )

    def _is_known_call(self, call: Call) -> bool:
        if to_c(call) in self.functions:
            return True
        match call.arguments:
            case (Name(argument),) if call.function == _IS_ENABLED:
                return argument.startswith(_SYMBOL)
            case (Name(argument),) if call.function in _CAP_PREFIXES:
                return argument in self.cpucaps
        return False

    def _is_known_name(self, name: str) -> bool:
        known = name in self._plain or name in self._enumerators or name in self._mechanisms
        return known or name.startswith((_SYMBOL, UNREAD))

    def _lower_node(self, node: Expression) -> Expression:
        match node:
            case Name(identifier):
                # Before the plain mechanisms: a draft has a value for what nobody has read, copied
                # from its neighbour, and no answer may rest on it.
                if identifier in self._open_mechanisms:
                    return self._open_mechanisms[identifier]
                if identifier in self._mechanisms and identifier not in self.dated:
                    return Constant(self._mechanisms[identifier])
                if identifier in self._enumerators:
                    return Constant(self._enumerators[identifier])
                return self._symbol(identifier) if identifier.startswith(_SYMBOL) else node
            case Call(function, arguments):
                if function == _IS_ENABLED:
                    # A tristate's `m` is a text, and equals no number: it is enabled as well.
                    return Binary("!=", arguments[0], Constant(False))
                if function in _CAP_PREFIXES:
                    return Name(f"{_CAP_PREFIXES[function]}{to_c(arguments[0])}")
                # A call of the kernel's own becomes the name of its definition, arguments and all:
                # `f(a)` and `f(b)` are two functions here.
                return Name(to_c(node))
            case _:
                return node

    def _symbol(self, name: str) -> Expression:
        """Return a Kconfig symbol; one that the release does not have is off."""
        return Name(name) if name in self._plain else Constant(False)


def refuse_unknown_names(profile: KernelProfile, lowering: Lowering) -> None:
    """Refuse a profile whose expressions use what it does not declare; everything at once.

    Raises:
        InputError: MX0290 unknown names, MX0292 a row that sets no declared variable, MX1124 a row
            of `open` that is none of the profile.
    """
    problems = [*_unknown_names(profile, lowering), *_unknown_variables(profile)]
    problems += _unknown_rows(profile)
    refuse(problems)


def refuse_cycles(
    profile: KernelProfile, lowering: Lowering, definitions: Mapping[str, Expression]
) -> None:
    """Refuse a definition that needs itself, be it by way of a variable.

    A row may read variables by name: it then sees them as they are at that moment. What it reads
    through a function is their final value, and that must not depend on the row.

    Raises:
        InputError: MX0291.
    """
    variables = {variable.name: variable for variable in profile.variables}
    read_by = {name: set(names(body)) for name, body in definitions.items()}
    read_by.update(_read_by_variables(profile, lowering))
    # Variables among each other are no circle: a row reads what the rows before it left.
    graph = {
        name: (read & read_by.keys()) - (variables.keys() if name in variables else set())
        for name, read in read_by.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        places = {name: variable.location for name, variable in variables.items()}
        places.update((name, item.location) for name, item in lowering.functions.items())
        diagnostic = Diagnostic(
            code="MX0291",
            location=next(places[name] for name in path if name in places),
            message=f"the definition of `{path[0]}` needs itself: {' → '.join(reversed(path))}",
            hint="remove one of these uses",
        )
        raise InputError(diagnostic) from error


def conditions(
    profile: KernelProfile, lowering: Lowering
) -> Iterator[tuple[Condition, frozenset[str]]]:
    """Yield every expression a profile declares, and the names it may use besides its own."""
    for function in lowering.functions.values():
        yield function.body, _NOTHING
    for constraint in profile.constraints:
        yield constraint.condition, _NOTHING
    for variable in profile.variables:
        yield variable.initial, _NOTHING
    for cap in lowering.cpucaps.values():
        yield from ((item, _NOTHING) for item in (cap.kconfig, cap.unless) if item is not None)
    for parameter in profile.parameters:
        for parser in parameter.parsers:
            if parser.exists_if is not None:
                yield parser.exists_if, _NOTHING
            for effect in parser.effects:
                yield from ((item, PARSED_VALUE) for item in _parts(effect))


def _parts(effect: Effect) -> Iterator[Condition]:
    if effect.when is not None:
        yield effect.when
    yield from (assigned for _, assigned in effect.assign)


def _unknown_names(profile: KernelProfile, lowering: Lowering) -> Iterator[Diagnostic]:
    for condition, also in conditions(profile, lowering):
        expression = condition.expression
        unknown = lowering.missing(expression) | lowering.undeclared_symbols(expression)
        yield from lowering.unknown(sorted(unknown - also), condition)


def _unknown_variables(profile: KernelProfile) -> Iterator[Diagnostic]:
    known = [variable.name for variable in profile.variables]
    for parameter, _, effect in profile.effects:
        for variable, assigned in effect.assign:
            if variable not in known:
                yield Diagnostic(
                    code="MX0292",
                    location=_of_variable(variable, assigned.location),
                    message=f"`{parameter.name}` sets `{variable}`, which is no variable of this "
                    "profile",
                    hint=unknown_word_hint(variable, known, "variables"),
                )


def _unknown_rows(profile: KernelProfile) -> Iterator[Diagnostic]:
    known = rows_of(profile)
    for kind, name in subjects(profile.open):
        if name not in known[kind]:
            yield Diagnostic(
                code="MX1124",
                location=profile.location,
                message=f"`open` names the {kind} `{name}`, which is no row of {profile.id}",
                hint=unknown_word_hint(name, known[kind], f"rows of this kind ({kind})"),
            )


def _of_variable(variable: str, assigned: Location) -> Location:
    """Return the place of the key in front of an assigned expression."""
    at = (assigned.text or "").rfind(variable, 0, assigned.index)
    if at < 0:
        return assigned
    return replace(assigned, column=assigned.skipped + at + 1, length=len(variable))


def _read_by_variables(profile: KernelProfile, lowering: Lowering) -> dict[str, set[str]]:
    """Return the names that decide each variable: its initial value and the rows that set it."""
    read_by = {
        variable.name: set(names(lowering.lower(variable.initial.expression)))
        for variable in profile.variables
    }
    for _, parser, effect in profile.effects:
        for item in (parser.exists_if, *_parts(effect)):
            read = names(lowering.lower(item.expression)) if item else frozenset()
            for variable, _ in effect.assign:
                read_by[variable] |= read
    return read_by
