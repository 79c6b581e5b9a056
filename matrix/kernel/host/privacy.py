"""What of a machine may be shown and saved: the text that decides nothing is blanked out.

A command line holds UUIDs, addresses, host names, passwords; a `.config` holds paths, host names
and key files. Blanked characters become `x`, so that lengths, places and quotes stay, and with
them everything that the kernel's parsers make of the line.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from matrix.kernel.line.cmdline import SPACE

BLANK = "x"

_WORD = re.compile(rf"[^{SPACE}]+")
_STRING = re.compile(r'^(CONFIG_([A-Za-z0-9_]+)=)"((?:[^"\\\n]|\\.)*)"', re.MULTILINE)
# The one text symbol that decides something; it is a command line itself.
_CMDLINE_SYMBOL = "CMDLINE"


def private_command_line(text: str, known: AbstractSet[str]) -> str:
    """Return a command line in which only parameters in `known` keep their values.

    `known` are names as declared; `-` and `_` are equal. Of other parameters the name stays, of
    words inside of quotes nothing does. The line is one line: anything behind it is cut.
    """
    names = {name.replace("-", "_") for name in known}
    parts: list[str] = []
    end = 0
    quoted = False
    for match in _WORD.finditer(text):
        word = match.group()
        parts += (text[end : match.start()], _private_word(word, names, inside=quoted))
        quoted ^= word.count('"') % 2 == 1
        end = match.end()
    return "".join((*parts, text[end:]))


def _private_word(word: str, names: AbstractSet[str], *, inside: bool) -> str:
    name, equals, value = word.partition("=")
    if name.lstrip('"').rstrip('"').replace("-", "_") in names or word == "--":
        return word
    if inside:
        return _blank(word)
    return f"{name}{equals}{_blank(value)}"


def _blank(text: str) -> str:
    return "".join('"' if character == '"' else BLANK * _size(character) for character in text)


def _size(character: str) -> int:
    """Return how many bytes a character has: the kernel cuts the line by bytes."""
    return len(character.encode("utf-8", "surrogateescape"))


def private_config(text: str, known: AbstractSet[str]) -> str:
    """Return a `.config` whose texts are empty, but CONFIG_CMDLINE as a private command line."""

    def replace(match: re.Match[str]) -> str:
        if match[2] == _CMDLINE_SYMBOL:
            return f'{match[1]}"{private_command_line(match[3], known)}"'
        return f'{match[1]}""'

    return _STRING.sub(replace, text)
