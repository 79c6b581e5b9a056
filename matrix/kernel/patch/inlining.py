"""Expressions of a patch without the patch's own helpers, and about a VM that is there.

A function that the patch adds or changes is put in place of its calls; what the kernel has and the
patch leaves alone stays a call. Of what a helper returns where it is not compiled nothing is known:
it counts as no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.expr.nodes import Binary, Call, Conditional, Constant, Expression, Name, Unary
from matrix.expr.trees import fold, names, rewrite, walk
from matrix.kernel.patch.excerpts import Definition, Excerpt, definitions
from matrix.kernel.patch.missing import Wanted
from matrix.kernel.patch.reading import Read, Reader, with_arguments
from matrix.kernel.patch.touched import (
    REMOVED_WHOLE,
    Touch,
    changes_in_part,
    enumerators,
    touch_of,
)
from matrix.kernel.source.c.derivation import Derived, choose
from matrix.kernel.source.c.types import as_truth, stored

# The word of the predicates for the VM that is asked about, whatever a patch calls its parameter.
VM = "kvm"
_NULL = Name("NULL")
# Helpers of helpers; more is a circle. A check that a person can read has a few dozen nodes.
_MOST_STEPS = 50
_MOST_NODES = 5000


class Helpers:
    """Functions of the patch that may be called, and what it changes without showing it whole."""

    def __init__(
        self,
        pieces: Sequence[Excerpt],
        wanted: Wanted,
        is_known: Callable[[Call | Name], bool],
        reader: Reader,
    ) -> None:
        self._known = is_known
        self._reader = reader
        self._definitions: dict[str, list[Definition]] = {}
        mine = [piece for piece in pieces if piece.architecture in (None, wanted.architecture)]
        # An architecture's own goes before the generic one, a reply before what it quotes.
        mine.sort(key=_rank)
        for piece in mine:
            for item in definitions(piece):
                if item.item is not None and item.name != wanted.function:
                    self._definitions.setdefault(item.name, []).append(item)
        self._values = enumerators(mine)
        self._changed = {touch.name: touch for touch in reversed(changes_in_part(mine))}

    def is_known(self, name: str) -> bool:
        """Return whether the kernel has a function or macro of this name."""
        return self._known(Call(name, ()))

    def inline(self, expression: Expression, path: str | None) -> Inlined:
        """Return an expression of a file with the patch's own helpers put in place.

        Raises:
            InputError: MX1215 a circle or a helper that is no expression, MX1220 one that the patch
                changes and does not show whole.
        """
        used: dict[str, Definition] = {}
        macros: dict[str, Definition] = {}
        errors: list[Location] = []
        redefined: dict[str, Location] = {}
        name = ""
        # One call at a time: what a helper's body calls is looked up in its turn, and a circle of
        # helpers runs into the bound.
        for _ in range(_MOST_STEPS):
            expression = rewrite(expression, self._value)
            node = next(self._called(expression, path), None)
            if node is None:
                return Inlined(
                    expression=fold(expression),
                    used=tuple(used.values()),
                    macros=tuple(macros.values()),
                    errors=tuple(errors),
                    redefined=tuple(redefined.items()),
                )
            name = node.function
            variants = self._variants(name, path)
            read = self._reader.read(variants)
            used[name] = variants[0]
            if self._known(node):
                redefined[name] = variants[0].location
            macros.update({item.name: item for item in read.macros})
            errors.extend(variants[0].excerpt.at_line(line) for line in read.derived.errors)
            expression = _put(expression, variants[0], read)
            if sum(1 for _ in walk(expression)) > _MOST_NODES:
                break
        raise InputError.of(
            code="MX1215",
            message=f"`{name}` needs itself, or the check is too long",
            location=used[name].location,
            hint="a check is an expression without a circle that a person can read",
        )

    def _value(self, node: Expression) -> Expression:
        match node:
            case Name(name) if name in self._values:
                return Constant(self._values[name])
        return node

    def _variants(self, name: str, path: str | None) -> list[Definition]:
        """Return the bodies of a helper that a file sees: its own first, then those of headers."""
        found = self._definitions.get(name, [])
        own = [item for item in found if item.excerpt.file.path == path]
        # As in C: a file's own definition hides those of headers.
        seen = own or [item for item in found if _is_visible(item)]
        first = [item for item in seen if item.excerpt.hunk is seen[0].excerpt.hunk]
        for item in seen:
            as_near = _rank(item.excerpt) == _rank(first[0].excerpt)
            if as_near and not any(_same(item, one) for one in first):
                raise InputError([_twice(first[0]), _twice(item)])
        return first

    def _called(self, expression: Expression, path: str | None) -> Iterator[Call]:
        for node in walk(expression):
            word = node.function if isinstance(node, Call) else None
            word = node.identifier if isinstance(node, Name) else word
            if word is None:
                continue
            touch = self._changed.get(word)
            variants = self._variants(word, path)
            # Removed whole here and defined there: the patch moves it, and what it becomes is
            # known.
            if touch is not None and not (variants and touch.how == REMOVED_WHOLE):
                raise _in_part(touch)
            if isinstance(node, Call) and variants:
                if not all(item.is_whole for item in variants):
                    raise _in_part(touch_of(variants[0]))
                yield node


def _rank(piece: Excerpt) -> tuple[int, bool]:
    """Return how near the definitions of a piece are: what is nearer hides what is not."""
    return piece.patch.level.depth, piece.architecture is None


def _same(one: Definition, other: Definition) -> bool:
    return one.text == other.text


def _twice(item: Definition) -> Diagnostic:
    return Diagnostic(
        code="MX1211",
        message=f"`{item.name}()`, which the check needs, is there twice",
        location=item.location,
        hint="give one version: a single mail, or a single patch",
    )


class Inlined(Struct, frozen=True, kw_only=True):
    """An expression without helpers: the `used` ones, their macros, and where they return errors.

    `redefined` are helpers that the kernel has too: they are read as the patch leaves them.
    """

    expression: Expression
    used: tuple[Definition, ...]
    macros: tuple[Definition, ...]
    errors: tuple[Location, ...]
    redefined: tuple[tuple[str, Location], ...]


def _is_visible(item: Definition) -> bool:
    """Return whether a file may see a function of another one: not what is static in a .c file."""
    head = item.item.tokens[: item.item.body] if item.item is not None else ()
    is_source = (item.excerpt.file.path or "").endswith(".c")
    return not (is_source and any(token.text == "static" for token in head))


def _in_part(touch: Touch) -> InputError:
    return InputError.of(
        code="MX1220",
        message=f"the check needs `{touch.name}`, which the patch {touch.how}",
        location=touch.location,
        hint="make the patch with `git format-patch --function-context`, so that what it becomes "
        "can be read",
    )


def _put(expression: Expression, definition: Definition, read: Read) -> Expression:
    derived = read.derived
    body = derived.expression
    value = as_truth(body) if derived.truth else stored(read.returns, body)
    if value is None:
        raise _type(definition, f"what it returns as `{read.returns}`")

    def replace(node: Expression) -> Expression:
        match node:
            case Call(name, arguments) if name == definition.name:
                given = dict(
                    zip(derived.parameters, _given(definition, read, arguments), strict=True)
                )
                _refuse_members(definition, value, given)
                return _guarded(with_arguments(value, given), derived)
        return node

    return rewrite(expression, replace)


def _refuse_members(
    definition: Definition, value: Expression, given: Mapping[str, Expression]
) -> None:
    """Refuse `parameter->member` where the argument is no name whose member that could be."""
    for parameter, argument in given.items():
        if not isinstance(argument, Name) and any(
            name.startswith(f"{parameter}.") for name in names(value)
        ):
            raise _type(definition, f"a member of its parameter `{parameter}`")


def _given(
    definition: Definition, read: Read, arguments: Sequence[Expression]
) -> tuple[Expression, ...]:
    """Return the arguments of a call as the parameters hold them."""
    names, types = read.derived.parameters, read.parameters[: len(read.derived.parameters)]
    if len(arguments) != len(names):
        raise _type(definition, f"{len(names)} parameters for {len(arguments)} arguments")
    found = []
    for text, argument in zip(types, arguments, strict=True):
        value = stored(text, argument)
        if value is None:
            raise _type(definition, f"what a parameter `{text}` holds")
        found.append(value)
    return tuple(found)


def _type(definition: Definition, what: str) -> InputError:
    return InputError.of(
        code="MX1215",
        message=f"`{definition.name}()` cannot be put in place: {what} is not read here",
        location=definition.location,
        hint="a helper takes and returns `bool`, `int` or pointers",
    )


def _guarded(expression: Expression, derived: Derived) -> Expression:
    """Return a helper's value where it is compiled; elsewhere there is none, taken as no."""
    # From the innermost `#if` outwards.
    for condition in reversed(derived.guard):
        expression = choose(condition, expression, Constant(False), boolean=derived.truth)
    return expression


