"""GitHub-flavoured Markdown from plain text: escaping, code spans, tables of one row a line.

Takes plain text from declarations and file names, which may hold anything; gives `Md`, text that
is already Markdown. The Markdown templates escape whatever is not `Md` (see environment.py), so
that forgetting to escape is not possible. Rules: CommonMark 0.31, section 2.4; GFM 0.29, section
4.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from matrix.render.document import CODE_IN_PROSE


class Md(str):
    """Text that is Markdown already and must not be escaped again."""

    __slots__ = ()


# Characters that open or close an inline construct. `<` and `&` are so only before what makes them
# a tag or an entity, `_` only at the edge of a word; the end of a value may stand before anything.
_INLINE = re.compile(r"[\\`*\[\]~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_MARKUP = re.compile(r"<(?=[A-Za-z/!?]|$)|&(?=[#A-Za-z]|$)|^>|(?<=--)>|(?<=--!)>")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What makes a line a heading, a list, an underline or a thematic break.
_LINE_START = re.compile(r"^(?:[#+=-]|\d{1,9}(?=[.)](?:\s|$)))")
# Control characters, marks that turn the direction of writing, and what UTF-8 cannot hold.
_CONTROL = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)


def plain(text: str) -> str:
    """Return the text on one line: white space collapsed, control characters made visible.

    The narrow no-break space of grouped numbers stays.
    """
    visible = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"[ \t\r\n\v\f\x85]+", " ", text))
    return visible.strip(" ")


def visible(line: str) -> str:
    """Return a line that is kept as it is, tabs too, its control characters made visible."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"[\r\n\v\f]", "\x00", line))


def escape(text: object) -> Md:
    """Return Markdown that shows exactly this text; `Md` comes back as it is."""
    if isinstance(text, Md):
        return text
    shown = _MARKUP.sub(lambda match: _ENTITIES[match[0]], plain(str(text)))
    shown = _INLINE.sub(lambda match: f"\\{match[0]}", shown)
    start = _LINE_START.match(shown)
    if start is None:
        return Md(shown)
    if start[0].isdigit():
        return Md(f"{start[0]}\\{shown[start.end() :]}")
    return Md(f"\\{shown}")


def code(text: str) -> Md:
    """Return a code span of the text; the empty text gives nothing, for there is no empty span."""
    shown = plain(text)
    if not shown:
        return Md("")
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return Md(f"{fence}{pad}{shown}{pad}{fence}")


def fenced(text: str, language: str) -> Md:
    """Return a fenced code block; lines are kept, control characters made visible."""
    lines = [visible(line) for line in _LINES.split(text)]
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Md("\n".join([f"{fence}{language}", *lines, fence]))


_LINES = re.compile(r"\r\n|[\n\r\v\f\x85]")


def joined(parts: Iterable[object], separator: str) -> Md:
    """Return the parts, each escaped unless it is `Md`, with a separator that is Markdown."""
    return Md(separator.join(escape(part) for part in parts))


def table(titles: Sequence[object], rows: Iterable[Sequence[object]], numbers: str = "") -> Md:
    """Return a table, one row a line and not padded: a changed row is one changed line.

    `numbers` has one letter a column, `r` for those set flush right (the rest, and columns
    beyond its end, are flush left). Raises ValueError where a row has another length than the
    header.
    """
    lines = [header(titles, numbers)]
    for cells in rows:
        if len(cells) != len(titles):
            raise ValueError(f"a row of {len(cells)} cells in a table of {len(titles)} columns")
        lines.append(row(cells))
    return Md("\n".join(lines))


def header(titles: Sequence[object], numbers: str = "") -> Md:
    """Return the first two lines of a table; `numbers` is that of `table`."""
    widths = numbers.ljust(len(titles), "l")
    rule = ["---:" if align == "r" else "---" for align in widths[: len(titles)]]
    return Md(f"{row(titles)}\n| {' | '.join(rule)} |")


def row(cells: Sequence[object]) -> Md:
    """Return a row of a table."""
    # A table is split at pipes before anything else is read, also inside code spans.
    return Md(f"| {' | '.join(escape(cell).replace('|', chr(92) + '|') for cell in cells)} |")


def prose(text: object) -> Md:
    """Return a sentence of ours as Markdown: what stands in backticks becomes code."""
    if isinstance(text, Md):
        return text
    parts = CODE_IN_PROSE.split(plain(str(text)))
    return Md("".join(code(part) if i % 2 else spaced(part) for i, part in enumerate(parts)))


def spaced(part: str) -> str:
    """Return a part of a sentence as Markdown: the space beside a code span belongs to it."""
    shown = escape(part)
    before = " " if part[:1] == " " else ""
    after = " " if part[-1:] == " " and shown else ""
    return f"{before}{shown}{after}"
