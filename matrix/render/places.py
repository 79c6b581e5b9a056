"""Where a comment may stand in a document, and where it would only be text: one reader a form.

Takes the text of a document, gives its lines, each with the kind of block that it is in. What is
code in Markdown markdown-it-py says, what is a comment in HTML the parser of the standard library.
Of reStructuredText and AsciiDoc only the blocks that hold no markup are known here, by the rules
of docutils' and Asciidoctor's documentation; the tests hold both to those programs.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html.parser import HTMLParser

from msgspec import Struct

from matrix.diagnostics import Location
from matrix.render.document_forms import ASCIIDOC, BYTE_ORDER_MARK, HTML, MARKDOWN, RST, Form

# Kinds of lines: where a comment may begin, prose, code in fences that may stay open, other code.
COMMENT, PROSE, FENCE, CODE = "comment", "prose", "fence", "code"
# Lists and quotations in one another; what is deeper is read as prose. The parser calls itself for
# each, so that a line of nothing but `>` must not exhaust the stack.
_DEEPEST_NESTING = 100


class Line(Struct, frozen=True, kw_only=True):
    """One line: `start` is the offset of `text` in the document, `ending` what ends the line.

    A byte order mark belongs to the document, not to its first line.
    """

    number: int
    start: int
    text: str
    ending: str

    def place(self, file: str, column: int, length: int) -> Location:
        """Return a place in this line; `column` counts from 1."""
        return Location(
            file=file, line=self.number, column=column, length=max(1, length), text=self.text
        )


class Place(Struct, frozen=True, kw_only=True):
    """A line, the kind of block that it is in, and the line with which that block begins."""

    line: Line
    kind: str
    opening: Line

    @property
    def is_code(self) -> bool:
        """Tell whether what looks like a comment is text here."""
        return self.kind in (FENCE, CODE)


_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")


def lines(text: str) -> Iterator[Line]:
    """Return the lines of a document, cut where CommonMark cuts: not at a form feed."""
    start = len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0
    number = 1
    while start < len(text):
        match = _LINE.match(text, start)
        if match is None:  # the pattern matches at every offset
            raise AssertionError(text[start:])
        yield Line(number=number, start=start, text=match[1], ending=match[2])
        start, number = match.end(), number + 1


@lru_cache(maxsize=8)
def places(text: str, form: Form) -> tuple[Place, ...]:
    """Return the lines of a document with the innermost kind of block that each is in."""
    found = list(lines(text))
    kinds = [(COMMENT, line) for line in found]
    if form == MARKDOWN:
        kinds = _in_markdown(found)
    elif form == HTML:
        kinds = _in_html(found)
    elif form in (RST, ASCIIDOC):
        opened = _opened_in_rst(found) if form == RST else _opened_in_asciidoc(found)
        for opening, line in opened:
            kinds[line.number - 1] = (FENCE if form == ASCIIDOC else CODE, opening)
    return tuple(
        Place(line=line, kind=kind, opening=opening)
        for line, (kind, opening) in zip(found, kinds, strict=True)
    )


# What MkDocs has besides: a head of one line, and a content four spaces further in.
_ADMONITION = re.compile(r'([ \t]*)(?:!!!|\?\?\?\+?|===[!+]?)(?=[ \t]+["\w])')


def _in_markdown(found: list[Line]) -> list[tuple[str, Line]]:
    # Imported here: only documents with blocks need it.
    from markdown_it import MarkdownIt

    kinds = [(PROSE, line) for line in found]
    # Inline markup decides nothing about blocks.
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST_NESTING}).disable("inline")
    for token in parser.parse("".join(map(_for_commonmark, found))):
        begin, end = token.map or (0, 0)
        if token.type in ("fence", "code_block", "html_block"):
            # To CommonMark a comment is an HTML block like any other.
            kind = {"fence": FENCE, "code_block": CODE, "html_block": COMMENT}[token.type]
            kinds[begin:end] = [(kind, found[begin])] * len(kinds[begin:end])
        elif token.type == "inline":
            # A line that only goes on a paragraph is no code, but who reads the text takes it so.
            first = token.content.split("\n", 1)[0]
            edge = max(0, _expanded(found[begin]).find(first)) if token.level > 1 else 0
            for at in range(begin + 1, end):
                if not _expanded(found[at])[: edge + 4].strip(" "):
                    kinds[at] = (CODE, found[at])
    return kinds


def _for_commonmark(line: Line) -> str:
    """Return a line in which the head of an admonition is an item with the same edge of content."""
    head = _ADMONITION.match(line.text)
    text = f"{head[1]}-   {line.text[head.end() :].lstrip()}" if head else line.text
    return text + line.ending


def _expanded(line: Line) -> str:
    return line.text.expandtabs(4)


class _Comments(HTMLParser):
    """Collects the numbers of the lines on which comments begin."""

    # In these everything is text; the parser itself knows all four only in newer releases.
    _RAW = frozenset(("script", "style", "textarea", "title"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.numbers: set[int] = set()
        self._raw: str | None = None

    def handle_comment(self, data: str) -> None:  # noqa: ARG002 - the parser calls it so
        if self._raw is None:
            self.numbers.add(self.getpos()[0])

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - likewise
        if self._raw is None and tag in self._RAW:
            self._raw = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._raw:
            self._raw = None


def _in_html(found: list[Line]) -> list[tuple[str, Line]]:
    parser = _Comments()
    try:
        parser.feed("\n".join(line.text for line in found))
        parser.close()
    except AssertionError:  # of a declaration that it does not know: nothing is left out
        return [(COMMENT, line) for line in found]
    return [(COMMENT if line.number in parser.numbers else CODE, line) for line in found]


# What stands before the text of a line of reStructuredText: bullets and numbers of lists.
_BULLETS = re.compile(r"[ \t]*(?:(?:[-*+•]|\(?(?:\d+|[A-Za-z]|#)[.)])[ \t]+)*")


def _edge(text: str) -> int:
    """Return the column at which the text of a line begins, behind the bullets of lists."""
    bullets = _BULLETS.match(text.expandtabs(8))
    return bullets.end() if bullets else 0


_EXPLICIT = re.compile(r"\.\.(?:[ \t]+|$)")
_DIRECTIVE = re.compile(r"\.\.[ \t]+(?:\|[^|]+\|[ \t]+)?(?P<name>[\w.+:-]*\w)[ \t]?::(?:[ \t]|$)")
_TARGET = re.compile(r"\.\.[ \t]+(?:_|\[|\|)")
# Directives whose content is text as it stands.
_LITERAL = frozenset(
    (
        *("code", "code-block", "sourcecode", "highlight", "literalinclude", "parsed-literal"),
        *("math", "raw", "csv-table", "prompt", "doctest", "testcode", "testoutput", "testsetup"),
        *("graphviz", "digraph", "graph", "kernel-render", "mermaid", "productionlist"),
    )
)


def _opened_in_rst(found: Iterable[Line]) -> Iterator[tuple[Line, Line]]:
    """Yield the lines of literal blocks and comments, each with the line that opens its block."""
    opening: Line | None = None
    indent = edge = 0
    # Of a literal block that is not indented: the mark of punctuation that begins each of its lines
    # (docutils' "quoted literal block"). Only a paragraph opens one, and a blank line ends it.
    quote = ""
    may_quote = behind_text = False
    for line in found:
        text = line.text.expandtabs(8)
        column = len(text) - len(text.lstrip())
        blank = not text.strip()
        if opening is not None:
            if quote:
                if text[edge:].startswith(quote) and column == edge:
                    yield opening, line
                    continue
            # A literal block goes on while lines are blank or indented further than what opened it.
            elif blank or column > edge:
                yield opening, line
                may_quote &= blank
                behind_text = False
                continue
            elif may_quote and not behind_text and column == edge and _is_mark(text[edge]):
                quote = text[edge]
                yield opening, line
                continue
            opening, quote = None, ""
        # Also from the column of a bullet: an item that goes on there is none, but a paragraph.
        goes_on = behind_text and column in (indent, edge)
        indent, edge = column, _edge(text)
        # Right behind the text of a paragraph nothing but more text of it begins.
        explicit = bool(_EXPLICIT.match(text[edge:])) and not goes_on
        behind_text = not blank and not explicit
        if _opens_literal(text[edge:].rstrip()) or (goes_on and text.rstrip().endswith("::")):
            opening, may_quote = line, not explicit


def _is_mark(character: str) -> bool:
    return character in string.punctuation


def _opens_literal(text: str) -> bool:
    if not _EXPLICIT.match(text):
        return text.endswith("::")
    directive = _DIRECTIVE.match(text)
    if directive is not None:
        return directive["name"] in _LITERAL
    return not _TARGET.match(text)


_DELIMITER = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,}|`{3}|[|,:!]={3,})")


def _opened_in_asciidoc(found: Iterable[Line]) -> Iterator[tuple[Line, Line]]:
    """Yield the lines of blocks without markup and of tables, with the line that opens each."""
    opening: Line | None = None
    mark = ""
    for line in found:
        text = line.text.rstrip()
        if opening is not None:
            yield opening, line
            if text == mark:
                opening = None
            continue
        delimiter = _DELIMITER.match(text)
        if delimiter is not None and (delimiter[1] in (text, "```")):
            opening, mark = line, delimiter[1]
            yield line, line
