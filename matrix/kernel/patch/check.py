"""The check that a patch adds: one function of one architecture, as one expression.

Takes the patches of a file, gives `PatchedCheck`, or says what is missing: the function is not
there, is there for another architecture, in part, or twice. Functions and macros that the same
patch adds are put in place of their calls; what the kernel already has stays a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import InputError, Location
from matrix.expr.nodes import Call, Constant, Expression, Name, Unary
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, names, walk
from matrix.kernel.patch.diff import Hunk, Patch, PatchLine
from matrix.kernel.patch.excerpts import Definition, Excerpt, definitions_of, excerpts
from matrix.kernel.patch.inlining import (
    VM,
    Helpers,
    from_the_left,
    vm_is_there,
)
from matrix.kernel.patch.missing import Wanted, cut, differ, in_part, not_there
from matrix.kernel.patch.reading import Reader, no_expression, with_arguments
from matrix.kernel.patch.touched import IN_PART, Touch, changes_in_part, touches
from matrix.kernel.source.c.derivation import Derived, choose, outcomes, truth_of
from matrix.kernel.source.c.preprocessor import conjunction, never_together
from matrix.kernel.source.c.tokens import matching, tokenize
from matrix.kernel.source.c.types import depends_on_sign, without_marks

# Kconfig symbols that C reads as numbers, `return CONFIG_KFENCE && …`, are none: autoconf.h has no
# line for a symbol that is off, so the compiler knows no such name. The preprocessor takes it as 0
# and these ask by text (include/linux/kconfig.h:14-24).
_PREFIX = "CONFIG_"
_ASKS = ("IS_ENABLED", "IS_BUILTIN", "IS_MODULE", "IS_REACHABLE", "__is_defined", "defined")


class BareSymbol(Struct, frozen=True, kw_only=True):
    """A symbol that stands as a number in C; `under` are the names of the `#if`s around it."""

    name: str
    location: Location
    under: frozenset[str]


class GuardLine(Struct, frozen=True, kw_only=True):
    """A condition of the preprocessor around the function; `text` is the directive's line."""

    condition: Expression
    text: str
    location: Location


class PatchedCheck(Struct, frozen=True, kw_only=True):
    """A check as a patch has it.

    `expression` is what the function returns where it is compiled, in `guards`; the VM asked about
    is `kvm`, and is there. `inlined` are the helpers of the patch that it holds. `redefined` are
    words of it that the kernel has and the patch changes: they are taken as the kernel has them.
    `parameter` is the function's own word for the VM, None without one; `reads_parameter` says
    whether the value depends on the VM: to test it for NULL is not to read it. `rows` are the lines
    of the function in `hunk`, as it stands in the patch. `places` has the first use of every word
    of the function and its helpers.
    """

    name: str
    patch: Patch
    path: str | None
    expression: Expression
    guards: tuple[GuardLine, ...]
    inlined: tuple[str, ...]
    redefined: tuple[tuple[str, Location], ...]
    errors: tuple[Location, ...]
    bare: tuple[BareSymbol, ...]
    named_macro: str | None
    parameter: str | None
    reads_parameter: bool
    is_static: bool
    is_inline: bool
    is_macro: bool
    is_bare_macro: bool
    hunk: Hunk
    rows: tuple[PatchLine, ...]
    location: Location
    places: Mapping[str, Location]

    def place_of(self, expression: Expression) -> Location:
        """Return where the words of an expression are first used; the function without one."""
        for word in _words_of(expression):
            if word in self.places:
                return self.places[word]
        return self.location

    def place_of_text(self, text: str) -> Location:
        """Return where the first word of a text is used."""
        found = re.findall(r"\w+", text)
        return next((self.places[word] for word in found if word in self.places), self.location)

    @property
    def lines(self) -> tuple[str, ...]:
        """The function as it stands in the patch."""
        return tuple(row.text.rstrip() for row in self.rows)

    @property
    def is_generic(self) -> bool:
        """Whether other architectures compile it too, as far as its path says."""
        return self.path is not None and not self.path.startswith("arch/")

    @property
    def in_header(self) -> bool:
        """Whether it stands in a header."""
        return (self.path or "").endswith(".h")


