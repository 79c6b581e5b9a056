"""A function or macro of a patch as one expression, read as the compiler would.

The preprocessor comes first: what is compiled under each `#if` of the patch, with the macros that
are defined there put in place word by word; then the function is followed on every path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import InputError
from matrix.expr.nodes import Call, Constant, Expression, Name
from matrix.expr.trees import fold, rewrite, substitute
from matrix.kernel.patch.excerpts import Definition, Excerpt, definition, line_of_name
from matrix.kernel.patch.missing import Wanted
from matrix.kernel.source.c.configurations import (
    Decide,
    Definitions,
    Lines,
    Split,
    for_each,
    lines_of,
)
from matrix.kernel.source.c.conversion import NotAnExpression, StopReadingError
from matrix.kernel.source.c.derivation import Derived, choose, derive_function, derive_macro
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.c.macros import expand
from matrix.kernel.source.c.preprocessor import Macro
from matrix.kernel.source.c.source import parse_c
from matrix.kernel.source.c.tokens import Token, matching, tokenize
from matrix.kernel.source.c.types import is_type_word


class Read(Struct, frozen=True, kw_only=True):
    """What a definition returns, and the macros of the patch that were put in place in it.

    `derived.guard` is what must hold for it to be compiled at all. `returns` is the type of its
    value as it is written, `parameters` those of its parameters.
    """

    derived: Derived
    macros: tuple[Definition, ...]
    returns: str
    parameters: tuple[str, ...]


class _One(Struct, frozen=True):
    """A definition under one answer to every condition."""

    derived: Derived
    used: tuple[Macro, ...]


def with_arguments(expression: Expression, given: Mapping[str, Expression]) -> Expression:
    """Return a helper's expression with its parameters replaced, in `kvm->arch` too."""
    renamed = {
        f"{parameter}.": f"{argument.identifier}."
        for parameter, argument in given.items()
        if isinstance(argument, Name)
    }

    def members(node: Expression) -> Expression:
        if isinstance(node, Name):
            for old, new in renamed.items():
                if node.identifier.startswith(old):
                    return Name(new + node.identifier.removeprefix(old))
        return node

    return substitute(rewrite(expression, members), given)


