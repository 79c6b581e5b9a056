"""Which lines of a mail belong to a quoted text, and what the reply says between them.

A reply quotes with `> `, `>` or both mixed, once per level. Within a patch no line begins with `>`,
so the marks in front of a diff's own words tell the level and the style of all lines of that patch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct, field

from matrix.kernel.patch.mail import Line

_MARKS = re.compile(r"(?:> ?)*")
_SIGNATURE = ("--", "-- ")


class Level(Struct, frozen=True):
    """How a text is quoted: so many marks, the last of them followed by a space or not."""

    depth: int
    spaced: bool = True

    def content(self, text: str) -> str | None:
        """Return what a line of this level says; None for a line of another level."""
        at = 0
        for number in range(self.depth):
            # A blank line of a quoted text may have lost the space at its end.
            if text[at : at + 1] != ">":
                return None
            at += 1
            # Marks may be `>>` or `> >`; only the style of the last one tells whether a space
            # belongs to it or to the text.
            last = number == self.depth - 1
            if text[at : at + 1] == " " and (self.spaced or not last):
                at += 1
        rest = text[at:]
        return None if rest.startswith(">") else rest

    def column(self, text: str) -> int:
        """Return the 1-based column of the content of a line."""
        return len(text) - len(self.content(text) or "") + 1


class Comment(Struct, frozen=True, kw_only=True):
    """A paragraph that a reply puts between quoted lines, on the lines `number` to `last`.

    `above` is the quoted text it follows.
    """

    number: int
    last: int
    text: str
    above: tuple[Line, ...]


def level_of(text: str, rest: str) -> Level:
    """Return the level of a line whose content is known to be `rest`."""
    marks = text[: len(text) - len(rest)]
    return Level(depth=marks.count(">"), spaced=marks.endswith(" "))


def marks_of(text: str) -> str:
    """Return the quote marks at the beginning of a line."""
    found = _MARKS.match(text)
    return found.group() if found else ""


class _Reply(Struct):
    comments: list[Comment] = field(default_factory=list)
    above: list[Line] = field(default_factory=list)
    own: list[Line] = field(default_factory=list)

    def close(self) -> None:
        if self.own and self.above:
            self.comments.append(
                Comment(
                    number=self.own[0].number,
                    last=self.own[-1].number,
                    text=" ".join(line.text.strip() for line in self.own),
                    above=tuple(self.above),
                )
            )
        self.own = []


def comments_on(lines: Sequence[Line], level: Level) -> tuple[Comment, ...]:
    """Return what the reply says about a text quoted at a level, up to its signature."""
    if not level.depth:
        return ()
    reply = _Reply()
    fresh = True
    for line in lines:
        quoted = level.content(line.text)
        if quoted is not None:
            reply.close()
            if fresh:
                reply.above, fresh = [], False
            if quoted.strip():
                reply.above.append(Line(number=line.number, text=quoted))
        elif line.text in _SIGNATURE:
            break
        elif text := line.text.removeprefix(marks_of(line.text)).strip():
            # Of an outer level: this reply's own words, or those of a reply that it quotes.
            reply.own.append(Line(number=line.number, text=text))
            fresh = True
        else:
            reply.close()
    reply.close()
    return tuple(reply.comments)
