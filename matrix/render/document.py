"""A document: what is said and in which order, before it has a form.

A renderer makes one of what a flow found, a writer (`matrix/render/writers`) gives it as text,
Markdown, HTML or reStructuredText. A sentence of ours is a `str` in which backticks stand around
code; what comes from declarations, and may hold anything, is a tuple of `Run`s. A no-break space
keeps words on one line of a text; the other writers make a space of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

NO_BREAK = "\N{NO-BREAK SPACE}"
# Code in a sentence of ours: backticks close around it.
CODE_IN_PROSE = re.compile(r"`([^`\s](?:[^`]*[^`\s])?)`")


class Run(Struct, frozen=True):
    """Text of one style, shown as it is whatever it holds.

    A `verdict` is the word of one: a terminal shows it in its colour. What is `small` are remarks
    behind a text. There, and in what is `strong`, words of code stand in backticks.
    """

    text: str
    style: Literal["plain", "code", "verdict", "strong", "small"] = "plain"


Inline = str | tuple[Run, ...]


class Badge(Struct, frozen=True, kw_only=True):
    """A name, a verdict, and how many have it (`in 3 of 12 cells`), which may be empty."""

    name: str
    verdict: str
    share: str = ""


class Paragraph(Struct, frozen=True, kw_only=True):
    """One paragraph, in a text `indent` columns further in.

    What can hold a picture shows the `badge` in place of the text.
    """

    text: Inline
    indent: int = 0
    badge: Badge | None = None


class Code(Struct, frozen=True, kw_only=True):
    """Lines that are never broken, in a text `indent` columns further in.

    `quoted` lines are those of a mail that is answered, with the quote marks they have there.
    """

    text: str
    language: str = ""
    indent: int = 0
    quoted: bool = False


class Table(Struct, frozen=True, kw_only=True):
    """A header and rows of as many cells; `align` has one letter a column, `l` or `r`.

    Columns beyond its end are flush left. Where the cells are `answers`, many columns have equal
    ones: a text that is too narrow for the table names each answer of a row once.
    """

    header: tuple[Inline, ...]
    rows: tuple[tuple[Inline, ...], ...]
    align: str = ""
    answers: bool = False


class Item(Struct, frozen=True, kw_only=True):
    """An item of a list with a list of its own beneath, which has no order."""

    text: Inline
    items: tuple[Inline | Item, ...]


class List(Struct, frozen=True, kw_only=True):
    """Items, in a text one beneath the other and `indent` columns further in.

    Where it is `ordered` they are numbered from 1.
    """

    items: tuple[Inline | Item, ...]
    indent: int = 0
    ordered: bool = False


class Definition(Struct, frozen=True, kw_only=True):
    """A short term, what is said of it, and notes beneath."""

    term: str
    text: Inline
    notes: tuple[Inline, ...] = ()


class Definitions(Struct, frozen=True, kw_only=True):
    """Terms with what is said of each, a column of terms and one of texts; `header` names both.

    In a text the terms are set flush right if `align` is `r`, in a column of at least `width`
    characters that begins `indent` columns further in; there it has no header.
    """

    items: tuple[Definition, ...]
    header: tuple[str, str, str]
    align: str = "l"
    width: int = 0
    indent: int = 2


class Section(Struct, frozen=True, kw_only=True):
    """Blocks that belong together, in a text without blank lines; the title may be empty."""

    title: Inline = ""
    blocks: tuple[Block, ...]


Block = Paragraph | Code | Table | List | Definitions | Section


class Document(Struct, frozen=True, kw_only=True):
    """A title and blocks; `lead` are sentences that stand before everything else."""

    title: Inline
    blocks: tuple[Block, ...]
    lead: tuple[Inline, ...] = ()


def as_table(block: Definitions) -> Table:
    """Return definitions as a table of terms, texts and notes."""
    rows = (
        (plain(item.term), item.text, joined(item.notes, "; ") if item.notes else "")
        for item in block.items
    )
    return Table(header=block.header, rows=tuple(rows), align=block.align)


def item_parts(item: Inline | Item) -> tuple[Inline, tuple[Inline | Item, ...]]:
    """Return the text of an item and the items beneath it."""
    return (item.text, item.items) if isinstance(item, Item) else (item, ())


def strong(text: str) -> tuple[Run, ...]:
    """Return text that stands out."""
    return (Run(text, "strong"),)


def code(text: str) -> tuple[Run, ...]:
    """Return text that is code; nothing for the empty text."""
    return (Run(text, "code"),) if text else ()


def verdict_word(verdict: str) -> tuple[Run, ...]:
    """Return the word of a verdict."""
    return (Run(str(verdict), "verdict"),)


def plain(text: str) -> tuple[Run, ...]:
    """Return text in which backticks are backticks."""
    return (Run(text),)


def runs(text: Inline) -> tuple[Run, ...]:
    """Return the runs of a text, those of a sentence split at its backticks."""
    if not isinstance(text, str):
        return text
    # A pattern with one group splits into text, code, text, … : every second part is code.
    parts = CODE_IN_PROSE.split(text)
    return tuple(Run(part, "code" if i % 2 else "plain") for i, part in enumerate(parts) if part)


def joined(parts: Iterable[Inline], separator: str) -> tuple[Run, ...]:
    """Return texts with a separator between."""
    found: list[Run] = []
    for part in parts:
        found += [*([Run(separator)] if found else []), *runs(part)]
    return tuple(found)
