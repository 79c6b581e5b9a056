"""The markers of generated blocks in a Markdown document.

Takes the text of a document, gives `Scan`: markers in order and what is wrong with others. Which
marker belongs to which is not known here (blocks.py). In code a marker is only text.
"""

from __future__ import annotations

import re

from msgspec import Struct

from matrix.diagnostics import Diagnostic, did_you_mean
from matrix.render.document_lines import Line, Place, places

_WORDS = ("begin", "end")


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


_MARKER = re.compile(
    r"(?P<indent>[ \t]*)<!--[ \t]*matrix:(?P<word>[^\s-]*)"
    r"(?P<arguments>(?:(?!-->).)*?)[ \t]*-->[ \t]*"
)
LOOKS_LIKE_MARKER = re.compile(r"<!--[ \t]*matrix:")
# An escape, or a run of backticks with the code span that it opens, if any.
CODE_SPAN = re.compile(r"\\.|(`+)(?!`)(?P<span>.*?[^`]\1(?!`))?")


def scan(text: str, file: str) -> Scan:
    """Return the markers of a document that are not in code, and what is wrong with them."""
    markers: list[Marker] = []
    diagnostics: list[Diagnostic] = []
    in_code: list[tuple[Line, Line]] = []
    for place in places(text):
        if not LOOKS_LIKE_MARKER.search(place.line.text):
            continue
        if place.fence is not None:
            in_code.append((place.line, place.fence))
        elif not place.is_code:
            read = _read_marker(place, file)
            if isinstance(read, Marker):
                markers.append(read)
            elif read is not None:
                diagnostics.append(read)
    return Scan(markers=tuple(markers), diagnostics=tuple(diagnostics), in_code=tuple(in_code))


def _read_marker(place: Place, file: str) -> Marker | Diagnostic | None:
    """Return the marker, what is wrong with it, or None where it stands in a code span."""
    line = place.line
    match = _MARKER.fullmatch(line.text) if place.is_free else None
    if match is None:
        prose = CODE_SPAN.sub(lambda m: " " * len(m[0]) if m["span"] else m[0], line.text)
        stray = LOOKS_LIKE_MARKER.search(prose)
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
