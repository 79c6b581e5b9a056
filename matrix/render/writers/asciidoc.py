"""A document as AsciiDoc, as Asciidoctor and Antora take it.

Its title is a section, so that the text can stand inside of another document. What is markup in
AsciiDoc is written as a character reference: backslashes there depend on what stands around.
https://docs.asciidoctor.org/asciidoc/latest/subs/, and of the constructs that begin a line
https://docs.asciidoctor.org/asciidoc/latest/blocks/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from matrix.render.document import (
    CODE_IN_PROSE,
    NO_BREAK,
    Block,
    Code,
    Definitions,
    Document,
    Inline,
    Item,
    List,
    Paragraph,
    Section,
    Table,
    as_table,
    item_parts,
    runs,
)
from matrix.render.markdown import plain, visible

# The deepest section that AsciiDoc has is of level 5, with six marks.
_DEEPEST = 6
# What opens inline markup, macros, links and attributes; what becomes a dash, an arrow or a sign.
_MARKUP = re.compile(
    r"[*`#^~+{\[|\\]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_|&(?=[#A-Za-z])|<(?=[<=-])|(?<=[<=-])>"
    r"|(?<=-)-|(?<=\.\.)\.|(?<=\()\(|\((?=(?:C|R|TM)\))|:(?=//)|(?<=:):|(?<=\S)@"
)
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
# The end of a character reference before a semicolon would be the mark of a description list.
_SEMICOLON = re.compile(r"(?<=;);")
# What makes of a line a title, a list, a delimiter, a comment or an admonition; after escaping.
_LINE_START = re.compile(r"[-=.:,/>'<!%•]|\w+[.)](?=\s|$)|[A-Z]+:(?=\s)")
# Read before blocks are, so also inside of a listing; a backslash keeps it as it is.
_DIRECTIVE = re.compile(r"^(?=(?:include|ifdef|ifndef|ifeval|endif)::)", re.MULTILINE)
_CALLOUT = re.compile(r"<(?:\d+|\.)>|<!--(?:\d+|\.)-->")
# Code between one mark at each side stands between these.
_BEFORE_CODE = re.compile(r"(?:^|[\s(])$")
_AFTER_CODE = re.compile(r"$|[\s.,;)?!]")


def write(document: Document) -> str:
    """Return a document as AsciiDoc; its title is a section of the first level."""
    parts = [*map(_paragraph, document.lead), f"== {inline(document.title)}"]
    return "\n\n".join([*parts, fragment(document.blocks)]) + "\n"


def fragment(blocks: Iterable[Block]) -> str:
    """Return blocks as they stand in a document."""
    return "\n\n".join(part for block in blocks for part in _parts(block, 3))


def _parts(block: Block, level: int) -> Iterator[str]:
    match block:
        case Paragraph(text=text):
            yield _paragraph(text)
        case Code():
            yield _listing(block)
        case Table():
            yield _table(block)
        case List(items=items, ordered=ordered):
            yield "\n".join(_items(items, "." if ordered else "*"))
        case Definitions():
            yield _table(as_table(block))
        case Section(title=title, blocks=blocks):
            if title:
                yield f"{'=' * min(level, _DEEPEST)} {inline(title)}"
            for item in blocks:
                yield from _parts(item, level + 1)


def _items(items: Iterable[Inline | Item], mark: str) -> Iterator[str]:
    """Yield the lines of a list; another mark is beneath an item."""
    for item in items:
        text, beneath = item_parts(item)
        yield f"{mark} {_paragraph(text)}"
        yield from _items(beneath, "*" if mark == "." else f"{mark}*")


def _listing(block: Code) -> str:
    mark = "> " if block.quoted else ""
    lines = [f"{mark}{visible(line)}".rstrip() for line in block.text.rstrip("\n").split("\n")]
    text = _DIRECTIVE.sub(r"\\", "\n".join(lines))
    # Longer than any line of dashes inside, which would close it.
    fence = "-" * max([4, *(len(run) + 1 for run in re.findall("^-{4,}$", text, re.MULTILINE))])
    words = ["source", *([block.language] if block.language else [])]
    if _CALLOUT.search(text):
        words.append("subs=specialchars")
    attributes = [f"[{','.join(words)}]"] if len(words) > 1 else []
    return "\n".join([*attributes, fence, text, fence])


def _table(table: Table) -> str:
    """Return a table with a cell a line: it needs no widths, and a change is one line."""
    sides = table.align.ljust(len(table.header), "l")[: len(table.header)]
    columns = ",".join(">" if side == "r" else "<" for side in sides)
    rows = ["\n".join(f"|{inline(cell)}" for cell in row) for row in (table.header, *table.rows)]
    return "\n".join([f'[cols="{columns}",options="header"]', "|===", "\n\n".join(rows), "|==="])


def _paragraph(text: Inline) -> str:
    shown = inline(text)
    return f"{{empty}}{shown}" if _LINE_START.match(shown) else shown


def inline(text: Inline) -> str:
    """Return a text with its styles."""
    ours = isinstance(text, str)
    parts: list[tuple[str, str]] = []
    for run in runs(text):
        shown = visible(re.sub(r"\s+", " ", run.text.replace(NO_BREAK, " ")))
        mark = _MARKS.get(run.style, "") if plain(shown) else ""
        if mark == "*":
            shown = CODE_IN_PROSE.sub(r"\1", shown)
        parts.append((_escaped(plain(shown) if mark else shown, ours=ours and not mark), mark))
    line = ""
    for number, (shown, mark) in enumerate(parts):
        after = parts[number + 1][0] if number + 1 < len(parts) else ""
        apart = _BEFORE_CODE.search(line) and _AFTER_CODE.match(after)
        # One mark counts only at the edge of a word; two count anywhere.
        around = mark if apart else mark * 2
        line += f"{around}{shown}{around}"
    return _SEMICOLON.sub("&#59;", line.strip())


_MARKS = {"code": "`", "strong": "*"}


def _escaped(text: str, *, ours: bool) -> str:
    shown = _MARKUP.sub(_reference, text)
    return shown if ours else _APOSTROPHE.sub(_reference, shown)


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