class Reader:
    """The pieces of a patch that an architecture compiles."""

    def __init__(self, pieces: Sequence[Excerpt], wanted: Wanted) -> None:
        self._wanted = wanted
        # What a reply quotes is older than what it says.
        mine = [piece for piece in pieces if piece.architecture in (None, wanted.architecture)]
        self._pieces = sorted(mine, key=lambda piece: -piece.patch.level.depth)
        self._lines: dict[int, Lines] = {}

    def read(self, variants: Sequence[Definition]) -> Read:
        """Return what a definition is; `variants` are its bodies under `#ifdef` and `#else`.

        Raises:
            InputError: MX1215, where it is no expression.
        """
        first = variants[0]
        try:
            # Read once for each answer to the `#if`s that it asks about; the tree of these is put
            # together.
            tree = for_each(lambda decide: self._one(variants, decide))
            return self._joined(variants, tree)
        except StopReadingError as stopped:
            answer = stopped.answer
            raise no_expression(first, answer.reason, answer.line) from stopped
        except RecursionError as error:
            raise no_expression(first, "it is nested too deeply") from error

    def _joined(self, variants: Sequence[Definition], tree: _One | Split | None) -> Read:
        first = variants[0]
        compiled = fold(_compiled(tree))
        leaves = tuple(_leaves(tree))
        if not leaves:
            raise StopReadingError("nothing compiles it", first.line, first.name)
        truth = all(leaf.derived.truth for leaf in leaves)
        guard = leaves[0].derived.guard
        # The words of the patch where they say it, the computed condition where several variants
        # do.
        if compiled == Constant(True):
            guard = ()
        elif len(variants) > 1 or not first.guard:
            guard = (compiled,)
        else:
            guard = first.guard
        item = first.item
        used = {macro.name: macro for leaf in leaves for macro in leaf.used}
        return Read(
            derived=replace(
                leaves[0].derived,
                expression=fold(_value(tree, boolean=truth) or Constant(False)),
                guard=guard,
                truth=truth,
                errors=tuple(
                    dict.fromkeys(line for leaf in leaves for line in leaf.derived.errors)
                ),
            ),
            macros=tuple(
                found for macro in used.values() if (found := self._place(macro)) is not None
            ),
            returns="" if item is None else item.return_type,
            parameters=()
            if item is None
            else tuple(" ".join(token.text for token in words[:-1]) for words in item.arguments),
        )

    def _one(self, variants: Sequence[Definition], decide: Decide) -> _One | None:
        """Return what is compiled under one answer to every condition, None where nothing is."""
        excerpt = variants[0].excerpt

        def answer(condition: Expression) -> bool:
            # The generic definition gives way to the architecture's, which is not here.
            if condition == Call("defined", (Name(self._wanted.function),)):
                return False
            return decide(condition)

        found = []
        for variant in variants:
            used: dict[str, Macro] = {}
            known = self._above(excerpt, answer, used)
            derived = None
            if variant.item is not None:
                derived = self._function(variant, variant.item, known, answer, used)
            elif variant.macro is not None:
                derived = self._macro(variant, variant.macro, known, answer, used)
            if derived is not None:
                found.append(_One(self._alike(derived, variant, variants), tuple(used.values())))
        # A `#define` twice is a header that overrides itself, and the last one counts; two bodies
        # of one function are no C.
        if len(found) > 1 and any(variant.item is not None for variant in variants):
            raise StopReadingError("it is defined twice", variants[1].line, variants[0].name)
        return found[-1] if found else None

    def _alike(
        self, derived: Derived, variant: Definition, variants: Sequence[Definition]
    ) -> Derived:
        """Return a variant with the names that the first one gives its parameters."""
        names = variants[0].parameters or ()
        if len(derived.parameters) != len(names):
            raise StopReadingError("its variants have other parameters", variant.line, variant.name)
        given = {
            own: Name(name)
            for own, name in zip(derived.parameters, names, strict=True)
            if own != name
        }
        expression = with_arguments(derived.expression, given) if given else derived.expression
        return replace(derived, expression=expression, parameters=names)

    def _function(
        self,
        variant: Definition,
        item: Item,
        known: Definitions,
        decide: Decide,
        used: dict[str, Macro],
    ) -> Derived | None:
        lines = self._lines_of(variant.excerpt)
        inside = range(_first_line(item), item.last_line + 1)
        self._refuse_cut(lines, inside, variant)
        tokens = lines.read(known, decide, item.last_line, inside, used)
        source = parse_c(_spelled(_without_attributes(tokens)), variant.excerpt.file.path or "?")
        functions = source.functions(variant.name)
        if not functions:
            if any(token.text == variant.name for token in tokens):
                raise StopReadingError("its head is no function's", variant.line, variant.name)
            return None
        derived = derive_function(source, functions[0], exact=True)
        if isinstance(derived, NotAnExpression):
            raise StopReadingError(derived.reason, derived.line, derived.text)
        return derived

    def _macro(
        self,
        variant: Definition,
        defined: Macro,
        known: Definitions,
        decide: Decide,
        used: dict[str, Macro],
    ) -> Derived | None:
        lines = self._lines_of(variant.excerpt)
        before = known.macros.get(variant.name)
        # No line is wanted: only for the definitions up to this one.
        lines.read(known, decide, defined.last_line, range(0), used)
        macro = known.macros.get(variant.name)
        # Under these answers this `#define` is not compiled, or is undone.
        if macro is None or macro is before or macro.line != defined.line:
            return None
        # Its own name stays in it, as in C.
        others = {name: other for name, other in known.macros.items() if name != macro.name}
        words = (token._replace(line=macro.line) for token in tokenize(macro.replacement))
        text = " ".join(token.text for token in expand(words, others, used))
        derived = derive_macro(replace(macro, replacement=text), exact=True)
        if isinstance(derived, NotAnExpression):
            raise StopReadingError(derived.reason, derived.line, derived.text)
        return derived

    def _above(self, excerpt: Excerpt, decide: Decide, used: dict[str, Macro]) -> Definitions:
        """Return the macros of the patch's headers, and of this file above a hunk."""
        known = Definitions()
        nothing = range(0)
        here = [piece.hunk is excerpt.hunk for piece in self._pieces]
        at = here.index(True) if True in here else 0
        for number, piece in enumerate(self._pieces):
            same_file = piece.file.path is not None and piece.file.path == excerpt.file.path
            is_header = (piece.file.path or ".h").endswith(".h")
            # The piece itself is read by who asks; of other files only headers are included.
            if number == at or (same_file and number > at) or not (same_file or is_header):
                continue
            lines = self._lines_of(piece)
            if any(keyword in ("define", "undef") for keyword, _, _, _ in lines.directives):
                lines.read(known, decide, len(lines.rows), nothing, used)
        return known

    def _lines_of(self, excerpt: Excerpt) -> Lines:
        found = self._lines.get(id(excerpt.rows))
        if found is None:
            found = lines_of(excerpt.source.preprocessed.without_comments)
            self._lines[id(excerpt.rows)] = found
        return found

    def _refuse_cut(self, lines: Lines, inside: range, variant: Definition) -> None:
        end = lines.ends[0]
        last = lines.directives[end].last_line if end < len(lines.directives) else len(lines.rows)
        if lines.unopened() and inside.start <= last:
            raise StopReadingError(
                "it stands under an `#if` that the patch does not show", variant.line, variant.name
            )

    def _place(self, macro: Macro) -> Definition | None:
        """Return where a macro stands in the patch."""
        for piece in self._pieces:
            for known in piece.source.preprocessed.macros:
                if (known.name, known.replacement) == (macro.name, macro.replacement):
                    return definition(piece, known, known.line)
        return None


