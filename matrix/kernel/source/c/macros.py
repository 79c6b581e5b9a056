"""Macros as C has them: words are put in place of words, before anything is grouped.

`#define OK a || b` makes `OK && c` into `a || b && c`. The rules are those of ISO C11, 6.10.3: an
argument is expanded first, a macro's own name inside of its expansion stays, and a name without `(`
is no call of a macro with parameters. `#` and `##` make new words: they are refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from matrix.kernel.source.c.conversion import StopReadingError
from matrix.kernel.source.c.preprocessor import Macro
from matrix.kernel.source.c.tokens import Token, tokenize

_VARIADIC = "..."
_REST = "__VA_ARGS__"
# What a person can read has a few hundred words; macros that double each other have no end.
_MOST_WORDS = 20_000


class _Word(Struct, frozen=True):
    """A word, and the macros of which it came out: these it does not call again."""

    token: Token
    hidden: frozenset[str]


def expand(
    tokens: Iterable[Token], macros: Mapping[str, Macro], used: dict[str, Macro]
) -> tuple[Token, ...]:
    """Return words with every macro put in place, on the lines of their use; adds to `used`.

    Raises StopReadingError: `#` or `##`, a wrong number of arguments, a call that is cut.
    """
    words = deque(_Word(token, frozenset()) for token in tokens)
    return tuple(word.token for word in _expanded(words, macros, used))


def _expanded(
    pending: deque[_Word], macros: Mapping[str, Macro], used: dict[str, Macro]
) -> list[_Word]:
    # Dave Prosser's algorithm, after which C's rules were written: each word carries the macros
    # that it came out of (its hide set), and does not call these again.
    done: list[_Word] = []
    while pending:
        word = pending.popleft()
        name = word.token.text
        macro = macros.get(name) if word.token.kind == "name" else None
        called = bool(pending) and pending[0].token.text == "("
        if macro is None or name in word.hidden or (macro.parameters is not None and not called):
            done.append(word)
            continue
        # `#define f f` changes no word: nobody needs to be told of it.
        if macro.replacement != name:
            used.setdefault(name, macro)
        given: dict[str, list[_Word]] = {}
        hidden = word.hidden
        if macro.parameters is not None:
            arguments, closing = _arguments(pending, word.token)
            given = _given(macro, arguments, word.token)
            # A call whose `)` came from elsewhere is not wholly inside of what its name came from.
            hidden &= closing.hidden
        given = {
            parameter: _expanded(deque(argument), macros, used)
            for parameter, argument in given.items()
        }
        # Back in front of what follows: the last word of a body may call with the text behind it.
        pending.extendleft(reversed(_body(macro, given, hidden | {name}, word.token)))
        if len(pending) + len(done) > _MOST_WORDS:
            raise StopReadingError(f"`{name}` becomes too long", word.token.line, name)
    return done


def _body(
    macro: Macro, given: Mapping[str, list[_Word]], hidden: frozenset[str], at: Token
) -> list[_Word]:
    words: list[_Word] = []
    for token in tokenize(macro.replacement):
        if token.text in ("#", "##", "__VA_OPT__"):
            raise StopReadingError(
                f"the macro `{macro.name}` makes new words with `{token.text}`", at.line, at.text
            )
        if token.kind == "name" and token.text in given:
            words.extend(
                _Word(word.token._replace(line=at.line), word.hidden | hidden)
                for word in given[token.text]
            )
        else:
            words.append(_Word(token._replace(line=at.line), hidden))
    return words


def _arguments(pending: deque[_Word], at: Token) -> tuple[list[list[_Word]], _Word]:
    """Take `( … )` and return what stands between its commas, and the closing parenthesis."""
    pending.popleft()
    arguments: list[list[_Word]] = [[]]
    depth = 0
    while pending:
        word = pending.popleft()
        text = word.token.text
        if text == ")" and depth == 0:
            return arguments, word
        depth += (text == "(") - (text == ")")
        if text == "," and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(word)
    raise StopReadingError(f"the arguments of `{at.text}` have no end", at.line, at.text)


def _given(macro: Macro, arguments: Sequence[list[_Word]], at: Token) -> dict[str, list[_Word]]:
    names = list(macro.parameters or ())
    last = names[-1] if names else ""
    if last.endswith(_VARIADIC):
        rest = last.removesuffix(_VARIADIC).strip() or _REST
        fixed = len(names) - 1
        comma = Token("operator", ",", at.line, at.offset)
        joined: list[_Word] = []
        for number, argument in enumerate(arguments[fixed:]):
            joined.extend([_Word(comma, frozenset())] if number else [])
            joined.extend(argument)
        names[-1] = rest
        arguments = [*arguments[:fixed], joined]
    # `f()` is one empty argument, or none where the macro has no parameters.
    found = [] if not names and list(arguments) == [[]] else list(arguments)
    if len(found) != len(names):
        raise StopReadingError(
            f"the macro `{macro.name}` has {len(names)} parameters and is given {len(found)}",
            at.line,
            at.text,
        )
    return dict(zip(names, found, strict=True))
