"""The pieces of a Kconfig file that a citation may point at: entries, choices, single statements.

The grammar is that of Documentation/kbuild/kconfig-language.rst. A citation of an entry's first
line is of the whole entry, one of a later line of that statement alone (`select X` of an entry with
hundreds). What counts of an entry are its statements and the conditions of the blocks it stands
in; prompts, help texts and comments are only read by people, and the order of dependencies and of
selections has no meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from msgspec import Struct

from matrix.kernel.source.c.tokens import Token
from matrix.kernel.source.truth.anchors import Outline, Piece

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|&&|\|\||[!<>]?=|[()!<>]|\$\(|[^\s()"\'!<>=&|]+')
_DEFINED_WITH_DEFAULT = {"def_bool": "bool", "def_tristate": "tristate"}
_PROMPTED = ("bool", "tristate", "int", "hex", "string", "prompt", "menu", "comment", "choice")
_BLOCKS = {"if": "endif", "menu": "endmenu", "choice": "endchoice"}
# The order of statements of one kind counts only for these.
_ORDERED = ("default", "range")
_ENTRIES = ("config", "menuconfig")
# What a block adds to all that stands in it.
_CONDITIONS = ("if", "depends", "visible")


class _Statement(Struct, frozen=True, kw_only=True):
    """One line, its continuations joined: its words, the prompt's text left out."""

    line: int
    last_line: int
    words: tuple[str, ...]
    original: tuple[str, ...]

    @property
    def keyword(self) -> str:
        return self.words[0]


class _Block(Struct, kw_only=True):
    """An entry or a block: its head, its own statements, and the blocks around it."""

    head: _Statement
    around: tuple[_Block, ...]
    own: list[_Statement]
    members: list[str]


def outlines(text: str) -> Iterator[Outline]:
    """Yield the pieces of a Kconfig file."""
    for block in _blocks(text):
        head = block.head
        name = f"{head.keyword} {head.words[1]}" if head.keyword in _ENTRIES else ""
        if head.keyword == "choice" and block.members:
            name = f"choice of {block.members[0]}"
        if not name:
            continue
        table = (name, head.line, head.line)
        last = max(item.last_line for item in (head, *block.own))
        yield Outline(
            name=name, line=head.line, last_line=last, read=partial(_whole, block), as_table=table
        )
        for statement in block.own:
            named = 2 if statement.keyword in ("select", "imply") else 1
            which = " ".join(statement.words[:named])
            yield Outline(
                name=f"`{which}` of {name}",
                line=statement.line,
                last_line=statement.last_line,
                read=partial(_alone, statement),
                table=table,
            )


def _blocks(text: str) -> Iterator[_Block]:
    """Yield entries and choices, each once all its statements are known."""
    stack: list[_Block] = []
    entry: _Block | None = None
    found: list[_Block] = []
    for statement in _statements(text):
        keyword = statement.keyword
        if keyword in _ENTRIES and len(statement.words) > 1:
            entry = _Block(head=statement, around=tuple(stack), own=[], members=[])
            found.append(entry)
            choices = [block for block in stack if block.head.keyword == "choice"]
            for choice in choices[-1:]:
                choice.members.append(statement.words[1])
        elif keyword in _BLOCKS:
            entry = _Block(head=statement, around=tuple(stack), own=[], members=[])
            found += [entry] if keyword == "choice" else []
            stack.append(entry)
            # A block of `if` has no statements of its own; those of a menu or choice follow its
            # head.
            if keyword == "if":
                entry = None
        elif keyword in _BLOCKS.values():
            entry = None
            del stack[-1:]
        elif keyword in ("source", "comment", "mainmenu"):
            entry = None
        elif entry is not None:
            entry.own.append(statement)
    yield from found


def _statements(text: str) -> Iterator[_Statement]:
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        first, line = index, lines[index]
        while line.endswith("\\") and index + 1 < len(lines):
            index += 1
            line = line[:-1] + " " + lines[index]
        index += 1
        words = _words(line)
        if words[:1] in (["help"], ["---help---"]):
            index = _after_help(lines, index)
            continue
        for part in _parts(words):
            yield _Statement(
                line=first + 1,
                last_line=index,
                words=tuple(_without_prompt(part)),
                original=tuple(part),
            )


def _after_help(lines: list[str], index: int) -> int:
    """Return where a help text ends: at a line less indented than its first one."""
    least = None
    while index < len(lines):
        line = lines[index].expandtabs()
        if line.strip():
            indent = len(line) - len(line.lstrip())
            # The lexer's rule: the first line's indentation is the text's
            # (scripts/kconfig/lexer.l).
            least = indent if least is None else least
            if indent < least or indent == 0:
                return index
        index += 1
    return index


def _words(line: str) -> list[str]:
    words = []
    for match in _WORD.finditer(line):
        if match.group().startswith("#"):
            break
        words.append(match.group())
    return words


def _parts(words: list[str]) -> Iterator[list[str]]:
    """Yield the statements of a line: `def_bool y` is a type and a default."""
    # Keywords are small letters: an assignment of a macro (`cc-option = …`) is no statement of an
    # entry.
    if not words or not re.fullmatch(r"[a-z_]+", words[0]):
        return
    kind = _DEFINED_WITH_DEFAULT.get(words[0])
    if kind is None:
        yield words
    else:
        yield [kind]
        yield ["default", *words[1:]]


def _without_prompt(words: list[str]) -> Iterator[str]:
    for index, word in enumerate(words):
        is_prompt = index == 1 and words[0] in _PROMPTED and word[:1] in "\"'"
        yield '""' if is_prompt else word


def _whole(block: _Block, name: str) -> Piece:
    line = block.head.line
    around = [
        statement
        for outer in block.around
        for statement in (outer.head, *_sorted(outer.own))
        if statement.keyword in _CONDITIONS
    ]
    members = [
        _Statement(line=line, last_line=line, words=(word,), original=(word,))
        for word in block.members
    ]
    # The words around stand on the entry's own line: that they have moved is nothing of it.
    rows = [(statement, line) for statement in around]
    rows += [(statement, statement.line) for statement in (block.head, *_sorted(block.own))]
    rows += [(statement, line) for statement in members]
    last = max(statement.last_line for statement in (block.head, *block.own))
    return _piece(name, rows, line, last)


def _alone(statement: _Statement, name: str) -> Piece:
    return _piece(name, [(statement, statement.line)], statement.line, statement.last_line)


def _sorted(statements: list[_Statement]) -> list[_Statement]:
    def key(statement: _Statement) -> tuple[str, tuple[str, ...]]:
        ordered = statement.keyword in _ORDERED
        return statement.keyword, () if ordered else statement.words

    return sorted(statements, key=key)


def _piece(name: str, rows: list[tuple[_Statement, int]], line: int, last_line: int) -> Piece:
    words: list[Token] = []
    original: list[str] = []
    units: list[tuple[int, int]] = []
    for statement, at in rows:
        start = len(words)
        words += (Token(kind="name", text=word, line=at, offset=0) for word in statement.words)
        original += statement.original
        units.append((start, len(words)))
    return Piece(
        name=name,
        line=line,
        last_line=last_line,
        guard=(),
        words=tuple(words),
        original=tuple(original),
        units=tuple(units),
    )
