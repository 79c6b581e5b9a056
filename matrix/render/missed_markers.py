"""What would be a marker of a block if it were written as one: `<!-- matrix begin … -->`.

A marker with a slip is a comment like any other, so that its block is never filled and never found
stale; so is one in the comments of another language than Markdown (`.. matrix:begin`). Takes the
text of a document, gives a warning for each of the first outside of code, an error for each of the
second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from matrix.diagnostics import Diagnostic, Location, Severity, did_you_mean
from matrix.render.document_lines import BYTE_ORDER_MARK, lines, places
from matrix.render.markers import CODE_SPAN, LOOKS_LIKE_MARKER

_NAME, _WORDS = "matrix", ("begin", "end")
_COMMENT = re.compile(r"<!--+[ \t]*(?P<name>[A-Za-z]+)[^A-Za-z>]*(?P<word>[A-Za-z]*)")
# A line that begins with a marker, after nothing but the opening of some comment: `//`, `#`, `{/*`,
# `[//]: # (`, `@c`, `[comment]: <> (`. Prose has words before it, or backticks around it.
_FOREIGN = re.compile(
    r"\W*(?:(?:c|comment|dnl|rem)\b\W*)?(?P<marker>matrix[ \t]*:[ \t]*(?:begin|end))\b",
    re.IGNORECASE,
)
# Names of Markdown documents; a text and a name without a suffix are read as Markdown too.
_MARKDOWN = frozenset(
    (".md", ".markdown", ".mdown", ".mdwn", ".mkd", ".mkdn", ".qmd", ".rmd", ".txt", "")
)
_TEMPLATES = frozenset((".in", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template"))
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)
_HINT = "write `<!-- matrix:begin STUDY -->` and `<!-- matrix:end -->`, each on a line of its own"


def missed_blocks(text: str, file: str, *, expected: bool) -> Iterator[Diagnostic]:
    """Yield what looks like a marker and is none (MX0812).

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
    if suffix in (".txt", "") and _MARKUP.match(text.removeprefix(BYTE_ORDER_MARK)):
        return False
    return suffix in _MARKDOWN


def foreign_markers(text: str, file: str) -> Iterator[Diagnostic]:
    """Yield an error for each marker that is not filled, since it is not one of Markdown."""
    markdown = is_markdown(text, file)
    found = (place.line for place in places(text) if not place.is_code) if markdown else lines(text)
    for line in found:
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


def _without_code_spans(text: str) -> str:
    """Return a line of prose with spaces in place of its code, each column as it was."""
    return CODE_SPAN.sub(lambda m: " " * len(m[0]) if m["span"] else m[0], text)


def _missed_markers(text: str, file: str, *, any_word: bool) -> Iterator[Diagnostic]:
    for place in places(text):
        if place.is_code or "<!--" not in place.line.text:
            continue
        for comment in _COMMENT.finditer(_without_code_spans(place.line.text)):
            name, word = comment["name"].lower(), comment["word"].lower()
            if LOOKS_LIKE_MARKER.match(comment[0]):
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