def find_check(
    patches: Sequence[Patch], wanted: Wanted, is_known: Callable[[Call | Name], bool]
) -> PatchedCheck:
    """Return the check that patches add; `is_known` tells what the kernel has already.

    Raises:
        InputError: MX1208 no such function, MX1209 for other architectures only, MX1210 a part of
            it, MX1211 two that differ, MX1212 a declaration or a removal only, MX1215 what is no
            expression.
    """
    pieces = excerpts(patches)
    reader = Reader(pieces, wanted)
    found = [item for piece in pieces for item in definitions_of(piece, wanted.function)]
    mine = [item for item in found if item.excerpt.architecture == wanted.architecture]
    general = [item for item in found if item.excerpt.architecture is None]
    # The architecture's own definition goes before the generic one, as in the build.
    chosen = mine or general
    if not chosen:
        raise InputError(not_there(pieces, found, wanted))
    # What is quoted deeper is older: what somebody proposes now is what is asked about.
    shallowest = min(item.excerpt.patch.level.depth for item in chosen)
    chosen = [item for item in chosen if item.excerpt.patch.level.depth == shallowest]
    parts = [item for item in chosen if not item.is_whole]
    if len(parts) == len(chosen):
        raise InputError([in_part(item) for item in parts[:1]])
    whole = [item for item in chosen if item.is_whole]
    # A later hunk that shows lines of a definition known whole adds nothing.
    parts = [item for item in parts if not _is_shown(item, whole)]
    if parts:
        raise InputError([in_part(item) for item in parts[:1]])
    beside = [
        touch
        for piece in pieces
        if piece.patch.level.depth == shallowest
        and piece.architecture in (None, wanted.architecture)
        for touch in changes_in_part([piece])
        if touch.name == wanted.function and touch.how == IN_PART
    ]
    if beside:
        raise InputError(cut(wanted.function, beside[0].location))
    helpers = Helpers(pieces, wanted, is_known, reader)
    return _one_of([_read(piece, wanted, helpers, reader) for piece in _pieces(whole)], wanted)


def _one_of(checks: Sequence[PatchedCheck], wanted: Wanted) -> PatchedCheck:
    """Return the check of several definitions, each under its own `#if`s.

    A header often has one that says no where the code is left out, and a .c file the other.

    Raises:
        InputError: MX1211, two that are compiled together.
    """
    if len(checks) > 1 and never_together([_compiled_where(item) for item in checks]):
        # A stub that says no is the answer where the code is left out, and so the guard of the
        # other.
        said = [item for item in checks if item.expression != Constant(False)] or checks[:1]
        if len(said) == 1:
            return said[0]
        either: Expression = Constant(False)
        for item in said:
            either = choose(_compiled_where(item), item.expression, either, boolean=True)
        return replace(said[-1], expression=from_the_left(fold(either)), guards=())
    # One that is always compiled may stand beside guarded ones, which go before it; two that are
    # compiled together and differ are two versions.
    always = [item for item in checks if not item.guards]
    first = (always or list(checks))[0]
    for other in checks:
        same = other.expression == first.expression and other.guards == first.guards
        if not same and (not other.guards or len(always) != 1):
            versions = [(to_c(item.expression), item.location) for item in (first, other)]
            raise InputError(differ(wanted, versions))
    expression = first.expression
    for other in checks:
        if other.guards:
            expression = choose(_compiled_where(other), other.expression, expression, boolean=True)
    return first if not always else replace(first, expression=from_the_left(fold(expression)))


def _compiled_where(check: PatchedCheck) -> Expression:
    return conjunction(tuple(guard.condition for guard in check.guards))


def changed_names(patches: Sequence[Patch], architecture: str) -> tuple[Touch, ...]:
    """Return every name that patches change in what an architecture compiles."""
    pieces = [piece for piece in excerpts(patches) if piece.architecture in (None, architecture)]
    return touches(pieces)


