"""The markers of generated blocks in a document, and what only looks like one.

Takes the text of a document and its form, gives `Scan`: markers in order and what is wrong with
others. Which marker belongs to which is not known here (blocks.py), nor what is code (places.py).
A marker with a slip (`<!-- matrix begin … -->`) is a comment like any other, so that its block is
never filled and never found stale; so is one in the comments of another form. Both are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location, did_you_mean
from matrix.render.document_forms import MARKDOWN, RST, Form, suffix_of, unknown_form_hint
from matrix.render.places import COMMENT, FENCE, Line, Place, lines, places

_NAME, _WORDS = "matrix", ("begin", "end")


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


class _Patterns(Struct, frozen=True, kw_only=True):
    """How a marker looks in a form: whole, its beginning, and the words of any comment."""

    marker: re.Pattern[str]
    beginning: re.Pattern[str]
    comment: re.Pattern[str]


@lru_cache
def _patterns(form: Form) -> _Patterns:
    opening, closing = re.escape(form.opening), re.escape(form.closing)
    # What only the end of a line closes begins a line, or stands behind other markup.
    before = "" if closing else r"(?:^|(?<=\s))"
    gap = r"[ \t]+" if form == RST else r"[ \t]*"
    inner = rf"(?:(?!{closing}).)*?" if closing else r".*?"
    return _Patterns(
        marker=re.compile(
            rf"(?P<indent>[ \t]*){opening}{gap}matrix:(?P<word>[^\s-]*)"
            rf"(?P<arguments>{inner})[ \t]*{closing}[ \t]*"
        ),
        beginning=re.compile(rf"{before}{opening}{gap}matrix:"),
        comment=re.compile(
            rf"{before}{opening}-*{gap}(?P<name>[A-Za-z]+)[^A-Za-z>]*(?P<word>[A-Za-z]*)"
        ),
    )


# A line that begins with a marker, after nothing but the opening of some comment: `//`, `#`, `{/*`,
# `[//]: # (`, `@c`, `[comment]: <> (`. Prose has words before it, or backticks around it.
_FOREIGN = re.compile(
    r"\W*(?:(?:c|comment|dnl|rem)\b\W*)?(?P<marker>matrix[ \t]*:[ \t]*(?:begin|end))\b",
    re.IGNORECASE,
)
# An escape, or a run of backticks with the code span that it opens, if any.
_CODE_SPAN = re.compile(r"\\.|(`+)(?!`)(?P<span>.*?[^`]\1(?!`))?")


def scan(text: str, file: str, form: Form = MARKDOWN) -> Scan:
    """Return the markers of a document that are not in code, and what is wrong with them."""
    markers: list[Marker] = []
    diagnostics: list[Diagnostic] = []
    in_code: list[tuple[Line, Line]] = []
    # Whether a comment of reStructuredText may begin: not right behind a line of text.
    apart = True
    for place in places(text, form):
        is_marker = False
        # A cheap look first: most lines of a document have no marker.
        if _patterns(form).beginning.search(place.line.text):
            if place.kind == FENCE:
                in_code.append((place.line, place.opening))
            elif not place.is_code:
                read = _read_marker(place, file, form, apart=apart)
                if isinstance(read, Marker):
                    markers.append(read)
                    is_marker = True
                elif read is not None:
                    diagnostics.append(read)
        apart = is_marker or not place.line.text.strip()
    return Scan(markers=tuple(markers), diagnostics=tuple(diagnostics), in_code=tuple(in_code))


def missed_blocks(
    text: str, file: str, form: Form | None = MARKDOWN, *, expected: bool
) -> Iterator[Diagnostic]:
    """Yield what looks like a marker outside of code and is none (MX0812).

    Where a block is `expected` and none was found, any comment about a matrix may be meant as one;
    without such a comment the file itself is named.
    """
    found = list(_missed_markers(text, file, form, any_word=expected)) if form else []
    yield from found
    if expected and not found:
        yield _warning(
            "the document has no block to fill",
            Location(file=file),
            _hint(form) if form else unknown_form_hint(file),
        )


def foreign_markers(text: str, file: str, form: Form | None = MARKDOWN) -> Iterator[Diagnostic]:
    """Yield an error for each marker that is none of the form, and is not filled (MX0814)."""
    read = (
        [place.line for place in places(text, form) if not place.is_code]
        if form and form.name != "html"
        else lines(text)
    )
    for line in read:
        if form and _is_comment(line.text, form):
            continue  # a marker, or told as one with a slip
        marker = _FOREIGN.match(_without_code_spans(line.text))
        if marker is None:
            continue
        start, end = marker.span("marker")
        shown = line.text[:end].strip()
        what = (
            f"no comment of {form.title}"
            if form
            else f"a document of a form that `{suffix_of(file)}` does not tell"
        )
        yield Diagnostic(
            code="MX0814",
            message=f"`{shown}` stands in {what}: it is not filled",
            location=line.place(file, start + 1, end - start),
            hint=f"{_hint(form)}; in backticks it is text" if form else unknown_form_hint(file),
        )


def _is_comment(text: str, form: Form) -> bool:
    return form.opening in text if form.closing else text.lstrip().startswith(form.opening)


def _hint(form: Form) -> str:
    return f"write `{form.begin}` and `{form.end}`, each on a line of its own"


def _read_marker(place: Place, file: str, form: Form, *, apart: bool) -> Marker | Diagnostic | None:
    """Return the marker, what is wrong with it, or None where it stands in a code span."""
    line = place.line
    patterns = _patterns(form)
    match = patterns.marker.fullmatch(line.text) if place.kind == COMMENT else None
    if match is None or (form.at_edge and match["indent"]):
        stray = patterns.beginning.search(_without_code_spans(line.text))
        return _not_alone(line, file, stray.start(), form) if stray else None
    if form == RST and not apart:
        return _within_paragraph(line, file, form)
    word, arguments = match["word"], match["arguments"]
    if word not in _WORDS or (arguments and not arguments[0].isspace()):
        written = word + (arguments.split()[0] if arguments[:1].strip() else "")
        return _unknown_word(line, file, written, match.start("word") + 1)
    if word == "end" and arguments.strip():
        return _superfluous(line, file, arguments, match.start("arguments") + 1, form)
    return Marker(
        word=word,
        arguments=arguments,
        column=match.start("arguments") + 1,
        indent=match["indent"],
        line=line,
    )


def _within_paragraph(line: Line, file: str, form: Form) -> Diagnostic:
    shown = line.text.strip()
    return Diagnostic(
        code="MX0807",
        message=f"`{shown}` stands right behind a line of text, so that it is no comment",
        location=line.place(file, line.text.index(shown) + 1, len(shown)),
        hint=f"leave a blank line before it: {form.title} begins a comment after one",
    )


def _not_alone(line: Line, file: str, offset: int, form: Form) -> Diagnostic:
    shown = line.text[offset:].strip()
    what = "not alone on its line"
    if form.closing and form.closing not in shown:
        what = f"not closed with `{form.closing}` on its line"
    elif form.at_edge:
        what = "not alone on its line, from its first column on"
    return Diagnostic(
        code="MX0807",
        message=f"the marker `{shown}` is {what}",
        location=line.place(file, offset + 1, len(shown)),
        hint=f"write `{form.begin}` or `{form.end}` on a line of its own; in backticks it is text",
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


def _superfluous(line: Line, file: str, arguments: str, column: int, form: Form) -> Diagnostic:
    shown = arguments.strip()
    return Diagnostic(
        code="MX0809",
        message=f"`matrix:end` takes no arguments, found `{shown}`",
        location=line.place(file, column + arguments.index(shown), len(shown)),
        hint=f"write `{form.end}`; what a block shows stands in its begin marker",
    )


def _without_code_spans(text: str) -> str:
    """Return a line of prose with spaces in place of its code, each column as it was."""
    return _CODE_SPAN.sub(lambda m: " " * len(m[0]) if m["span"] else m[0], text)


def _missed_markers(text: str, file: str, form: Form, *, any_word: bool) -> Iterator[Diagnostic]:
    patterns = _patterns(form)
    for place in places(text, form):
        if place.is_code or form.opening not in place.line.text:
            continue
        for comment in patterns.comment.finditer(_without_code_spans(place.line.text)):
            name, word = comment["name"].lower(), comment["word"].lower()
            if patterns.beginning.match(comment[0]):
                continue  # a marker, or an error that was told
            near = bool(did_you_mean(name, (_NAME,))) and bool(did_you_mean(word, _WORDS))
            if near or (any_word and name.startswith(_NAME)):
                yield _warning(
                    f"`{comment[0]}` begins a comment, no marker",
                    place.line.place(file, comment.start() + 1, len(comment[0])),
                    _hint(form),
                )


def _warning(message: str, location: Location, hint: str) -> Diagnostic:
    return Diagnostic.warning(code="MX0812", message=message, location=location, hint=hint)
