"""What would be a marker of a block if it were written as one: `<!-- matrix begin … -->`.

A marker with a slip is a comment like any other, so that its block is never filled and never found
stale. Takes the text of a document, gives a warning for each such comment outside of code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrix.diagnostics import Diagnostic, Location, Severity, did_you_mean
from matrix.render.document_lines import places
from matrix.render.markers import CODE_SPAN, LOOKS_LIKE_MARKER

_NAME, _WORDS = "matrix", ("begin", "end")
_COMMENT = re.compile(r"<!--+[ \t]*(?P<name>[A-Za-z]+)[^A-Za-z>]*(?P<word>[A-Za-z]*)")
_HINT = "write `<!-- matrix:begin STUDY -->` and `<!-- matrix:end -->`, each on a line of its own"


def missed_blocks(text: str, file: str, *, blocks: int) -> Iterator[Diagnostic]:
    """Yield what looks like a marker and is none; without `blocks` and such, the file itself."""
    found = list(_missed_markers(text, file, any_word=not blocks))
    yield from found
    if not blocks and not found:
        yield _warning("the document has no block to fill", Location(file=file))


def _missed_markers(text: str, file: str, *, any_word: bool) -> Iterator[Diagnostic]:
    for place in places(text):
        if place.is_code or "<!--" not in place.line.text:
            continue
        prose = CODE_SPAN.sub(lambda m: " " * len(m[0]) if m["span"] else m[0], place.line.text)
        for comment in _COMMENT.finditer(prose):
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
