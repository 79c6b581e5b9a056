"""Lines of C as the preprocessor leaves them, for each way in which its conditions may be true.

    for_each(lambda decide: …)

runs a reading again for every answer to a condition that it asks about: `#ifdef CONFIG_X` asks for
`IS_ENABLED(CONFIG_X)`, `#elif` and `#else` for nothing that is not decided, and a macro of the text
is defined from its `#define` to its `#undef`. What no reading asks about makes none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from matrix.expr.evaluation import truth
from matrix.expr.nodes import Binary, Call, Constant, Expression, Name, Unary
from matrix.expr.trees import fold
from matrix.kernel.source.c.conversion import StopReadingError
from matrix.kernel.source.c.macros import expand
from matrix.kernel.source.c.preprocessor import (
    Directive,
    Macro,
    directives_of,
    read_condition,
    read_macro,
)
from matrix.kernel.source.c.tokens import Token, tokenize

# Of a fragment that begins behind its `#if`, nothing says what stands there.
CUT = Call("preprocessor_condition", (Constant("an #if that the patch does not show"),))
# Conditions that a person can keep apart.
_MOST_RUNS = 64
_MOST_OPEN = 64

Decide = Callable[[Expression], bool]
Result = TypeVar("Result")


class Split(Struct, frozen=True, kw_only=True):
    """A condition that a reading asked about, and what it gives on both sides."""

    condition: Expression
    then: object
    otherwise: object


class _UndecidedError(Exception):
    def __init__(self, condition: Expression) -> None:
        super().__init__()
        self.condition = condition


def for_each(read: Callable[[Decide], Result]) -> Result | Split:
    """Return what a reading gives: one result, or a tree of them under what it asked about.

    Raises StopReadingError where it asks about too many conditions.
    """
    runs = 0

    def run(known: Mapping[Expression, bool]) -> Result | Split:
        nonlocal runs
        runs += 1
        # A tree of so many leaves has as many inner nodes, less one; each is a run.
        if runs > 2 * _MOST_RUNS:
            raise StopReadingError("it depends on too many conditions of the preprocessor", 1, "")

        def decide(condition: Expression) -> bool:
            if condition not in known:
                raise _UndecidedError(condition)
            return known[condition]

        try:
            return read(decide)
        # A reading asks in its own order, so nothing is split that no path reaches: what stands
        # under an `#if` that is false asks for nothing.
        except _UndecidedError as undecided:
            asked = undecided.condition
        then, otherwise = run({**known, asked: True}), run({**known, asked: False})
        # Asked about, and without an influence.
        if then == otherwise:
            return then
        return Split(condition=asked, then=then, otherwise=otherwise)

    return run({})


class Definitions:
    """The macros that are defined at one point of a text."""

    def __init__(self) -> None:
        self.macros: dict[str, Macro] = {}
        self._gone: set[str] = set()

    def define(self, macro: Macro) -> None:
        """Add a macro, or replace the one of its name."""
        self._gone.discard(macro.name)
        self.macros[macro.name] = macro

    def undefine(self, name: str) -> None:
        """Forget a macro."""
        self.macros.pop(name, None)
        self._gone.add(name)

    def is_defined(self, name: str) -> bool | None:
        """Return whether a name is a macro; None where the text does not say."""
        return True if name in self.macros else False if name in self._gone else None


class _Group(Struct):
    """An open `#if`: whether its present branch is compiled, and whether one was or is nothing."""

    active: bool
    done: bool
    outer: bool
    skipped: bool = False


class Lines(Struct, frozen=True, kw_only=True):
    """The directives and lines of a text; `text` has no comments, line n is `rows[n - 1]`.

    `ends[n]` is the number of the directive that closes the `#if` that is directive n - 1;
    `ends[0]` that of one that was opened before the text.
    """

    rows: tuple[str, ...]
    directives: tuple[Directive, ...]
    ends: tuple[int, ...]

    def read(
        self,
        definitions: Definitions,
        decide: Decide,
        last: int,
        wanted: range,
        used: dict[str, Macro],
    ) -> tuple[Token, ...]:
        """Return the words of the wanted lines that are compiled, macros put in place.

        `definitions` are those before the first line, and become those behind line `last`. Raises
        StopReadingError.
        """
        return tuple(_Pass(self, definitions, decide, wanted, used).words(last))

    def unopened(self) -> bool:
        """Return whether an `#else` or `#elif` stands here whose `#if` does not."""
        depth = 0
        for directive in self.directives:
            keyword = directive.keyword
            if keyword in _OPENS:
                depth += 1
            elif keyword == "endif":
                depth = max(0, depth - 1)
            elif keyword.startswith("el") and depth == 0:
                return True
        return False


_OPENS = ("if", "ifdef", "ifndef")


def lines_of(clean: str) -> Lines:
    """Return the lines of a text without comments."""
    directives = tuple(directives_of(clean))
    # What is never closed ends with the text. The bottom of the stack stands for an `#if` before
    # it.
    ends = [len(directives)] * (len(directives) + 1)
    opened = [0]
    for number, directive in enumerate(directives):
        if directive.keyword in _OPENS:
            opened.append(number + 1)
        elif directive.keyword == "endif" and opened:
            ends[opened.pop()] = number
    return Lines(rows=tuple(clean.split("\n")), directives=directives, ends=tuple(ends))


class _Pass:
    def __init__(
        self,
        lines: Lines,
        definitions: Definitions,
        decide: Decide,
        wanted: range,
        used: dict[str, Macro],
    ) -> None:
        self._lines = lines
        self._definitions = definitions
        self._decide = decide
        self._wanted = wanted
        self._used = used
        self._groups: list[_Group] = []

    def words(self, last: int) -> Iterator[Token]:
        """Yield the words; what stands between two directives is expanded at once."""
        if self._lines.unopened():
            # As if an `#if` stood before the first line: the other side of the `#else` is then a
            # reading, too.
            self._open(CUT, 0, 1)
        start = 1
        for index, directive in enumerate(self._lines.directives):
            if directive.line > last:
                break
            yield from self._between(start, directive.line - 1)
            start = directive.last_line + 1
            self._directive(directive, index)
        yield from self._between(start, last)

    def _between(self, first: int, last: int) -> tuple[Token, ...]:
        rows = [number for number in range(first, last + 1) if number in self._wanted]
        if not rows or not self._active:
            return ()
        text = "\n".join(self._lines.rows[number - 1] for number in rows)
        # Offsets count from the stretch, not from the file: nobody may compare these.
        tokens = (token._replace(offset=0) for token in tokenize(text, rows[0]))
        return expand(tokens, self._definitions.macros, self._used)

    @property
    def _active(self) -> bool:
        return all(group.active for group in self._groups)

    def _directive(self, directive: Directive, index: int) -> None:
        keyword, rest, line, _ = directive
        match keyword:
            case "if" | "ifdef" | "ifndef":
                self._open_read(keyword, rest, index, line)
            case "elif" | "elifdef" | "elifndef" | "else" if self._groups:
                group = self._groups[-1]
                # One branch was taken, or the whole group is nothing: of the other branches nothing
                # is asked.
                if group.skipped or not group.outer or group.done:
                    group.active = False
                elif keyword == "else":
                    group.active = group.done = True
                else:
                    group.active = self._holds(keyword.removeprefix("el"), rest, line)
                    group.done = group.active
            case "endif" if self._groups:
                self._groups.pop()
            case "define" if self._active:
                macro = read_macro(directive, ())
                if macro is not None:
                    self._definitions.define(macro)
            case "undef" if self._active:
                self._definitions.undefine(rest.split(maxsplit=1)[0] if rest else "")

    def _open_read(self, keyword: str, rest: str, index: int, line: int) -> None:
        if len(self._groups) >= _MOST_OPEN:
            reason = f"more than {_MOST_OPEN} conditions of the preprocessor are open"
            raise StopReadingError(reason, line, "")
        outer = self._active
        if not outer or self._is_idle(index, line):
            # Nothing is asked of a condition on which nothing depends.
            self._groups.append(_Group(active=False, done=True, outer=outer, skipped=True))
            return
        if keyword == "ifndef" and self._is_include_guard(rest, index):
            self._groups.append(_Group(active=True, done=True, outer=True))
            return
        holds = self._holds(keyword, rest, line)
        self._groups.append(_Group(active=holds, done=holds, outer=outer))

    def _is_include_guard(self, rest: str, index: int) -> bool:
        # `#ifndef X` whose next directive defines X: true wherever a file is read alone.
        following = self._lines.directives[index + 1 : index + 2]
        return any(keyword == "define" and text == rest for keyword, text, _, _ in following)

    def _open(self, condition: Expression, index: int, line: int) -> None:
        idle = self._is_idle(index - 1, line)
        holds = not idle and self._decide(condition)
        self._groups.append(_Group(active=holds, done=holds or idle, outer=True, skipped=idle))

    def _is_idle(self, index: int, line: int) -> bool:
        """Return whether an `#if` up to its `#endif` holds no wanted line and defines nothing."""
        directives = self._lines.directives
        end = self._lines.ends[index + 1]
        last = directives[end].line if end < len(directives) else len(self._lines.rows)
        inside = directives[index + 1 : end]
        return (self._wanted.start > last or self._wanted.stop <= line) and not any(
            keyword in ("define", "undef") for keyword, _, _, _ in inside
        )

    def _holds(self, keyword: str, rest: str, line: int) -> bool:
        if keyword == "if":
            rest = self._expanded(rest, line)
        return self._truth(fold(read_condition(keyword, rest)))

    def _expanded(self, rest: str, line: int) -> str:
        """Return the text of an `#if` with its macros put in place, those in `defined()` left."""
        words = [token._replace(line=line) for token in tokenize(rest)]
        parts: list[str] = []
        index = 0
        while index < len(words):
            # What `defined` asks about is not expanded (C11 6.10.1p4): `defined ( X )` has four
            # words, `defined X` two.
            if words[index].text == "defined":
                length = 4 if index + 1 < len(words) and words[index + 1].text == "(" else 2
                parts.extend(word.text for word in words[index : index + length])
                index += length
                continue
            stop = next(
                (at for at in range(index, len(words)) if words[at].text == "defined"), len(words)
            )
            found = expand(words[index:stop], self._definitions.macros, self._used)
            parts.extend(token.text for token in found)
            index = stop
        return " ".join(parts)

    def _truth(self, condition: Expression) -> bool:
        # From the left and no further than the answer needs, as C does: what is asked for splits
        # the reading in two.
        match condition:
            case Constant(value):
                known = truth(value)
                return self._decide(condition) if known is None else known
            case Unary("!", operand):
                return not self._truth(operand)
            case Binary("&&", left, right):
                return self._truth(left) and self._truth(right)
            case Binary("||", left, right):
                return self._truth(left) or self._truth(right)
            case Call("defined", (Name(name),)):
                known = self._definitions.is_defined(name)
                return self._decide(condition) if known is None else known
        return self._decide(condition)
