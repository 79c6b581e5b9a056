"""The markers of generated blocks in a Markdown document, and what only looks like one.

Takes the text of a document, gives `Scan`: markers in order and what is wrong with others. Which
marker belongs to which is not known here (blocks.py). In code a marker is only text; what is code
markdown-it-py says. A marker with a slip (`<!-- matrix begin … -->`) is a comment like any other,
so that its block is never filled and never found stale; so is one in the comments of another
language than Markdown (`.. matrix:begin`). Both are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location, Severity, did_you_mean

_BYTE_ORDER_MARK = "\ufeff"
_NAME, _WORDS = "matrix", ("begin", "end")


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


class _Place(Struct, frozen=True, kw_only=True):
    """A line and the kind of block that it is in, a token's name of markdown-it-py.

    `opening` is the line with which that block begins.
    """

    line: Line
    kind: str
    opening: Line

    @property
    def is_code(self) -> bool:
        return self.kind in ("fence", "code_block")


class Marker(Struct, frozen=True, kw_only=True):
    """A marker that stands alone on its line: `begin` or `end`, and what follows the word.

    `column` is where `arguments` begin, counted from 1.
    """

    word: str
    arguments: str
    column: int
    indent: str
    line: Line


class Scan(Struct, frozen=True, kw_only=True):
    """What a document holds: markers, diagnostics, and lines of fenced code that look like markers.

    `in_code` pairs such a line with the line that opens its fence.
    """

    markers: tuple[Marker, ...]
    diagnostics: tuple[Diagnostic, ...]
    in_code: tuple[tuple[Line, Line], ...]


_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_MARKER = re.compile(
    r"(?P<indent>[ \t]*)<!--[ \t]*matrix:(?P<word>[^\s-]*)"
    r"(?P<arguments>(?:(?!-->).)*?)[ \t]*-->[ \t]*"
)
_LOOKS_LIKE_MARKER = re.compile(r"<!--[ \t]*matrix:")
_COMMENT = re.compile(r"<!--+[ \t]*(?P<name>[A-Za-z]+)[^A-Za-z>]*(?P<word>[A-Za-z]*)")
# A line that begins with a marker, after nothing but the opening of some comment: `//`, `#`, `{/*`,
# `[//]: # (`, `@c`, `[comment]: <> (`. Prose has words before it, or backticks around it.
_FOREIGN = re.compile(
    r"\W*(?:(?:c|comment|dnl|rem)\b\W*)?(?P<marker>matrix[ \t]*:[ \t]*(?:begin|end))\b",
    re.IGNORECASE,
)
# An escape, or a run of backticks with the code span that it opens, if any.
_CODE_SPAN = re.compile(r"\\.|(`+)(?!`)(?P<span>.*?[^`]\1(?!`))?")
# Names of Markdown documents; a text and a name without a suffix are read as Markdown too.
_MARKDOWN = frozenset(
    (".md", ".markdown", ".mdown", ".mdwn", ".mkd", ".mkdn", ".qmd", ".rmd", ".txt", "")
)
_TEMPLATES = frozenset((".in", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template"))
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)
_HINT = "write `<!-- matrix:begin STUDY -->` and `<!-- matrix:end -->`, each on a line of its own"
# Lists and quotations in one another; what is deeper is read as prose. The parser calls itself for
# each, so that a line of nothing but `>` must not exhaust the stack.
_DEEPEST_NESTING = 100


def lines(text: str) -> Iterator[Line]:
    """Return the lines of a document, cut where CommonMark cuts: not at a form feed."""
    start = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    number = 1
    while start < len(text):
        match = _LINE.match(text, start)
        if match is None:  # the pattern matches at every offset
            raise AssertionError(text[start:])
        yield Line(number=number, start=start, text=match[1], ending=match[2])
        start, number = match.end(), number + 1


def scan(text: str, file: str) -> Scan:
    """Return the markers of a document that are not in code, and what is wrong with them."""
    markers: list[Marker] = []
    diagnostics: list[Diagnostic] = []
    in_code: list[tuple[Line, Line]] = []
    for place in _places(text):
        if not _LOOKS_LIKE_MARKER.search(place.line.text):
            continue
        if place.kind == "fence":
            in_code.append((place.line, place.opening))
        elif not place.is_code:
            read = _read_marker(place, file)
            if isinstance(read, Marker):
                markers.append(read)
            elif read is not None:
                diagnostics.append(read)
    return Scan(markers=tuple(markers), diagnostics=tuple(diagnostics), in_code=tuple(in_code))


def missed_blocks(text: str, file: str, *, expected: bool) -> Iterator[Diagnostic]:
    """Yield what looks like a marker outside of code and is none (MX0812).

    Where a block is `expected` and none was found, any comment about a matrix may be meant as one;
    without such a comment the file itself is named.
    """
    found = list(_missed_markers(text, file, any_word=expected))
    yield from found
    if expected and not found:
        yield _warning("the document has no block to fill", Location(file=file))


def is_markdown(text: str, file: str) -> bool:
    """Tell whether a document is Markdown, whose comments and tables blocks are written in."""
    suffixes = [suffix.lower() for suffix in PurePath(file).suffixes]
    while suffixes and suffixes[-1] in _TEMPLATES:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix in (".txt", "") and _MARKUP.match(text.removeprefix(_BYTE_ORDER_MARK)):
        return False
    return suffix in _MARKDOWN


def foreign_markers(text: str, file: str) -> Iterator[Diagnostic]:
    """Yield an error for each marker that is none of Markdown, and is not filled (MX0814)."""
    markdown = is_markdown(text, file)
    read = [place.line for place in _places(text) if not place.is_code] if markdown else lines(text)
    for line in read:
        if markdown and "<!--" in line.text:
            continue  # a marker, or told as one with a slip
        marker = _FOREIGN.match(_without_code_spans(line.text))
        if marker is None:
            continue
        where = "no comment of Markdown" if markdown else "a document that is no Markdown"
        start, end = marker.span("marker")
        shown = line.text[:end].strip()
        yield Diagnostic(
            code="MX0814",
            message=f"`{shown}` stands in {where}: blocks are filled in Markdown only",
            location=line.place(file, start + 1, end - start),
            hint=f"in a Markdown file {_HINT}; in backticks it is text",
        )


@lru_cache(maxsize=4)
def _places(text: str) -> tuple[_Place, ...]:
    """Return the lines of a document with the innermost kind of block that each is in."""
    # Imported here: only documents with blocks need it.
    from markdown_it import MarkdownIt

    found = list(lines(text))
    kinds = [("", line) for line in found]
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST_NESTING}).disable("inline")
    for token in parser.parse(text.removeprefix(_BYTE_ORDER_MARK)):
        begin, end = token.map or (0, 0)
        if token.type in ("fence", "code_block", "html_block"):
            kinds[begin:end] = [(token.type, found[begin])] * len(kinds[begin:end])
        elif token.type == "inline":
            # A line that only goes on a paragraph is no code, but who reads the text takes it so.
            first = token.content.split("\n", 1)[0]
            edge = max(0, _expanded(found[begin]).find(first)) if token.level > 1 else 0
            for at in range(begin + 1, end):
                if not _expanded(found[at])[: edge + 4].strip(" "):
                    kinds[at] = ("code_block", found[at])
    return tuple(
        _Place(line=line, kind=kind, opening=opening)
        for line, (kind, opening) in zip(found, kinds, strict=True)
    )


def _expanded(line: Line) -> str:
    return line.text.expandtabs(4)


def _read_marker(place: _Place, file: str) -> Marker | Diagnostic | None:
    """Return the marker, what is wrong with it, or None where it stands in a code span."""
    line = place.line
    match = _MARKER.fullmatch(line.text) if place.kind == "html_block" else None
    if match is None:
        stray = _LOOKS_LIKE_MARKER.search(_without_code_spans(line.text))
        return _not_alone(line, file, stray.start()) if stray else None
    word, arguments = match["word"], match["arguments"]
    if word not in _WORDS or (arguments and not arguments[0].isspace()):
        written = word + (arguments.split()[0] if arguments[:1].strip() else "")
        return _unknown_word(line, file, written, match.start("word") + 1)
    if word == "end" and arguments.strip():
        return _superfluous(line, file, arguments, match.start("arguments") + 1)
    return Marker(
        word=word,
        arguments=arguments,
        column=match.start("arguments") + 1,
        indent=match["indent"],
        line=line,
    )


def _not_alone(line: Line, file: str, offset: int) -> Diagnostic:
    shown = line.text[offset:].strip()
    what = "alone" if "-->" in shown else "closed with `-->`"
    return Diagnostic(
        code="MX0807",
        message=f"the marker `{shown}` is not {what} on its line",
        location=line.place(file, offset + 1, len(shown)),
        hint="write `<!-- matrix:begin STUDY -->` or `<!-- matrix:end -->` on a line of its own; "
        "in backticks it is text",
    )


def _unknown_word(line: Line, file: str, word: str, column: int) -> Diagnostic:
    near = did_you_mean(word, _WORDS)
    known = "markers are `matrix:begin` and `matrix:end`"
    return Diagnostic(
        code="MX0807",
        message=f"unknown marker `matrix:{word}`",
        location=line.place(file, column, len(word)),
        hint=f"{near} {known}" if near else known,
    )


def _superfluous(line: Line, file: str, arguments: str, column: int) -> Diagnostic:
    shown = arguments.strip()
    return Diagnostic(
        code="MX0809",
        message=f"`matrix:end` takes no arguments, found `{shown}`",
        location=line.place(file, column + arguments.index(shown), len(shown)),
        hint="write `<!-- matrix:end -->`; what a block shows stands in its begin marker",
    )


def _without_code_spans(text: str) -> str:
    """Return a line of prose with spaces in place of its code, each column as it was."""
    return _CODE_SPAN.sub(lambda m: " " * len(m[0]) if m["span"] else m[0], text)


def _missed_markers(text: str, file: str, *, any_word: bool) -> Iterator[Diagnostic]:
    for place in _places(text):
        if place.is_code or "<!--" not in place.line.text:
            continue
        for comment in _COMMENT.finditer(_without_code_spans(place.line.text)):
            name, word = comment["name"].lower(), comment["word"].lower()
            if _LOOKS_LIKE_MARKER.match(comment[0]):
                continue  # a marker, or an error that was told
            near = bool(did_you_mean(name, (_NAME,))) and bool(did_you_mean(word, _WORDS))
            if near or (any_word and name.startswith(_NAME)):
                yield _warning(
                    f"`{comment[0]}` begins a comment, no marker",
                    place.line.place(file, comment.start() + 1, len(comment[0])),
                )


def _warning(message: str, location: Location) -> Diagnostic:
    return Diagnostic(
        code="MX0812",
        severity=Severity.WARNING,
        message=message,
        location=location,
        hint=_HINT,
    )
