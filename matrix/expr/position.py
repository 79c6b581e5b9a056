"""Where a piece of an expression stands in its file, for diagnostics with an exact caret."""

from __future__ import annotations

import re

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location

# Longer words are cut in messages: a damaged file may hold one of megabytes.
_SHOWN_CHARACTERS = 40


def shown(text: str) -> str:
    """Return a word of the input as messages quote it: short, and nothing that is not printable."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in cut
    )


def locate(text: str, file: str, offset: int, length: int) -> Location:
    """Return the place of some characters of a text."""
    before = text[:offset]
    start = before.rfind("\n") + 1
    end = text.find("\n", start)
    line = text[start:] if end < 0 else text[start:end]
    column = offset - start + 1
    return Location(
        file=file,
        line=before.count("\n") + 1,
        column=column,
        length=max(1, min(length, len(line) - column + 1)),
        text=line.encode("utf-8", "replace").decode("utf-8"),
    )


class Source(Struct, frozen=True):
    """The text of an expression and the place its first character has in a file, where known."""

    text: str
    start: Location | None

    def diagnostic(
        self, code: str, message: str, offset: int, length: int = 1, *, hint: str | None = None
    ) -> Diagnostic:
        """Return a diagnostic whose caret marks `length` characters from `offset` of the text."""
        return Diagnostic(
            code=code, message=message, location=self._locate(offset, length), hint=hint
        )

    def at_word(self, code: str, message: str, word: str, *, hint: str | None = None) -> Diagnostic:
        """Return a diagnostic at the first use of a word, at the whole text where it has none."""
        # Not inside of a longer name: `x` must not be underlined in `mechanism.x`.
        found = re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", self.text) if word else None
        if found is None:
            return self.diagnostic(code, message, 0, len(self.text), hint=hint)
        return self.diagnostic(code, message, found.start(), len(word), hint=hint)

    def _locate(self, offset: int, length: int) -> Location:
        before = self.text[:offset]
        row = before.count("\n")
        column = offset - (before.rfind("\n") + 1)
        shown = self.text.split("\n")[row].rstrip("\r")
        # A word of several lines is marked to the end of its first; the end of the text has width
        # 1.
        length = max(1, min(length, len(shown) - column))
        start = self.start
        if start is None:
            return Location(
                file="<expression>", line=row + 1, column=column + 1, length=length, text=shown
            )
        line = max(1, start.line) + row
        if row == 0 and start.text is not None:
            found = _align(start.text, start.column - 1, shown, column)
            if found is not None:
                return Location(
                    file=start.file, line=line, column=found + 1, length=length, text=start.text
                )
        # The file's own line is not known here. A block of YAML is indented like its first line,
        # so the expression is quoted behind as much space: line, column and caret agree.
        indent = max(0, start.column - 1)
        return Location(
            file=start.file,
            line=line,
            column=indent + column + 1,
            length=length,
            text=" " * indent + shown,
        )


def _align(line: str, start: int, text: str, column: int) -> int | None:
    r"""Return the index in `line` of `text[column]`, where `text` begins at `start`.

    The line is as the file has it: an opening quote may stand first, `"` may be written `\"` and
    `'` may be written `''` (the two quoting styles of YAML). None: the text is not there.
    """
    at = start
    if line[at : at + 1] in ("'", '"') and not text.startswith(line[at]):
        at += 1
    # Nothing was escaped before it, as nearly always.
    if line.startswith(text[:column], at):
        return at + column
    for character in text[:column]:
        if line[at : at + 2] in (f"\\{character}", "''" if character == "'" else None):
            at += 1
        if line[at : at + 1] != character:
            return None
        at += 1
    return at