def _is_shown(part: Definition, whole: Sequence[Definition]) -> bool:
    """Return whether the lines of a definition shown in part are those of one shown whole."""
    lines = part.text
    return any(
        lines == item.text[start : start + len(lines)]
        for item in whole
        for start in range(len(item.text))
    )


def _pieces(chosen: Sequence[Definition]) -> list[list[Definition]]:
    """Return definitions by hunk: those of one hunk are variants under `#ifdef`."""
    groups: dict[int, list[Definition]] = {}
    for item in chosen:
        groups.setdefault(id(item.excerpt.hunk), []).append(item)
    return list(groups.values())


def _read(
    variants: Sequence[Definition], wanted: Wanted, helpers: Helpers, reader: Reader
) -> PatchedCheck:
    definition = variants[0]
    excerpt = definition.excerpt
    read = reader.read(variants)
    derived = read.derived
    found = helpers.inline(derived.expression, excerpt.file.path)
    expression = found.expression
    _refuse_circles(expression, (*read.macros, *found.macros), helpers)
    if depends_on_sign(expression):
        reason = "what C makes of a number without a sign is not read here"
        raise no_expression(definition, reason)
    expression = without_marks(expression)
    errors = (*(excerpt.at_line(line) for line in derived.errors), *found.errors)
    if not errors and any(isinstance(item, int) and item < 0 for item in outcomes(expression)):
        errors = (definition.location,)
    parameter = _vm_parameter(definition, wanted)
    if parameter is not None:
        expression = with_arguments(expression, {parameter: Name(VM)})
    # In this order: NULL tests fold away first, then numbers become truths, and chains of operators
    # get the form that the profile's own have.
    expression = from_the_left(fold(truth_of(fold(vm_is_there(expression)))))
    places: dict[str, Location] = {}
    used = {item.name: item for item in (*read.macros, *found.macros, *found.used)}
    for item in (*variants, *used.values()):
        _add_places(places, item)
    guards = _guard_lines(excerpt, definition, derived)
    for guard in guards:
        for word in _words_of(guard.condition):
            places.setdefault(word, guard.location)
    words = _head_words(definition)
    return PatchedCheck(
        name=definition.name,
        patch=excerpt.patch,
        path=excerpt.file.path,
        expression=expression,
        guards=guards,
        inlined=tuple(used),
        redefined=(
            *found.redefined,
            *(
                (item.name, item.location)
                for item in used.values()
                if item.macro is not None and helpers.is_known(item.name)
            ),
        ),
        errors=errors,
        bare=tuple(
            symbol
            for item in (*variants, *used.values())
            for symbol in _bare_symbols(item, [name for name, one in used.items() if one.macro])
        ),
        named_macro=_named_macro(excerpt, definition),
        parameter=parameter,
        reads_parameter=parameter is not None
        and any(name.partition(".")[0] == VM for name in names(expression)),
        is_static="static" in words,
        is_inline=bool({"inline", "__always_inline", "__inline"} & set(words)),
        is_macro=definition.macro is not None,
        is_bare_macro=definition.macro is not None and _is_bare(definition.macro.replacement),
        hunk=excerpt.hunk,
        rows=excerpt.rows[definition.line - 1 : definition.last_line],
        location=definition.location,
        places=places,
    )


def _is_bare(replacement: str) -> bool:
    """Return whether a macro's text falls apart where an operator stands beside it."""
    tokens = tokenize(replacement)
    if tokens[0].text == "(" and matching(tokens, 0) == len(tokens) - 1:
        return False
    last = matching(tokens, 1) if len(tokens) > 1 and tokens[1].text == "(" else 0
    return last != len(tokens) - 1


def _refuse_circles(expression: Expression, macros: Sequence[Definition], helpers: Helpers) -> None:
    """Refuse what is left of macros that need each other: C leaves the name as it stands."""
    plain = {item.name: item for item in macros if item.parameters is None}
    called = {item.name: item for item in macros if item.parameters is not None}
    for node in walk(expression):
        item = called.get(node.function) if isinstance(node, Call) else None
        item = plain.get(node.identifier) if isinstance(node, Name) else item
        if item is not None and not helpers.is_known(item.name):
            raise no_expression(item, f"the macro `{item.name}` needs itself")


