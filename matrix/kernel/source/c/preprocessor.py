"""What the preprocessor would look at: comments, macros, and the conditions lines stand under.

Directives are blanked, so that the parser sees plain C, and every line keeps the `#if` conditions
around it. A definition under `#ifdef` and one under its `#else` thus both exist, each with its
condition; a statement under `#ifdef` counts as `if (condition)`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from matrix.diagnostics import InputError
from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name, Unary
from matrix.expr.parser import parse
from matrix.expr.trees import calls, fold, rewrite

_COMMENT_OR_TEXT = re.compile(
    r"""/\*[\s\S]*?(?:\*/|\Z)|//(?:\\\n|[^\n])*|"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?"""
)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w*)((?:\\\r?\n|[^\n])*)", re.MULTILINE)
_DEFINE = re.compile(r"\s*(\w+)(?:\(([^)]*)\))?")
_DEFINED = re.compile(r"\bdefined\s*(?:\(\s*(\w+)\s*\)|(\w+))")
# Facts about how the headers are read here: as C, of the kernel.
_KNOWN = {"__ASSEMBLY__": False, "__ASSEMBLER__": False, "__KERNEL__": True}

# Symbols around the bodies of one function; each doubles the work.
_MOST_ASKED = 10
# `#if`s within each other, and branches of one. Code has some ten; what stands deeper hangs on a
# name that nobody can answer.
_MOST_OPEN = 64
_TOO_DEEP = Name("NESTED_TOO_DEEPLY")

Guard = tuple[Expression, ...]


class Macro(Struct, frozen=True, kw_only=True):
    """A `#define`. `parameters` is None for one without parentheses; lines count from 1.

    `replacement` is its text without comments and continuations. `guard` as in `Preprocessed`.
    """

    name: str
    parameters: tuple[str, ...] | None
    replacement: str
    line: int
    last_line: int
    guard: Guard


class Preprocessed(Struct, frozen=True, kw_only=True):
    """A text with comments and directives blanked: every offset and line is that of the original.

    `guards[n]` are the conditions of line n (from 1), outermost first, all of which must hold;
    include guards, `__KERNEL__` and `__ASSEMBLY__` are left out. What C never sees (`#if 0`,
    `#ifdef __ASSEMBLY__`) is blanked too. `#ifdef CONFIG_X` is
    `IS_ENABLED(CONFIG_X)`: the same for the bool symbols that the kernel tests so. `directives` are
    the lines on which one stands.
    """

    text: str
    without_comments: str
    guards: tuple[Guard, ...]
    macros: tuple[Macro, ...]
    directives: frozenset[int]


def without_comments(text: str) -> str:
    """Return the text with every comment blanked, of the same length and lines.

    >>> without_comments('a /* b */ "/* c */"')
    'a         "/* c */"'
    """

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        return _blank(found) if found.startswith("/") else found

    return _COMMENT_OR_TEXT.sub(blank, text)


class Directive(NamedTuple):
    """A line `#keyword rest` with its continuations; lines count from 1, both inclusive."""

    keyword: str
    rest: str
    line: int
    last_line: int


def directives_of(clean: str) -> Iterator[Directive]:
    """Yield the directives of a text without comments."""
    position, line = 0, 1
    for match in _DIRECTIVE.finditer(clean):
        # Counted on from the last one: a file of many directives is read once.
        line += clean.count("\n", position, match.start())
        position = match.start()
        rest = re.sub(r"\\\r?\n", " ", match.group(2)).strip()
        yield Directive(match.group(1), rest, line, line + match.group().count("\n"))


def preprocess(text: str) -> Preprocessed:
    """Read the directives of a text; unbalanced ones are taken as far as they make sense."""
    clean = without_comments(text)
    reader = _Reader()
    lines = clean.split("\n")
    # Lines count from 1: the first entry is of none.
    guards: list[Guard] = [()]
    blank: set[int] = set()
    found = list(directives_of(clean))
    for directive in found:
        # Lines before the directive stand under what was open, its own ones under what it opens.
        guards.extend([reader.guard] * (directive.line - len(guards)))
        reader.read(directive)
        blank.update(range(directive.line, directive.last_line + 1))
        guards.extend([reader.guard] * (directive.last_line + 1 - len(guards)))
    guards.extend([reader.guard] * (len(lines) + 1 - len(guards)))
    directives = frozenset(blank)
    # `#if 0`, and the assembly that headers keep under `#ifdef __ASSEMBLY__`.
    blank.update(line for line, guard in enumerate(guards) if Constant(False) in guard)
    return Preprocessed(
        text="\n".join(
            _blank(row) if line in blank else row for line, row in enumerate(lines, start=1)
        ),
        without_comments=clean,
        guards=tuple(guards),
        macros=tuple(reader.macros),
        directives=directives,
    )