def _first_line(item: Item) -> int:
    """Return the line on which a function's head begins: above its name only where words stand."""
    at = next(index for index, token in enumerate(item.tokens) if token.text == item.name)
    line = line_of_name(item)
    before = item.tokens[:at]
    # The type stands on the line of the name; else it is the last word above, if it is one.
    if before and before[-1].line == line:
        return line
    return before[-1].line if before and before[-1].kind == "name" else line


# Nothing to a compiler (include/linux/compiler_types.h).
_FOR_SPARSE = ("__force", "__user", "__kernel", "__iomem", "__rcu", "__percpu", "__nocast")


def _without_attributes(tokens: Sequence[Token]) -> list[Token]:
    """Return words without `__attribute__((…))` and those for sparse: they change no value."""
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if tokens[index].text == "__attribute__" and following == "(":
            index = matching(tokens, index + 1) + 1
            continue
        if tokens[index].text in _FOR_SPARSE:
            index += 1
            continue
        kept.append(tokens[index])
        index += 1
    return kept


def _spelled(tokens: Sequence[Token]) -> str:
    """Return words as a text in which each stands on its own line."""
    parts: list[str] = []
    line = 1
    idle = _idle_brackets(tokens)
    for index, token in enumerate(tokens):
        if token.line > line:
            parts.append("\n" * (token.line - line))
            line = token.line
        if index not in idle:
            parts.append(f" {token.text}")
    return "".join(parts)


def _idle_brackets(tokens: Sequence[Token]) -> frozenset[int]:
    """Return the parentheses around a name or call alone: `(x) & y` would read as a cast."""
    idle: set[int] = set()
    for opening in range(1, len(tokens) - 3):
        before, name = tokens[opening - 1], tokens[opening + 1]
        # Only where the parenthesis neither calls, indexes nor casts: it stands behind an operator,
        # and what follows it begins no operand.
        if (
            tokens[opening].text != "("
            or name.kind != "name"
            or is_type_word(name.text)
            or not (before.kind == "operator" or before.text in ("return", "case"))
            or before.text in (")", "]")
        ):
            continue
        last = opening + 1
        if tokens[opening + 2].text == "(":
            last = matching(tokens, opening + 2)
        closing = last + 1
        if (
            closing + 1 < len(tokens)
            and tokens[closing].text == ")"
            and tokens[closing + 1].kind == "operator"
            and tokens[closing + 1].text not in ("(", "{", "~", "!", "[")
        ):
            idle.update((opening, closing))
    return frozenset(idle)


def _leaves(tree: _One | Split | object | None) -> list[_One]:
    if isinstance(tree, _One):
        return [tree]
    if isinstance(tree, Split):
        return [*_leaves(tree.then), *_leaves(tree.otherwise)]
    return []


def _compiled(tree: object) -> Expression:
    if isinstance(tree, Split):
        then, otherwise = _compiled(tree.then), _compiled(tree.otherwise)
        return fold(choose(tree.condition, then, otherwise, boolean=True))
    return Constant(tree is not None)


def _value(tree: object, *, boolean: bool) -> Expression | None:
    """Return the value where it is compiled; None where it never is."""
    if isinstance(tree, Split):
        then = _value(tree.then, boolean=boolean)
        otherwise = _value(tree.otherwise, boolean=boolean)
        if then is None or otherwise is None:
            return otherwise if then is None else then
        return (
            then if then == otherwise else choose(tree.condition, then, otherwise, boolean=boolean)
        )
    return tree.derived.expression if isinstance(tree, _One) else None


def no_expression(definition: Definition, reason: str, line: int | None = None) -> InputError:
    """Return the error of a definition that is no expression; `line` is where, else its own."""
    return InputError.of(
        code="MX1215",
        message=f"`{definition.name}()` cannot be said as one expression, because {reason}",
        location=definition.excerpt.at_line(definition.line if line is None else line),
        hint="a check may have conditions, early returns, `switch`, local variables and helpers; "
        "is the patch whole, and were its long lines wrapped?",
    )