def _named_macro(excerpt: Excerpt, definition: Definition) -> str | None:
    """Return `#define NAME NAME` where the patch has it, as its line."""
    for macro in excerpt.source.preprocessed.macros:
        if macro.name == macro.replacement == definition.name and macro.parameters is None:
            return excerpt.rows[macro.line - 1].text.rstrip()
    return None


def _guard_lines(
    excerpt: Excerpt, definition: Definition, derived: Derived
) -> tuple[GuardLine, ...]:
    above = excerpt.conditions_above(definition.line)
    last = above[-1] if above else definition.line
    # Where the preprocessor's answers were folded the conditions are no longer the lines'.
    lines = above if len(above) == len(derived.guard) else [last] * len(derived.guard)
    return tuple(
        GuardLine(
            condition=condition,
            text=excerpt.rows[line - 1].text.strip(),
            location=excerpt.at_line(line),
        )
        for condition, line in zip(derived.guard, lines, strict=True)
        # `#ifndef name` around a generic definition gives way to the architecture's own; there is
        # none here.
        if condition != Unary("!", Call("defined", (Name(definition.name),)))
    )


def _head_words(definition: Definition) -> list[str]:
    item = definition.item
    if item is None:
        return []
    head = [token for token in item.tokens[: item.body] if token.line >= definition.line - 1]
    return [token.text for token in head]


def _vm_parameter(definition: Definition, wanted: Wanted) -> str | None:
    """Return the parameter of the type that the check is asked about; a macro's first."""
    if definition.item is None:
        return definition.parameters[0] if definition.parameters else None
    for words in definition.item.arguments:
        texts = [token.text for token in words if token.kind == "name"]
        if wanted.argument and " ".join(texts[:-1]).endswith(wanted.argument):
            return texts[-1]
    return None


def _add_places(places: dict[str, Location], definition: Definition) -> None:
    item = definition.item
    if item is None:
        if definition.macro is not None:
            places.setdefault(definition.name, definition.location)
            for token in tokenize(definition.macro.replacement):
                if token.kind == "name":
                    places.setdefault(token.text, definition.location)
        return
    for token in item.tokens[(item.body or 0) :]:
        if token.kind == "name":
            places.setdefault(token.text, definition.excerpt.at_token(token))
    # Words of the directives between, which are no tokens.
    for line in sorted(definition.excerpt.source.preprocessed.directives):
        if definition.line <= line <= definition.last_line:
            for word in re.findall(r"\w+", definition.excerpt.rows[line - 1].text):
                places.setdefault(word, definition.excerpt.at_line(line))


def _word(node: Expression) -> str | None:
    match node:
        case Call(function, _):
            return function
        case Name(identifier):
            return identifier.partition(".")[0]
    return None


def _words_of(expression: Expression) -> tuple[str, ...]:
    """Return the words of names and then of calls: what a call asks about tells more."""
    found = [node for node in walk(expression) if isinstance(node, Name | Call)]
    ordered = sorted(found, key=lambda node: isinstance(node, Call))
    return tuple(dict.fromkeys(word for node in ordered if (word := _word(node))))


def _bare_symbols(definition: Definition, macros: Collection[str]) -> Iterator[BareSymbol]:
    """Yield the symbols that a definition has as numbers; of an argument a macro may make text."""
    item, macro = definition.item, definition.macro
    tokens = list(item.tokens) if item is not None else []
    if macro is not None:
        tokens = list(tokenize(macro.replacement))
    for index, token in enumerate(tokens):
        if not token.text.startswith(_PREFIX):
            continue
        # Behind `NAME(` the name itself is asked for, and not its value.
        before = [one.text for one in tokens[max(0, index - 2) : index]]
        if before[1:] == ["("] and (before[0] in _ASKS or before[0] in macros):
            continue
        guard = definition.guard
        if item is not None:
            guard = definition.excerpt.source.preprocessed.guards[token.line]
        yield BareSymbol(
            name=token.text,
            location=definition.location if item is None else definition.excerpt.at_token(token),
            under=frozenset(name for condition in guard for name in names(condition)),
        )
