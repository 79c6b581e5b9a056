"""Nix expressions as trees, as far as kernel settings are written in them; nothing is evaluated.

A small lexer that knows strings, comments and paths, and a parser by precedence (the manual's table
of operators). What is no Nix raises `NotNixError` with the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from msgspec import Struct

# In this order: a comment and a path begin like operators, and `1.2.3` would be a number and a
# name.
_TOKEN = re.compile(
    r"""
    (?P<blank>(?:\s|\#[^\n]*|/\*.*?\*/)+)
    | (?P<unended>/\*)
    | (?P<path>(?:\.\.?|~)?/(?=[\w.])[\w.+/-]* | <[\w.+/-]+>)
    | (?P<name>[A-Za-z_][\w'-]*)
    | (?P<number>\d+\b(?![\w.]))
    | (?P<odd>\d[\w.]*)
    | (?P<quote>"|'')
    | (?P<operator>\.\.\.|->|\|\||&&|==|!=|<=|>=|//|\+\+|\S)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_STRING = re.compile(r'\\.|\$\$|\$\{|"|[^\\$"]+|\$', re.DOTALL)
_IN_INDENTED = re.compile(r"'''|''\$|''\\.|''|\$\$|\$\{|[^'$]+|'|\$", re.DOTALL)
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r"}
_CLOSES = {"{": "}", "(": ")", "[": "]"}
_KEYWORDS = frozenset({"then", "else", "in", "or", "inherit", "with", "assert"})
_RIGHT = frozenset({"->", "//", "++"})
_OPERATORS = "-> | || | && | == != | < > <= >= | // | ! | + - | * / | ++ | ?"
# The table of the manual from the weakest to the strongest; words in one cell bind alike.
_POWER: Mapping[str, int] = {
    word: power
    for power, words in enumerate(_OPERATORS.split(" | "), start=1)
    for word in words.split()
}
_NOT = _POWER["!"]
_MOST_NESTED = 60
_NESTED = f"at most {_MOST_NESTED} expressions in each other"


def _power(word: Token) -> int:
    """Return how strongly an operator between two operands binds, -1 where it is none."""
    return -1 if word.text == "!" else _POWER.get(word.text, -1)


class NotNixError(Exception):
    """The text is no Nix from `start` on: `wanted` says what was expected there."""

    def __init__(self, start: int, wanted: str) -> None:
        super().__init__(wanted)
        self.start, self.wanted = start, wanted


class Token(Struct, frozen=True):
    """A word: a name, number, text, path or operator, or the end.

    Of a string `text` is what it means, `whole` that nothing in it is computed.
    """

    kind: str
    text: str
    start: int
    end: int
    whole: bool = True


class Node(Struct, frozen=True, kw_only=True):
    """An expression. `text` is a name with its dots, a string, or an operator.

    `apply` has the function and its arguments, `if` condition and branches, `default` the two sides
    of `or`; a set has `bindings`, a function its body.
    """

    kind: Literal[
        "name", "text", "set", "list", "apply", "operator", "if", "function", "default", "other"
    ]
    start: int
    end: int
    text: str = ""
    parts: tuple[Node, ...] = ()
    bindings: tuple[Binding, ...] = ()


class Binding(Struct, frozen=True, kw_only=True):
    """`path = value;` in a set, or a name that is inherited and has no value here.

    None stands for a part of the path that is computed.
    """

    path: tuple[str | None, ...]
    start: int
    value: Node | None = None


class Tokens(Struct, frozen=True):
    """The words of a text with the index of the bracket that closes each that opens."""

    words: Sequence[Token]
    closing: Mapping[int, int]


def tokens_of(text: str) -> Tokens:
    """Return the words of a text, an `end` behind them.

    Raises:
        NotNixError: a string does not end, or brackets do not match.
    """
    words: list[Token] = []
    closing: dict[int, int] = {}
    opened: list[int] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup == "unended":
            raise NotNixError(at, "`*/` that ends the comment")
        kind, start, at = str(match.lastgroup), at, match.end()
        if kind == "blank":
            continue
        if kind == "quote":
            meant, at, whole = _string(text, at, match.group(), 0)
            words.append(Token("text", meant, start, at, whole))
            continue
        word = match.group()
        if kind == "operator" and word in _CLOSES:
            opened.append(len(words))
        elif kind == "operator" and word in _CLOSES.values():
            if not opened or _CLOSES[words[opened[-1]].text] != word:
                raise NotNixError(start, "no bracket that nothing opens")
            # Pairs are known before anything is parsed: a parameter pattern is told from a set by
            # the `:` behind its brace, however long it is.
            closing[opened.pop()] = len(words)
        words.append(Token("operator" if kind == "odd" else kind, word, start, at))
    if opened:
        raise NotNixError(words[opened[-1]].start, f"`{_CLOSES[words[opened[-1]].text]}` for this")
    return Tokens([*words, Token("end", "", len(text), len(text))], closing)


def _string(text: str, at: int, quote: str, depth: int) -> tuple[str, int, bool]:
    """Return what a string means, where it ends, and whether nothing in it is computed."""
    start, whole = at, True
    meant: list[str] = []
    pattern = _IN_STRING if quote == '"' else _IN_INDENTED
    while match := pattern.match(text, at):
        part, at = match.group(), match.end()
        if part == quote:
            return "".join(meant), at, whole
        if part == "${":
            # What `${…}` holds is code with strings and braces of its own: where it ends only its
            # words tell.
            at, whole = _computed(text, at, depth + 1), False
        elif quote == '"' and part[0] == "\\":
            meant.append(_ESCAPES.get(part, part[1]))
        elif part == "'''":
            meant.append("''")
        elif part.startswith("''"):
            meant.append(_ESCAPES.get(part[2:], part[-1]))
        else:
            meant.append(part)
    raise NotNixError(start, f"`{quote}` that ends the string")


def _computed(text: str, at: int, depth: int) -> int:
    """Return where `${…}` in a string ends."""
    start, level = at, 1
    while depth < _MOST_NESTED and (match := _TOKEN.match(text, at)):
        at = match.end()
        if match.lastgroup == "quote":
            _, at, _ = _string(text, at, match.group(), depth)
        level += {"{": 1, "}": -1}.get(match.group(), 0)
        if level == 0:
            return at
    raise NotNixError(start, "`}` that ends what is computed")


class Parser:
    """Expressions from some word on; `at` is the index of the next word."""

    def __init__(self, tokens: Tokens, at: int = 0) -> None:
        self._tokens, self.at = tokens, at
        self._depth = 0

    @property
    def word(self) -> Token:
        """The next word."""
        return self._tokens.words[self.at]

    def expression(self) -> Node:
        """Return the expression here.

        Raises:
            NotNixError: there is none.
        """
        with self._within(self.word.start):
            return self._expression()

    @contextmanager
    def _within(self, start: int, row: int = 0) -> Iterator[None]:
        """Read what is one level deeper; of a row of operators as deep as it is long."""
        self._depth += 1
        if max(self._depth, row) > _MOST_NESTED:
            raise NotNixError(start, _NESTED)
        try:
            yield
        finally:
            self._depth -= 1

    def bindings(self, end: str) -> tuple[Binding, ...]:
        """Return the bindings up to a word, which is passed."""
        found: list[Binding] = []
        while not self._is(end):
            found += self._binding()
        self.at += self.word.kind != "end"
        return tuple(found)

    def _is(self, text: str) -> bool:
        word = self.word
        if word.kind == "end":
            return text == ""
        return word.kind in ("operator", "name") and word.text == text

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise NotNixError(self.word.start, f"`{text}`")
        self.at += 1

    def _expression(self) -> Node:
        start = self.word.start
        if self._is("with") or self._is("assert"):
            self.at += 1
            self.expression()
            self._expect(";")
            return self.expression()
        if self._is("let"):
            self.at += 1
            self.bindings("in")
            return self.expression()
        if self._is("if"):
            parts = []
            for keyword in ("if", "then", "else"):
                self._expect(keyword)
                parts.append(self.expression())
            return Node(kind="if", start=start, end=parts[-1].end, parts=tuple(parts))
        behind = self._behind_pattern()
        if behind is not None:
            self.at = behind
            body = self.expression()
            return Node(kind="function", start=start, end=body.end, parts=(body,))
        return self._operation(0)

    def _behind_pattern(self) -> int | None:
        """Return the index behind `x:`, `{ a, b }:` or `{ a }@x:`; None: no function begins."""
        at, words = self.at, self._tokens.words
        # At most two parts, with `@` between them.
        for _ in range(2):
            if words[at].kind == "name" and words[at].text not in _KEYWORDS:
                at += 1
            elif words[at].text == "{" and words[at].kind == "operator":
                at = self._tokens.closing[at] + 1
            else:
                return None
            if words[at].text == ":" and words[at].kind == "operator":
                return at + 1
            if words[at].text != "@":
                return None
            at += 1
        return None

    def _operation(self, least: int) -> Node:
        if self._is("!"):
            start = self.word.start
            self.at += 1
            with self._within(start):
                operand = self._operation(_NOT)
            left = Node(kind="operator", text="!", start=start, end=operand.end, parts=(operand,))
        else:
            left = self._application()
        row = 0
        while self.word.kind == "operator" and _power(self.word) >= least:
            operator = self.word.text
            self.at += 1
            row += 1
            # A long row is as deep a tree to the left, which others walk by recursion.
            with self._within(left.start, row):
                # Precedence climbing: the right side takes what binds more strongly, of an operator
                # that groups to the right also its equals.
                right = self._operation(_POWER[operator] + (operator not in _RIGHT))
            left = Node(
                kind="operator", text=operator, start=left.start, end=right.end, parts=(left, right)
            )
        return left

    def _application(self) -> Node:
        parts = [self._selected()]
        while self._begins_operand():
            parts.append(self._selected())
        if len(parts) == 1:
            return parts[0]
        return Node(kind="apply", start=parts[0].start, end=parts[-1].end, parts=tuple(parts))

    def _begins_operand(self) -> bool:
        word = self.word
        if word.kind == "name":
            return word.text not in _KEYWORDS
        return word.kind in ("number", "text", "path") or (
            word.kind == "operator" and word.text in _CLOSES
        )

    def _selected(self) -> Node:
        """Return an operand with what is selected of it: `a.b`, `a.b or c`."""
        node = self._operand()
        while self._is("."):
            self.at += 1
            name = self._attribute()
            node = Node(
                kind="name",
                text=f"{node.text if node.kind == 'name' else ''}.{name or ''}",
                start=node.start,
                end=self._tokens.words[self.at - 1].end,
            )
        if self._is("or"):
            self.at += 1
            with self._within(node.start):
                other = self._selected()
            node = Node(kind="default", start=node.start, end=other.end, parts=(node, other))
        return node

    def _attribute(self) -> str | None:
        """Return the name of an attribute, None where it is computed."""
        word = self.word
        if self._is("$") and self._tokens.words[self.at + 1].text == "{":
            self.at = self._tokens.closing[self.at + 1] + 1
            return None
        if word.kind not in ("name", "text"):
            raise NotNixError(word.start, "a name")
        self.at += 1
        return word.text if word.whole else None

    def _operand(self) -> Node:
        word = self.word
        start = self.at
        if word.kind == "name" and word.text not in _KEYWORDS:
            self.at += 1
            if word.text == "rec" and self._is("{"):
                return self._operand()
            return Node(kind="name", text=word.text, start=word.start, end=word.end)
        if word.kind in ("number", "text", "path"):
            self.at += 1
            known = word.kind == "text" and word.whole
            return Node(
                kind="text" if known else "other", text=word.text, start=word.start, end=word.end
            )
        if word.kind != "operator" or word.text not in _CLOSES:
            raise NotNixError(word.start, "an expression")
        self.at += 1
        end = self._tokens.words[self._tokens.closing[start]].end
        if word.text == "(":
            node = self.expression()
            self._expect(")")
            return node
        with self._within(word.start):
            if word.text == "{":
                found = self.bindings("}")
                return Node(kind="set", start=word.start, end=end, bindings=found)
            items = []
            while not self._is("]"):
                items.append(self._selected())
            self.at += 1
            return Node(kind="list", start=word.start, end=end, parts=tuple(items))

    def _binding(self) -> list[Binding]:
        start = self.word.start
        if self._is("inherit"):
            self.at += 1
            if self._is("("):
                self._operand()
            found = []
            while not self._is(";"):
                at = self.word.start
                found.append(Binding(path=(self._attribute(),), start=at))
            self.at += 1
            return found
        path = [self._attribute()]
        while self._is("."):
            self.at += 1
            path.append(self._attribute())
        self._expect("=")
        value = self.expression()
        self._expect(";")
        return [Binding(path=tuple(path), start=start, value=value)]
