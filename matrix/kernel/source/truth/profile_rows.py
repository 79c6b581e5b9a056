"""A profile's YAML row by row: what is read, compared and put in place without its document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from matrix.kernel.source.truth.evidence import Evidence
from matrix.schema.values import KernelProfile

# The sections of a profile whose rows may be missing, and what a row of each is called in `open`.
SECTIONS = {
    "variables": "variable",
    "parameters": "parameter",
    "cpucaps": "cpucap",
    "functions": "function",
    "mechanisms": "mechanism",
}
# Those and the one whose rows are lines alone, which any profile has all of.
ALL_SECTIONS = {**SECTIONS, "operations": "operation"}
_SYMBOL = re.compile(r"^    (\w+): \{type: ")
_PREFIXES = re.compile(r"prefixes: \{([^}]*)\}")


class Other(Struct, frozen=True, kw_only=True):
    """Another profile with its YAML and what was recorded of its source."""

    text: str
    profile: KernelProfile
    evidence: Evidence


class ForeignRow(Struct, frozen=True, kw_only=True):
    """A row of another profile with its lines in this tree; `open` says what is not read of it."""

    section: str
    name: str
    text: str
    open: tuple[str, ...]


def rows(text: str, section: str) -> Iterator[tuple[str, str]]:
    """Yield (name, YAML) of the rows of a section, the comments above a row left out."""
    lines = text.splitlines(keepends=True)
    try:
        at = lines.index(f"{section}:\n") + 1
    except ValueError:
        return
    name, block = "", ""
    # A section ends with the next key in the first column, where comments may stand as well.
    while at < len(lines) and not lines[at][:1].isalpha():
        line = lines[at]
        at += 1
        if line.startswith("  ") and line[2:3] not in (" ", "#"):
            if name:
                yield name, block
            name, block = line.strip().partition(": ")[0].removesuffix(":"), line
        elif line.startswith("   ") and name:
            block += line
    if name:
        yield name, block


def symbol_lines(text: str) -> Mapping[str, str]:
    """Return the line of each Kconfig symbol that a profile declares."""
    found = (
        (match[1], line)
        for line in text.splitlines(keepends=True)
        if (match := _SYMBOL.match(line))
    )
    return dict(found)


def said_by(block: str) -> str:
    """Return what a row says: its YAML without sources, notes, comments, layout and word order."""
    # What is left is what the row decides; the rest is where it was read and how it is written.
    without = re.sub(r"(?m)^\s*#.*$", "", block)
    without = re.sub(r',? *(?:source|note|because): "(?:[^"\\]|\\.)*"', "", without)
    without = _PREFIXES.sub(lambda match: " ".join(sorted(match[1].split(", "))), without)
    return re.sub(r'[\s"{},]+', " ", without).strip()


def in_place_of(text: str, row: ForeignRow) -> str:
    """Return a profile's YAML with a row in the place of the one of its name."""
    block = dict(rows(text, row.section))[row.name]
    return text.replace(block, row.text, 1)


def with_row(text: str, row: ForeignRow) -> str:
    """Return a profile's YAML with a row at the end of its section."""
    lines = text.splitlines(keepends=True)
    at = lines.index(f"{row.section}:\n") + 1
    while at < len(lines) and not lines[at][:1].isalpha():
        at += 1
    # Comments and blank lines above the next section are that section's.
    while not lines[at - 1].strip() or lines[at - 1].startswith("#"):
        at -= 1
    return "".join((*lines[:at], row.text, *lines[at:]))
