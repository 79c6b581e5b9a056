"""C text to words: what is compared when only the words of a function matter, not its layout.

The text has no comments any more (`preprocessor.without_comments`); nothing here fails: a byte
that C does not know is a word of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Numbers are C's preprocessing numbers (C11 6.4.8): what no constant has, such as `0x1e+1`, is one
# word to C as well. A quote that is never closed ends with its line, and operators stand longest
# first, as C reads them.
_WORD = re.compile(
    r"""
      (?P<name>[A-Za-z_$][\w$]*)
    | (?P<number>\.?[0-9](?:[eEpP][+-]|[\w.])*)
    | (?P<string>L?"(?:[^"\\\n]|\\[\s\S])*"?)
    | (?P<character>'(?:[^'\\\n]|\\[\s\S])*'?)
    | (?P<operator><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||\#\#|[-+*/%&|^]=|\S)
    """,
    re.VERBOSE,
)
_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())


class Token(NamedTuple):
    """One word: `kind` is name, number, string, character or operator; `line` counts from 1."""

    kind: str
    text: str
    line: int
    offset: int


def tokenize(text: str, first_line: int = 1) -> tuple[Token, ...]:
    """Return the words of a text without comments; its first line has that number.

    >>> [token.text for token in tokenize("a->b >= 0x1fUL")]
    ['a', '->', 'b', '>=', '0x1fUL']
    """
    starts = line_starts(text)
    return tuple(
        Token(
            str(found.lastgroup),
            found.group(),
            first_line - 1 + bisect_right(starts, found.start()),
            found.start(),
        )
        for found in _WORD.finditer(text)
    )


def line_starts(text: str) -> list[int]:
    """Return the offset at which each line begins."""
    return [0, *(match.end() for match in re.finditer("\n", text))]


def matching(tokens: Sequence[Token], opening: int) -> int:
    """Return the index of the bracket that closes the one at `opening`, or of the last token."""
    depth = 0
    for index in range(opening, len(tokens)):
        text = tokens[index].text
        if text in _OPENING:
            depth += 1
        elif text in _CLOSING:
            depth -= 1
            # Kinds of brackets are not told apart: what is unbalanced is no C, and must only end.
            if depth <= 0:
                return index
    return len(tokens) - 1


def split_at(tokens: Sequence[Token], separator: str) -> list[Sequence[Token]]:
    """Return the parts between separators that are in no bracket; empty parts are left out."""
    parts: list[Sequence[Token]] = []
    depth = start = 0
    for index, token in enumerate(tokens):
        if token.text in _OPENING:
            depth += 1
        elif token.text in _CLOSING:
            depth -= 1
        elif token.text == separator and depth == 0:
            parts.append(tokens[start:index])
            start = index + 1
    parts.append(tokens[start:])
    return [part for part in parts if part]


def spell(tokens: Iterable[Token | str]) -> str:
    """Return words as one line of C, spaced as a reader expects.

    >>> spell(tokenize('return  !strcmp(arg,"on") && a->b [0];'))
    'return !strcmp(arg, "on") && a->b[0];'
    """
    words = [token if isinstance(token, str) else token.text for token in tokens]
    line = ""
    before = ""
    for index, word in enumerate(words):
        tight = (
            not line
            or before in ("(", "[", "!", "~", ".", "->")
            or word in (")", "]", ",", ";", ".", "->", "++", "--", "[")
            or (
                word == "("
                and (before[-1:].isalnum() or before[-1:] == "_")
                and before not in _SPACED
            )
            or (before in ("-", "&", "*") and _is_prefix(words, index - 1))
        )
        line += word if tight else f" {word}"
        before = word
    return line


_SPACED = ("if", "for", "while", "switch", "return")


def _is_prefix(words: Sequence[str], index: int) -> bool:
    """Tell whether the operator at `index` has no operand on its left."""
    if index == 0:
        return True
    left = words[index - 1]
    return left in _SPACED or not (left[-1].isalnum() or left[-1] in "_)]\"'")