def vm_is_there(expression: Expression) -> Expression:
    """Return the expression for a VM that exists: tests of `kvm` itself are true."""

    def replace(node: Expression) -> Expression:
        match node:
            case Binary("==" | "!=" as operator, left, right) if Name(VM) in (left, right):
                other = right if left == Name(VM) else left
                return Constant(operator == "!=") if other in (_NULL, Constant(0)) else node
            case _:
                return node

    # Only where truth is asked for: as an argument `kvm` stays the VM.
    def truths(node: Expression) -> Expression:
        match node:
            case Name(name) if name == VM:
                return Constant(True)
            case Unary("!", operand):
                return Unary("!", truths(operand))
            case Binary("&&" | "||" as operator, left, right):
                return Binary(operator, truths(left), truths(right))
            case Conditional(condition, then, otherwise):
                return Conditional(truths(condition), truths(then), truths(otherwise))
        return node

    return truths(_anywhere(rewrite(expression, replace), truths))


def _anywhere(expression: Expression, truths: Callable[[Expression], Expression]) -> Expression:
    """Return an expression with every condition inside of it rewritten."""

    def conditions(node: Expression) -> Expression:
        match node:
            case Unary("!", _) | Binary("&&" | "||", _, _):
                return truths(node)
            case Conditional(condition, then, otherwise):
                return Conditional(truths(condition), then, otherwise)
        return node

    return rewrite(expression, conditions)


def from_the_left(expression: Expression) -> Expression:
    """Return chains of `&&` and of `||` as C reads them without brackets."""

    def chained(node: Expression) -> Expression:
        match node:
            case Binary("&&" | "||" as operator, left, Binary(inner, first, second)) if (
                inner == operator
            ):
                return Binary(operator, chained(Binary(operator, left, first)), second)
        return node

    return rewrite(expression, chained)
