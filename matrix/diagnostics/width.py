"""How wide a line for a person may be, and what is said broken into such lines."""

from __future__ import annotations

import os
import sys

# Below and above this, lines are no longer good to read.
_NARROWEST, _WIDEST = 40, 100
# Where nobody tells.
_USUAL = 80


def terminal_width() -> int:
    """Return how many characters a line may have: the terminal's, within what is good to read."""
    # As shutil.get_terminal_size() does, which is imported with all that unpacks archives.
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns <= 0:
        try:
            columns = os.get_terminal_size(_standard_output()).columns or _USUAL
        except (AttributeError, ValueError, OSError):
            columns = _USUAL
    return min(max(columns, _NARROWEST), _WIDEST)


def _standard_output() -> int:
    """Return the number of standard output as the process was given it; ValueError: there is none.

    It may be closed, or none at all.
    """
    if sys.__stdout__ is None:
        raise ValueError("there is no standard output")
    return sys.__stdout__.fileno()


def speech_width() -> int | None:
    """Return how wide a line on standard error may be, None for as wide as it comes.

    As compilers have it (GCC's -fmessage-length): lines are broken for a person, so that standard
    error is a terminal or COLUMNS says what one has; for a log, an editor or `grep` a message is
    one line.
    """
    is_for_a_person = sys.stderr.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return terminal_width() if is_for_a_person else None


def laid_out(message: str, width: int) -> str:
    """Return a message with its lines broken at `width`, what continues one set in.

    Place and code of a diagnostic stay in one piece, and so does a command in backquotes. Excerpts,
    diffs and what is set in are shown, and not broken.
    """
    return "\n".join(
        line if len(line) <= width else _broken(line, width) for line in message.split("\n")
    )


# A private character: no message holds one, and no line is broken at it.
_HELD = "\ue000"
_INDENT = "  "
# What a line of an excerpt or of a diff begins with; a place may be `-` or an option.
_SHOWN = {" ", "+", "-", "@"}


def _broken(line: str, width: int) -> str:
    import re  # imported only where something is said: start-up is a feature
    import textwrap

    def held(found: re.Match[str]) -> str:
        text = found[0]
        return text.replace(" ", _HELD) if len(text) <= width - len(_INDENT) else text

    place = re.match(r".*?\b(?:error|warning|note)\[MX\d{4}\]:", line)
    if place is None and line[:1] in _SHOWN:
        return line
    head = place[0].replace(" ", _HELD) if place else ""
    rest = line[len(head) :]
    return textwrap.fill(
        head + re.sub(r"`[^`]*`[^\s`]*", held, rest),
        width,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace(_HELD, " ")