def never_together(conditions: Sequence[Expression]) -> bool:
    """Return whether at most one of some `#if`s is compiled, whatever is configured.

    >>> kfence = Call("IS_ENABLED", (Name("CONFIG_KFENCE"),))
    >>> never_together((kfence, Unary("!", kfence)))
    True
    >>> never_together((kfence, Constant(True)))
    False
    """
    asked = list(dict.fromkeys(call for condition in conditions for call in calls(condition)))
    if len(asked) > _MOST_ASKED:
        return False
    # Unknown counts as possibly met: `len - count(False)` are those that are not surely out.
    for answers in itertools.product((False, True), repeat=len(asked)):
        known = dict(zip(asked, answers, strict=True))
        met = [truth(evaluate(item, lambda _: None, known.get)) for item in conditions]
        if len(met) - met.count(False) > 1:
            return False
    return True


def conjunction(guard: Guard) -> Expression:
    """Return the conditions as one expression; none is `true`.

    >>> conjunction(())
    Constant(value=True)
    """
    whole: Expression = Constant(True)
    for condition in guard:
        whole = condition if whole == Constant(True) else Binary("&&", whole, condition)
    return whole


class _Reader:
    """The open conditions while the lines are read."""

    def __init__(self) -> None:
        self.macros: list[Macro] = []
        # For each open #if: the condition in force, and the earlier branches' conditions negated.
        self._open: list[tuple[Expression, Guard]] = []
        # An `#ifndef NAME` that the next directive may turn out to be the include guard.
        self._include_guard: tuple[int, str] | None = None
        self._deeper = 0  # `#if`s that are open within the innermost of these

    @property
    def guard(self) -> Guard:
        return tuple(
            part
            for condition, before in self._open
            for part in (*before, condition)
            if part != Constant(True)
        )

    def read(self, directive: Directive) -> None:
        keyword, rest = directive.keyword, directive.rest
        if self._is_too_deep(keyword):
            return
        match keyword:
            case "if" | "ifdef" | "ifndef":
                self._open.append((read_condition(keyword, rest), ()))
                # Kept over exactly one directive: only a `#define` right behind makes it an include
                # guard.
                if keyword == "ifndef":
                    self._include_guard = (len(self._open) - 1, rest.split()[0] if rest else "")
                    return
            case "elif" | "elifdef" | "elifndef" | "else" if self._open:
                condition, before = self._open[-1]
                if len(before) >= _MOST_OPEN:
                    self._open[-1] = (_TOO_DEEP, before)
                    return
                own: Expression = Constant(True)
                if keyword != "else":
                    own = read_condition(keyword.removeprefix("el"), rest)
                # A branch holds where its own condition does and none before it.
                self._open[-1] = (own, (*before, fold(Unary("!", condition))))
            case "endif" if self._open:
                self._open.pop()
            case "define":
                self._define(directive)
        self._include_guard = None

    def _is_too_deep(self, keyword: str) -> bool:
        """Count the `#if`s past the bound; True: the directive belongs to one of them."""
        if keyword in ("if", "ifdef", "ifndef") and len(self._open) >= _MOST_OPEN:
            if not self._deeper:
                self._open[-1] = (_TOO_DEEP, self._open[-1][1])
            self._deeper += 1
            return True
        if self._deeper and keyword == "endif":
            self._deeper -= 1
            return True
        return bool(self._deeper) and keyword.startswith("el")

    def _define(self, directive: Directive) -> None:
        macro = read_macro(directive, self.guard)
        if macro is None:
            return
        if self._include_guard == (len(self._open) - 1, macro.name) and not macro.replacement:
            # An include guard is no condition of the text that it guards.
            self._open[-1] = (Constant(True), ())
            return
        self.macros.append(macro)


def read_macro(directive: Directive, guard: Guard) -> Macro | None:
    """Return the macro of a `#define`; None for what is none."""
    match = _DEFINE.match(directive.rest)
    if match is None:
        return None
    name, parameters = match.groups()
    return Macro(
        name=name,
        parameters=None
        if parameters is None
        else tuple(part.strip() for part in parameters.split(",") if part.strip()),
        # `#define X (a)` is no macro with parameters: the parenthesis must touch the name.
        replacement=directive.rest[match.end() :].strip(),
        line=directive.line,
        last_line=directive.last_line,
        guard=guard,
    )


def read_condition(keyword: str, rest: str) -> Expression:
    """Return the condition of `#if`, `#ifdef` or `#ifndef`; opaque where it is no C subset."""
    if keyword in ("ifdef", "ifndef"):
        found = _is_defined(rest.split(maxsplit=1)[0] if rest else "")
        return found if keyword == "ifdef" else fold(Unary("!", found))
    text = _DEFINED.sub(lambda match: f"defined({match.group(1) or match.group(2)})", rest)
    try:
        tree = parse(text)
    except InputError:
        # Unread, but the same wherever its text is: two parts under it stand or fall together.
        return Call("preprocessor_condition", (Constant(rest),))
    return fold(rewrite(tree, _read_defined))


def _read_defined(node: Expression) -> Expression:
    match node:
        case Call("defined", (Name(name),)):
            return _is_defined(name)
        case Constant(bool() | int() as number):
            return Constant(bool(number)) if number in (0, 1) else node
    return node


def _is_defined(name: str) -> Expression:
    if name in _KNOWN:
        return Constant(_KNOWN[name])
    function = "IS_ENABLED" if name.startswith("CONFIG_") else "defined"
    return Call(function, (Name(name),))


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
