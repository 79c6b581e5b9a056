"""What a citation `path:first-last` points at: named pieces of a file, and their words.

A piece is a function, a variable, a type, a macro, a macro call between functions, an entry of a
table, or a block of assembly; its name finds it again in a tree where the lines have moved. The
words of a piece are what counts of it: no comments, no white space, no attributes, local names
numbered in the order of their first use, what is only printed left out.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial

from msgspec import Struct

from matrix.expr.printer import to_c
from matrix.kernel.source.c.items import Item, is_attribute
from matrix.kernel.source.c.preprocessor import Guard, Macro
from matrix.kernel.source.c.source import CSource, local_names
from matrix.kernel.source.c.tokens import Token, matching, spell, tokenize

_STORAGE = frozenset({"static", "inline", "extern", "__inline", "__inline__"})
# Texts that only people read. After a condition or an object they stand second.
_PRINTS = re.compile(
    r"pr_\w+|kvm_(?:info|err|debug)|kvm_pr_\w+|vcpu_(?:unimpl|err|debug)|_?_?printk\w*|trace_printk"
    r"|panic|early_panic|die|BUILD_BUG_ON_MSG|MODULE_(?:PARM_DESC|DESCRIPTION|AUTHOR|VERSION)"
    r"|WARN(?:_ONCE|_TAINT|_RATELIMIT)?|dev_(?:err|warn|info|notice|dbg)\w*|static_assert|_Static_assert"
    r"|compiletime_assert|seq_printf|seq_puts"
)
_ASSERTS = re.compile(
    r"BUILD_BUG_ON_MSG|WARN(?:_ONCE|_TAINT|_RATELIMIT)?|static_assert|_Static_assert"
    r"|compiletime_assert"
)
# Members of tables that only name a row: struct arm64_cpu_capabilities, struct midr_range.
_DESCRIBES = frozenset({"desc", "description"})
_ASSEMBLY = re.compile(r"^[^\S\n]*(?:\.macro\s|SYM_\w{0,40}START\w{0,40}\(|ENTRY\()", re.MULTILINE)
_BLOCK_BEGINS = re.compile(
    r"[ \t]*(?:\.macro[ \t]+(?P<macro>\w+)|(?:SYM_\w{0,40}START\w{0,40}|ENTRY)\((?P<name>\w+)\))"
)
_BLOCK_ENDS = re.compile(
    r"[ \t]*\.endm|(?:SYM_\w{0,40}END\w{0,40}|ENDPROC|END|ENDPIPROC)\((?P<name>\w+)\)"
)


class Piece(Struct, frozen=True, kw_only=True):
    """A named piece of a file. `words` are what counts; `units` are its statements.

    Each unit is (index of its first word, index after its last). Lines count from 1.
    """

    name: str
    line: int
    last_line: int
    guard: Guard
    words: tuple[Token, ...]
    original: tuple[str, ...]
    units: tuple[tuple[int, int], ...]

    @property
    def digest(self) -> str:
        """16 hex digits over the words and the conditions they stand under."""
        # An empty word between: conditions `a` and words `b c` must not hash as conditions `a b`,
        # word `c`.
        return _hash((*map(to_c, self.guard), "", *(word.text for word in self.words)), 16)

    @property
    def unit_digests(self) -> tuple[str, ...]:
        """4 hex digits for each statement, local names numbered anew in each."""
        return tuple(
            _hash(_renumbered(word.text for word in self.words[first:end]), 4)
            for first, end in self.units
        )

    @property
    def line_of_first_word(self) -> int:
        """The line of the first word that counts."""
        return self.words[0].line

    def says(self, first: int, last: int) -> str:
        """Return words as a reader knows them, on one line, cut to what fits one."""
        text = spell(self.original[first : last + 1])
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]} …"

    def first_word(self, line: int) -> int:
        """Return the index of the first word on or after a line; the last word if none is."""
        after = (index for index, word in enumerate(self.words) if word.line >= line)
        return next(after, max(0, len(self.words) - 1))

    def last_word(self, line: int) -> int:
        """Return the index of the last word on or before a line; the first word if none is."""
        before = [index for index, word in enumerate(self.words) if word.line <= line]
        return before[-1] if before else 0


# Of a statement as it is recorded and shown: enough to know it again.
_LONGEST = 160


class Pieces:
    """The pieces of a file by name; of most only name and lines are ever read."""

    def __init__(self, outlines: Iterable[Outline]) -> None:
        self._outlines: dict[str, Outline] = {}
        self._read: dict[str, Piece] = {}
        of_name: dict[str, int] = {}
        for outline in outlines:
            name = outline.name
            number = of_name.get(name, 1)
            # Two definitions under `#if` and `#else` are `function f` and `function f #2`; the
            # number found last is kept, or a file of one name would be quadratic.
            while name in self._outlines:
                number += 1
                name = f"{outline.name} #{number}"
            of_name[outline.name] = number
            self._outlines[name] = outline

    def get(self, name: str) -> Piece | None:
        """Return a piece by name, None where there is none."""
        if name not in self._outlines:
            return None
        if name not in self._read:
            self._read[name] = self._outlines[name].read(name)
        return self._read[name]

    def at(self, first: int, last: int) -> tuple[Piece, ...]:
        """Return the pieces that a citation points at, in the order of the file.

        Declarations of what is defined elsewhere count only where nothing else is cited; of a
        table, its entries, unless the citation covers the whole.
        """
        # Of a table that is cited in part only the touched entries, of one that is cited whole only
        # the table: `in_part` are the former.
        touched = {
            name: outline
            for name, outline in self._outlines.items()
            if outline.line <= last and outline.last_line >= first
        }
        in_part = {
            outline.table
            for outline in touched.values()
            if outline.table and not (first <= outline.table[1] and last >= outline.table[2])
        }
        kept = [
            name
            for name, outline in touched.items()
            if (outline.table in in_part if outline.table else outline.as_table not in in_part)
        ]
        defined = [name for name in kept if not name.startswith("declaration ")]
        found = [piece for name in defined or kept if (piece := self.get(name)) is not None]
        return tuple(sorted(found, key=lambda piece: piece.line))


@lru_cache(maxsize=512)
def pieces(source: CSource) -> Pieces:
    """Return the pieces of a file of C or assembly."""
    return Pieces(_outlines(source))


# The name, first and last line of a table.
_Table = tuple[str, int, int]


class Outline(Struct, frozen=True, kw_only=True):
    """A piece that is not read yet. An entry has the table it belongs to, a table itself."""

    name: str
    line: int
    last_line: int
    read: Callable[[str], Piece]
    table: _Table | None = None
    as_table: _Table | None = None


def _outlines(source: CSource) -> Iterator[Outline]:
    for macro in source.preprocessed.macros:
        yield Outline(
            name=f"macro {macro.name}",
            line=macro.line,
            last_line=macro.last_line,
            read=partial(_macro, source, macro),
        )
    if _ASSEMBLY.search(source.preprocessed.without_comments):
        yield from _blocks(source)
    # Where the assembly is left after `#ifdef __ASSEMBLY__` was blanked, the file is a `.S`.
    if _ASSEMBLY.search(source.preprocessed.text):
        return  # no C at all
    for item in source.items:
        yield from _item(source, item)


def _item(source: CSource, item: Item) -> Iterator[Outline]:
    name = f"{item.kind} {item.name}"
    if item.kind == "call" and item.arguments:
        name += f"({spell(item.arguments[0])})"
    table = (item.name, item.line, item.last_line)
    entries = source.table(item) if item.kind == "variable" else ()
    yield Outline(
        name=name,
        line=item.line,
        last_line=item.last_line,
        read=partial(_read_item, source, item),
        as_table=table if entries else None,
    )
    for entry in entries:
        key = entry.field("capability") or entry.field("name") or next(iter(entry.values), "{}")
        yield Outline(
            name=f"entry {item.name} {key}",
            line=entry.line,
            last_line=entry.last_line,
            read=partial(_read_words, source, entry.tokens, entry.guard, ()),
            table=table,
        )


def _read_item(source: CSource, item: Item, name: str) -> Piece:
    local = local_names(source, item) if item.kind == "function" else ()
    return _read_words(source, item.tokens, item.guard, local, name)


def _macro(source: CSource, macro: Macro, name: str) -> Piece:
    # From the text, not from `macro.replacement`: that one has lost its lines.
    lines = source.preprocessed.without_comments.split("\n")[macro.line - 1 : macro.last_line]
    text = "\n".join(line.removesuffix("\\") for line in lines)
    return _from_words(name, tokenize(text, macro.line), macro.guard, macro.parameters or ())


def _blocks(source: CSource) -> Iterator[Outline]:
    """Yield the macros and functions of assembly; one that does not end is none."""
    lines = source.preprocessed.without_comments.split("\n")
    # First all ends, then each beginning looks its own up: a file of beginnings without an end
    # would otherwise be read once for each.
    ends: dict[str | None, list[tuple[int, int]]] = {}  # by name, of macros by None: line, column
    for number, line in enumerate(lines):
        if end := _BLOCK_ENDS.match(line):
            ends.setdefault(end["name"], []).append((number, end.end()))
    at = 0
    for number, line in enumerate(lines):
        begin = _BLOCK_BEGINS.match(line) if number >= at else None
        if begin is None:
            continue
        of_kind = ends.get(begin["name"], [])
        following = bisect_right(of_kind, (number, len(line)))
        if following == len(of_kind):
            continue
        last, column = of_kind[following]
        at = last + 1
        text = "\n".join((*lines[number:last], lines[last][:column]))
        yield Outline(
            name=f"assembly {begin['macro'] or begin['name']}",
            line=number + 1,
            last_line=last + 1,
            read=partial(_read_block, source, text, number + 1),
        )


def _read_block(source: CSource, text: str, line: int, name: str) -> Piece:
    return _from_words(
        name, tokenize(text, line), source.preprocessed.guards[line], (), by_line=True
    )


def _read_words(
    source: CSource, tokens: Sequence[Token], guard: Guard, local: Iterable[str], name: str
) -> Piece:
    """Read the words anew, with the directives that the items leave out."""
    first, last = tokens[0], tokens[-1]
    text = source.preprocessed.without_comments[first.offset : last.offset + len(last.text)]
    return _from_words(name, tokenize(text, first.line), guard, local)


def _from_words(
    name: str, words: Sequence[Token], guard: Guard, local: Iterable[str], *, by_line: bool = False
) -> Piece:
    # Before a definition it only says how it is linked; in a body `static` makes a difference.
    head = next((at for at, word in enumerate(words) if word.text in ("{", "=")), len(words))
    kept = [
        word
        for at, word in enumerate(words)
        if not (is_attribute(word.text) or (at < head and word.text in _STORAGE))
    ] or list(words)
    return Piece(
        name=name,
        line=words[0].line,
        last_line=words[-1].line,
        guard=guard,
        words=tuple(_normalised(kept, frozenset(local))),
        original=tuple(word.text for word in kept),
        units=tuple(_units(kept, by_line=by_line)),
    )


def _normalised(words: Sequence[Token], local: frozenset[str]) -> Iterator[Token]:
    # Renaming a local variable changes nothing; members of that name are other words.
    numbers: dict[str, int] = {}
    read = _read_by_people(words)
    for index, word in enumerate(words):
        before = words[index - 1].text if index else ""
        if word.kind == "name" and word.text in local and before not in (".", "->"):
            number = numbers.setdefault(word.text, len(numbers))
            yield word._replace(text=f"${number}")
        elif index in read:
            yield word._replace(text='""')
        else:
            yield word


def _read_by_people(words: Sequence[Token]) -> set[int]:
    """Return the strings that are only printed, or describe an entry of a table."""
    found: set[int] = set()
    for index, word in enumerate(words[:-1]):
        if word.kind != "name":
            continue
        following = words[index + 1].text
        if _PRINTS.fullmatch(word.text) and following == "(":
            end = matching(words, index + 1)
            start = index + 1
            # What is asserted stands before its text, and is no text for people.
            if _ASSERTS.fullmatch(word.text):
                start = _first_comma(words, index + 1, end)
            found.update(_strings(words, start, end))
        elif word.text in _DESCRIBES and following == "=" and words[index - 1].text == ".":
            end = next(
                (at for at in range(index + 2, len(words)) if words[at].kind != "string"),
                len(words),
            )
            found.update(_strings(words, index + 2, end))
    return found


def _first_comma(words: Sequence[Token], opening: int, end: int) -> int:
    """Return where the first argument ends: what it compares is no text for people."""
    at = opening + 1
    while at < end and words[at].text != ",":
        at = matching(words, at) + 1 if words[at].text in ("(", "[", "{") else at + 1
    return at


def _strings(words: Sequence[Token], start: int, end: int) -> Iterator[int]:
    return (at for at in range(start, end) if words[at].kind == "string")


def _renumbered(words: Iterable[str]) -> list[str]:
    numbers: dict[str, int] = {}
    return [
        f"${numbers.setdefault(word, len(numbers))}" if word.startswith("$") else word
        for word in words
    ]


def _units(words: Sequence[Token], *, by_line: bool) -> Iterator[tuple[int, int]]:
    """Yield statements: up to `;`, `{` or `}` outside of parentheses; lines in assembly."""
    start = depth = 0
    for index, word in enumerate(words):
        depth += (word.text in "([") - (word.text in ")]")
        last = index + 1 == len(words)
        if by_line:
            ends = last or words[index + 1].line > word.line
        else:
            # A comma outside of brackets ends a row of an initialiser, which is a statement of a
            # table.
            ends = last or (depth <= 0 and word.text in (";", "{", "}", ","))
        if ends:
            yield start, index + 1
            start = index + 1


def _hash(words: Iterable[str], digits: int) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:digits]
